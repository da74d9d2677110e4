"""Files of text as arrays of lines."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from lakemill.lakesql.scans import packed
from lakemill.lakesql.scans.objects import File


def arrays(file: File, skipped: int = 0) -> Iterator[pa.BinaryArray]:
    """The lines without their ends, but for the first ones. Raises SqlFailed."""
    for block in packed.blocks(file):
        lines = split(block)
        if skipped:
            passed = min(skipped, len(lines))
            lines, skipped = lines[passed:], skipped - passed
        if len(lines):
            yield lines


def split(block: bytes) -> pa.BinaryArray:
    r"""The lines of a block.

    >>> split(b"a\r\n\nb").to_pylist()
    [b'a', b'', b'b']
    """
    if not block.endswith(b"\n"):
        block += b"\n"
    data = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero(data == 10)
    carriage = (ends > 0) & (data[ends - 1] == 13)
    if carriage.any():
        return split(block.replace(b"\r\n", b"\n"))
    # Line ends stay between the values, so the values are cut out by their bounds.
    starts = np.concatenate([[0], ends[:-1] + 1])
    kept = np.ones(len(data), bool)
    kept[ends] = False
    offsets = np.concatenate([[0], np.cumsum(ends - starts)]).astype(np.int32)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(data[kept])]
    return pa.Array.from_buffers(pa.binary(), len(ends), buffers)


def texts(lines: pa.BinaryArray) -> pa.StringArray:
    """As text; bytes that are no UTF-8 are replaced."""
    try:
        return lines.cast(pa.string())
    except pa.ArrowInvalid:
        return pa.array([one.decode("utf-8", "replace") for one in lines.to_pylist()], pa.string())
