"""What REST protocols share: members in the path, the query, headers and the status, and payload members.

Each operation is compiled once. Decoding looks up the headers that came, not the members that might have come.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

import msgspec

from lakemill.gateway import constraints, errors
from lakemill.gateway.constraints import serialization, violations
from lakemill.gateway.eventstream import CONTENT_TYPE as EVENT_STREAM
from lakemill.gateway.protocols import forms, text
from lakemill.gateway.protocols.base import Family, Protocol, WireResponse
from lakemill.gateway.protocols.compression import unfolded
from lakemill.gateway.protocols.events import EventCodec
from lakemill.gateway.protocols.routes import Routes, template
from lakemill.gateway.shapes import Flavour, types_of, validate
from lakemill.services.base import BodyReader, HttpRequest, ServiceError

if TYPE_CHECKING:
    from botocore.model import OperationModel, ServiceModel, Shape, StructureShape

LOCATIONS = ("uri", "querystring", "header", "headers", "statusCode")


class TextRefused(Exception):
    """A header, label or query parameter that is not of its type. Fields: name (on the wire), value, shape."""

    def __init__(self, name: str, value: str, shape: Shape) -> None:
        super().__init__(f"{name}: {value!r}")
        self.name, self.value, self.shape = name, value, shape


def split_list(value: str) -> list[str]:
    """Elements of a header list; quoted ones may hold commas.

    >>> split_list('a, "b,c", d')
    ['a', 'b,c', 'd']
    """
    if '"' not in value:
        return [part.strip() for part in value.split(",")] if value else []
    found = re.findall(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^,]*))\s*(?:,|$)', value)
    parts = [re.sub(r"\\(.)", r"\1", quoted) if quoted else plain.strip() for quoted, plain in found]
    return parts[:-1] if parts and parts[-1] == "" and not value.rstrip().endswith(",") else parts


def _list_reader(shape: Any, form: str) -> text.Reader:
    read = text.reader(shape.member, form)
    if shape.member.type_name == "timestamp" and text.form_of(shape.member, form) == "rfc822":
        # An HTTP date has a comma of its own.
        return lambda value: [read(part) for part in re.findall(r"[^,]+,[^,]+", value)]
    return lambda value: [read(part) for part in split_list(value)]


def _list_writer(shape: Any, form: str, iso: text.Writer) -> text.Writer:
    write = text.writer(shape.member, form, iso)
    if shape.member.type_name not in ("string", "character"):
        return lambda value: ",".join(write(item) for item in value)

    def quoted(item: str) -> str:
        return '"' + item.replace("\\", "\\\\").replace('"', '\\"') + '"' if "," in item or '"' in item else item

    return lambda value: ",".join(quoted(item) for item in value)


class Input:
    """An operation's located input members, compiled. Body members are the protocol's.

    absent: whether a value that cannot be read counts as not given. hoisted: a prefix of header names that presigned
    URLs may carry in the query instead.
    """

    def __init__(
        self, operation: OperationModel, absent: Callable[[str, Shape], bool], *, hoisted: str | None = None
    ) -> None:
        shape = operation.input_shape
        members = shape.members if shape is not None else {}
        self.payload = shape.serialization.get("payload") if shape is not None else None
        self.body = [name for name, member in members.items() if member.serialization.get("location") not in LOCATIONS]
        self.located = [name for name in members if name not in self.body and name != self.payload]
        self._absent = absent
        self._hoisted = hoisted
        self._headers: dict[str, tuple[str, text.Reader, Shape]] = {}
        self._prefixes: list[tuple[str, str]] = []
        self._query: dict[str, tuple[str, Callable[[Any], Any], bool, Shape]] = {}
        self._query_map: str | None = None
        self._query_map_lists = False
        labels: dict[str, tuple[str, text.Reader]] = {}
        for name in self.located:
            self._place(name, members[name], labels)
        self.read_path = _path_reader(template(operation.http["requestUri"])[0], labels)
        self._fixed = {fixed for fixed, _ in template(operation.http["requestUri"])[1]}

    def _place(self, name: str, member: Any, labels: dict[str, tuple[str, text.Reader]]) -> None:
        said = member.serialization
        wire = said.get("name", name)
        if said["location"] == "uri":
            labels[wire] = (name, text.reader(member, "iso8601"))
        elif said["location"] == "headers":
            self._prefixes.append((wire.lower(), name))
        elif said["location"] == "header":
            read = _list_reader(member, "rfc822") if member.type_name == "list" else text.reader(member, "rfc822")
            self._headers[wire.lower()] = (name, read, member)
        elif member.type_name == "map":
            self._query_map, self._query_map_lists = name, member.value.type_name == "list"
        elif member.type_name == "list":
            self._query[wire] = (name, text.reader(member.member, "iso8601"), True, member)
        else:
            self._query[wire] = (name, text.reader(member, "iso8601"), False, member)

    def read(self, http: HttpRequest, path: bytes) -> dict[str, Any]:
        """The located members of a request. Raises TextRefused, forms.FormRefused."""
        out = self.read_path(path)
        self._read_headers(http.headers, out)
        if http.query_string and (self._query or self._query_map or self._hoisted):
            self._read_query(http, out)
        return out

    def _read_headers(self, headers: list[tuple[str, str]], out: dict[str, Any]) -> None:
        table, prefixes = self._headers, self._prefixes
        repeated: dict[str, str] = {}
        for wire, value in headers:
            if (entry := table.get(wire)) is not None:
                name, read, shape = entry
                if name in out:
                    # A list may be spread over several fields.
                    value = repeated[wire] = f"{repeated.get(wire) or self._first(headers, wire)},{value}"
                    if shape.type_name != "list":
                        continue
                try:
                    out[name] = read(value)
                except ValueError:
                    if not self._absent(wire, shape):
                        raise TextRefused(wire, value, shape) from None
            elif prefixes:
                for prefix, name in prefixes:
                    if wire.startswith(prefix):
                        found = out.setdefault(name, {})
                        key = wire[len(prefix) :]
                        found[key] = f"{found[key]},{value}" if key in found else value

    @staticmethod
    def _first(headers: list[tuple[str, str]], name: str) -> str:
        return next(value for key, value in headers if key == name)

    def _read_query(self, http: HttpRequest, out: dict[str, Any]) -> None:
        hoisted: list[tuple[str, str]] = []
        for wire, value in forms.pairs(http.query_string):
            entry = self._query.get(wire)
            if entry is None and self._hoisted is not None and wire.lower().startswith(self._hoisted):
                hoisted.append((wire.lower(), value))
            elif entry is None:
                if self._query_map is not None and wire not in self._fixed:
                    found = out.setdefault(self._query_map, {})
                    if self._query_map_lists:
                        found.setdefault(wire, []).append(value)
                    else:
                        found.setdefault(wire, value)
            elif value or entry[2] or not self._absent("", entry[3]):
                self._read_parameter(wire, value, entry, out)
        if hoisted:
            sent = {name for name, _ in http.headers}
            self._read_headers([pair for pair in hoisted if pair[0] not in sent], out)

    @staticmethod
    def _read_parameter(wire: str, value: str, entry: tuple[Any, ...], out: dict[str, Any]) -> None:
        name, read, is_list, shape = entry
        try:
            if is_list:
                out.setdefault(name, []).append(read(value))
            elif name not in out:
                out[name] = read(value)
        except ValueError:
            raise TextRefused(wire, value, shape) from None


def _path_reader(segments: list[str], labels: dict[str, tuple[str, text.Reader]]) -> Callable[[bytes], dict[str, Any]]:
    """From a path that is known to fit the template to its labels."""
    if not labels:
        return lambda path: {}
    pattern = b""
    names: list[tuple[str, text.Reader]] = []
    for segment in segments:
        if segment.startswith("{"):
            names.append(labels[segment.strip("{+}")])
            pattern += b"/(.+)" if segment.endswith("+}") else b"/([^/]+)"
        else:
            pattern += b"/" + re.escape(segment.encode())
    match = re.compile(pattern + (b"" if segments[-1].endswith("+}") else b"/?"), re.DOTALL).fullmatch

    def read(path: bytes) -> dict[str, Any]:
        found = match(path)
        if found is None:
            raise forms.FormRefused("the path does not fit the operation")
        out = {}
        for (name, reader), raw in zip(names, found.groups(), strict=True):
            try:
                out[name] = reader((unquote_to_bytes(raw) if b"%" in raw else raw).decode())
            except ValueError as error:
                raise forms.FormRefused(str(error)) from None
        return out

    return read


class Output:
    """An operation's (or an error's) located output members, compiled."""

    def __init__(self, shape: StructureShape | None, iso: text.Writer) -> None:
        members = shape.members if shape is not None else {}
        self.payload = shape.serialization.get("payload") if shape is not None else None
        self._headers: dict[str, tuple[str, text.Writer]] = {}
        self._prefixes: dict[str, str] = {}
        self.status_member: str | None = None
        for name, member in members.items():
            said = member.serialization
            location, wire = said.get("location"), said.get("name", name).lower()
            if location == "header":
                write = (
                    _list_writer(member, "rfc822", iso)
                    if member.type_name == "list"
                    else text.writer(member, "rfc822", iso)
                )
                self._headers[name] = (wire, write)
            elif location == "headers":
                self._prefixes[name] = wire
            elif location == "statusCode":
                self.status_member = name
        self.body = [name for name, m in members.items() if m.serialization.get("location") not in LOCATIONS]

    def write(self, output: dict[str, Any], fields: list[tuple[str, str]]) -> None:
        """Append the headers of an output."""
        for name, value in output.items():
            if value is None:
                continue
            if (entry := self._headers.get(name)) is not None:
                wire, write = entry
                fields.append((wire, write(value)))
            elif (prefix := self._prefixes.get(name)) is not None:
                fields += [(prefix + key.lower(), item) for key, item in value.items()]


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
        self._error_outputs: dict[str, Output] = {}

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
            query = dict(reversed(list(forms.pairs(http.query_string)))) if http.query_string else {}
        except forms.FormRefused as problem:
            raise self.refused(problem) from None
        name = self._routes[service].find(
            http.method, path if path is not None else http.raw_path, query, dict(http.headers)
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
        if headers:
            fields += headers.items()
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
        if kind.name not in self._error_outputs:
            self._error_outputs[kind.name] = Output(kind.shape, self.iso)
        return self._error_outputs[kind.name]


def _blob(value: Any) -> Any:
    """bytes as they are; text as UTF-8; streams untouched."""
    if value is None:
        return b""
    return value.encode() if isinstance(value, str) else value
