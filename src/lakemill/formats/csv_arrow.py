"""CSV of numbers through pyarrow: parsed on all cores, then laid out by row; and the way back."""

import io
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc

_BLOCK_BYTES = 2 << 20


def matrix(buffer: Any, columns: int, delimiter: str, missing: bool) -> np.ndarray | None:
    """(n, columns) float32 C-contiguous, or None when pyarrow refuses the text. missing: an empty cell is NaN."""
    names = [str(column) for column in range(columns)]
    try:
        table = pc.read_csv(
            pa.BufferReader(pa.py_buffer(buffer)),
            pc.ReadOptions(column_names=names, block_size=_BLOCK_BYTES),
            pc.ParseOptions(delimiter=delimiter),
            # NaN is a number here and no null, and neither is NA or anything else.
            pc.ConvertOptions(column_types=dict.fromkeys(names, pa.float32()), null_values=[""] if missing else []),
        )
    except pa.ArrowInvalid:
        return None
    out = np.empty((table.num_rows, columns), np.float32)
    start = 0
    # A batch is what one block of text held: small enough that its columns are in the cache while they become rows.
    for batch in table.to_batches():
        out[start : start + batch.num_rows] = batch.to_tensor(null_to_nan=missing, row_major=True).to_numpy()
        start += batch.num_rows
    return out


def text(table: np.ndarray, delimiter: str) -> bytes:
    """An (n, k) array of numbers as lines."""
    columns = pa.table([pa.array(column) for column in table.T], names=[str(i) for i in range(table.shape[1])])
    out = io.BytesIO()
    pc.write_csv(columns, out, pc.WriteOptions(include_header=False, delimiter=delimiter, quoting_style="none"))
    return out.getvalue()
