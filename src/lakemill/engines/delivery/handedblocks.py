"""Records that were handed over, read by the block in the process that got them: from the file in memory or the log."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from typing import Any

from lakemill.engines.delivery.handing import Handed, opened
from lakemill.engines.delivery.packed import Packed, is_packed
from lakemill.ports.log import LogDamaged, check_block

ARRAY_BYTES = 4 << 20


class HandedBlocks:
    """The data of records in Arrow arrays of some MB, as `jsoncolumns.Blocks`.

    Going through them raises FileNotFoundError if a file is no more, LogDamaged, and Packed.
    """

    def __init__(self, given: Handed) -> None:
        self._given = given
        self.nbytes = sum([size for _, size, _ in given.parts])

    def __iter__(self) -> Iterator[Any]:
        import numpy as np
        import pyarrow as pa

        given = self._given
        with contextlib.ExitStack() as stack:
            here = stack.enter_context(opened(given, "rb"))
            here.seek(given.data_bytes)
            ends = np.fromfile(here, np.uint32, given.count)
            files = [stack.enter_context(open(path, "rb", 0)) for path in given.files]
            reading = _Reading(given, here.fileno(), [file.fileno() for file in files])
            for first, stop in _groups(given.parts):
                counts, sizes, bases = np.array(given.parts[first:stop], np.int64).T
                begins, count = np.cumsum(sizes) - sizes, int(counts.sum())
                data: Any = np.empty(sizes.sum(), np.uint8)
                for number, begin in enumerate(begins.tolist(), first):
                    reading.read(number, memoryview(data)[begin : begin + given.parts[number][1]])
                offsets = np.zeros(count + 1, np.int32)
                offsets[1:] = ends[:count] + np.repeat(begins - bases, counts)
                ends = ends[count:]
                yield pa.Array.from_buffers(pa.binary(), count, [None, pa.py_buffer(offsets), pa.py_buffer(data)])


def _groups(parts: Sequence[tuple[int, int, int]]) -> Iterator[tuple[int, int]]:
    """Parts that make an array together: the first, and the one after the last."""
    first = size = 0
    for number, (_, more, _) in enumerate(parts):
        if size and size + more > ARRAY_BYTES:
            yield first, number
            first, size = number, 0
        size += more
    if first < len(parts):
        yield first, len(parts)


class _Reading:
    """Reads the data of one part after the other."""

    def __init__(self, given: Handed, here: int, files: list[int]) -> None:
        self._given, self._here, self._files = given, here, files
        self._offset = 0
        self._block = bytearray(1 << 18)

    def read(self, number: int, target: memoryview) -> None:
        lying = self._given.unread.get(number)
        if lying is None:
            os.preadv(self._here, [target], self._offset)
            self._offset += len(target)
            return
        if lying.block_bytes > len(self._block):
            self._block = bytearray(lying.block_bytes)
        block = memoryview(self._block)[: lying.block_bytes]
        read = os.preadv(self._files[lying.file], [block], lying.offset)
        check_block(block[:read], lying.block_bytes, self._given.files[lying.file], lying.offset)
        end = lying.begin + len(target)
        if end > len(block):
            raise LogDamaged(f"{self._given.files[lying.file]}, offset {lying.offset}: its records end elsewhere")
        if self._given.watched and is_packed(self._block, lying.begin, end):
            raise Packed
        target[:] = block[lying.begin : end]
