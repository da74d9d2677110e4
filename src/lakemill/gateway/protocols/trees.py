"""Output dicts turned into what a JSON or CBOR encoder takes as it is: wire names, timestamps, floats.

`Writers.of(shape)` compiles a shape to a function; None means its values need no change, which spares the walk.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import cbor2

from lakemill.gateway import moments
from lakemill.gateway.protocols.columns import dict_columns, json_columns
from lakemill.gateway.shapes import is_opaque, wire_name
from lakemill.services.base import Columns, Ready

if TYPE_CHECKING:
    from botocore.model import Shape, StructureShape

Write = Callable[[Any], Any]


def json_float(value: float) -> Any:
    """JSON has no number for what is not finite; AWS writes words."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def json_moment(form: str) -> Write:
    return moments.to_epoch if form == "unixtimestamp" else moments.TO_TEXT[form]


def cbor_seconds(_form: str) -> Write:
    """RPC v2: tag 1 over seconds."""
    return lambda moment: cbor2.CBORTag(1, moments.to_epoch(moment))


def cbor_millis(_form: str) -> Write:
    """application/x-amz-cbor-1.1: tag 1 over whole milliseconds, against the tag's definition."""
    return lambda moment: cbor2.CBORTag(1, round(moments.to_epoch(moment) * 1000))


class Writers:
    """Compiled shapes of one service in one encoding."""

    def __init__(self, moment: Callable[[str], Write], number: Write | None) -> None:
        self._moment = moment
        self._number = number
        self._changes: dict[str, bool] = {}
        self._made: dict[str, Write] = {}

    def of(self, shape: Shape) -> Write | None:
        """The function of a shape, None when its values can stay."""
        if is_opaque(shape) or not self._changing(shape):
            return None
        kind = shape.type_name
        if kind == "timestamp":
            return self._moment(shape.serialization.get("timestampFormat", "unixtimestamp").lower())
        if kind in ("float", "double"):
            return self._number
        if kind == "list":
            return self._list(shape)
        if kind == "map":
            return self._map(shape)
        return self.structure(shape)

    def structure(self, shape: StructureShape, only: list[str] | None = None) -> Write:
        """A structure's function, always; with only, of some of its members. Drops None and what the shape has not."""
        if only is None and shape.name in self._made:
            return self._made[shape.name]
        table: dict[str, tuple[str, Write | None]] = {}

        def write(value: dict[str, Any]) -> dict[str, Any]:
            out = {}
            for name, item in value.items():
                if item is not None and (entry := table.get(name)) is not None:
                    wire, change = entry
                    out[wire] = item if change is None else change(item)
            return out

        if only is None:
            self._made[shape.name] = write  # Before the members: a shape may contain itself.
        for name, member in shape.members.items():
            if only is None or name in only:
                table[name] = (wire_name(name, member), self.of(member))
        return write

    def _list(self, shape: Any) -> Write:
        change = self.of(shape.member)
        assert change is not None

        json = self._number is json_float
        columns = self._columns(shape.member) if shape.member.type_name == "structure" else None

        def write(value: Any) -> Any:
            if type(value) is Columns and columns is not None:
                return columns(value)
            if type(value) is Ready and json:
                return value
            return [None if item is None else change(item) for item in value]

        return write

    def _columns(self, shape: StructureShape) -> Write:
        """The function of structures given as columns."""
        members = {wire_name(name, member): member for name, member in shape.members.items()}
        if self._number is json_float:
            return json_columns({name: member.type_name for name, member in members.items()})
        times = [(name, member) for name, member in members.items() if member.type_name == "timestamp"]
        return dict_columns({name: self.of(member) for name, member in times})  # type: ignore[misc]

    def _map(self, shape: Any) -> Write:
        change = self.of(shape.value)
        assert change is not None

        def write(value: dict[Any, Any]) -> dict[Any, Any]:
            return {key: change(item) for key, item in value.items() if item is not None}

        return write

    def _changing(self, shape: Shape) -> bool:
        """Whether anything that can be reached from a shape has to change."""
        if shape.type_name not in ("structure", "list", "map"):
            return self._changes_scalar(shape)
        known = self._changes.get(shape.name)
        if known is None:
            known = self._changes[shape.name] = self._reaches_change(shape, set())
        return known

    def _changes_scalar(self, shape: Shape) -> bool:
        if shape.type_name == "timestamp":
            return True
        return self._number is not None and shape.type_name in ("float", "double")

    def _reaches_change(self, shape: Any, seen: set[str]) -> bool:
        if is_opaque(shape):
            return False
        if shape.type_name == "list":
            inner = [shape.member]
        elif shape.type_name == "map":
            inner = [shape.value]
        elif shape.type_name == "structure":
            if shape.name in seen:
                return False
            seen.add(shape.name)
            if any(wire_name(name, member) != name for name, member in shape.members.items()):
                return True
            inner = list(shape.members.values())
        else:
            return self._changes_scalar(shape)
        return any(self._reaches_change(member, seen) for member in inner)
