"""Parquet (`application/x-parquet`): one column per feature, the label first, whatever the columns are called.

A null is a missing value and becomes NaN; columns of text, lists and dates are refused by name.
"""

from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lakemill.formats import streams
from lakemill.formats.block import Block, concatenate
from lakemill.formats.errors import FormatError

_BATCH_ROWS = 1 << 16
_MAGIC = b"PAR1"


def decode(buffer: Any, label_size: int = 1) -> Block:
    """The records of a Parquet file's bytes.

    Parameters
    ----------
    buffer : bytes-like
    label_size : 0 or 1
        Whether the first column is the label.

    Returns
    -------
    Block
        features (n, d) float32, labels (n,) or None.

    Raises
    ------
    FormatError
        If it is no Parquet file or a column does not hold numbers.
    """
    found = list(blocks(streams.as_stream(buffer), label_size))
    return concatenate(found) if found else Block(np.empty((0, 0), np.float32))


def iter_blocks(sources: Iterable[streams.Source], rows: int, label_size: int = 1) -> Iterator[Block]:
    """The records of files in blocks of exactly `rows`, a row group at a time.

    Raises FormatError as `decode` does, with the file's name.
    """
    return streams.iter_blocks(sources, rows, lambda stream: blocks(stream, label_size))


def blocks(stream: BinaryIO, label_size: int = 1) -> Iterator[Block]:
    """The records of one stream in blocks of some ten thousand rows.

    A stream that cannot seek, the FIFO of Pipe mode, is held in memory; it may be several files one after the other.
    """
    try:
        for file in [pq.ParquetFile(stream)] if stream.seekable() else _files(stream.read()):
            _check_types(file.schema_arrow)
            for batch in file.iter_batches(batch_size=_BATCH_ROWS):
                yield _block(batch, label_size)
    except pa.ArrowException as wrong:
        raise FormatError(f"not a Parquet file that can be read: {wrong}") from None


def _files(data: bytes) -> Iterator[pq.ParquetFile]:
    """The files that were joined to one stream: each begins and ends with PAR1."""
    whole = pa.py_buffer(data)
    start = end = 0
    while start < len(data):
        found = data.find(2 * _MAGIC, end)
        end = len(data) if found < 0 else found + len(_MAGIC)
        try:
            yield pq.ParquetFile(pa.BufferReader(whole.slice(start, end - start)))
        except pa.ArrowException:
            if end == len(data):
                raise
            continue  # The marks stood in the middle of a column.
        start = end


def _check_types(schema: pa.Schema) -> None:
    for column, field in enumerate(schema, 1):
        kind = field.type
        if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
                or pa.types.is_decimal(kind)):  # fmt: skip
            message = f"column {column} ({field.name!r}) must hold numbers; its type is {kind}"
            raise FormatError(message, column=column)


def _block(batch: pa.RecordBatch, label_size: int) -> Block:
    if label_size not in (0, 1):
        raise FormatError(f"label_size of Parquet must be 0 or 1; got {label_size}")
    if batch.num_columns <= label_size:
        raise FormatError(f"a file of {batch.num_columns} columns holds no features beside the label")
    out = np.empty((batch.num_rows, batch.num_columns - label_size), np.float32)
    columns = [_floats(column) for column in batch.columns]
    for place, column in enumerate(columns[label_size:]):
        out[:, place] = column
    return Block(out, columns[0] if label_size else None)


def _floats(column: pa.Array) -> np.ndarray:
    """(n,) float32, NaN for null."""
    kind = column.type
    if pa.types.is_boolean(kind):
        column = column.cast(pa.int8())
    elif pa.types.is_decimal(kind):
        column = column.cast(pa.float64())
    numbers = pc.cast(column, pa.float32(), safe=False)
    return np.asarray(numbers.to_numpy(zero_copy_only=False), np.float32)
