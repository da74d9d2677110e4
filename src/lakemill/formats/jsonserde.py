"""JSON texts as rows of a Hive table, one value at a time: what Hive's and OpenX's JSON SerDe make of them.

This is the plain reading that decides what a record means; jsoncolumns.py reads the usual ones by the block and must
come to the same.

A record holds any number of JSON objects with blanks between them, and stands or falls as a whole. Keys that are no
column are passed over, columns without a key are null, and of a key that comes twice the last counts.

| | OpenX | HiveJson |
| --- | --- | --- |
| keys | in lower case (or exactly), dots may stand for underscores, a column may have another key | in lower case |
| `"12"` in a column of numbers | 12 | refused |
| an object or array in a string column | its JSON text | refused |
| timestamps | SQL, ISO 8601, seconds, milliseconds | SQL, or the patterns given, or `millis` |

A number or boolean in a string column is kept as it was written, and "true" is a boolean, in any case. 5.0 is a whole
number, 5.5 is refused where one is asked for. A decimal is rounded half up to its scale; varchar and char are cut to
their length. Binary is UTF-8.
"""

import dataclasses
import json
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import Any, Protocol

from lakemill.formats import hive, moments

PARSE_ERROR, MALFORMED_DATA = "ParseError", "MalformedData"
WHOLE_RANGES = {"tinyint": 7, "smallint": 15, "int": 31, "bigint": 63}
"""Bits of the whole-number types, without the sign."""

_WHOLE = re.compile(r"[+-]?\d+", re.A)
_HEX = re.compile(r"0[xX][0-9a-fA-F]+", re.A)
_REAL = re.compile(r"\s*([+-]?(NaN|Infinity|(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?))\s*", re.A)
_WIDE = Context(prec=120)
_BLANKS = re.compile(r"[ \t\n\r]*")


@dataclasses.dataclass(frozen=True)
class OpenX:
    """The OpenX JSON SerDe. keys: column -> the key that holds it, where that is not the column's name."""

    case_insensitive: bool = True
    dots_to_underscores: bool = False
    keys: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class HiveJson:
    """Hive's JSON SerDe. timestamp_formats: Joda patterns, or `millis`, tried in this order before the SQL form."""

    timestamp_formats: Sequence[str] = ()


Serde = OpenX | HiveJson


class Column(Protocol):
    """A column of the table: its name, and its type as Hive writes it."""

    @property
    def name(self) -> str: ...
    @property
    def type(self) -> str: ...


class Refused(Exception):
    """A record that is no row. Fields: code (PARSE_ERROR or MALFORMED_DATA), message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class Number(str):
    """A number as it was written."""

    __slots__ = ()


class Fields(list[tuple[str, Any]]):
    """An object's keys and values, in order."""

    __slots__ = ()


Convertor = Callable[[Any], Any]


class Mismatch(Exception):
    """A value that a column cannot hold."""


class TimeOutOfRange(Exception):
    """A timestamp that 64 bits of nanoseconds do not hold; read the block again by microseconds."""


def folding(serde: Serde) -> Callable[[str], str]:
    """How a key is brought to the form that is compared."""
    fold = isinstance(serde, HiveJson) or serde.case_insensitive
    dots = isinstance(serde, OpenX) and serde.dots_to_underscores

    def folded(key: str) -> str:
        key = key.lower() if fold else key
        return key.replace(".", "_") if dots else key

    return folded


def key_of(column: str, serde: Serde) -> str:
    """The folded key that holds a column."""
    keys = serde.keys if isinstance(serde, OpenX) else {}
    return folding(serde)(keys.get(column, column))


