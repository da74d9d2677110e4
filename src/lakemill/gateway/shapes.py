"""Input shapes compiled to msgspec types, so that decoding and validating happen in C.

A structure becomes a TypedDict, with the model's required members, lengths, ranges, patterns and enums as Meta; a
request it refuses goes to `constraints`, which has the last word and AWS's sentences. So a type may be stricter than
AWS (it refuses nulls, say), never more lenient.

Three flavours: JSON bodies (wire names; blobs as base64; timestamps in their modelled form), CBOR bodies (wire names;
bytes and datetimes as such), and native values (member names; what the other protocols make of text).
"""

from __future__ import annotations

import datetime
import enum
import re
import weakref
from typing import TYPE_CHECKING, Annotated, Any, Literal, NotRequired, TypedDict

import msgspec

from lakemill.gateway import javaregex, moments

if TYPE_CHECKING:
    from botocore.model import ServiceModel, Shape, StructureShape

INT32 = (-(1 << 31), (1 << 31) - 1)
INT64 = (-(1 << 63), (1 << 63) - 1)


class Flavour(enum.Enum):
    """Where the values come from."""

    JSON = enum.auto()
    CBOR = enum.auto()
    NATIVE = enum.auto()


class _Moment(type):
    """Types whose decoded values are datetimes; msgspec asks isinstance after our hook."""

    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, datetime.datetime)


class Epoch(metaclass=_Moment):
    """A timestamp written as seconds since 1970."""


class Iso(metaclass=_Moment):
    """A timestamp written as ISO 8601."""


class HttpDate(metaclass=_Moment):
    """A timestamp written as an HTTP date."""


_MOMENTS = {"unixtimestamp": Epoch, "iso8601": Iso, "rfc822": HttpDate}


def moment(form: str, value: Any) -> datetime.datetime:
    """A JSON value in a timestampFormat as a datetime. Raises ValueError when it has another type or form."""
    if form == "unixtimestamp":
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return moments.from_epoch(value)
    elif isinstance(value, str):
        return moments.FROM_TEXT[form](value)
    raise ValueError("not a timestamp")


def _hook(kind: type, value: Any) -> Any:
    if kind is Epoch:
        return moment("unixtimestamp", value)
    return moment("iso8601" if kind is Iso else "rfc822", value)


def is_opaque(shape: Shape) -> bool:
    """Values that pass through as they are: documents, JSON in headers, streams."""
    said = shape.serialization
    return bool(
        shape.metadata.get("document") or said.get("jsonvalue") or said.get("streaming") or said.get("eventstream")
    )


def wire_name(name: str, shape: Shape) -> str:
    """A member's name in a body."""
    return shape.serialization.get("name", name)


def _record(name: str) -> Any:
    """A TypedDict without members yet."""
    return TypedDict(name, {})  # type: ignore[operator]


class Types:
    """The msgspec types of one service, made when first asked for."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, Flavour], Any] = {}

    def of(self, shape: Shape, flavour: Flavour) -> Any:
        """The type of a shape."""
        if is_opaque(shape):
            return Any
        if shape.type_name == "timestamp":
            if flavour is not Flavour.JSON:
                return datetime.datetime
            return _MOMENTS[shape.serialization.get("timestampFormat", "unixtimestamp").lower()]
        key = (shape.name, flavour)
        if key not in self._made:
            self._make(shape, flavour, key)
        return self._made[key]

    def _make(self, shape: Shape, flavour: Flavour, key: tuple[str, Flavour]) -> None:
        if shape.type_name == "structure":
            # Registered before its members are looked at: shapes may contain themselves.
            self._made[key] = made = _record(shape.name)
            self._fill(made, shape, flavour)
        elif shape.type_name == "list":
            # A list that contains itself is met again only inside a structure, which stands in the table by then.
            self._made[key] = _bounded(list.__class_getitem__(self.of(shape.member, flavour)), shape, "length")
        elif shape.type_name == "map":
            inside = dict.__class_getitem__((self.of(shape.key, flavour), self.of(shape.value, flavour)))
            self._made[key] = _bounded(inside, shape, "length")
        else:
            self._made[key] = _scalar(shape)

    def _fill(self, made: Any, shape: StructureShape, flavour: Flavour) -> None:
        required = set(shape.required_members)
        names = {}
        for name, member in shape.members.items():
            key = name if flavour is Flavour.NATIVE else wire_name(name, member)
            names[name] = key
            made.__annotations__[key] = self.of(member, flavour)
        made.__required_keys__ = frozenset(names[name] for name in required if name in names)
        made.__optional_keys__ = frozenset(made.__annotations__) - made.__required_keys__

    def part(self, shape: StructureShape, names: list[str], flavour: Flavour) -> Any:
        """A type of only some members of a structure: what a REST body holds, or what its headers do."""
        required = set(shape.required_members)
        made: Any = _record(shape.name)
        for name in names:
            member = shape.members[name]
            key = name if flavour is Flavour.NATIVE else wire_name(name, member)
            kind = self.of(member, flavour)
            made.__annotations__[key] = kind if name in required else NotRequired[kind]
        made.__required_keys__ = frozenset(made.__annotations__)
        return made


def _bounded(kind: Any, shape: Shape, what: Literal["length", "value"], **more: Any) -> Any:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    low_name, high_name = ("min_length", "max_length") if what == "length" else ("ge", "le")
    meta = {name: bound for name, bound in ((low_name, low), (high_name, high)) if bound is not None} | more
    return Annotated[kind, msgspec.Meta(**meta)] if meta else kind


def pattern_of(shape: Shape) -> str | None:
    """A string shape's pattern for Python, None when it has none or it is in nobody's dialect."""
    pattern = shape.metadata.get("pattern")
    if pattern is None:
        return None
    try:
        return javaregex.translate(pattern)
    except (re.error, ValueError, OverflowError):
        return None


def bounds_of(shape: Shape) -> tuple[int, int]:
    """The smallest and largest value of an integer shape: its type's and the model's."""
    low, high = INT32 if shape.type_name == "integer" else INT64
    return max(low, int(shape.metadata.get("min", low))), min(high, int(shape.metadata.get("max", high)))


def _scalar(shape: Shape) -> Any:
    kind = shape.type_name
    if kind in ("string", "character"):
        if values := shape.metadata.get("enum"):
            return Literal[tuple(values)]
        pattern = pattern_of(shape)
        return _bounded(str, shape, "length", **({"pattern": pattern} if pattern else {}))
    if kind == "blob":
        return _bounded(bytes, shape, "length")
    if kind in ("integer", "long"):
        low, high = bounds_of(shape)
        return Annotated[int, msgspec.Meta(ge=low, le=high)]
    if kind in ("float", "double"):
        return _bounded(float, shape, "value")
    if kind == "boolean":
        return bool
    raise TypeError(f"shape {shape.name} is a {kind}, which is no type of botocore's models")


_types: weakref.WeakKeyDictionary[Any, Types] = weakref.WeakKeyDictionary()


def types_of(service: ServiceModel) -> Types:
    """The types of a service; they live as long as its model."""
    found = _types.get(service)
    if found is None:
        found = _types[service] = Types()
    return found


def json_decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    """Bytes of JSON -> a value of a JSON-flavoured type. Raises msgspec.ValidationError or DecodeError."""
    return msgspec.json.Decoder(kind, dec_hook=_hook)


BUILTIN = (bytes, datetime.datetime)


def validate(value: Any, kind: Any) -> Any:
    """A copy of a native value if it fits. Raises msgspec.ValidationError."""
    return msgspec.convert(value, kind, builtin_types=BUILTIN)
