"""How a table is partitioned: what statements say of it, and the expressions that put rows into partitions."""

import datetime
import re
from collections.abc import Callable, Sequence
from typing import Any

import duckdb
from pyiceberg import types
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import parse_transform

from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.iceberg import murmur

_FIRST_ID = 1000
_TEXT = re.compile(r"\s*(?:(\w+)\s*\(\s*(.*?)\s*\)|(.*?))\s*", re.S)
_ENDS = {"bucket": "bucket", "truncate": "trunc", "year": "year", "month": "month", "day": "day", "hour": "hour"}
_INTEGER: Any = "INTEGER"
_ARROW: Any = "arrow"
_EPOCH = datetime.datetime(1970, 1, 1)


def spec_of(texts: Sequence[str], schema: Schema) -> PartitionSpec:
    """Of parts such as `country`, `day(placed)`, `bucket(16, id)`. Raises SqlFailed.

    >>> schema = Schema(types.NestedField(1, "id", types.LongType(), required=False))
    >>> print(spec_of(["bucket(16, id)"], schema).fields[0])
    1000: id_bucket: bucket[16](1)
    """
    parts: list[PartitionField] = []
    for text in texts:
        word, name, number = _taken_apart(text)
        field = next((one for one in schema.fields if one.name.lower() == name.lower()), None)
        if field is None:
            raise SqlFailed("INVALID_TABLE_PROPERTY", f"Partition column '{name}' does not exist: {text}")
        transform: Any = parse_transform(word if number is None else f"{word}[{number}]")
        if not isinstance(field.field_type, types.PrimitiveType) or not transform.can_transform(field.field_type):
            message = f"Invalid partition transform: {text}: it takes no {field.field_type}"
            raise SqlFailed("INVALID_TABLE_PROPERTY", message)
        called = name.lower() if word == "identity" else f"{name.lower()}_{_ENDS[word]}"
        if any(part.name == called for part in parts):
            raise SqlFailed("INVALID_TABLE_PROPERTY", f"Cannot use partition name more than once: {called}")
        parts.append(PartitionField(field.field_id, _FIRST_ID + len(parts), transform, called))
    return PartitionSpec(*parts)


def _taken_apart(text: str) -> tuple[str, str, int | None]:
    """identity, or the name of a transform; the column; and how many buckets, or how wide."""
    found = _TEXT.fullmatch(text)
    assert found is not None
    if found[1] is None:
        return "identity", found[3].strip('`"'), None
    word = found[1].lower().removesuffix("s") if found[1].lower() != "trunc" else "truncate"
    arguments = [one.strip().strip('`"') for one in found[2].split(",")]
    numbers = [one for one in arguments if one.isdecimal()]
    names = [one for one in arguments if not one.isdecimal()]
    numbered = word in ("bucket", "truncate")
    if word not in _ENDS or len(names) != 1 or len(numbers) != (1 if numbered else 0) or "0" in numbers:
        raise SqlFailed("INVALID_TABLE_PROPERTY", f"Invalid partition field declaration: {text}")
    return word, names[0], int(numbers[0]) if numbered else None


def shown(part: PartitionField, schema: Schema) -> str:
    """As CREATE TABLE writes it."""
    name = f"`{schema.find_column_name(part.source_id)}`"
    found = re.fullmatch(r"(\w+)\[(\d+)\]", str(part.transform))
    if found:
        return f"{found[1]}({found[2]}, {name})"
    return name if str(part.transform) == "identity" else f"{part.transform}({name})"


def add_functions(connection: duckdb.DuckDBPyConnection, spec: PartitionSpec, schema: Schema) -> None:
    """What the expressions of `term` need."""
    for part in spec.fields:
        found = re.fullmatch(r"bucket\[(\d+)\]", str(part.transform))
        if found:
            kind: Any = _physical(schema.find_type(part.source_id))
            bucketing: Any = _bucketing(int(found[1]))
            connection.create_function(_function(part), bucketing, [kind], _INTEGER, type=_ARROW)


def _bucketing(count: int) -> Callable[[Any], Any]:
    return lambda column: murmur.buckets(column, count)


def term(part: PartitionField, kind: Any, value: str) -> str:
    """An expression of a row's partition value, of the column's value as it is stored."""
    name = str(part.transform)
    width = re.fullmatch(r"truncate\[(\d+)\]", name)
    if width:
        return _truncated(kind, value, int(width[1]))
    if name.startswith("bucket["):
        return f"{_function(part)}({value})"
    if name == "identity":
        return value
    if name == "void":
        return "NULL::INTEGER"
    if isinstance(kind, types.TimestamptzType):
        value = f"timezone('UTC', {value})"
    return f"CAST(date_diff('{name}', TIMESTAMP '1970-01-01', CAST({value} AS TIMESTAMP)) AS INTEGER)"


def kept(value: Any) -> Any:
    """A partition value as metadata has it: days and microseconds are numbers."""
    if isinstance(value, datetime.datetime):
        moment = value.astimezone(datetime.UTC).replace(tzinfo=None) if value.tzinfo else value
        return (moment - _EPOCH) // datetime.timedelta(microseconds=1)
    if isinstance(value, datetime.date):
        return (value - _EPOCH.date()).days
    if isinstance(value, datetime.time):
        return ((value.hour * 60 + value.minute) * 60 + value.second) * 1000000 + value.microsecond
    return value


def _function(part: PartitionField) -> str:
    return f"iceberg_bucket_{part.field_id}"


def _physical(kind: Any) -> str:
    if isinstance(kind, types.DecimalType):
        return f"DECIMAL({kind.precision},{kind.scale})"
    names: dict[type, str] = {
        types.IntegerType: "INTEGER",
        types.LongType: "BIGINT",
        types.DateType: "DATE",
        types.TimestampType: "TIMESTAMP",
        types.TimestamptzType: "TIMESTAMPTZ",
        types.StringType: "VARCHAR",
        types.BinaryType: "BLOB",
    }
    if type(kind) not in names:
        raise SqlFailed("NOT_SUPPORTED", f"Writing buckets of {kind} is not supported")
    return names[type(kind)]


def _truncated(kind: Any, value: str, width: int) -> str:
    if isinstance(kind, types.StringType):
        return f"left({value}, {width})"
    if isinstance(kind, types.DecimalType):
        whole = f"CAST({value} * {10**kind.scale} AS HUGEINT)"
        cut = f"({whole} - ((({whole} % {width}) + {width}) % {width}))"
        return f"CAST(CAST({cut} AS DECIMAL(38,0)) / {10**kind.scale} AS {_physical(kind)})"
    if isinstance(kind, types.IntegerType | types.LongType):
        return f"CAST({value} - ((({value} % {width}) + {width}) % {width}) AS {_physical(kind)})"
    raise SqlFailed("NOT_SUPPORTED", f"Writing truncated {kind} is not supported")
