"""Values of Arrow as the wire has them, a column at a time, in text or binary form.

A column is its bytes, one value behind the other, and their lengths; -1 is NULL.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakemill.lakesql.types import Type
from lakemill.warehouse.wire import numbers, times

EPOCH_DAYS = 10957
"""From 1970 to 2000, where PostgreSQL's time begins."""
EPOCH_US = EPOCH_DAYS * 86_400_000_000


@dataclass
class Encoded:
    """data : bytes of all values (uint8); lengths : (n,) int64."""

    data: np.ndarray
    lengths: np.ndarray


@dataclass(frozen=True)
class Style:
    """What a session's settings say of texts."""

    zone: str = "UTC"
    extra_digits: int = 0


def encode(column: pa.Array, kind: Type, binary: bool, style: Style) -> Encoded:
    """A column of the type in the form that is asked for."""
    if binary:
        encoder = _BINARY.get(kind.name)
        if encoder is not None:
            return _with_nulls(encoder(column), column)
    return _of_texts(as_text(column, kind, style))


def as_text(column: pa.Array, kind: Type, style: Style = Style()) -> pa.Array:
    """The column as texts (or bytes, where it is text already)."""
    maker = _TEXT.get(kind.name)
    found = maker(column, style) if maker is not None else column
    if pa.types.is_string(found.type) or pa.types.is_large_string(found.type) or pa.types.is_binary(found.type):
        return found
    if pa.types.is_null(found.type):
        return pa.nulls(len(found), pa.string())
    return pc.cast(found, pa.string())


def _plain(column: pa.Array) -> pa.Array:
    """An array that is no view of another's dictionary."""
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _of_texts(column: pa.Array) -> Encoded:
    column = _plain(column)
    if column.type in (pa.string(), pa.binary()):
        width: Any = np.int32
    elif column.type in (pa.large_string(), pa.large_binary()):
        width = np.int64
    else:
        column, width = pc.cast(column, pa.string()), np.int32
    _, offset_buffer, data_buffer = column.buffers()
    if len(column) == 0:
        return Encoded(np.empty(0, np.uint8), np.empty(0, np.int64))
    offsets = np.frombuffer(offset_buffer, width)[column.offset : column.offset + len(column) + 1].astype(np.int64)
    lengths = np.diff(offsets)
    data = np.frombuffer(data_buffer, np.uint8) if data_buffer is not None else np.empty(0, np.uint8)
    if column.null_count:
        valid = _valid(column)
        if (lengths[~valid] != 0).any():
            column = pc.fill_null(column, "" if pa.types.is_string(column.type) else b"")
            return _nulled(_of_texts(column), valid)
        lengths = np.where(valid, lengths, -1)
    return Encoded(data[offsets[0] : offsets[-1]], lengths)


def _valid(column: pa.Array) -> np.ndarray:
    return np.asarray(column.is_valid().to_numpy(zero_copy_only=False))


def _nulled(encoded: Encoded, valid: np.ndarray) -> Encoded:
    return Encoded(encoded.data, np.where(valid, encoded.lengths, -1))


def _with_nulls(values: "np.ndarray | Encoded", column: pa.Array) -> Encoded:
    """Values of one width as bytes, NULL left out. values: (n,) of big-endian numbers, or (n, w) bytes."""
    if isinstance(values, Encoded):
        return values
    rows = values.view(np.uint8).reshape(len(values), -1)
    lengths = np.full(len(values), rows.shape[1], np.int64)
    if column.null_count:
        valid = _valid(column)
        return Encoded(rows[valid].ravel(), np.where(valid, lengths, -1))
    return Encoded(rows.ravel(), lengths)


def _numbers(kind: str, arrow: pa.DataType) -> Callable[[pa.Array], np.ndarray]:
    def encoder(column: pa.Array) -> np.ndarray:
        filled = pc.fill_null(pc.cast(column, arrow), 0) if column.null_count else pc.cast(column, arrow)
        return np.ascontiguousarray(filled.to_numpy(zero_copy_only=False).astype(kind))

    return encoder


def _booleans(column: pa.Array) -> np.ndarray:
    return np.ascontiguousarray(_numbers("u1", pa.uint8())(column))


def _dates(column: pa.Array) -> np.ndarray:
    days = pc.fill_null(pc.cast(pc.cast(column, pa.date32()), pa.int32()), 0).to_numpy(zero_copy_only=False)
    return np.ascontiguousarray((days - EPOCH_DAYS).astype(">i4"))


def _timestamps(column: pa.Array) -> np.ndarray:
    us = pa.timestamp("us", column.type.tz) if pa.types.is_timestamp(column.type) else pa.timestamp("us")
    moments = pc.fill_null(pc.cast(pc.cast(column, us), pa.int64()), 0).to_numpy(zero_copy_only=False)
    return np.ascontiguousarray((moments - EPOCH_US).astype(">i8"))


def _times(column: pa.Array) -> np.ndarray:
    us = pc.fill_null(pc.cast(pc.cast(column, pa.time64("us")), pa.int64()), 0).to_numpy(zero_copy_only=False)
    return np.ascontiguousarray(us.astype(">i8"))


def _bytes(column: pa.Array) -> Encoded:
    return _of_texts(column)


def _decimals(column: pa.Array) -> Encoded:
    texts = as_text(column, Type("decimal", (38, 0)))
    return _of_texts(pa.array([None if one is None else numbers.packed(one) for one in texts.to_pylist()], pa.binary()))


_BINARY: dict[str, Callable[[pa.Array], Any]] = {
    "boolean": _booleans,
    "smallint": _numbers(">i2", pa.int16()),
    "integer": _numbers(">i4", pa.int32()),
    "bigint": _numbers(">i8", pa.int64()),
    "real": _numbers(">f4", pa.float32()),
    "double": _numbers(">f8", pa.float64()),
    "decimal": _decimals,
    "date": _dates,
    "timestamp": _timestamps,
    "timestamptz": _timestamps,
    "time": _times,
    "timetz": lambda column: _of_texts(times.packed_times(column)),
    "interval": lambda column: _of_texts(times.packed_intervals(column)),
    "varbyte": _bytes,
}
_TEXT: dict[str, Callable[[pa.Array, Style], pa.Array]] = {
    "boolean": lambda column, style: pc.if_else(column, "t", "f"),
    "real": lambda column, style: numbers.floats(column, max(1, 6 + style.extra_digits)),
    "double": lambda column, style: numbers.floats(column, max(1, 15 + style.extra_digits)),
    "decimal": lambda column, style: numbers.decimals(column),
    "timestamp": lambda column, style: times.timestamps(column),
    "timestamptz": lambda column, style: times.moments(column, style.zone),
    "time": lambda column, style: times.times(column),
    "timetz": lambda column, style: times.times_with_zone(column),
    "interval": lambda column, style: times.intervals(column),
    "varbyte": lambda column, style: numbers.hexadecimal(column),
}
