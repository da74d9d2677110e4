"""InvokeEndpoint and its streaming sister. InvokeEndpointAsync is not provided: no endpoint here is asynchronous."""

from collections.abc import AsyncIterator
from typing import Any, ClassVar

from lakemill.engines.hosting import BODY_BYTES_MAX, Hosting, HostingError, StreamedAnswer
from lakemill.ports.clock import Clock
from lakemill.services.base import Call, Need, Service, ServiceError, operation
from lakemill.services.sagemaker_runtime import errors

ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
ERROR_BYTES_MAX = 1 << 20

LATER = {
    "TargetModel": "multi-model endpoints are not available yet",
    "TargetContainerHostname": "an endpoint's models have one container each",
    "InferenceComponentName": "inference components are not available yet",
    "SessionId": "stateful sessions are not available yet",
    "PrefixAwareId": "prefix-aware routing is not available yet",
}


class SageMakerRuntime(Service):
    """boto3 client `sagemaker-runtime`."""

    name: ClassVar[str] = "sagemaker-runtime"
    iam_prefix: ClassVar[str] = "sagemaker"

    def __init__(self, hosting: Hosting, clock: Clock) -> None:
        self._hosting = hosting
        self._clock = clock

    def needs(self, call: Call, request: dict[str, Any]) -> list[Need]:
        arn = call.arn(f"endpoint/{request['EndpointName']}", service="sagemaker")
        # Both operations are one permission, as on AWS.
        return [Need("sagemaker:InvokeEndpoint", arn)]

    def body_limit(self, operation: str) -> tuple[int, ServiceError]:
        """The most a body may have, and what a larger one is answered with."""
        return BODY_BYTES_MAX, errors.too_large()

    @operation("InvokeEndpoint", refuses=LATER | {"EnableExplanations": "explanations are not available yet"})
    async def invoke_endpoint(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        endpoint, body = request["EndpointName"], _body(request)
        try:
            variant, answer = await self._hosting.invoke(
                f"{call.account}/{call.region}",
                endpoint,
                _headers(request),
                body,
                variant=request.get("TargetVariant"),
            )
        except HostingError as error:
            raise errors.failed(call, endpoint, error) from None
        if not 200 <= answer.status < 300:
            raise errors.answered(call, endpoint, answer.status, answer.body)
        return {"Body": answer.body} | _described(variant, answer.headers)

    @operation("InvokeEndpointWithResponseStream", refuses={k: v for k, v in LATER.items() if k != "TargetModel"})
    async def invoke_endpoint_with_response_stream(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        endpoint, body = request["EndpointName"], _body(request)
        try:
            variant, answer = await self._hosting.stream(
                f"{call.account}/{call.region}",
                endpoint,
                _headers(request),
                body,
                variant=request.get("TargetVariant"),
            )
        except HostingError as error:
            raise errors.failed(call, endpoint, error) from None
        if not 200 <= answer.status < 300:
            try:
                said = await answer.read(ERROR_BYTES_MAX)
            except HostingError as error:
                raise errors.failed(call, endpoint, error) from None
            finally:
                answer.close()
            raise errors.answered(call, endpoint, answer.status, said)
        return {"Body": _parts(answer)} | _described(variant, answer.headers)


def _body(request: dict[str, Any]) -> bytes:
    body = request.get("Body") or b""
    if len(body) > BODY_BYTES_MAX:
        raise errors.too_large()
    return body


def _headers(request: dict[str, Any]) -> dict[str, str]:
    """What the model gets to see of the client's headers; everything else is stripped."""
    headers = {}
    for name, member in (
        ("Content-Type", "ContentType"),
        ("Accept", "Accept"),
        (ATTRIBUTES, "CustomAttributes"),
        ("X-Amzn-SageMaker-Inference-Id", "InferenceId"),
    ):
        value = request.get(member)
        if value:
            headers[name] = value
    return headers


def _described(variant: str, headers: dict[str, str]) -> dict[str, Any]:
    described = {"InvokedProductionVariant": variant}
    if content_type := headers.get("content-type"):
        described["ContentType"] = content_type
    if attributes := headers.get(ATTRIBUTES.lower()):
        described["CustomAttributes"] = attributes
    return described


async def _parts(answer: StreamedAnswer) -> AsyncIterator[dict[str, Any]]:
    """The model's chunks as they come."""
    try:
        async for piece in answer:
            yield {"PayloadPart": {"Bytes": piece}}
    except HostingError as error:
        raise errors.broken_stream(error) from None
    finally:
        answer.close()
