"""Who may call a function: its own policy, statement by statement, and what calls need."""

import json
import re
from typing import Any

from lakemill.engines.functions import FunctionMissing, Functions
from lakemill.engines.identity.errors import PolicyMalformed
from lakemill.engines.identity.policy import compile_policy
from lakemill.engines.objects import Objects
from lakemill.services.base import Call, Need, operation, pass_role
from lakemill.services.lambda_ import requests
from lakemill.services.lambda_.names import fault, function_arn, invalid, target
from lakemill.services.lambda_.runtime import SERVICE

POLICY_BYTES_MAX = 20 << 10

_ACCOUNT = re.compile(r"\d{12}")

LATER = {
    "FunctionUrlAuthType": "functions have no URLs of their own",
    "InvokedViaFunctionUrl": "functions have no URLs of their own",
    "EventSourceToken": "there are no Alexa skills",
    "PrincipalOrgID": "there are no organisations",
}


class PermissionOperations:
    """Mixin. Needs self.functions."""

    functions: Functions

    @operation("AddPermission", refuses=LATER)
    async def add_permission(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        scope, name, qualifier = target(call, request)
        self.functions.find(scope, name, qualifier)
        statement = _statement(request, function_arn(scope, name, qualifier))

        def add(document: dict[str, Any]) -> None:
            policies = document.setdefault("policies", {})
            policy = policies.setdefault(qualifier or "", {"Version": "2012-10-17", "Id": "default", "Statement": []})
            if any(one["Sid"] == statement["Sid"] for one in policy["Statement"]):
                raise fault(
                    "ResourceConflictException",
                    f"The statement id ({statement['Sid']}) provided already exists. Please provide a new statement "
                    "id, or remove the existing statement.",
                )
            policy["Statement"].append(statement)
            if len(json.dumps(policy)) > POLICY_BYTES_MAX:
                raise fault(
                    "PolicyLengthExceededException",
                    f"The final policy size ({len(json.dumps(policy))}) is bigger than the limit ({POLICY_BYTES_MAX}).",
                )

        await self.functions.change(scope, name, add, revision=request.get("RevisionId"))
        return {"Statement": json.dumps(statement)}

    @operation("RemovePermission")
    async def remove_permission(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        scope, name, qualifier = target(call, request)
        sid = request["StatementId"]

        def remove(document: dict[str, Any]) -> None:
            policies = document.get("policies", {})
            policy = policies.get(qualifier or "")
            if policy is None:
                raise fault("ResourceNotFoundException", "No policy is associated with the given resource.")
            left = [one for one in policy["Statement"] if one["Sid"] != sid]
            if len(left) == len(policy["Statement"]):
                raise fault("ResourceNotFoundException", f"Statement {sid} is not found in resource policy.")
            if left:
                policy["Statement"] = left
            else:
                del policies[qualifier or ""]

        await self.functions.change(scope, name, remove, revision=request.get("RevisionId"))
        return {}

    @operation("GetPolicy")
    def get_policy(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        scope, name, qualifier = target(call, request)
        policy = self.functions.policy(scope, name, qualifier)
        if policy is None:
            raise fault("ResourceNotFoundException", "The resource you requested does not exist.")
        return {"Policy": json.dumps(policy), "RevisionId": self.functions.document(scope, name)["revision"]}


def _statement(request: dict[str, Any], arn: str) -> dict[str, Any]:
    """A statement of the function's policy. Raises a ServiceError for a principal that is none."""
    principal = request["Principal"]
    who: Any
    if principal == "*":
        who = "*"
    elif _ACCOUNT.fullmatch(principal):
        who = {"AWS": f"arn:aws:iam::{principal}:root"}
    elif principal.startswith("arn:"):
        who = {"AWS": principal}
    else:
        who = {"Service": principal}
    statement: dict[str, Any] = {
        "Sid": request["StatementId"],
        "Effect": "Allow",
        "Principal": who,
        "Action": request["Action"],
        "Resource": arn,
    }
    conditions: dict[str, Any] = {}
    if "SourceArn" in request:
        conditions["ArnLike"] = {"AWS:SourceArn": request["SourceArn"]}
    if "SourceAccount" in request:
        conditions["StringEquals"] = {"AWS:SourceAccount": request["SourceAccount"]}
    if conditions:
        statement["Condition"] = conditions
    try:
        compile_policy({"Version": "2012-10-17", "Statement": [statement]}, "resource")
    except PolicyMalformed:
        raise invalid("The provided principal was invalid. Please check the principal and try again.") from None
    return statement


ACTIONS = {"Invoke": "InvokeFunction"}
"""IAM actions whose names are not their operations'."""


def needs(functions: Functions, objects: Objects, call: Call, request: dict[str, Any]) -> list[Need]:
    """What a call needs."""
    action = f"lambda:{ACTIONS.get(call.operation, call.operation)}"
    name = request.get("FunctionName") or request.get("Resource")
    if call.operation.endswith("EventSourceMapping") or ":event-source-mapping:" in (name or ""):
        return [Need(action, _mapping(call, request, name), _tag_conditions(request))]
    if name is None:
        return [Need(action)]
    scope, bare, qualifier = target(call, {**request, "FunctionName": name})
    context: dict[str, Any] = {}
    policy = None
    try:
        document = functions.document(scope, bare)
        policy = document.get("policies", {}).get(qualifier or "")
        context = {f"aws:ResourceTag/{key}": value for key, value in document["tags"].items()}
    except FunctionMissing:
        pass
    context |= _tag_conditions(request)
    arn = function_arn(scope, bare, qualifier)
    found = [Need(action, arn, context, resource_policy=policy, resource_account=scope.partition("/")[0])]
    if "Role" in request:
        found.append(pass_role(request["Role"], SERVICE, function_arn(scope, bare)))
    if call.operation in ("CreateFunction", "UpdateFunctionCode"):
        found += requests.reading(request.get("Code", request), objects)
    return found


def _mapping(call: Call, request: dict[str, Any], name: str | None) -> str:
    """The ARN of a mapping a call is about."""
    if "UUID" in request:
        return call.arn(f"event-source-mapping:{request['UUID']}")
    return name if name is not None and ":event-source-mapping:" in name else "*"


def _tag_conditions(request: dict[str, Any]) -> dict[str, Any]:
    if tags := request.get("Tags"):
        return {f"aws:RequestTag/{key}": value for key, value in tags.items()} | {"aws:TagKeys": list(tags)}
    keys = request.get("TagKeys")
    return {"aws:TagKeys": list(keys)} if keys else {}
