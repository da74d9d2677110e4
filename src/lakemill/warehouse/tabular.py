"""Results that are made of Python's values: what SHOW tells, and system views."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from lakemill.lakesql.dialects.redshift import cases
from lakemill.lakesql.types import Type
from lakemill.warehouse.results import Result

if TYPE_CHECKING:
    from collections.abc import Mapping

TYPES: "Mapping[str, tuple[Type, pa.DataType]]" = {
    "bool": (Type("boolean"), pa.bool_()),
    "int2": (Type("smallint"), pa.int16()),
    "int4": (Type("integer"), pa.int32()),
    "int8": (Type("bigint"), pa.int64()),
    "float4": (Type("real"), pa.float32()),
    "float8": (Type("double"), pa.float64()),
    "oid": (Type("integer"), pa.int32()),
    "char": (Type("char", (1,)), pa.string()),
    "name": (Type("varchar", (128,)), pa.string()),
    "varchar": (Type("varchar", (65535,)), pa.string()),
    "numeric": (Type("decimal", (38, 4)), pa.decimal128(38, 4)),
    "timestamp": (Type("timestamp"), pa.timestamp("us")),
}
"""By short names: the type for clients, and that of Arrow."""


def columns(definition: str) -> list[tuple[str, str]]:
    """Names and short types of `oid:oid relname:name relpages`; without one it is varchar.

    >>> columns("oid:oid nspname")
    [('oid', 'oid'), ('nspname', 'varchar')]
    """
    pairs = [entry.partition(":") for entry in definition.split()]
    return [(name, kind or "varchar") for name, _, kind in pairs]


def table(definition: Sequence[tuple[str, str]], rows: Iterable[Sequence[Any]]) -> pa.Table:
    """Rows of Python's values as a table of Arrow."""
    listed = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in definition]
    listed = [[cases.shown(one) if isinstance(one, str) else one for one in values] for values in listed]
    arrays = [pa.array(values, TYPES[kind][1]) for values, (_, kind) in zip(listed, definition, strict=True)]
    return pa.table(arrays, names=[name for name, _ in definition])


def result(tag: str, definition: Sequence[tuple[str, str]], rows: Iterable[Sequence[Any]]) -> Result:
    """A result of rows of Python's values."""
    typed = [(name, TYPES[kind][0]) for name, kind in definition]
    return Result(tag, typed, table(definition, rows).to_batches())
