"""What every wire protocol offers the gateway, and the answer as it goes over the wire.

A protocol is stateless but for what it has compiled: the first use of an operation turns its input and output shapes
into closures, and a call only runs them. None of them walks a model per call.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from lakemill.services.base import BodyReader, HttpRequest, ServiceError

if TYPE_CHECKING:
    from botocore.model import OperationModel, ServiceModel

Family = Literal["s3", "json", "query", "rest"]


@dataclasses.dataclass(slots=True)
class WireResponse:
    """An answer ready to be sent."""

    status: int
    headers: list[tuple[str, str]]
    body: Any = b""
    """bytes, a FileBody, or anything with `__aiter__` that gives bytes."""


class Protocol:
    """One wire protocol, server side."""

    name: ClassVar[str]
    """As in botocore's models: json, query, rest-json, rest-xml, smithy-rpc-v2-cbor; or amz-cbor."""
    family: Family = "json"
    """How errors of authentication are worded (gateway.sigfaults)."""
    operation_in_body: ClassVar[bool] = False
    """True when the body must be read before the operation is known (query)."""

    def operation(
        self, service: ServiceModel, http: HttpRequest, body: bytes = b"", path: bytes | None = None
    ) -> OperationModel:
        """The operation a request calls. Raises ServiceError (UnknownOperationException, InvalidAction, ...).

        path: the request's path when it is not the one sent (virtual-host buckets).
        """
        raise NotImplementedError

    def decode(
        self, operation: OperationModel, http: HttpRequest, body: bytes | BodyReader, path: bytes | None = None
    ) -> dict[str, Any]:
        """The request by the input shape, validated. Raises ServiceError in AWS's words.

        body: bytes, or a BodyReader where `takes_stream(operation)`.
        """
        raise NotImplementedError

    def encode(
        self,
        operation: OperationModel,
        output: dict[str, Any] | None,
        request_id: str,
        *,
        status: int | None = None,
        headers: dict[str, str] | None = None,
    ) -> WireResponse:
        """The answer of an output dict. status and headers come from the handler and go before the model's."""
        raise NotImplementedError

    def encode_error(
        self,
        error: ServiceError,
        request_id: str,
        *,
        operation: OperationModel | None = None,
        service: ServiceModel | None = None,
        resource: str = "",
        head: bool = False,
    ) -> WireResponse:
        """The answer of an error. head: the request was HEAD, so nothing follows the headers."""
        raise NotImplementedError


def overridden(fields: list[tuple[str, str]], headers: Mapping[str, str] | None) -> list[tuple[str, str]]:
    """The fields of an answer with a handler's (or an error's) own headers in place of those of the same name."""
    if not headers:
        return fields
    own = {name.lower(): value for name, value in headers.items()}
    return [field for field in fields if field[0] not in own] + list(own.items())


def takes_stream(operation: OperationModel) -> bool:
    """Whether the request's body is handed to the handler as it arrives (a streaming blob or an event stream)."""
    shape = operation.input_shape
    if shape is None:
        return False
    if shape.event_stream_name:
        return True
    payload = shape.serialization.get("payload")
    return payload is not None and bool(shape.members[payload].serialization.get("streaming"))


def gives_stream(operation: OperationModel) -> bool:
    """Whether the answer's body is a streaming blob or an event stream."""
    shape = operation.output_shape
    if shape is None:
        return False
    if shape.event_stream_name:
        return True
    payload = shape.serialization.get("payload")
    return payload is not None and bool(shape.members[payload].serialization.get("streaming"))