class RowReader:
    """Rows of one table from records, by one SerDe. unit, of timestamps: ns or us."""

    def __init__(self, columns: Sequence[Column], serde: Serde, unit: str = "ns") -> None:
        self._folded = folding(serde)
        self._columns: dict[str, list[int]] = {}
        self._names = [column.name for column in columns]
        self.convertors = [convertor(hive.parse(column.type), serde, unit) for column in columns]
        for place, column in enumerate(columns):
            self._columns.setdefault(key_of(column.name, serde), []).append(place)

    def rows(self, record: bytes) -> list[list[Any]]:
        """The rows of a record, a value or None for each column. Raises Refused, TimeOutOfRange."""
        return [self._row(fields) for fields in objects(record)]

    def _row(self, fields: Fields) -> list[Any]:
        row: list[Any] = [None] * len(self.convertors)
        for key, value in fields:
            for place in self._columns.get(self._folded(key), ()):
                row[place] = value
        for place, value in enumerate(row):
            if value is not None:
                try:
                    row[place] = self.convertors[place](value)
                except Mismatch as wrong:
                    message = f"Data does not match the schema. Column {self._names[place]}: {wrong}"
                    raise Refused(MALFORMED_DATA, message) from None
        return row


def objects(record: bytes) -> list[Fields]:
    """The JSON objects of a record. Raises Refused with PARSE_ERROR."""
    try:
        text = str(record, "utf-8")
        found, place = [], _after_blanks(text, 0)
        while place < len(text):
            value, place = _DECODER.raw_decode(text, place)
            if not isinstance(value, Fields):
                raise ValueError(f"a record holds JSON objects; found {_kind(value)}")
            found.append(value)
            place = _after_blanks(text, place)
    except RecursionError:
        raise Refused(PARSE_ERROR, "Encountered malformed JSON. It is nested too deeply") from None
    except ValueError as wrong:
        raise Refused(PARSE_ERROR, f"Encountered malformed JSON. {wrong}") from None
    return found


def decode(text: bytes) -> Any:
    """One JSON value in the form that convertors take."""
    return _DECODER.decode(str(text, "utf-8"))


def convertor(type: hive.Type, serde: Serde, unit: str = "ns") -> Convertor:
    """What makes a value of this type from decoded JSON that is not null. Raises moments.PatternRefused.

    It takes what `decode` gives, and raises Mismatch and TimeOutOfRange. Timestamps become numbers of the unit.
    """
    lenient = isinstance(serde, OpenX)
    if type.name in WHOLE_RANGES:
        return lambda value: _whole(value, type, lenient)
    if type.name in ("float", "double"):
        return lambda value: _real(value, lenient)
    if type.name == "decimal":
        return lambda value: _decimal(value, type, lenient)
    if type.name == "boolean":
        return _boolean
    if type.name == "date":
        return _date
    if type.name == "timestamp":
        return _timestamps(serde, unit)
    if type.name == "array":
        return _list(convertor(type.parts[0], serde, unit))
    if type.name == "map":
        return _map(convertor(type.parts[0], OpenX()), convertor(type.parts[1], serde, unit))
    if type.name == "struct":
        fold = folding(serde)
        parts = zip(type.names, type.parts, strict=True)
        return _struct(fold, {name: convertor(part, serde, unit) for name, part in parts})
    if type.name == "binary":
        return lambda value: _text(value, lenient).encode()
    if type.name == "string":
        return lambda value: _text(value, lenient)
    length = type.numbers[0]
    if type.name == "char":
        return lambda value: _text(value, lenient)[:length].rstrip(" ")
    return lambda value: _text(value, lenient)[:length]


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=Fields, parse_float=Number, parse_int=Number, parse_constant=_no_constant)


def _after_blanks(text: str, place: int) -> int:
    match = _BLANKS.match(text, place)
    assert match  # It matches everywhere.
    return match.end()


def _kind(value: Any) -> str:
    kinds = {Fields: "an object", list: "an array", str: "a string", bool: "a boolean", Number: "a number"}
    return kinds.get(type(value), "null")


def _shown(value: Any) -> str:
    if isinstance(value, str | bool):
        text = _json(value)
        return text if len(text) <= 60 else f"{text[:57]}..."
    return _kind(value)


def _whole(value: Any, type: hive.Type, lenient: bool) -> int:
    number = None
    if isinstance(value, Number):
        if _WHOLE.fullmatch(value):
            number = _int(value)
        elif (exact := Decimal(value)).adjusted() < 20 and exact == exact.to_integral_value():
            number = int(exact)
    elif lenient and isinstance(value, str):
        if _WHOLE.fullmatch(value):
            number = _int(value)
        elif _HEX.fullmatch(value):
            number = int(value, 16)
    if number is None:
        raise Mismatch(f"{_shown(value)} is not of type {type}")
    limit = 1 << WHOLE_RANGES[type.name]
    if not -limit <= number < limit:
        raise Mismatch(f"{_shown(value)} is out of the range of {type}")
    return number


