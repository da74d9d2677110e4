"""The bucket that Hive puts a row in.

A number's hash is the number (of 64 bits: its halves by exclusive or), a text's is 31 times that of what comes before
plus a byte, several columns' are put together in the same way; the bucket is what is left of it by their count.
Source: Hive, ObjectInspectorUtils.getBucketHashCode, version 1.
"""

from collections.abc import Sequence

from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.types import Type

_MASK = 4294967295


def bucket(columns: Sequence[tuple[str, Type]], count: int) -> str:
    """An expression of the bucket, 0 to count - 1. Raises SqlFailed for types that have no hash here."""
    whole = "0::BIGINT"
    for value, type in columns:
        whole = f"(({whole} * 31 + {_hash(value, type)}) & {_MASK})"
    return f"(({whole} & 2147483647) % {count})"


def _hash(value: str, type: Type) -> str:
    if type.name in ("tinyint", "smallint", "integer"):
        found = f"CAST({value} AS BIGINT)"
    elif type.name == "bigint":
        found = f"xor({value} & {_MASK}, ({value} >> 32) & {_MASK})"
    elif type.name == "boolean":
        found = f"CAST({value} AS BIGINT)"
    elif type.name == "date":
        found = f"CAST({value} - DATE '1970-01-01' AS BIGINT)"
    elif type.name in ("varchar", "char"):
        code = f"CAST('0x' || substr(hex({value}), 2 * i + 1, 2) AS BIGINT)"
        signed = f"CASE WHEN {code} > 127 THEN {code} - 256 ELSE {code} END"
        codes = f"list_transform(range(0, strlen({value})), lambda i: {signed})"
        found = f"list_reduce({codes}, lambda h, b: (h * 31 + b) & {_MASK}, 0::BIGINT)"
    else:
        raise SqlFailed("NOT_SUPPORTED", f"bucketed_by is not supported for a column of type {type.trino()}")
    return f"coalesce({found}, 0)"
