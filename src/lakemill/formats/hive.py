"""Hive's type strings, `array<struct<a:int,b:decimal(10,2)>>`, and the Arrow types that hold their values.

Source: Hive's language manual, "Types" and "DDL"; the words are case-insensitive, blanks may stand between them.

>>> parse("decimal(5)")
Type(name='decimal', parts=(), names=(), numbers=(5, 0))
>>> str(parse("struct< A : decimal( 10 , 2 ) >"))
'struct<a:decimal(10,2)>'
"""

import dataclasses
import re
from typing import Any

_TOKEN = re.compile(r"\s*(`(?:[^`]|``)*`|[A-Za-z0-9_.$\-]+|[<>(),:])")
_SIMPLE = (
    *("boolean", "tinyint", "smallint", "int", "bigint", "float", "double", "string", "binary", "date", "timestamp"),
)
_ALIASES = {"integer": "int", "real": "float", "numeric": "decimal", "dec": "decimal"}
_LENGTHS_MAX = {"varchar": 65535, "char": 255}
DECIMAL_DIGITS_MAX = 38


class TypeUnknown(ValueError):
    """Not a type of Hive, or one that has no columnar form here. Fields: text, what."""

    def __init__(self, text: str, what: str) -> None:
        super().__init__(f"the type {text!r} {what}")
        self.text, self.what = text, what


@dataclasses.dataclass(frozen=True)
class Type:
    """A parsed type; str() writes it as Hive does."""

    name: str
    """boolean ... timestamp, decimal, varchar, char, array, map or struct."""
    parts: tuple["Type", ...] = ()
    """The element; key and value; the fields."""
    names: tuple[str, ...] = ()
    """Of a struct's fields, in lower case."""
    numbers: tuple[int, ...] = ()
    """Precision and scale, or the length in characters."""

    def __str__(self) -> str:
        if self.name == "struct":
            return f"struct<{','.join(f'{n}:{p}' for n, p in zip(self.names, self.parts, strict=True))}>"
        if self.parts:
            return f"{self.name}<{','.join(map(str, self.parts))}>"
        return f"{self.name}({','.join(map(str, self.numbers))})" if self.numbers else self.name


@dataclasses.dataclass(frozen=True)
class NamedColumn:
    """A column of a table: its name, and its type as Hive writes it."""

    name: str
    type: str


def parse(text: str) -> Type:
    """The type a string names. Raises TypeUnknown."""
    tokens = _tokens(text)
    found, place = _type(text, tokens, 0)
    if place != len(tokens):
        raise TypeUnknown(text, f"has {tokens[place]!r} after its end")
    return found


def arrow(type: Type, unit: str = "ns") -> Any:
    """The Arrow type of its values; unit: of timestamps, which have no zone.

    >>> arrow(parse("map<string,decimal(5,2)>"))
    MapType(map<string, decimal128(5, 2)>)
    """
    import pyarrow as pa

    if type.name == "array":
        return pa.list_(arrow(type.parts[0], unit))
    if type.name == "map":
        return pa.map_(arrow(type.parts[0], unit), arrow(type.parts[1], unit))
    if type.name == "struct":
        fields = zip(type.names, type.parts, strict=True)
        return pa.struct([pa.field(name, arrow(part, unit)) for name, part in fields])
    if type.name == "decimal":
        return pa.decimal128(*type.numbers)
    if type.name == "timestamp":
        return pa.timestamp(unit)
    simple = {
        "boolean": pa.bool_(),
        "tinyint": pa.int8(),
        "smallint": pa.int16(),
        "int": pa.int32(),
        "bigint": pa.int64(),
        "float": pa.float32(),
        "double": pa.float64(),
        "binary": pa.binary(),
        "date": pa.date32(),
    }
    return simple.get(type.name, pa.string())


def _tokens(text: str) -> list[str]:
    tokens, place = [], 0
    end = len(text.rstrip())
    while place < end:
        match = _TOKEN.match(text, place)
        if not match:
            raise TypeUnknown(text, f"has {text[place]!r}, which belongs to no type")
        tokens.append(match[1])
        place = match.end()
    return tokens