def _int(text: str) -> int:
    return int(text) if len(text) <= 40 else 1 << 99  # Longer than any type, and Python takes no more than 4300 digits.


def _real(value: Any, lenient: bool) -> float:
    if isinstance(value, Number):
        return float(value)
    if lenient and isinstance(value, str) and (match := _REAL.fullmatch(value)):
        return float(match[1])
    raise Mismatch(f"{_shown(value)} is not a number")


def _decimal(value: Any, type: hive.Type, lenient: bool) -> Decimal:
    precision, scale = type.numbers
    if isinstance(value, Number) or (lenient and isinstance(value, str) and _REAL.fullmatch(value)):
        try:
            exact = Decimal(value.strip())
            rounded = exact.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP, _WIDE)
        except InvalidOperation:
            raise Mismatch(f"{_shown(value)} is out of the range of {type}") from None
        if rounded.is_finite() and rounded.adjusted() < precision - scale:
            return rounded
        raise Mismatch(f"{_shown(value)} is out of the range of {type}")
    raise Mismatch(f"{_shown(value)} is not of type {type}")


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if type(value) is str and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise Mismatch(f"{_shown(value)} is not true or false")


def _text(value: Any, lenient: bool) -> str:
    if isinstance(value, str):
        text = str(value)
    elif isinstance(value, bool) or lenient:
        text = _json(value)
    else:
        raise Mismatch(f"{_shown(value)} is not a string")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Mismatch("half a character of UTF-16 stands alone") from None
    return text


def _json(value: Any) -> str:
    """Compact JSON, numbers as they were written."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, Fields):
        return "{" + ",".join(f"{_json(key)}:{_json(one)}" for key, one in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_json, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _date(value: Any) -> int:
    days = moments.day(value) if type(value) is str else None
    if days is None:
        raise Mismatch(f"{_shown(value)} is not a date as 2024-02-29")
    return days


def _timestamps(serde: Serde, unit: str) -> Convertor:
    if isinstance(serde, OpenX):

        def read(value: str) -> int | None:
            return None if isinstance(value, Number) else moments.iso(value)

        readers: list[moments.Reader] = [read, moments.epoch]
    else:
        readers = [moments.millis if one == "millis" else moments.joda(one) for one in serde.timestamp_formats]
        readers.append(moments.sql)

    def timestamp(value: Any) -> int:
        if isinstance(value, str):
            found = next((moment for reader in readers if (moment := reader(value)) is not None), None)
            if found is not None:
                found //= 1 if unit == "ns" else 1000
                if -(1 << 63) < found < 1 << 63:
                    return found
                if unit == "ns":
                    raise TimeOutOfRange
        raise Mismatch(f"{_shown(value)} is not a timestamp of a known form")

    return timestamp


def _list(element: Convertor) -> Convertor:
    def items(value: Any) -> list[Any]:
        if isinstance(value, Fields) or not isinstance(value, list):
            raise Mismatch(f"{_kind(value)} is not an array")
        return [None if one is None else element(one) for one in value]

    return items


def _map(key: Convertor, element: Convertor) -> Convertor:
    def entries(value: Any) -> list[tuple[Any, Any]]:
        if not isinstance(value, Fields):
            raise Mismatch(f"{_kind(value)} is not an object")
        last = {key(name): one for name, one in value}
        return [(name, None if one is None else element(one)) for name, one in last.items()]

    return entries


def _struct(fold: Callable[[str], str], fields: dict[str, Convertor]) -> Convertor:
    def members(value: Any) -> dict[str, Any]:
        if not isinstance(value, Fields):
            raise Mismatch(f"{_kind(value)} is not an object")
        last = {name: one for key, one in value if (name := fold(key)) in fields}
        return {name: None if (one := last.get(name)) is None else make(one) for name, make in fields.items()}

    return members
