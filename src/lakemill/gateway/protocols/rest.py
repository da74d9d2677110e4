"""What REST protocols share: located members and payload members, put together into one request or answer."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from lakemill.gateway import constraints, errors
from lakemill.gateway.constraints import serialization, violations
from lakemill.gateway.eventstream import CONTENT_TYPE as EVENT_STREAM
from lakemill.gateway.protocols import forms
from lakemill.gateway.protocols.base import Family, Protocol, WireResponse, overridden
from lakemill.gateway.protocols.compression import unfolded
from lakemill.gateway.protocols.events import EventCodec
from lakemill.gateway.protocols.located import Input, Output, TextRefused
from lakemill.gateway.protocols.routes import Routes
from lakemill.gateway.shapes import Flavour, types_of, validate
from lakemill.services.base import BodyReader, HttpRequest, ServiceError

if TYPE_CHECKING:
    from botocore.model import OperationModel, ServiceModel, Shape, StructureShape


@dataclasses.dataclass(slots=True)
class _Operation:
    """What is compiled of one operation."""

    decode: Callable[[HttpRequest, Any, bytes], dict[str, Any]]
    status: int
    output: Output
    content_type: str
    encode_body: Callable[[dict[str, Any]], Any]


class Rest(Protocol):
    """Base of both REST protocols. A subclass reads and writes bodies, and words what is wrong."""

    family: Family = "rest"
    body_type = ""
    request_id_header = "x-amzn-requestid"
    iso: Callable[[Any], str]

    def __init__(self) -> None:
        self._compiled: dict[OperationModel, _Operation] = {}
        self._routes: dict[ServiceModel, Routes] = {}
        self._error_outputs: dict[errors.Kind, Output] = {}

    # What subclasses say.

    def body_reader(self, service: ServiceModel, shape: StructureShape, names: list[str]) -> Callable[[bytes], Any]:
        """Reads a body that holds these members of a structure. Raises ServiceError."""
        raise NotImplementedError

    def body_writer(
        self, operation: OperationModel | None, service: ServiceModel, shape: StructureShape, names: list[str], tag: str
    ) -> Callable[[dict[str, Any]], bytes]:
        """Writes these members as a body."""
        raise NotImplementedError

    def refused(self, problem: Exception) -> ServiceError:
        """What to say about located members that cannot be read."""
        return serialization(str(problem))

    def broken(self, shape: StructureShape, value: dict[str, Any]) -> ServiceError | None:
        """What to say about a request that the types refuse; None when AWS lets it pass."""
        found = violations(shape, value)
        return constraints.refusal(found) if found else None

    def absent(self, wire: str, shape: Shape) -> bool:
        """Whether a located value that cannot be read counts as not given."""
        return False

    def not_found(self, service: ServiceModel, http: HttpRequest) -> ServiceError:
        return ServiceError("UnknownOperationException", "The requested operation is not known.", status=404)

    # What they share.

    def operation(
        self, service: ServiceModel, http: HttpRequest, body: bytes = b"", path: bytes | None = None
    ) -> OperationModel:
        if service not in self._routes:
            self._routes[service] = Routes(service)
        try:
            query = dict(reversed(forms.query_pairs(http))) if http.query_string else {}
        except forms.FormRefused as problem:
            raise self.refused(problem) from None
        name = self._routes[service].find(
            http.method, path if path is not None else http.raw_path, query, http.first_headers()
        )
        if name is None:
            raise self.not_found(service, http)
        return service.operation_model(name)

    def decode(
        self, operation: OperationModel, http: HttpRequest, body: bytes | BodyReader, path: bytes | None = None
    ) -> dict[str, Any]:
        compiled = self._compiled.get(operation) or self._compile(operation)
        if operation.request_compression and isinstance(body, bytes):
            body = unfolded(http, body)
        return compiled.decode(http, body, path if path is not None else http.raw_path)

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
        output = output or {}
        fields = self.fixed_headers(request_id)
        compiled.output.write(output, fields)
        fields = overridden(fields, headers)
        if status is None:
            member = compiled.output.status_member
            status = (output.get(member) if member else None) or compiled.status
        body = compiled.encode_body(output)
        named = {name for name, _ in fields}
        if "content-type" not in named and compiled.content_type and not (isinstance(body, bytes) and not body):
            fields.append(("content-type", compiled.content_type))
        return WireResponse(status, fields, body)

    def fixed_headers(self, request_id: str) -> list[tuple[str, str]]:
        return [(self.request_id_header, request_id)]

    def _compile(self, operation: OperationModel) -> _Operation:
        output = Output(operation.output_shape, self.iso)
        content_type, encode_body = self._body_encoder(operation, output)
        status = operation.http.get("responseCode", 200)
        made = _Operation(self._decoder(operation), status, output, content_type, encode_body)
        self._compiled[operation] = made
        return made

    def _decoder(self, operation: OperationModel) -> Callable[[HttpRequest, Any, bytes], dict[str, Any]]:
        shape, service = operation.input_shape, operation.service_model
        if shape is None:
            return lambda http, body, path: {}
        located = Input(operation, self.absent, hoisted=self.hoisted)
        kind = types_of(service).part(shape, located.located, Flavour.NATIVE)
        read_body = self._payload_reader(service, shape, located)

        def decode(http: HttpRequest, body: Any, path: bytes) -> dict[str, Any]:
            try:
                value = located.read(http, path)
                self.adjust(http, value)
                refused = read_body(value, body)
                if not refused:
                    validate(value, kind)
            except (TextRefused, forms.FormRefused) as problem:
                raise self.refused(problem) from None
            except msgspec.ValidationError:
                refused = True
            if refused and (refusal := self.broken(shape, value)) is not None:
                raise refusal
            return value

        return decode

    def adjust(self, http: HttpRequest, value: dict[str, Any]) -> None:
        """A last word on the located members."""

    def _payload_reader(
        self, service: ServiceModel, shape: StructureShape, located: Input
    ) -> Callable[[dict[str, Any], Any], bool]:
        """Puts what the body holds into the value; True when it has to be judged slowly."""
        payload = located.payload
        if payload is None:
            if not located.body:
                return lambda value, body: False
            read_members = self.body_reader(service, shape, located.body)

            def read_into(value: dict[str, Any], body: bytes) -> bool:
                found, refused = read_members(body)
                value.update(found)
                return refused

            return read_into
        member = shape.members[payload]
        if member.serialization.get("eventstream"):
            codec = EventCodec(member, self.event_bodies(service), self.body_type)

            def read_events(value: dict[str, Any], body: Any) -> bool:
                value[payload] = codec.decode(body.__aiter__())
                return False

            return read_events
        return self._payload_member(service, shape, payload, member)

    def _payload_member(
        self, service: ServiceModel, shape: StructureShape, payload: str, member: Any
    ) -> Callable[[dict[str, Any], Any], bool]:
        if member.type_name in ("blob", "string"):
            kind = types_of(service).of(member, Flavour.NATIVE)

            def read_raw(value: dict[str, Any], body: Any) -> bool:
                if not isinstance(body, bytes):
                    value[payload] = body
                    return False
                if not body and payload not in shape.required_members:
                    return False
                try:
                    value[payload] = body.decode() if member.type_name == "string" else body
                    validate(value[payload], kind)
                except UnicodeDecodeError:
                    raise serialization("The request body is not UTF-8.") from None
                except msgspec.ValidationError:
                    return True
                return False

            return read_raw
        if member.type_name != "structure" or member.metadata.get("document"):
            return self.other_payload(service, shape, payload, member)
        read = self.body_reader(service, member, list(member.members))

        def read_structure(value: dict[str, Any], body: bytes) -> bool:
            if not body:
                return payload in shape.required_members
            value[payload], refused = read(body)
            return refused

        return read_structure

    def other_payload(
        self, service: ServiceModel, shape: StructureShape, payload: str, member: Any
    ) -> Callable[[dict[str, Any], Any], bool]:
        """Reads a payload that is a list, a map or a document."""
        raise TypeError(f"a payload of type {member.type_name} is not part of {self.name}")

    def event_bodies(self, service: ServiceModel) -> Callable[..., Any]:
        """How events carry structures."""

        def body_of(shape: StructureShape | None, only: list[str]) -> tuple[Any, Any]:
            if shape is None:
                return (lambda value: b""), (lambda payload: {})
            read = self.body_reader(service, shape, only)
            return self.body_writer(None, service, shape, only, shape.name), lambda payload: read(payload)[0]

        return body_of

    def _body_encoder(self, operation: OperationModel, output: Output) -> tuple[str, Callable[[dict[str, Any]], Any]]:
        service, shape, payload = operation.service_model, operation.output_shape, output.payload
        if shape is None:
            return self.body_type, lambda value: self.empty_body
        if payload is None:
            if not output.body:
                return self.body_type, lambda value: self.empty_body
            return self.body_type, self.body_writer(operation, service, shape, output.body, operation.name)
        member = shape.members[payload]
        if member.serialization.get("eventstream"):
            codec = EventCodec(member, self.event_bodies(service), self.body_type)
            return EVENT_STREAM, lambda value: codec.encode(value[payload])
        if member.type_name == "blob":
            return self.blob_type, lambda value: _blob(value.get(payload))
        if member.type_name == "string":
            return "text/plain", lambda value: (value.get(payload) or "").encode()
        if member.type_name != "structure" or member.metadata.get("document"):
            write_other = self.other_writer(service, member)
            return self.body_type, lambda value: b"" if value.get(payload) is None else write_other(value[payload])
        tag = member.serialization.get("name", member.name)
        write = self.body_writer(None, service, member, list(member.members), tag)
        return self.body_type, lambda value: b"" if value.get(payload) is None else write(value[payload])

    def other_writer(self, service: ServiceModel, member: Any) -> Callable[[Any], bytes]:
        raise TypeError(f"a payload of type {member.type_name} is not part of {self.name}")

    hoisted: str | None = None
    empty_body = b""
    blob_type = "application/octet-stream"

    def error_output(self, kind: errors.Kind) -> Output:
        """The located members of an error's shape."""
        if kind not in self._error_outputs:
            self._error_outputs[kind] = Output(kind.shape, self.iso)
        return self._error_outputs[kind]


def _blob(value: Any) -> Any:
    """bytes as they are; text as UTF-8; streams untouched."""
    if value is None:
        return b""
    return value.encode() if isinstance(value, str) else value
