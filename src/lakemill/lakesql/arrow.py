"""Types of Trino as Arrow has them, so that DuckDB takes values for those that `Type.duckdb` names."""

import pyarrow as pa

from lakemill.lakesql.types import Type

_SIMPLE: dict[str, pa.DataType] = {
    "boolean": pa.bool_(),
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "real": pa.float32(),
    "double": pa.float64(),
    "varbinary": pa.binary(),
    "date": pa.date32(),
    "time": pa.time64("us"),
    "timestamp": pa.timestamp("us"),
    "interval day to second": pa.month_day_nano_interval(),
    "interval year to month": pa.month_day_nano_interval(),
    "unknown": pa.int32(),
}
_ZONED = pa.struct([("t", pa.timestamp("us")), ("z", pa.string())])


def arrow_type(of: Type, zoned: pa.DataType = _ZONED) -> pa.DataType:
    """The type of its values; those it does not know are texts. zoned: of a timestamp with time zone.

    >>> arrow_type(Type("array", (Type("decimal", (5, 2)),)))
    ListType(list<item: decimal128(5, 2)>)
    """
    if of.name == "row":
        fields = enumerate(of.fields)
        return pa.struct([(name or f"field{place}", arrow_type(inner, zoned)) for place, (name, inner) in fields])
    if of.name == "array":
        return pa.list_(arrow_type(of.element, zoned))
    if of.name == "map":
        return pa.map_(arrow_type(of.args[0], zoned), arrow_type(of.args[1], zoned))
    if of.name == "decimal":
        return pa.decimal128(*of.args)
    return zoned if of.name == "timestamp with time zone" else _SIMPLE.get(of.name, pa.string())
