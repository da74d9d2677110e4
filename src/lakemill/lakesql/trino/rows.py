"""Trino's types and rows as Arrow: a page at a time, column by column.

In the JSON of a page numbers and booleans are themselves (`"NaN"`, `"Infinity"` are texts), bytes are Base64, arrays
and rows are lists, maps are objects whose keys are texts; everything else is the text that a client would show.
"""

import base64
import gc
import itertools
import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from lakemill.lakesql import types
from lakemill.lakesql.arrow import arrow_type
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.trino.client import Signature
from lakemill.lakesql.types import Type

_DIGITS = ("timestamp", "timestamp with time zone", "time")
_MICRO = 6
_DAY_TO_SECOND = re.compile(r"(-?)(\d+) (\d+):(\d+):(\d+)\.(\d+)")
_YEAR_TO_MONTH = re.compile(r"(-?)(\d+)-(\d+)")
_OFFSET = re.compile(r"([+-])(\d\d):(\d\d)")


def of_signature(signature: Signature) -> Type:
    """The type that a column of a page tells."""
    name, given = signature.raw_type, signature.arguments
    if name == "row":
        return types.row(*(_field(argument.value) for argument in given))
    if name in ("array", "map"):
        return Type(name, tuple(of_signature(msgspec.json.decode(one.value, type=Signature)) for one in given))
    numbers = tuple(msgspec.json.decode(one.value) for one in given if one.kind == "LONG")
    if name == "varchar" and numbers == (types.VARCHAR_MAX,):
        return types.VARCHAR
    if name in _DIGITS:
        return Type(name, (min(numbers[0], _MICRO) if numbers else 3,))
    return Type(name, numbers)


class _Name(msgspec.Struct):
    name: str | None = None


class _Field(msgspec.Struct, rename="camel"):
    type_signature: Signature
    field_name: _Name | None = None


def _field(value: msgspec.Raw) -> tuple[str | None, Type]:
    found = msgspec.json.decode(value, type=_Field)
    return (found.field_name.name if found.field_name else None), of_signature(found.type_signature)


def batch(data: bytes, columns: Sequence[Type], schema: pa.Schema) -> pa.RecordBatch:
    """The rows of a page. Raises SqlFailed where they are not of these types."""
    collects = gc.isenabled()
    gc.disable()  # A list for each row, all of them soon gone: to look through them takes longer than to read them.
    try:
        rows = msgspec.json.decode(data, type=list[list[Any]])
        if any(len(row) != len(columns) for row in rows):
            raise ValueError(f"a row must have {len(columns)} values")
        arrays = [array([row[place] for row in rows], of) for place, of in enumerate(columns)]
        return pa.RecordBatch.from_arrays(arrays, schema=schema)
    except (msgspec.DecodeError, pa.ArrowException, ValueError, TypeError) as wrong:
        raise SqlFailed("GENERIC_INTERNAL_ERROR", f"Rows of the cluster cannot be read: {wrong}") from None
    finally:
        if collects:
            gc.enable()


def array(values: list[Any], of: Type) -> pa.Array:
    """Values of one type, as they are in JSON; None for null."""
    if of.name in _NESTED:
        return _NESTED[of.name](values, of)
    kind = arrow_type(of)
    if of.name in _OWN:
        return pa.array(list(map(_OWN[of.name], values)), kind)
    if of.name == "timestamp with time zone":
        return _zoned(values)
    if of.name in ("double", "real"):
        return pa.array([float(one) if isinstance(one, str) else one for one in values], kind)
    if pa.types.is_string(kind):
        return pa.array([one if one is None or isinstance(one, str) else str(one) for one in values], kind)
    if of.name in ("decimal", "date"):
        return pa.array(values, pa.string()).cast(kind)
    if of.name == "timestamp":
        return _moments(values)
    if of.name == "time":
        return _moments([one if one is None else f"1970-01-01 {one}" for one in values]).cast(kind)
    if any(isinstance(one, str) for one in values):  # Keys of maps are texts.
        return pa.array(values, pa.string()).cast(kind)
    return pa.array(values, kind)


