"""XML bodies read into a small tree, and shapes compiled to readers of it.

Refused as malformed: any DOCTYPE (so no entity can be declared, and none expands), nesting beyond DEPTH_MAX, bodies
beyond BYTES_MAX. Namespaces are not looked at; names count without their prefix, as AWS treats them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from xml.parsers import expat

from lakemill.gateway.protocols import text

if TYPE_CHECKING:
    from botocore.model import Shape, StructureShape

DEPTH_MAX = 64
BYTES_MAX = 8 << 20


class XmlRefused(Exception):
    """A body that is not well-formed, or dangerous, or does not fit its shape."""


class Node:
    """An element: tag without prefix, attributes as written, children in order, text between them."""

    __slots__ = ("attributes", "children", "tag", "text")

    def __init__(self, tag: str, attributes: dict[str, str]) -> None:
        self.tag = tag
        self.attributes = attributes
        self.children: list[Node] = []
        self.text = ""


class _Builder:
    def __init__(self) -> None:
        self._top = Node("", {})
        self._open = [self._top]

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if len(self._open) > DEPTH_MAX:
            raise XmlRefused("nested too deeply")
        node = Node(tag.rpartition(":")[2], attributes)
        self._open[-1].children.append(node)
        self._open.append(node)

    def end(self, _tag: str) -> None:
        self._open.pop()

    def data(self, piece: str) -> None:
        self._open[-1].text += piece

    def doctype(self, *_about: Any) -> None:
        raise XmlRefused("a document type declaration is not allowed")

    def root(self) -> Node:
        return self._top.children[0]


def parse(body: bytes) -> Node:
    """The root element. Raises XmlRefused."""
    if len(body) > BYTES_MAX:
        raise XmlRefused("too large")
    builder = _Builder()
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = builder.doctype
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, ValueError) as error:
        raise XmlRefused(str(error)) from None
    return builder.root()


ReadNode = Callable[[Node], Any]


class Readers:
    """Compiled shapes of one service: from a node to a native value. They raise XmlRefused or ValueError."""

    def __init__(self) -> None:
        self._made: dict[str, ReadNode] = {}

    def of(self, shape: Shape) -> ReadNode:
        if shape.type_name == "structure":
            return self.structure(shape)
        if shape.type_name == "list":
            return self._list(shape)
        if shape.type_name == "map":
            return self._map(shape)
        read = text.reader(shape, "iso8601")
        if shape.type_name in ("string", "character"):
            return lambda node: node.text
        return lambda node: read(node.text)

    def structure(self, shape: StructureShape, only: list[str] | None = None) -> ReadNode:
        """A structure's reader; with only, of some of its members."""
        if only is None and shape.name in self._made:
            return self._made[shape.name]
        single: dict[str, tuple[str, ReadNode]] = {}
        gathered: dict[str, tuple[str, Any, Any]] = {}
        attributes: dict[str, str] = {}

        def read(node: Node) -> dict[str, Any]:
            out: dict[str, Any] = {}
            for child in node.children:
                if (entry := single.get(child.tag)) is not None:
                    out[entry[0]] = entry[1](child)
                elif (many := gathered.get(child.tag)) is not None:
                    name, start, add = many
                    if name not in out:
                        out[name] = start()
                    add(out[name], child)
            if attributes:
                for wire, name in attributes.items():
                    if wire in node.attributes:
                        out[name] = node.attributes[wire]
            return out

        if only is None:
            self._made[shape.name] = read
        for name, member in shape.members.items():
            said = member.serialization
            if (only is not None and name not in only) or "location" in said:
                continue
            wire = said.get("name", name)
            if said.get("xmlAttribute"):
                attributes[wire] = name
            elif said.get("flattened") and member.type_name in ("list", "map"):
                gathered[wire] = (name, *self._gathering(member))
            else:
                single[wire] = (name, self.of(member))
        return read

    def _gathering(self, member: Any) -> tuple[Any, Any]:
        if member.type_name == "list":
            item = self.of(member.member)
            return list, lambda out, child: out.append(item(child))
        entry = self._entry(member)
        return dict, lambda out, child: out.update([entry(child)])

    def _list(self, shape: Any) -> ReadNode:
        item = self.of(shape.member)
        return lambda node: [item(child) for child in node.children]

    def _map(self, shape: Any) -> ReadNode:
        entry = self._entry(shape)
        return lambda node: dict(entry(child) for child in node.children)

    def _entry(self, shape: Any) -> Callable[[Node], tuple[Any, Any]]:
        key_name = shape.key.serialization.get("name", "key")
        value_name = shape.value.serialization.get("name", "value")
        key, value = self.of(shape.key), self.of(shape.value)

        def read(node: Node) -> tuple[Any, Any]:
            found = {child.tag: child for child in node.children}
            if key_name not in found or value_name not in found:
                raise XmlRefused(f"an entry needs {key_name} and {value_name}")
            return key(found[key_name]), value(found[value_name])

        return read
