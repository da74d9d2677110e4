"""Output dicts written as XML: shapes compiled to functions that append pieces of text."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lakemill.gateway.protocols import text

if TYPE_CHECKING:
    from botocore.model import Shape, StructureShape

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
Write = Callable[[Any, list[str]], None]

_SPECIAL = re.compile('[&<>"\x00-\x08\x0b-\x1f\x85\u2028]')
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}


def escape(value: str) -> str:
    """Text for an element or an attribute. Control characters, CR among them, become references so they survive.

    >>> escape('a<b & "c"')
    'a&lt;b &amp; &quot;c&quot;'
    """
    if not _SPECIAL.search(value):
        return value
    return _SPECIAL.sub(lambda match: _ESCAPES.get(match[0]) or f"&#x{ord(match[0]):X};", value)


def namespace(said: Any) -> str:
    """The xmlns attribute of a shape's xmlNamespace, with a space before it."""
    if not said:
        return ""
    uri, prefix = (said, None) if isinstance(said, str) else (said["uri"], said.get("prefix"))
    return f' xmlns{f":{prefix}" if prefix else ""}="{escape(uri)}"'


class Writers:
    """Compiled shapes of one service. iso: how ISO timestamps are written."""

    def __init__(self, iso: Callable[[Any], str]) -> None:
        self._iso = iso
        self._made: dict[tuple[str, str], Write] = {}

    def element(self, shape: Shape, tag: str) -> Write:
        """Writes a value as `<tag>...</tag>` (flattened lists and maps as several)."""
        if shape.type_name == "structure":
            return self._structure(shape, tag)
        if shape.type_name == "list":
            return self._list(shape, tag)
        if shape.type_name == "map":
            return self._map(shape, tag)
        write = text.writer(shape, "iso8601", self._iso)
        opening, closing = f"<{tag}>", f"</{tag}>"
        if shape.type_name in ("string", "character"):
            return lambda value, out: out.append(f"{opening}{escape(str(value))}{closing}")
        return lambda value, out: out.append(f"{opening}{write(value)}{closing}")

    def _structure(self, shape: StructureShape, tag: str) -> Write:
        key = (shape.name, tag)
        if key in self._made:
            return self._made[key]
        parts: list[Any] = []
        attributes = [
            (n, m.serialization["name"]) for n, m in shape.members.items() if m.serialization.get("xmlAttribute")
        ]
        fixed = namespace(shape.serialization.get("xmlNamespace"))
        opening, closing = f"<{tag}{fixed}", f"</{tag}>"

        def write(value: dict[str, Any], out: list[str]) -> None:
            out.append(opening)
            for name, wire in attributes:
                if value.get(name) is not None:
                    out.append(f' {wire}="{escape(str(value[name]))}"')
            out.append(">")
            for name, member in parts:
                if (item := value.get(name)) is not None:
                    member(item, out)
            out.append(closing)

        self._made[key] = write  # Before the members: a shape may contain itself.
        parts += self.members(shape, [name for name, _ in attributes])
        return write

    def members(self, shape: StructureShape, without: list[str] = ()) -> list[tuple[str, Write]]:  # type: ignore[assignment]
        """Name and writer of each body member of a structure, in the model's order."""
        return [
            (name, self.element(member, member.serialization.get("name", name)))
            for name, member in shape.members.items()
            if name not in without and "location" not in member.serialization
        ]

    def _list(self, shape: Any, tag: str) -> Write:
        if shape.serialization.get("flattened"):
            # A flattened list's elements go by the name of its member, where that has one.
            item = self.element(shape.member, shape.member.serialization.get("name", tag))

            def write_flat(value: list[Any], out: list[str]) -> None:
                for each in value:
                    item(each, out)

            return write_flat
        item = self.element(shape.member, shape.member.serialization.get("name", "member"))
        opening, closing = f"<{tag}{namespace(shape.serialization.get('xmlNamespace'))}>", f"</{tag}>"

        def write(value: list[Any], out: list[str]) -> None:
            out.append(opening)
            for each in value:
                item(each, out)
            out.append(closing)

        return write

    def _map(self, shape: Any, tag: str) -> Write:
        key = self.element(shape.key, shape.key.serialization.get("name", "key"))
        value_of = self.element(shape.value, shape.value.serialization.get("name", "value"))
        flat = bool(shape.serialization.get("flattened"))
        entry = tag if flat else "entry"

        def write(value: dict[str, Any], out: list[str]) -> None:
            if not flat:
                out.append(f"<{tag}>")
            for name, item in value.items():
                out.append(f"<{entry}>")
                key(name, out)
                value_of(item, out)
                out.append(f"</{entry}>")
            if not flat:
                out.append(f"</{tag}>")

        return write
