"""CBOR, twice: Smithy's RPC v2 (`/service/X/operation/Y`, smithy-protocol: rpc-v2-cbor) and the older
application/x-amz-cbor-1.1 that Java clients speak to Kinesis (AWS JSON's routing, CBOR bodies, timestamps in ms).
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import cbor2
import msgspec

from lakemill.gateway import errors, moments
from lakemill.gateway.constraints import native, refusal, serialization, violations
from lakemill.gateway.eventstream import CONTENT_TYPE as EVENT_STREAM
from lakemill.gateway.protocols.awsjson import AwsJson
from lakemill.gateway.protocols.base import Protocol, WireResponse, overridden
from lakemill.gateway.protocols.compression import unfolded
from lakemill.gateway.protocols.events import EventCodec
from lakemill.gateway.protocols.names import Renamers
from lakemill.gateway.protocols.trees import Writers, cbor_millis, cbor_seconds
from lakemill.gateway.shapes import Flavour, types_of, validate
from lakemill.services.base import BodyReader, HttpRequest, ServiceError

if TYPE_CHECKING:
    from botocore.model import OperationModel, ServiceModel, StructureShape

DEPTH_MAX = 200
Read = Callable[[bytes], Any]


def _moment_reader(per_second: int) -> Callable[..., datetime.datetime]:
    def read(value: Any, immutable: bool = False) -> datetime.datetime:
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise ValueError("tag 1 must hold a number")
        return moments.from_epoch(value / per_second if per_second != 1 else value)

    return read


def _refuse_tag(tag: int) -> Callable[..., Any]:
    def read(value: Any, immutable: bool = False) -> Any:
        raise ValueError(f"tag {tag} is not part of the protocol")

    return read


# Everything else cbor2 would make objects of: dates, decimals, big numbers, patterns, mails, addresses, references.
_REFUSED = {tag: _refuse_tag(tag) for tag in (0, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 37, 100, 256, 258, 260, 261, 1004)}


def reader(per_second: int) -> Read:
    """Bytes of CBOR -> plain values. Raises ServiceError SerializationException."""
    tags: Any = {1: _moment_reader(per_second), **_REFUSED}

    def read(body: bytes) -> Any:
        try:
            return cbor2.loads(body, semantic_decoders=tags, max_depth=DEPTH_MAX)
        except (cbor2.CBORDecodeError, ValueError, TypeError, RecursionError, OverflowError) as error:
            raise serialization(f"The request body is not valid CBOR: {error}") from None

    return read


def _defined(value: Any) -> Any:
    """CBOR's undefined as None, all the way down."""
    if isinstance(value, dict):
        return {key: _defined(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_defined(item) for item in value]
    return None if value is cbor2.undefined else value


@dataclasses.dataclass(slots=True)
class _Operation:
    """What is compiled of one operation."""

    decode: Callable[[bytes], dict[str, Any]]
    encode: Callable[[dict[str, Any]], bytes]
    events_out: tuple[str, EventCodec] | None
    """The event stream member of the output and its codec."""


class _CborBodies:
    """What both dialects share: bodies compiled per operation."""

    def __init__(self, read: Read, moment: Callable[[str], Any], events_type: str) -> None:
        self._read = read
        self._events_type = events_type
        self._moment = moment
        self._compiled: dict[OperationModel, _Operation] = {}
        self._writers: dict[ServiceModel, Writers] = {}
        self._renamers: dict[ServiceModel, Renamers] = {}

    def of(self, operation: OperationModel) -> _Operation:
        return self._compiled.get(operation) or self._compile(operation)

    def writers(self, service: ServiceModel) -> Writers:
        if service not in self._writers:
            self._writers[service] = Writers(self._moment, float)
        return self._writers[service]

    def _compile(self, operation: OperationModel) -> _Operation:
        service, shape = operation.service_model, operation.output_shape
        writers = self.writers(service)
        decode = self._decoder(service, operation.input_shape)
        if shape is None:
            made = _Operation(decode, lambda output: cbor2.dumps({}), None)
        else:
            name = shape.event_stream_name
            events, only = None, None
            if name:
                events = name, EventCodec(shape.members[name], self._events(writers), self._events_type)
                only = [member for member in shape.members if member != name]
            write = writers.structure(shape, only)
            made = _Operation(decode, lambda output: cbor2.dumps(write(output)), events)
        self._compiled[operation] = made
        return made

    def _decoder(self, service: ServiceModel, shape: StructureShape | None) -> Callable[[bytes], dict[str, Any]]:
        if shape is None:
            return lambda body: {}
        kind = types_of(service).of(shape, Flavour.CBOR)
        rename = self._renamers.setdefault(service, Renamers()).of(shape)

        def decode(body: bytes) -> dict[str, Any]:
            raw = self._read(body) if body else {}
            try:
                value = validate(raw, kind)
            except msgspec.ValidationError:
                value = native(shape, _defined(raw))
                if found := violations(shape, value):
                    raise refusal(found) from None
                return value
            return value if rename is None else rename(value)

        return decode

    def _events(self, writers: Writers) -> Callable[..., Any]:
        def body_of(shape: StructureShape | None, only: list[str]) -> tuple[Any, Any]:
            if shape is None:
                return cbor2.dumps, self._read
            write = writers.structure(shape, only)
            return (lambda value: cbor2.dumps(write(value))), (lambda payload: native(shape, self._read(payload)))

        return body_of

    def response(
        self,
        operation: OperationModel,
        output: dict[str, Any],
        status: int,
        fields: list[tuple[str, str]],
        headers: dict[str, str] | None,
    ) -> WireResponse:
        """fields[0] is the content type, replaced when the answer is an event stream."""
        compiled = self.of(operation)
        if compiled.events_out is None:
            return WireResponse(status, overridden(fields, headers), compiled.encode(output))
        member, codec = compiled.events_out
        fields[0] = ("content-type", EVENT_STREAM)
        rest = {name: value for name, value in output.items() if name != member}
        stream = codec.encode(output[member], codec.initial(compiled.encode(rest)))
        return WireResponse(status, overridden(fields, headers), stream)

    def error_body(self, error: ServiceError, service: ServiceModel | None, kind: errors.Kind | None) -> bytes:
        body: dict[str, Any] = {
            "__type": kind.name if kind is not None else error.code,
            errors.text_of(kind): error.message,
        }
        if error.fields:
            written = service is not None and kind is not None
            body |= self.writers(service).structure(kind.shape)(error.fields) if written else error.fields  # type: ignore[arg-type, union-attr]
        return cbor2.dumps(body)


class RpcV2Cbor(Protocol):
    """Smithy RPC v2 with CBOR bodies."""

    name: ClassVar[str] = "smithy-rpc-v2-cbor"

    def __init__(self) -> None:
        self._bodies = _CborBodies(reader(1), cbor_seconds, "application/cbor")

    def operation(
        self, service: ServiceModel, http: HttpRequest, body: bytes = b"", path: bytes | None = None
    ) -> OperationModel:
        parts = (path if path is not None else http.raw_path).split(b"/")
        target = service.metadata.get("targetPrefix", "").encode()
        if http.method == "POST" and len(parts) >= 5 and parts[-4] == b"service" and parts[-2] == b"operation":
            name = parts[-1].decode("latin-1")
            # Some SDKs put a namespace before the service's name.
            if parts[-3].rpartition(b".")[2] == target and name in service._service_description["operations"]:
                return service.operation_model(name)
        raise ServiceError("UnknownOperationException", "The requested operation is not known.", status=404)

    def decode(
        self, operation: OperationModel, http: HttpRequest, body: bytes | BodyReader, path: bytes | None = None
    ) -> dict[str, Any]:
        if operation.request_compression:
            body = unfolded(http, body)  # type: ignore[arg-type]
        return self._bodies.of(operation).decode(body)  # type: ignore[arg-type]

    def encode(
        self,
        operation: OperationModel,
        output: dict[str, Any] | None,
        request_id: str,
        *,
        status: int | None = None,
        headers: dict[str, str] | None = None,
    ) -> WireResponse:
        return self._bodies.response(operation, output or {}, status or 200, self._fields(request_id), headers)

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
        fields = self._fields(request_id) + errors.query_compatible(error, service, kind, status)
        return WireResponse(status, overridden(fields, error.headers), self._bodies.error_body(error, service, kind))

    def _fields(self, request_id: str) -> list[tuple[str, str]]:
        return [
            ("content-type", "application/cbor"),
            ("smithy-protocol", "rpc-v2-cbor"),
            ("x-amzn-requestid", request_id),
        ]


class AmzCbor(AwsJson):
    """application/x-amz-cbor-1.1."""

    name: ClassVar[str] = "amz-cbor"

    def __init__(self) -> None:
        super().__init__("1.1")
        self.content_type = "application/x-amz-cbor-1.1"
        self._bodies = _CborBodies(reader(1000), cbor_millis, self.content_type)

    def decode(
        self, operation: OperationModel, http: HttpRequest, body: bytes | BodyReader, path: bytes | None = None
    ) -> dict[str, Any]:
        if operation.request_compression:
            body = unfolded(http, body)  # type: ignore[arg-type]
        return self._bodies.of(operation).decode(body)  # type: ignore[arg-type]

    def encode(
        self,
        operation: OperationModel,
        output: dict[str, Any] | None,
        request_id: str,
        *,
        status: int | None = None,
        headers: dict[str, str] | None = None,
    ) -> WireResponse:
        fields = [("content-type", self.content_type), ("x-amzn-requestid", request_id)]
        return self._bodies.response(operation, output or {}, status or 200, fields, headers)

    def encode_error(self, error: ServiceError, request_id: str, **about: Any) -> WireResponse:
        answer = super().encode_error(error, request_id, **about)
        operation, service = about.get("operation"), about.get("service")
        service = operation.service_model if operation is not None else service
        answer.body = self._bodies.error_body(error, service, errors.kind_of(error, service))
        return answer
