"""CSV of numbers through pyarrow: parsed on all cores, then laid out by row; and the way back."""

import io
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc


def matrix(buffer: Any, columns: int, delimiter: str, block_bytes: int) -> np.ndarray | None:
    """(n, columns) float32 C-contiguous, or None when pyarrow refuses the text. Raises nothing else."""
    names = [str(column) for column in range(columns)]
    try:
        table = pc.read_csv(
            pa.BufferReader(pa.py_buffer(buffer)),
            pc.ReadOptions(column_names=names, block_size=block_bytes),
            pc.ParseOptions(delimiter=delimiter),
            # No text is a null: NaN is a number here, and an empty cell an error.
            pc.ConvertOptions(column_types=dict.fromkeys(names, pa.float32()), null_values=[]),
        )
    except pa.ArrowInvalid:
        return None
    out = np.empty((table.num_rows, columns), np.float32)
    start = 0
    # A batch is what one block of text held: small enough that its columns are in the cache while they become rows.
    for batch in table.to_batches():
        out[start : start + batch.num_rows] = batch.to_tensor(row_major=True).to_numpy()
        start += batch.num_rows
    return out


def text(table: np.ndarray, delimiter: str) -> bytes:
    """An (n, k) array of numbers as lines."""
    columns = pa.table([pa.array(column) for column in table.T], names=[str(i) for i in range(table.shape[1])])
    out = io.BytesIO()
    pc.write_csv(columns, out, pc.WriteOptions(include_header=False, delimiter=delimiter, quoting_style="none"))
    return out.getvalue()
