"""References, ARNs and errors of KMS."""

import re
from typing import Any

from lakemill.engines.keys import GrantMissing, Key, KeyDisabled, KeyMissing, Keys, KeyStateInvalid
from lakemill.engines.keys.engine import located
from lakemill.services.base import Call, ServiceError
from lakemill.services.keyaccess import key_arn

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

STATES = {"PendingDeletion": "is pending deletion", "PendingImport": "is pending import", "Disabled": "is disabled"}
"""How a state is told of."""

UNKNOWN_CIPHERTEXT = (
    "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not "
    "allowed to access."
)


def invalid(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)


def alias_arn(scope: str, name: str) -> str:
    account, _, region = scope.partition("/")
    return f"arn:aws:kms:{region}:{account}:{name}"


def scope_of(call: Call) -> str:
    return f"{call.account}/{call.region}"


def missing(scope: str, reference: str) -> ServiceError:
    """No such key or alias."""
    if reference.startswith("alias/"):
        return ServiceError("NotFoundException", f"Alias {alias_arn(scope, reference)} is not found.")
    if _ID.fullmatch(reference):
        return ServiceError("NotFoundException", f"Key '{alias_arn(scope, 'key/' + reference)}' does not exist")
    return ServiceError("NotFoundException", f"Invalid keyId '{reference}'")


def key_of(keys: Keys, call: Call, reference: str, *, by_alias: bool = True) -> Key:
    """The key a request names. by_alias: whether an alias will do. Raises a ServiceError."""
    scope, name = located(scope_of(call), reference)
    if scope.partition("/")[2] != call.region:
        raise ServiceError("NotFoundException", f"Invalid arn {scope.partition('/')[2]}")
    if name.startswith("alias/") and not by_alias:
        raise ServiceError("NotFoundException", f"Invalid keyId '{reference}'")
    try:
        return keys.resolve(scope, name)
    except KeyMissing as error:
        raise missing(error.scope, error.reference) from None


def own_key(keys: Keys, call: Call, reference: str) -> Key:
    """The same for operations that are for the key's own account, by id or ARN."""
    key = key_of(keys, call, reference, by_alias=False)
    if key.scope != scope_of(call):
        raise ServiceError(
            "AccessDeniedException", f"{call.operation} is for keys of one's own account; {key_arn(key)} is another's."
        )
    return key


def worded(error: Exception) -> ServiceError:
    """An engine's error about a key, in KMS's words."""
    if isinstance(error, KeyMissing):
        return missing(error.scope, error.reference)
    if isinstance(error, KeyDisabled):
        return ServiceError("DisabledException", f"{alias_arn(error.scope, 'key/' + error.key_id)} is disabled.")
    if isinstance(error, KeyStateInvalid):
        arn = alias_arn(error.scope, "key/" + error.key_id)
        said = STATES.get(error.state, f"is {error.state.lower()}")
        return ServiceError("KMSInvalidStateException", f"{arn} {said}.")
    assert isinstance(error, GrantMissing)
    return ServiceError("InvalidGrantTokenException", str(error))


def check_tokens(keys: Keys, call: Call, request: dict[str, Any]) -> None:
    """Grants count from the moment they are made, so a token need only be one. Raises InvalidGrantTokenException."""
    for token in request.get("GrantTokens", ()):
        try:
            keys.grants.with_token(scope_of(call), token)
        except GrantMissing:
            raise ServiceError("InvalidGrantTokenException", "") from None


def dry(request: dict[str, Any]) -> None:
    """Raise what a dry run that would have succeeded ends with."""
    if request.get("DryRun"):
        raise ServiceError(
            "DryRunOperationException", "The request would have succeeded, but the DryRun option is set."
        )
