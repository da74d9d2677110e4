"""Reading a segment from end to end: at start after a crash, and when an index is gone.

At start, the last segment may end in the middle of a write. What is whole before that is kept, the rest was never
acknowledged. If a later write follows what cannot be read, then it was on disk once, and that is damage.
"""

import struct
from collections.abc import Generator
from typing import NamedTuple

from lakemill.ports.log.block import HEADER_BYTES, Block, header_at, is_whole
from lakemill.ports.log.disk import File
from lakemill.ports.log.index import Extents
from lakemill.ports.log.port import LogDamaged
from lakemill.ports.log.segment import Segment

_WINDOW_BYTES = 4 << 20


class Contents(NamedTuple):
    """What a segment has: extents by shard, where its last write began, where its last whole block ends."""

    extents: dict[int, Extents]
    last_write: int
    end: int


def contents_of(file: File, segment: Segment, end: int | None) -> Contents:
    """Read a segment. end: where it must end; None if nobody knows, because it is the last one. Raises LogDamaged."""
    extents: dict[int, Extents] = {}
    offset = last_write = segment.start
    stop = file.size() if end is None else end
    for offset, block in _whole_blocks(file, segment.mark, segment.start, stop):
        one = extents.get(block.shard)
        if one is None:
            one = extents[block.shard] = Extents()
            one.next = segment.first(block.shard)
        if block.position != one.next:
            raise LogDamaged(
                f"{segment.path}, offset {offset}: shard {block.shard} should go on with position {one.next}; "
                f"got {block.position}"
            )
        block_end = offset + HEADER_BYTES + block.size
        one.add(block.position, block.records, block.first_ms, block.last_ms, offset, block_end)
        last_write = offset - block.group
        offset = block_end
    if offset < stop and (end is not None or _was_on_disk(file, segment.mark, offset, stop)):
        raise LogDamaged(f"{segment.path}, offset {offset}: this block cannot be read")
    return Contents(extents, last_write, offset)


def _whole_blocks(file: File, mark: bytes, offset: int, end: int) -> Generator[tuple[int, Block], None, None]:
    """Offset and header of each block, up to the first that is not whole."""
    data, base = b"", offset
    while offset + HEADER_BYTES <= end:
        if offset + HEADER_BYTES > base + len(data):
            data, base = file.read(offset, min(_WINDOW_BYTES, end - offset)), offset
        try:
            block = header_at(data, offset - base)
        except struct.error:  # The file is shorter than it should be.
            return
        size = HEADER_BYTES + block.size
        if block.mark != mark or offset + size > end:
            return
        if offset + size > base + len(data):
            data, base = file.read(offset, min(max(_WINDOW_BYTES, size), end - offset)), offset
        if not is_whole(data, offset - base, block):
            return
        yield offset, block
        offset += size


def _was_on_disk(file: File, mark: bytes, offset: int, end: int) -> bool:
    """Whether a whole block follows whose write began after this offset."""
    at = offset + 1
    while at + HEADER_BYTES <= end:
        data = file.read(at, _WINDOW_BYTES)
        found = data.find(mark)
        if found < 0:
            at += max(1, len(data) - len(mark) + 1)
            continue
        at += found
        for start, block in _whole_blocks(file, mark, at, end):
            if start - block.group > offset:
                return True
            at = start + HEADER_BYTES + block.size - 1
        at += 1
    return False
