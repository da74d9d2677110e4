"""Records for another process of this machine: told where their values lie, without reading these.

Only headers, ends and times of blocks are read here. The checksum is of a whole block: whoever reads the values looks
at it (`check`).
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from lakemill.ports.log import block
from lakemill.ports.log.disk import File
from lakemill.ports.log.port import Located, LogDamaged
from lakemill.ports.log.segment import Segment

LOCATED_BYTES = 16 << 10
"""To tell where smaller blocks are takes longer than to read them."""
_TABLES_BYTES = 8 << 10
"""What is read of a block at first: most have less before their values."""


class BlockValues(msgspec.Struct, frozen=True, gc=False):
    """The values of the block at an offset of a segment file. The file can be read even when its name is gone."""

    file: File
    path: Path
    offset: int
    block_bytes: int
    size: int

    def read(self) -> memoryview:
        """See Unread."""
        data = memoryview(self.file.read(self.offset, self.block_bytes))
        check_block(data, self.block_bytes, str(self.path), self.offset)
        return data[self.block_bytes - self.size :]


def check_block(data: memoryview, size: int, path: str, offset: int) -> None:
    """Raises LogDamaged unless data is a whole block of this size. path, offset: where it was read."""
    if len(data) == size:
        header = block.header_at(data, 0)
        if header.size + block.HEADER_BYTES == size and block.is_whole(data, 0, header):
            return
    raise LogDamaged(f"{path}, offset {offset}: this block cannot be read")


def located(
    file: File, segment: Segment, shard: int, extent: tuple[int, int], position: int, *, wait: bool
) -> Iterator[Located | None]:
    """The blocks of the shard in an extent, from a position on; None at last if there is one that is to be read.

    extent: where it begins and ends. Raises BlockingIOError, LogDamaged.
    """
    offset, end = extent
    while offset < end:
        head = file.read(offset, min(_TABLES_BYTES, end - offset), wait=wait)
        if len(head) < block.HEADER_BYTES or head[:8] != segment.mark:
            raise LogDamaged(f"{segment.path}, offset {offset}: no block begins here")
        header = block.header_at(head, 0)
        size = block.HEADER_BYTES + header.size
        if header.shard == shard and position < header.position + header.records:
            if position > header.position or header.layout & block.NOTES or size < LOCATED_BYTES:
                yield None
                return
            tables = block.HEADER_BYTES + header.records * (16 if header.layout & block.TIMES else 8)
            fits = position == header.position and tables <= size <= end - offset
            if fits and tables > len(head):
                head = file.read(offset, tables, wait=wait)
            if not fits or tables > len(head):
                raise LogDamaged(f"{segment.path}, offset {offset}: this block cannot be read")
            some = block.stretch(head, 0, header, 0)
            values = BlockValues(file, segment.path, offset, size, some.ends[-1])
            yield Located(some.position, some.times, values, some.ends)
            position += header.records
        offset += size
