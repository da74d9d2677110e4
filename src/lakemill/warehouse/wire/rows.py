"""Rows as DataRow messages, a block at a time."""

from collections.abc import Sequence

import numpy as np

from lakemill.warehouse.wire.encoding import Encoded

_LONG_BYTES = 96
"""Values that are longer on average are copied one by one; shorter ones all at once, by the places of their bytes."""


def data_rows(columns: Sequence[Encoded], rows: int) -> bytes:
    """DataRow messages of columns of so many values.

    A row is `D`, its length, the number of columns; and for each column the length of its value and its bytes.

    >>> data_rows([Encoded(np.frombuffer(b"ab", np.uint8), np.array([2, -1]))], 2)
    b'D\\x00\\x00\\x00\\x0c\\x00\\x01\\x00\\x00\\x00\\x02abD\\x00\\x00\\x00\\n\\x00\\x01\\xff\\xff\\xff\\xff'
    """
    if not columns:
        return b"D\x00\x00\x00\x06\x00\x00" * rows
    sizes = np.full(rows, 6 + 4 * len(columns), np.int64)  # (n,) without the type
    for column in columns:
        sizes += np.maximum(column.lengths, 0)
    starts = np.cumsum(sizes + 1) - (sizes + 1)
    out = np.empty(int(sizes.sum()) + rows, np.uint8)
    out[starts] = ord("D")
    _put(out, starts + 1, sizes)
    out[starts + 5], out[starts + 6] = len(columns) >> 8, len(columns) & 0xFF
    at = starts + 7
    for column in columns:
        _put(out, at, column.lengths)
        at += 4
        lengths = np.maximum(column.lengths, 0)
        _copy(out, at, lengths, column.data)
        at += lengths
    return out.tobytes()


def _put(out: np.ndarray, at: np.ndarray, values: np.ndarray) -> None:
    """Numbers of four bytes, big-endian."""
    for byte in range(4):
        out[at + byte] = (values >> (24 - 8 * byte)) & 0xFF


def _copy(out: np.ndarray, at: np.ndarray, lengths: np.ndarray, data: np.ndarray) -> None:
    total, rows = len(data), len(lengths)
    if not total:
        return
    first = int(lengths[0])
    if first * rows == total and (lengths == first).all():
        for byte in range(first) if first <= 16 else ():
            out[at + byte] = data[byte::first]
        if first <= 16:
            return
    ends = np.cumsum(lengths)
    if total > _LONG_BYTES * rows:
        for start, begin, end in zip(at.tolist(), (ends - lengths).tolist(), ends.tolist(), strict=True):
            out[start : start + end - begin] = data[begin:end]
        return
    out[np.repeat(at - (ends - lengths), lengths) + np.arange(total)] = data