def _type(text: str, tokens: list[str], place: int) -> tuple[Type, int]:
    if place >= len(tokens):
        raise TypeUnknown(text, "ends too early")
    name = tokens[place].lower()
    name, place = _ALIASES.get(name, name), place + 1
    if name in _SIMPLE:
        if name == "timestamp" and [one.lower() for one in tokens[place : place + 1]] == ["with"]:
            raise TypeUnknown(text, "is a timestamp with a time zone, which cannot be written")
        if name == "double" and [one.lower() for one in tokens[place : place + 1]] == ["precision"]:
            place += 1
        return Type(name), place
    if name in ("decimal", *_LENGTHS_MAX):
        numbers, place = _numbers(text, tokens, place)
        return _sized(text, name, numbers), place
    if name in ("array", "map"):
        parts, place = [], _expect(text, tokens, place, "<")
        for count in range(1 if name == "array" else 2):
            place = _expect(text, tokens, place, ",") if count else place
            part, place = _type(text, tokens, place)
            parts.append(part)
        if name == "map" and parts[0].parts:
            raise TypeUnknown(text, f"has the keys {parts[0]}; they must be of a primitive type")
        return Type(name, tuple(parts)), _expect(text, tokens, place, ">")
    if name == "struct":
        return _struct(text, tokens, place)
    if name == "uniontype" or name.startswith("interval"):
        raise TypeUnknown(text, f"contains {name}, which cannot be written")
    raise TypeUnknown(text, f"contains {name!r}, which is no type")


def _struct(text: str, tokens: list[str], place: int) -> tuple[Type, int]:
    names: list[str] = []
    parts: list[Type] = []
    place = _expect(text, tokens, place, "<")
    while True:
        if place >= len(tokens) or tokens[place] in "<>(),:":
            raise TypeUnknown(text, "has a field without a name")
        name = tokens[place].strip("`").replace("``", "`").lower()
        if name in names:
            raise TypeUnknown(text, f"has two fields named {name!r}")
        part, place = _type(text, tokens, _expect(text, tokens, place + 1, ":"))
        if [one.lower() for one in tokens[place : place + 1]] == ["comment"]:
            raise TypeUnknown(text, "has a comment inside, which cannot be kept")
        names.append(name)
        parts.append(part)
        if place < len(tokens) and tokens[place] == ",":
            place += 1
            continue
        return Type("struct", tuple(parts), tuple(names)), _expect(text, tokens, place, ">")


def _numbers(text: str, tokens: list[str], place: int) -> tuple[tuple[int, ...], int]:
    if place >= len(tokens) or tokens[place] != "(":
        return (), place
    numbers = []
    while tokens[place] != ")":
        place += 1
        if place + 1 >= len(tokens) or not tokens[place].isdecimal() or tokens[place + 1] not in ",)":
            raise TypeUnknown(text, "has no whole numbers between its parentheses")
        numbers.append(int(tokens[place]))
        place += 1
    return tuple(numbers), place + 1


def _sized(text: str, name: str, numbers: tuple[int, ...]) -> Type:
    if name == "decimal":
        precision, scale = (*numbers, *(10, 0)[len(numbers) :]) if len(numbers) <= 2 else (0, 0)
        if not 1 <= precision <= DECIMAL_DIGITS_MAX or not 0 <= scale <= precision:
            raise TypeUnknown(text, "must have a precision of 1 to 38 and a scale of 0 to the precision")
        return Type(name, numbers=(precision, scale))
    if len(numbers) != 1 or not 1 <= numbers[0] <= _LENGTHS_MAX[name]:
        raise TypeUnknown(text, f"must have a length of 1 to {_LENGTHS_MAX[name]}")
    return Type(name, numbers=numbers)


def _expect(text: str, tokens: list[str], place: int, token: str) -> int:
    if place >= len(tokens) or tokens[place] != token:
        got = repr(tokens[place]) if place < len(tokens) else "its end"
        raise TypeUnknown(text, f"must have {token!r} where it has {got}")
    return place + 1
