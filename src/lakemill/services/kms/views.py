"""Keys and grants as the API shows them."""

import datetime
from typing import Any

from lakemill.engines.keys import ENABLED, Key
from lakemill.engines.keys.grants import Grant
from lakemill.engines.resources import TokenMangled, page
from lakemill.services.base import ServiceError
from lakemill.services.keyaccess import key_arn
from lakemill.services.kms.names import alias_arn

ALGORITHMS = {
    "ENCRYPT_DECRYPT": "EncryptionAlgorithms",
    "SIGN_VERIFY": "SigningAlgorithms",
    "GENERATE_VERIFY_MAC": "MacAlgorithms",
    "KEY_AGREEMENT": "KeyAgreementAlgorithms",
}
"""Where a usage's algorithms stand."""


def moment(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)


def metadata(key: Key) -> dict[str, Any]:
    """KeyMetadata."""
    shown: dict[str, Any] = {
        "AWSAccountId": key.scope.partition("/")[0],
        "KeyId": key.id,
        "Arn": key_arn(key),
        "CreationDate": moment(key.created_s),
        "Enabled": key.state == ENABLED,
        "Description": key.description,
        "KeyUsage": key.usage,
        "KeyState": key.state,
        "Origin": "AWS_KMS",
        "KeyManager": "AWS" if key.managed_for else "CUSTOMER",
        "CustomerMasterKeySpec": key.spec_name,
        "KeySpec": key.spec_name,
        ALGORITHMS[key.usage]: list(key.algorithms),
        "MultiRegion": False,
    }
    if key.deletion_s is not None:
        shown["DeletionDate"] = moment(key.deletion_s)
    if not key.spec.asymmetric and key.usage == "ENCRYPT_DECRYPT":
        shown["CurrentKeyMaterialId"] = key.versions[-1].id
    return shown


def grant(one: Grant) -> dict[str, Any]:
    """GrantListEntry."""
    shown: dict[str, Any] = {
        "KeyId": alias_arn(one.scope, f"key/{one.key_id}"),
        "GrantId": one.id,
        "Name": one.name,
        "CreationDate": moment(one.created_s),
        "IssuingAccount": f"arn:aws:iam::{one.issuer}:root",
        "Operations": list(one.operations),
    }
    shown["GranteePrincipal" if one.grantee.startswith("arn:") else "GranteeServicePrincipal"] = one.grantee
    if one.retirer:
        shown["RetiringPrincipal" if one.retirer.startswith("arn:") else "RetiringServicePrincipal"] = one.retirer
    constraints = {
        "EncryptionContextEquals": one.context_equals,
        "EncryptionContextSubset": one.context_subset,
    }
    if found := {name: dict(pairs) for name, pairs in constraints.items() if pairs is not None}:
        shown["Constraints"] = found
    return shown


def listed(items: list[tuple[str, Any]], request: dict[str, Any], member: str, default: int = 100) -> dict[str, Any]:
    """A page of (sort key, shown) pairs."""
    documents = [{"sort": sort, "shown": shown} for sort, shown in items]
    try:
        found = page(
            documents, lambda one: (one["sort"],), limit=request.get("Limit", default), token=request.get("Marker")
        )
    except TokenMangled as error:
        raise ServiceError("InvalidMarkerException", str(error)) from None
    answer = {member: [one["shown"] for one in found.items], "Truncated": found.token is not None}
    return answer | ({"NextMarker": found.token} if found.token else {})
