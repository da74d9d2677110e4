"""Invoke, and how events that nobody waits for are retried."""

import base64
import binascii
import json
from typing import Any

import msgspec

from lakemill.engines.functions import Functions
from lakemill.engines.resources import by_name, page
from lakemill.services.base import Call, ServiceError, operation
from lakemill.services.lambda_.functions import most, paged
from lakemill.services.lambda_.names import LATEST, fault, function_arn, invalid, target

PAYLOAD_BYTES_MAX = 6 << 20
EVENT_BYTES_MAX = 1 << 20
TAIL_BYTES = 4096

REFUSED = {
    "DurableExecutionName": "durable executions are not provided",
    "TenantId": "functions have no tenants",
}


class InvokingOperations:
    """Mixin. Needs self.functions."""

    functions: Functions

    @operation("Invoke", refuses=REFUSED)
    async def invoke(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        scope, name, qualifier = target(call, request)
        function = self.functions.find(scope, name, qualifier)
        payload = request.get("Payload") or b""
        extra = {"arn": function_arn(scope, name, qualifier)} | _client_context(request)
        _check_json(payload)
        kind = request.get("InvocationType", "RequestResponse")
        if kind == "DryRun":
            return {"StatusCode": 204}
        if kind == "Event":
            if len(payload) > EVENT_BYTES_MAX:
                raise too_large(EVENT_BYTES_MAX)
            await self.functions.events.put(scope, name, qualifier or "", payload, extra, call.request_id)
            return {"StatusCode": 202}
        outcome = await self.functions.run(function, payload or b"{}", request_id=call.request_id, extra=extra)
        answer = {
            "StatusCode": 200,
            "ExecutedVersion": function.version or LATEST,
            "Payload": outcome.payload,
        }
        if outcome.kind != "answered":
            answer["FunctionError"] = "Unhandled"
        if request.get("LogType") == "Tail":
            text = "".join(f"{line}\n" for line in outcome.log).encode()
            answer["LogResult"] = base64.b64encode(text[-TAIL_BYTES:]).decode()
        return answer

    # Retries

    @operation("PutFunctionEventInvokeConfig", refuses={"DestinationConfig": "there are no destinations"})
    async def put_function_event_invoke_config(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        return await self._retries(call, request, keep=False)

    @operation("UpdateFunctionEventInvokeConfig", refuses={"DestinationConfig": "there are no destinations"})
    async def update_function_event_invoke_config(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        return await self._retries(call, request, keep=True)

    @operation("GetFunctionEventInvokeConfig")
    def get_function_event_invoke_config(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        scope, name, qualifier = target(call, request)
        wish = self.functions.document(scope, name).get("retries", {}).get(qualifier or "")
        if wish is None:
            raise _unconfigured(scope, name, qualifier)
        return _wish(scope, name, qualifier, wish)

    @operation("ListFunctionEventInvokeConfigs")
    def list_function_event_invoke_configs(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        scope, name, _ = target(call, request)
        wishes = self.functions.document(scope, name).get("retries", {})
        listed = [
            {"name": qualifier, "shown": _wish(scope, name, qualifier, wish)} for qualifier, wish in wishes.items()
        ]
        found = page(listed, by_name, limit=most(request), token=request.get("Marker"))
        return paged(found, "FunctionEventInvokeConfigs")

    @operation("DeleteFunctionEventInvokeConfig")
    async def delete_function_event_invoke_config(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        scope, name, qualifier = target(call, request)

        def remove(document: dict[str, Any]) -> None:
            if document.get("retries", {}).pop(qualifier or "", None) is None:
                raise _unconfigured(scope, name, qualifier)

        await self.functions.change(scope, name, remove)
        return {}

    async def _retries(self, call: Call, request: dict[str, Any], *, keep: bool) -> dict[str, Any]:
        scope, name, qualifier = target(call, request)
        self.functions.find(scope, name, qualifier)
        given: dict[str, Any] = {"at": self.functions.resources.clock.now()}
        for member, field in (("MaximumRetryAttempts", "retries"), ("MaximumEventAgeInSeconds", "age_s")):
            if member in request:
                given[field] = request[member]
        if len(given) == 1:
            raise invalid("You must specify at least one of MaximumRetryAttempts and MaximumEventAgeInSeconds.")

        def put(document: dict[str, Any]) -> None:
            wishes = document.setdefault("retries", {})
            before = wishes.get(qualifier or "")
            if keep and before is None:
                raise _unconfigured(scope, name, qualifier)
            wishes[qualifier or ""] = {**(before or {}), **given} if keep else given

        document = await self.functions.change(scope, name, put)
        return _wish(scope, name, qualifier, document["retries"][qualifier or ""])


def _wish(scope: str, name: str, qualifier: str | None, wish: dict[str, Any]) -> dict[str, Any]:
    shown = {"FunctionArn": function_arn(scope, name, qualifier or LATEST), "LastModified": wish["at"]}
    if "retries" in wish:
        shown["MaximumRetryAttempts"] = wish["retries"]
    if "age_s" in wish:
        shown["MaximumEventAgeInSeconds"] = wish["age_s"]
    return shown


def _unconfigured(scope: str, name: str, qualifier: str | None) -> Exception:
    arn = function_arn(scope, name, qualifier or LATEST)
    return fault("ResourceNotFoundException", f"The function {arn} doesn't have an EventInvokeConfig")


def too_large(most: int) -> ServiceError:
    return fault(
        "RequestEntityTooLargeException",
        f"Request must be smaller than {most} bytes for the InvokeFunction operation",
        status=413,
    )


def _check_json(payload: bytes) -> None:
    if not payload:
        return
    try:
        msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise fault("InvalidRequestContentException", f"Could not parse request body into json: {error}") from None


def _client_context(request: dict[str, Any]) -> dict[str, Any]:
    """What the caller says about itself, for the handler's context."""
    if "ClientContext" not in request:
        return {}
    try:
        sent = json.loads(base64.b64decode(request["ClientContext"], validate=True))
        if not isinstance(sent, dict):
            raise ValueError("no object")
    except (ValueError, binascii.Error):
        text = "Client context must be a valid Base64-encoded JSON object."
        raise fault("InvalidRequestContentException", text) from None
    return {"client_context": sent}
