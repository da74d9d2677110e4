"""Decoded bodies from wire names to member names, where the two differ (they seldom do)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lakemill.gateway.shapes import is_opaque, wire_name

if TYPE_CHECKING:
    from botocore.model import Shape

Rename = Callable[[Any], Any]


class Renamers:
    """Compiled shapes of one service; None where names are the same all the way down."""

    def __init__(self) -> None:
        self._made: dict[str, Rename] = {}
        self._differs: dict[str, bool] = {}

    def of(self, shape: Shape) -> Rename | None:
        if is_opaque(shape) or not self._reaches(shape, set()):
            return None
        if shape.type_name == "list":
            inner = self.of(shape.member)
            return lambda value: [inner(item) for item in value]  # type: ignore[misc]
        if shape.type_name == "map":
            inner = self.of(shape.value)
            return lambda value: {key: inner(item) for key, item in value.items()}  # type: ignore[misc]
        return self.structure(shape)

    def structure(self, shape: Any, only: list[str] | None = None) -> Rename:
        if only is None and shape.name in self._made:
            return self._made[shape.name]
        table: dict[str, tuple[str, Rename | None]] = {}

        def rename(value: dict[str, Any]) -> dict[str, Any]:
            out = {}
            for wire, item in value.items():
                name, inner = table[wire]
                out[name] = item if inner is None else inner(item)
            return out

        if only is None:
            self._made[shape.name] = rename
        for name, member in shape.members.items():
            if only is None or name in only:
                table[wire_name(name, member)] = (name, self.of(member))
        return rename

    def needs(self, shape: Any, only: list[str]) -> bool:
        """Whether any of these members, or anything in them, goes by another name on the wire."""
        chosen = [(name, member) for name, member in shape.members.items() if name in only]
        return any(wire_name(name, m) != name or self.of(m) is not None for name, m in chosen)

    def _reaches(self, shape: Any, seen: set[str]) -> bool:
        if shape.type_name == "list":
            return self._reaches(shape.member, seen)
        if shape.type_name == "map":
            return self._reaches(shape.value, seen)
        if shape.type_name != "structure" or is_opaque(shape) or shape.name in seen:
            return False
        known = self._differs.get(shape.name)
        if known is None:
            seen.add(shape.name)
            members = shape.members.items()
            known = any(wire_name(name, m) != name or self._reaches(m, seen) for name, m in members)
            if known or len(seen) == 1:
                self._differs[shape.name] = known
        return known