def _moments(texts: list[str | None]) -> pa.Array:
    """Timestamps; digits beyond microseconds are left out."""
    short = pc.replace_substring_regex(pa.array(texts, pa.string()), r"(\.\d{6})\d+$", r"\1")
    return short.cast(pa.timestamp("us"))


def _list(values: list[Any], of: Type) -> pa.Array:
    offsets, flat = _flat(values)
    return pa.ListArray.from_arrays(offsets, array(flat, of.element), mask=_missing(values))


def _map(values: list[Any], of: Type) -> pa.Array:
    offsets, _ = _flat(values)
    keys = array([key for one in values if one is not None for key in one], of.args[0])
    items = array([item for one in values if one is not None for item in one.values()], of.args[1])
    return pa.MapArray.from_arrays(offsets, keys, items, mask=_missing(values))


def _struct(values: list[Any], of: Type) -> pa.Array:
    empty = [None] * len(of.fields)
    filled = zip(*(empty if one is None else one for one in values), strict=True)
    columns = list(filled) if values else [()] * len(of.fields)
    children = [array(list(column), inner) for column, (_, inner) in zip(columns, of.fields, strict=True)]
    return pa.StructArray.from_arrays(children, fields=list(arrow_type(of)), mask=_missing(values))


def _flat(values: list[Any]) -> tuple[pa.Array, list[Any]]:
    sizes = [0 if one is None else len(one) for one in values]
    return pa.array([0, *itertools.accumulate(sizes)], pa.int32()), [item for one in values if one for item in one]


def _missing(values: list[Any]) -> pa.Array:
    return pa.array([one is None for one in values], pa.bool_())


def _zoned(values: list[str | None]) -> pa.Array:
    """`2020-01-31 08:00:00.000 Europe/Zurich`: the moment in UTC, and the zone it is shown in."""
    parts = [(None, None) if one is None else one.rsplit(" ", 1) for one in values]
    local = _moments([text for text, _ in parts])
    zones = pa.array([zone for _, zone in parts], pa.string())
    moments: pa.Array = local
    for zone in pc.unique(zones).to_pylist():
        if zone is not None and zone != "UTC":
            moments = pc.if_else(pc.equal(zones, zone), _utc(local, zone), moments)
    return pa.StructArray.from_arrays([moments, zones], names=["t", "z"], mask=_missing(values))


def _utc(local: pa.Array, zone: str) -> pa.Array:
    found = _OFFSET.fullmatch(zone)
    if found:
        minutes = int(found[2]) * 60 + int(found[3])
        offset = pa.scalar((-minutes if found[1] == "-" else minutes) * 60_000_000, pa.duration("us"))
        return pc.subtract(local, offset)
    moments = pc.assume_timezone(local, zone, ambiguous="earliest", nonexistent="earliest")
    return moments.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us"))


def _bytes(value: str | None) -> bytes | None:
    return None if value is None else base64.b64decode(value)


def _day_to_second(value: str | None) -> Any:
    found = value is not None and _DAY_TO_SECOND.fullmatch(value)
    if not found:
        return None
    sign, (days, hours, minutes, seconds) = -1 if found[1] else 1, map(int, found.group(2, 3, 4, 5))
    nanoseconds = ((hours * 60 + minutes) * 60 + seconds) * 10**9 + int(found[6].ljust(9, "0")[:9])
    return pa.MonthDayNano([0, sign * days, sign * nanoseconds])


def _year_to_month(value: str | None) -> Any:
    found = value is not None and _YEAR_TO_MONTH.fullmatch(value)
    if not found:
        return None
    months = int(found[2]) * 12 + int(found[3])
    return pa.MonthDayNano([-months if found[1] else months, 0, 0])


_NESTED: dict[str, Callable[[list[Any], Type], pa.Array]] = {"array": _list, "map": _map, "row": _struct}
_OWN: dict[str, Callable[[Any], Any]] = {
    "varbinary": _bytes,
    "interval day to second": _day_to_second,
    "interval year to month": _year_to_month,
}
