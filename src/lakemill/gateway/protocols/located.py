"""Members of REST shapes that are not in the body: in the path, the query, headers and the status.

Each operation's are compiled once. Reading looks up the headers that came, not the members that might have come.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from lakemill.gateway.protocols import forms, text
from lakemill.gateway.protocols.routes import template
from lakemill.services.base import HttpRequest

if TYPE_CHECKING:
    from botocore.model import OperationModel, Shape, StructureShape

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
        for wire, value in forms.query_pairs(http):
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
