"""Results of the Data API: a file of lines, each a page of at most 1,000 rows and about 1 MB."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa

from lakemill.lakesql.dialects.redshift import cases
from lakemill.lakesql.dialects.redshift import names as types
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.types import Type
from lakemill.warehouse.interface import Column
from lakemill.warehouse.results import Result
from lakemill.warehouse.wire import encoding
from lakemill.warehouse.wire.encoding import Style

if TYPE_CHECKING:
    from lakemill.warehouse.session import Session

PAGE_ROWS, PAGE_BYTES = 1000, 1 << 20
RESULT_BYTES_MAX = 500 << 20
_NUMBERS = ("smallint", "integer", "bigint", "decimal", "real", "double")
_SIZES = {
    "smallint": (5, 0),
    "integer": (10, 0),
    "bigint": (19, 0),
    "real": (8, 8),
    "double": (17, 17),
    "boolean": (1, 0),
}
_encode = msgspec.json.Encoder().encode


def described(columns: list[tuple[str, Type]]) -> list[Column]:
    """What ColumnMetadata tells of them."""
    return [_column(name, kind) for name, kind in columns]


def _column(name: str, kind: Type) -> Column:
    precision, scale = _SIZES.get(kind.name, (0, 0))
    if kind.name in ("varchar", "char", "varbyte"):
        precision = kind.args[0] if kind.args else 0
    if kind.name == "decimal":
        precision, scale = kind.args
    return Column(
        name=cases.shown(name),
        type=types.pg_name(kind),
        length=precision if kind.name in ("varchar", "char", "varbyte") else 0,
        precision=precision,
        scale=scale,
        case_sensitive=kind.name in ("varchar", "char", "super"),
        signed=kind.name in _NUMBERS,
    )


def write(result: Result, path: Path, session: "Session") -> tuple[int, int]:
    """Write a result; rows and bytes. Raises SqlFailed, and 53400 for too large a one."""
    assert result.columns is not None
    style = Style(session.settings["timezone"], int(session.settings["extra_float_digits"]))
    rows = size = 0
    with path.open("wb") as file:
        for batch in result.rows_left():
            for page in _pages(batch, result.columns, style):
                file.write(page)
                size += len(page)
            rows += batch.num_rows
            if size > RESULT_BYTES_MAX:
                raise SqlFailed("53400", f"Query result size exceeds the limit of {RESULT_BYTES_MAX >> 20} MB")
        if not rows:
            file.write(b'{"Records":[]}\n')
        file.flush()
        os.fsync(file.fileno())
    return rows, size


def _pages(batch: "pa.RecordBatch", columns: list[tuple[str, Type]], style: Style) -> "list[bytes]":
    found: list[bytes] = []
    for start in range(0, batch.num_rows, PAGE_ROWS):
        part = batch.slice(start, PAGE_ROWS)
        fields = [_fields(part.column(place), kind, style) for place, (_, kind) in enumerate(columns)]
        _add(found, [list(row) for row in zip(*fields, strict=True)])
    return found


def _add(found: list[bytes], records: list[list[Any]]) -> None:
    page = _encode({"Records": records}) + b"\n"
    if len(page) <= PAGE_BYTES or len(records) == 1:
        found.append(page)
        return
    half = len(records) // 2
    _add(found, records[:half])
    _add(found, records[half:])


def _fields(column: pa.Array, kind: Type, style: Style) -> list[dict[str, Any]]:
    name, values = _FIELDS.get(kind.name, "stringValue"), column
    if kind.name not in _FIELDS:
        values = encoding.as_text(column, kind, style)
    return [{"isNull": True} if value is None else {name: _plain(value, kind)} for value in values.to_pylist()]


def _plain(value: Any, kind: Type) -> Any:
    maker = _PLAIN.get(kind.name)
    return maker(value) if maker is not None else value


_FIELDS = {
    **dict.fromkeys(("smallint", "integer", "bigint"), "longValue"),
    **dict.fromkeys(("real", "double"), "doubleValue"),
    "boolean": "booleanValue",
}


def _double(value: float) -> Any:
    return (
        value
        if value == value and abs(value) != float("inf")
        else str(value).replace("inf", "Infinity").replace("nan", "NaN")
    )


_PLAIN: dict[str, Callable[[Any], Any]] = {"real": _double, "double": _double}
