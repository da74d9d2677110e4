"""What calls need: the key's policy decides, with grants as further statements of it."""

from collections.abc import Mapping
from typing import Any

from lakemill.engines.keys import Key, Keys
from lakemill.engines.keys.engine import located
from lakemill.engines.keys.grants import Grant
from lakemill.services.base import Call, Need, ServiceError
from lakemill.services.keyaccess import key_need, principal_of
from lakemill.services.kms.crypto import blob_of, maker_of
from lakemill.services.kms.grants import retired
from lakemill.services.kms.names import alias_arn, key_of, scope_of

CONDITIONS = {
    "EncryptionAlgorithm": "kms:EncryptionAlgorithm",
    "SigningAlgorithm": "kms:SigningAlgorithm",
    "MacAlgorithm": "kms:MacAlgorithm",
    "MessageType": "kms:MessageType",
    "KeyPairSpec": "kms:DataKeyPairSpec",
    "KeyAgreementAlgorithm": "kms:KeyAgreementAlgorithm",
    "PendingWindowInDays": "kms:ScheduleKeyDeletionPendingWindowInDays",
    "RotationPeriodInDays": "kms:RotationPeriodInDays",
    "BypassPolicyLockoutSafetyCheck": "kms:BypassPolicyLockoutSafetyCheck",
    "GranteePrincipal": "kms:GranteePrincipal",
    "RetiringPrincipal": "kms:RetiringPrincipal",
    "Operations": "kms:GrantOperations",
}
"""Members of requests that conditions can ask for."""

ACCOUNT_WIDE = ("CreateKey", "ListKeys", "ListAliases", "GenerateRandom", "ListRetirableGrants")


def needs(keys: Keys, call: Call, request: dict[str, Any]) -> list[Need]:
    """What a call needs. A key or ciphertext that is not there needs nothing: the call ends with an error anyway."""
    try:
        return _needs(keys, call, request)
    except ServiceError:
        return [Need(f"kms:{call.operation}", _named(call, request))]


def _needs(keys: Keys, call: Call, request: dict[str, Any]) -> list[Need]:
    extra = _conditions(request)
    name = call.operation
    if name in ACCOUNT_WIDE and not (name == "ListAliases" and "KeyId" in request):
        if name == "CreateKey":
            extra |= {
                "kms:KeySpec": request.get("KeySpec", request.get("CustomerMasterKeySpec", "SYMMETRIC_DEFAULT")),
                "kms:KeyUsage": request.get("KeyUsage", "ENCRYPT_DECRYPT"),
                "kms:KeyOrigin": request.get("Origin", "AWS_KMS"),
                "kms:MultiRegion": request.get("MultiRegion", False),
            }
        return [Need(f"kms:{name}", "*", extra)]
    if name in ("CreateAlias", "UpdateAlias", "DeleteAlias"):
        return _alias_needs(keys, call, request, extra)
    if name == "ReEncrypt":
        return _reencrypt_needs(keys, call, request, extra)
    if name == "RetireGrant":
        return [_retire_need(keys, call, retired(keys, call, request))]
    if name == "Decrypt" and "KeyId" not in request:
        maker = maker_of(keys, blob_of(request))
        if maker is None:
            return []
        key = maker
    else:
        key = key_of(keys, call, request["KeyId"])
        if request["KeyId"].rpartition(":")[2].startswith("alias/"):
            extra["kms:RequestAlias"] = located(scope_of(call), request["KeyId"])[1]
    return [_need(keys, call, key, name, request.get("EncryptionContext"), extra)]


def _need(
    keys: Keys, call: Call, key: Key, name: str, context: Mapping[str, str] | None, extra: Mapping[str, Any]
) -> Need:
    return key_need(keys, key, name, context, caller=call.account, extra=extra)


def _conditions(request: dict[str, Any]) -> dict[str, Any]:
    found = {key: request[member] for member, key in CONDITIONS.items() if member in request}
    if tags := {tag["TagKey"]: tag["TagValue"] for tag in request.get("Tags", ())}:
        found |= {f"aws:RequestTag/{name}": value for name, value in tags.items()} | {"aws:TagKeys": list(tags)}
    elif names := request.get("TagKeys"):
        found["aws:TagKeys"] = list(names)
    if "Constraints" in request:
        found["kms:GrantConstraintType"] = next(iter(request["Constraints"]), "")
    return found


def _alias_needs(keys: Keys, call: Call, request: dict[str, Any], extra: Mapping[str, Any]) -> list[Need]:
    """The alias, and every key it points to before or after."""
    scope, name = scope_of(call), request["AliasName"]
    concerned = []
    if "TargetKeyId" in request:
        concerned.append(key_of(keys, call, request["TargetKeyId"]))
    if call.operation != "CreateAlias" and keys.aliases.find(scope, name) is not None:
        concerned.append(keys.resolve(scope, name))
    found = [Need(f"kms:{call.operation}", alias_arn(scope, name), extra)]
    return found + [_need(keys, call, key, call.operation, None, extra) for key in concerned]


def _reencrypt_needs(keys: Keys, call: Call, request: dict[str, Any], extra: Mapping[str, Any]) -> list[Need]:
    target = key_of(keys, call, request["DestinationKeyId"])
    if "SourceKeyId" in request:
        source: Key | None = key_of(keys, call, request["SourceKeyId"])
    else:
        source = maker_of(keys, blob_of(request))
    same = source is not None and source.id == target.id
    extra = {**extra, "kms:ReEncryptOnSameKey": same}
    found = [_need(keys, call, target, "ReEncryptTo", request.get("DestinationEncryptionContext"), extra)]
    if source is not None:
        found.append(_need(keys, call, source, "ReEncryptFrom", request.get("SourceEncryptionContext"), extra))
    return found


def _retire_need(keys: Keys, call: Call, grant: Grant) -> Need:
    """Who may retire a grant: its retiring principal, its grantee if that is one of the operations, the account."""
    key = keys.with_id(grant.scope, grant.key_id)
    need = _need(keys, call, key, "RetireGrant", None, {})
    who = [grant.retirer] if grant.retirer else []
    who += [grant.grantee] if "RetireGrant" in grant.operations else []
    who.append(f"arn:aws:iam::{grant.issuer}:root")
    statements = [
        {"Effect": "Allow", "Principal": principal_of(one), "Action": "kms:RetireGrant", "Resource": "*"} for one in who
    ]
    denials = [one for one in _listed(need.resource_policy["Statement"]) if one["Effect"] == "Deny"]
    policy = {"Version": "2012-10-17", "Statement": [*denials, *statements]}
    return Need(need.action, need.resource, need.context, policy, need.resource_account, strict=True)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _named(call: Call, request: dict[str, Any]) -> str:
    """An ARN for what is not there."""
    reference = request.get("KeyId") or request.get("TargetKeyId") or request.get("DestinationKeyId")
    if reference is None:
        return "*"
    scope, name = located(scope_of(call), reference)
    return alias_arn(scope, name if name.startswith("alias/") else f"key/{name}")
