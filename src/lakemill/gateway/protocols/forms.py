"""Form bodies and query strings: `Action=CreateRole&Tags.member.1.Key=a` as a tree, and readers of such trees.

A tree is a dict of dicts with strings as leaves: `{"Tags": {"member": {"1": {"Key": "a"}}}}`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from lakemill.gateway.protocols import text
from lakemill.services.base import HttpRequest

if TYPE_CHECKING:
    from botocore.model import Shape, StructureShape

DEPTH_MAX = 64
Read = Callable[[Any], Any]


class FormRefused(Exception):
    """A form that cannot be read as the operation's input."""


def unquote(piece: bytes) -> str:
    """A percent-escaped piece of a form or query. Raises FormRefused when it is not UTF-8."""
    if b"+" in piece:
        piece = piece.replace(b"+", b" ")
    try:
        return (unquote_to_bytes(piece) if b"%" in piece else piece).decode()
    except UnicodeDecodeError:
        raise FormRefused("not UTF-8") from None


def pairs(form: bytes) -> Iterator[tuple[str, str]]:
    """Names and values in order, blank ones too."""
    for part in form.split(b"&"):
        if part:
            name, _, value = part.partition(b"=")
            yield unquote(name), unquote(value)


AUTHENTICATION = frozenset(
    b"X-Amz-" + name
    for name in (b"Algorithm", b"Credential", b"Date", b"Expires", b"SignedHeaders", b"Signature", b"Security-Token")
)


def query_pairs(http: HttpRequest) -> list[tuple[str, str]]:
    """A request's query without what only authenticates it; read once per request. Raises FormRefused."""
    if http.query_pairs is None:
        query = http.query_string
        if b"X-Amz-" in query:
            query = b"&".join(part for part in query.split(b"&") if part.partition(b"=")[0] not in AUTHENTICATION)
        http.query_pairs = list(pairs(query))
    return http.query_pairs


def tree(form: bytes) -> dict[str, Any]:
    """The whole form. A name given twice keeps its first value. Raises FormRefused."""
    top: dict[str, Any] = {}
    for name, value in pairs(form):
        if "." not in name:
            top.setdefault(name, value)
            continue
        parts = name.split(".")
        if len(parts) > DEPTH_MAX:
            raise FormRefused("nested too deeply")
        node = top
        for part in parts[:-1]:
            inner = node.get(part)
            if not isinstance(inner, dict):
                # `Tags=` (an empty list) beside `Tags.member.1` means the latter.
                inner = node[part] = {}
            node = inner
        node.setdefault(parts[-1], value)
    return top


def _numbered(node: dict[str, Any]) -> Iterator[Any]:
    """Elements by their numbers; gaps are closed."""
    try:
        numbered = sorted((int(key), value) for key, value in node.items())
    except (ValueError, TypeError):
        raise FormRefused(f"list elements must be numbered, got {', '.join(node)}") from None
    return (value for _, value in numbered)


class Readers:
    """Compiled shapes of one service: from a tree's node to a native value. They raise FormRefused."""

    def __init__(self) -> None:
        self._made: dict[str, Read] = {}

    def of(self, shape: Shape) -> Read:
        if shape.type_name == "structure":
            return self.structure(shape)
        if shape.type_name == "list":
            return self._list(shape)
        if shape.type_name == "map":
            return self._map(shape)
        read = text.reader(shape, "iso8601")

        def read_leaf(node: Any) -> Any:
            if isinstance(node, dict):
                raise FormRefused("a single value was expected")
            try:
                return read(node)
            except ValueError as error:
                raise FormRefused(str(error)) from None

        return read_leaf

    def structure(self, shape: StructureShape) -> Read:
        if shape.name in self._made:
            return self._made[shape.name]
        table: dict[str, tuple[str, Read]] = {}

        def read(node: Any) -> dict[str, Any]:
            if not isinstance(node, dict):
                return {}
            out: dict[str, Any] = {}
            for wire, value in node.items():
                if (entry := table.get(wire)) is not None and entry[0] not in out:
                    out[entry[0]] = entry[1](value)
            return out

        self._made[shape.name] = read
        for name, member in shape.members.items():
            for wire in self._names(name, member):
                table[wire] = (name, self.of(member))
        return read

    def _names(self, name: str, member: Any) -> set[str]:
        own = member.serialization.get("name", name)
        if member.type_name == "list" and member.serialization.get("flattened"):
            return {own, member.member.serialization.get("name", own)}
        return {own}

    def _list(self, shape: Any) -> Read:
        item = self.of(shape.member)
        wrapper = None if shape.serialization.get("flattened") else shape.member.serialization.get("name", "member")

        def read(node: Any) -> list[Any]:
            if not isinstance(node, dict):
                return []  # `Tags=` is how an empty list is written.
            if wrapper is not None:
                # Some clients always write `member`, some leave the wrapper out.
                node = node.get(wrapper, node.get("member", node))
            return [item(each) for each in _numbered(node)] if isinstance(node, dict) else []

        return read

    def _map(self, shape: Any) -> Read:
        key_name = shape.key.serialization.get("name", "key")
        value_name = shape.value.serialization.get("name", "value")
        key, value = self.of(shape.key), self.of(shape.value)
        flat = bool(shape.serialization.get("flattened"))

        def read(node: Any) -> dict[str, Any]:
            if not isinstance(node, dict):
                return {}
            entries = node if flat else node.get("entry", node)
            out = {}
            for entry in _numbered(entries):
                if not isinstance(entry, dict) or key_name not in entry or value_name not in entry:
                    raise FormRefused(f"a map's entry needs {key_name} and {value_name}")
                out[key(entry[key_name])] = value(entry[value_name])
            return out

        return read
