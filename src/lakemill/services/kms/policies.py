"""Key policies: checked, kept, shown."""

import dataclasses
import json
from typing import Any

from lakemill.engines.identity import Identity
from lakemill.engines.identity.errors import PolicyMalformed
from lakemill.engines.identity.policy import compile_policy
from lakemill.engines.keys import Keys
from lakemill.services.base import Call, ServiceError, operation
from lakemill.services.keyaccess import policy_of
from lakemill.services.kms import views
from lakemill.services.kms.names import key_arn, own_key

NAME = "default"
POLICY_BYTES_MAX = 32 << 10


class PolicyOperations:
    """Mixin. Needs self.keys, self.identity."""

    keys: Keys
    identity: Identity

    @operation("PutKeyPolicy")
    async def put_key_policy(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        key = own_key(self.keys, call, request["KeyId"])
        _check_name(request)
        if key.deletion_s is not None:
            raise ServiceError("KMSInvalidStateException", f"{key_arn(key)} is pending deletion.")
        policy = request["Policy"]
        bypass = request.get("BypassPolicyLockoutSafetyCheck", False)
        check_policy(self.identity, call, key_arn(key), policy, bypass=bypass)
        await self.keys.change(key, lambda now: dataclasses.replace(now, policy=policy))
        return {}

    @operation("GetKeyPolicy")
    def get_key_policy(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        key = own_key(self.keys, call, request["KeyId"])
        _check_name(request)
        return {"Policy": key.policy or json.dumps(policy_of(key), indent=2), "PolicyName": NAME}

    @operation("ListKeyPolicies")
    def list_key_policies(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        own_key(self.keys, call, request["KeyId"])
        return views.listed([(NAME, NAME)], request, "PolicyNames")


def _check_name(request: dict[str, Any]) -> None:
    if request.get("PolicyName", NAME) != NAME:
        raise ServiceError("NotFoundException", "No such policy exists")


def check_policy(identity: Identity, call: Call, arn: str, text: str, *, bypass: bool) -> None:
    """Raise MalformedPolicyDocumentException for a text that is no key policy, or (unless bypass is set) one that would
    not let the caller put another later."""
    if len(text.encode()) > POLICY_BYTES_MAX:
        raise ServiceError("LimitExceededException", f"A key policy has at most {POLICY_BYTES_MAX} bytes.")
    try:
        compile_policy(text, "resource")
    except PolicyMalformed as error:
        raise ServiceError("MalformedPolicyDocumentException", str(error)) from None
    if bypass:
        return
    context = {"kms:CallerAccount": call.account, "aws:PrincipalArn": call.principal.role_arn or call.principal.arn}
    decision = identity.decide(call.principal, "kms:PutKeyPolicy", arn, context, resource_policy=text, strict=True)
    if not decision.allowed:
        raise ServiceError(
            "MalformedPolicyDocumentException",
            "The new key policy will not allow you to update the key policy in the future.",
        )
