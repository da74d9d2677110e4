"""AWS JSON 1.0 and 1.1: a POST to / whose X-Amz-Target names the operation, one JSON object each way."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from lakemill.gateway import errors
from lakemill.gateway.constraints import native, refusal, serialization, violations
from lakemill.gateway.eventstream import CONTENT_TYPE as EVENT_STREAM
from lakemill.gateway.protocols.base import Protocol, WireResponse, overridden
from lakemill.gateway.protocols.compression import unfolded
from lakemill.gateway.protocols.events import EventCodec
from lakemill.gateway.protocols.names import Renamers
from lakemill.gateway.protocols.trees import Writers, json_float, json_moment
from lakemill.gateway.shapes import Flavour, json_decoder, types_of
from lakemill.services.base import BodyReader, HttpRequest, ServiceError

if TYPE_CHECKING:
    from botocore.model import OperationModel, ServiceModel, StructureShape

Decode = Callable[[bytes], dict[str, Any]]
Encode = Callable[[dict[str, Any]], bytes]


def json_writers() -> Writers:
    """Writers that make dicts JSON takes."""
    return Writers(json_moment, json_float)


def unreadable(error: Exception) -> ServiceError:
    """The answer to a body that is not JSON."""
    text = "nested too deeply" if isinstance(error, RecursionError) else str(error)
    return serialization(f"The request body is not valid JSON: {text}")


def read_json(body: bytes) -> Any:
    """Any JSON. Raises ServiceError SerializationException."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise unreadable(error) from None


def slowly(shape: StructureShape, raw: Any) -> dict[str, Any]:
    """What the compiled type refused: its value if AWS would take it, else what is wrong with it."""
    value = native(shape, raw)
    if found := violations(shape, value):
        raise refusal(found)
    return value


def json_body(service: ServiceModel, shape: StructureShape, renamers: Renamers) -> Decode:
    """A decoder of whole input structures."""
    decode = json_decoder(types_of(service).of(shape, Flavour.JSON)).decode
    rename = renamers.of(shape)

    def read(body: bytes) -> dict[str, Any]:
        try:
            value = decode(body or b"{}")
        except msgspec.ValidationError:
            return slowly(shape, read_json(body))
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise unreadable(error) from None
        return value if rename is None else rename(value)

    return read


@dataclasses.dataclass(slots=True)
class _Operation:
    """What is compiled of one operation."""

    decode: Decode
    encode: Encode
    events_out: tuple[str, EventCodec] | None
    """The event stream member of the output and its codec."""


class AwsJson(Protocol):
    """version: 1.0 or 1.1, which only the content type shows."""

    name: ClassVar[str] = "json"

    def __init__(self, version: str) -> None:
        self.content_type = f"application/x-amz-json-{version}"
        self._compiled: dict[OperationModel, _Operation] = {}
        self._writers: dict[ServiceModel, Writers] = {}
        self._renamers: dict[ServiceModel, Renamers] = {}

    def operation(
        self, service: ServiceModel, http: HttpRequest, body: bytes = b"", path: bytes | None = None
    ) -> OperationModel:
        target = http.header("x-amz-target") or ""
        prefix, _, name = target.rpartition(".")
        known = service._service_description["operations"]
        if name not in known or prefix != service.metadata.get("targetPrefix"):
            raise ServiceError(
                "UnknownOperationException",
                f"No operation is called {target!r}." if target else "X-Amz-Target is missing.",
            )
        return service.operation_model(name)

    def decode(
        self, operation: OperationModel, http: HttpRequest, body: bytes | BodyReader, path: bytes | None = None
    ) -> dict[str, Any]:
        if operation.request_compression:
            body = unfolded(http, body)  # type: ignore[arg-type]
        return (self._compiled.get(operation) or self._compile(operation)).decode(body)  # type: ignore[arg-type]

    def encode(
        self,
        operation: OperationModel,
        output: dict[str, Any] | None,
        request_id: str,
        *,
        status: int | None = None,
        headers: dict[str, str] | None = None,
    ) -> WireResponse:
        compiled = self._compiled.get(operation) or self._compile(operation)
        fields = [("content-type", self.content_type), ("x-amzn-requestid", request_id)]
        if compiled.events_out is None:
            return WireResponse(status or 200, overridden(fields, headers), compiled.encode(output or {}))
        member, codec = compiled.events_out
        fields[0] = ("content-type", EVENT_STREAM)
        rest = {name: value for name, value in (output or {}).items() if name != member}
        stream = codec.encode((output or {})[member], codec.initial(compiled.encode(rest)))
        return WireResponse(status or 200, overridden(fields, headers), stream)

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
        service = operation.service_model if operation is not None else service
        kind = errors.kind_of(error, service)
        status = errors.status_of(error, kind)
        name = kind.name if kind is not None else error.code
        fields = [("content-type", self.content_type), ("x-amzn-requestid", request_id), ("x-amzn-errortype", name)]
        fields += errors.query_compatible(error, service, kind, status)
        body = {"__type": name, errors.text_of(kind): error.message}
        if error.fields:
            body |= self._written(service, kind, error.fields)
        return WireResponse(status, overridden(fields, error.headers), msgspec.json.encode(body))

    def _written(
        self, service: ServiceModel | None, kind: errors.Kind | None, fields: dict[str, Any]
    ) -> dict[str, Any]:
        if service is None or kind is None:
            return fields
        return self._writers_of(service).structure(kind.shape)(fields)

    def _writers_of(self, service: ServiceModel) -> Writers:
        if service not in self._writers:
            self._writers[service] = json_writers()
        return self._writers[service]

    def _compile(self, operation: OperationModel) -> _Operation:
        service = operation.service_model
        renamers = self._renamers.setdefault(service, Renamers())
        shape, output_shape = operation.input_shape, operation.output_shape
        events_out = self._events(service, output_shape)
        made = _Operation(
            decode=json_body(service, shape, renamers) if shape is not None else lambda body: {},
            encode=self._encoder(service, output_shape, events_out[0] if events_out else None),
            events_out=events_out,
        )
        self._compiled[operation] = made
        return made

    def _encoder(self, service: ServiceModel, shape: StructureShape | None, without: str | None) -> Encode:
        if shape is None:
            return lambda output: b"{}"
        only = [name for name in shape.members if name != without] if without else None
        write = self._writers_of(service).structure(shape, only)
        return lambda output: msgspec.json.encode(write(output))

    def _events(self, service: ServiceModel, shape: StructureShape | None) -> tuple[str, EventCodec] | None:
        if shape is None or not shape.event_stream_name:
            return None
        name = shape.event_stream_name
        return name, EventCodec(shape.members[name], json_events(service, self._writers_of(service)), self.content_type)


def json_events(service: ServiceModel, writers: Writers) -> Callable[..., Any]:
    """How events carry structures in JSON protocols."""

    def body_of(shape: StructureShape | None, only: list[str]) -> tuple[Encode, Decode]:
        if shape is None:
            return msgspec.json.encode, msgspec.json.decode
        write = writers.structure(shape, only)

        def read(payload: bytes) -> dict[str, Any]:
            value = native(shape, read_json(payload or b"{}"))
            if found := violations(shape, value):
                raise refusal(found)
            return value

        return (lambda value: msgspec.json.encode(write(value))), read

    return body_of
