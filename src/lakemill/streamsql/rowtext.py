"""Rows as records of a destination: a JSON object or a line of CSV each."""

import csv
import io
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from lakemill.streamsql.interface import ROWTIME

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_TIME = "%Y-%m-%d %H:%M:%S"


def written(batch: pa.RecordBatch, format: str) -> list[bytes]:
    """A record for each row. ROWTIME is left out, as it is in AWS's; select it under another name to see it.

    JSON: names of columns as keys, no newline. CSV: quoted where needed, a newline at the end. Times are texts,
    `2026-01-31 12:00:00.000`; bytes are in hexadecimal digits; NULL is null, or nothing.
    """
    names = [name for name in batch.schema.names if name != ROWTIME]
    columns = [_values(batch.column(name)) for name in names]
    if format == "JSON":
        return [_ENCODER.encode(dict(zip(names, row, strict=True))) for row in zip(*columns, strict=True)]
    return [_line(row) for row in zip(*columns, strict=True)]


def _values(column: pa.Array) -> list[Any]:
    kind = column.type
    if pa.types.is_timestamp(kind):
        column = pc.strftime(column, format=_TIME)
    elif pa.types.is_date(kind) or pa.types.is_time(kind):
        column = column.cast(pa.string())
    elif pa.types.is_duration(kind):
        column = column.cast(pa.int64())
    if pa.types.is_floating(kind):
        # JSON has no NaN and no infinity.
        column = pc.if_else(pc.is_finite(column), column, pa.scalar(None, kind))
    found = column.to_pylist()
    if pa.types.is_binary(kind):
        return [None if value is None else value.hex().upper() for value in found]
    return found


def _line(row: tuple[Any, ...]) -> bytes:
    text = io.StringIO()
    told = ["" if value is None else str(value).lower() if isinstance(value, bool) else value for value in row]
    csv.writer(text, lineterminator="\n").writerow(told)
    return text.getvalue().encode()
