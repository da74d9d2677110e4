"""Grants."""

from typing import Any

from lakemill.engines.keys import GrantMissing, Key, Keys
from lakemill.engines.keys.grants import Grant, TooManyGrants
from lakemill.services.base import Call, ServiceError, operation
from lakemill.services.kms import views
from lakemill.services.kms.names import check_tokens, dry, invalid, key_of, scope_of

_ANY_KEY = {"CreateGrant", "RetireGrant", "DescribeKey"}
OPERATIONS = {
    ("ENCRYPT_DECRYPT", False): {
        *("Encrypt", "Decrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "GenerateDataKeyPair"),
        *("GenerateDataKeyPairWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo"),
    },
    ("ENCRYPT_DECRYPT", True): {"Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo", "GetPublicKey"},
    ("SIGN_VERIFY", True): {"Sign", "Verify", "GetPublicKey"},
    ("GENERATE_VERIFY_MAC", False): {"GenerateMac", "VerifyMac"},
    ("KEY_AGREEMENT", True): {"DeriveSharedSecret", "GetPublicKey"},
}
"""What a grant can be about, by a key's usage and whether it is asymmetric."""


class GrantOperations:
    """Mixin. Needs self.keys."""

    keys: Keys

    @operation("CreateGrant")
    async def create_grant(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        key = key_of(self.keys, call, request["KeyId"], by_alias=False)
        self.keys.usable(key)
        check_tokens(self.keys, call, request)
        grantee = _one_of(request, "GranteePrincipal", "GranteeServicePrincipal")
        if not grantee:
            raise invalid("GranteePrincipal or GranteeServicePrincipal must be given.")
        allowed = OPERATIONS[key.usage, key.spec.asymmetric] | _ANY_KEY
        if wrong := [one for one in request["Operations"] if one not in allowed]:
            raise invalid(f"Grant operations {', '.join(wrong)} are not valid for keys of spec {key.spec_name}.")
        constraints = request.get("Constraints", {})
        if "SourceArn" in constraints:
            raise invalid("Constraints.SourceArn is refused: lakemill does not provide it yet.")
        if constraints and (key.spec.asymmetric or key.usage != "ENCRYPT_DECRYPT"):
            raise invalid("Encryption context constraints are for symmetric encryption keys only.")
        dry(request)
        try:
            grant = await self.keys.grants.create(
                key,
                grantee,
                request["Operations"],
                issuer=call.account,
                name=request.get("Name", ""),
                retirer=_one_of(request, "RetiringPrincipal", "RetiringServicePrincipal"),
                context_equals=constraints.get("EncryptionContextEquals"),
                context_subset=constraints.get("EncryptionContextSubset"),
            )
        except TooManyGrants as error:
            raise ServiceError("LimitExceededException", str(error)) from None
        return {"GrantToken": grant.token, "GrantId": grant.id}

    @operation("ListGrants")
    def list_grants(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        key = key_of(self.keys, call, request["KeyId"], by_alias=False)
        wanted = _one_of(request, "GranteePrincipal", "GranteeServicePrincipal")
        if "GrantId" in request:
            found = [_grant(self.keys, key, request["GrantId"])]
        else:
            found = list(self.keys.grants.all(key.scope, key.id))
        grants = [(one.id, views.grant(one)) for one in found if not wanted or one.grantee == wanted]
        return views.listed(grants, request, "Grants", 50)

    @operation("ListRetirableGrants")
    def list_retirable_grants(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        retirer = _one_of(request, "RetiringPrincipal", "RetiringServicePrincipal")
        if not retirer:
            raise invalid("RetiringPrincipal or RetiringServicePrincipal must be given.")
        found = [one for one in self.keys.grants.all(scope_of(call)) if one.retirer == retirer]
        return views.listed([(f"{one.key_id}/{one.id}", views.grant(one)) for one in found], request, "Grants", 50)

    @operation("RetireGrant")
    async def retire_grant(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        grant = retired(self.keys, call, request)
        dry(request)
        await self.keys.grants.delete(grant)
        return {}

    @operation("RevokeGrant")
    async def revoke_grant(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        key = key_of(self.keys, call, request["KeyId"], by_alias=False)
        grant = _grant(self.keys, key, request["GrantId"])
        dry(request)
        await self.keys.grants.delete(grant)
        return {}


def retired(keys: Keys, call: Call, request: dict[str, Any]) -> Grant:
    """The grant that is to be retired, named by its token, or by key and id."""
    if "GrantToken" in request:
        if "KeyId" in request or "GrantId" in request:
            raise invalid("Give GrantToken, or KeyId and GrantId.")
        try:
            return keys.grants.with_token(scope_of(call), request["GrantToken"])
        except GrantMissing:
            raise ServiceError("InvalidGrantTokenException", "") from None
    if "KeyId" not in request or "GrantId" not in request:
        raise invalid("Give GrantToken, or KeyId and GrantId.")
    return _grant(keys, key_of(keys, call, request["KeyId"], by_alias=False), request["GrantId"])


def _grant(keys: Keys, key: Key, grant_id: str) -> Grant:
    try:
        return keys.grants.find(key.scope, key.id, grant_id)
    except GrantMissing:
        raise ServiceError("NotFoundException", f"Grant ID {grant_id} not found") from None


def _one_of(request: dict[str, Any], person: str, service: str) -> str:
    if person in request and service in request:
        raise invalid(f"Give {person} or {service}, not both.")
    found: str = request.get(person) or request.get(service) or ""
    return found
