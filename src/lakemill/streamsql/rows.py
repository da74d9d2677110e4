"""Columns as Python values and back, and state as bytes.

Times and intervals travel as whole numbers (milliseconds; days for DATE): they compare and pack faster than datetimes.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import cbor2
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakemill.streamsql.sqltypes import sql_name


def portable(kind: pa.DataType) -> pa.DataType:
    """The type whose Python values stand for those of `kind`."""
    if pa.types.is_timestamp(kind) or pa.types.is_duration(kind):
        return pa.int64()
    if pa.types.is_date32(kind) or pa.types.is_time32(kind):
        return pa.int32()
    return kind


def values_of(column: pa.Array) -> list:
    """A column's values in Python."""
    return plain(column).to_pylist()


def column_of(values: Sequence, kind: pa.DataType) -> pa.Array:
    """The column of these values; pa.ArrowInvalid or OverflowError if one does not fit."""
    plain = portable(kind)
    column = pa.array(values, plain)
    return column if plain == kind else column.cast(kind)


def fitting_column(values: Sequence, kind: pa.DataType, failures: dict[int, str]) -> pa.Array:
    """The column of these values, with NULL for those that do not fit; `failures` hears of them, by row."""
    try:
        return column_of(values, kind)
    except (ValueError, OverflowError):
        fitting: list[Any] = []
        for row, value in enumerate(values):
            try:
                column_of([value], kind)
                fitting.append(value)
            except (ValueError, OverflowError):
                fitting.append(None)
                failures[row] = f"{value} is out of the range of {sql_name(kind)}"
        return column_of(fitting, kind)


def plain(column: pa.Array) -> pa.Array:
    """Times and intervals as whole numbers, the rest as it is."""
    kind = portable(column.type)
    return column if kind == column.type else column.cast(kind)


def rowtimes(batch: pa.RecordBatch) -> np.ndarray:
    """ROWTIME of every row, in milliseconds."""
    return batch.column(0).cast(pa.int64()).to_numpy(zero_copy_only=True)


def joined(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    """One batch of several with one schema."""
    return batches[0] if len(batches) == 1 else pa.concat_batches(batches)


def take(batch: pa.RecordBatch, mask: pa.Array) -> pa.RecordBatch:
    """The rows where the mask is true."""
    return batch.filter(pc.fill_null(mask, False))


def rows_of(batch: pa.RecordBatch) -> list[tuple]:
    """Every row as a tuple, ROWTIME first."""
    return list(zip(*[values_of(column) for column in batch.columns], strict=True))


def batch_of(rows: Iterable[tuple], schema: pa.Schema) -> pa.RecordBatch:
    """The batch of these rows."""
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = [column_of(values, field.type) for values, field in zip(columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def pack(state: Any) -> bytes:
    """State of numbers, text, bytes, lists and dicts as bytes: CBOR."""
    return cbor2.dumps(state)


def unpack(data: bytes) -> Any:
    return cbor2.loads(data)


def pack_batches(batches: Iterable[pa.RecordBatch]) -> list[bytes]:
    return [batch.serialize().to_pybytes() for batch in batches]


def unpack_batches(data: Iterable[bytes], schema: pa.Schema) -> list[pa.RecordBatch]:
    return [pa.ipc.read_record_batch(pa.py_buffer(body), schema) for body in data]
