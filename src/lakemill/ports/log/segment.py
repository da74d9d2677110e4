"""Segments: the files of a log. All shards share them.

    header  magic (8), crc32c (4), version (4), number (8), end of the segment before it (8), created, ms (8), mark (8),
            shards (4), then for each shard the position it goes on with (8), and for each its last time so far (8)
    blocks  one after another, see `block`

The header says all that the segments before it said about positions and times: a segment can be dropped without a
thought, and positions go on rising when all are gone. It also says where the segment before it ends; what that file has
after this was never acknowledged. A file gets its name (`0000000001.log`) only when its header is on disk.
"""

import array
import struct
from collections.abc import Sequence
from pathlib import Path

from awscrt.checksums import crc32c

from lakemill.ports.log.disk import File
from lakemill.ports.log.index import Extents
from lakemill.ports.log.numbers import from_little_endian, little_endian
from lakemill.ports.log.port import LogDamaged

MAGIC = b"lakelog\n"
VERSION = 1
FIRST_POSITION = 1
"""Position 0 is never used."""
_HEADER = struct.Struct("<8sIIQQq8sI")
_CHECKED = 12
_HEADER_READ_BYTES = 16 << 10


class Segment:
    """What is known of a segment file."""

    __slots__ = (
        "before_ms",
        "created_ms",
        "end",
        "extents",
        "file",
        "firsts",
        "mark",
        "number",
        "path",
        "previous_end",
        "start",
    )

    def __init__(
        self,
        folder: Path,
        number: int,
        previous_end: int,
        created_ms: int,
        mark: bytes,
        firsts: Sequence[int],
        before_ms: Sequence[int],
    ) -> None:
        self.path = folder / f"{number:010d}.log"
        self.number = number
        self.previous_end = previous_end
        self.created_ms = created_ms
        self.mark = mark
        self.firsts = array.array("Q", firsts)
        self.before_ms = array.array("q", before_ms)
        self.start = _HEADER.size + 16 * len(firsts)
        """Where its blocks begin."""
        self.end = 0
        """Where its blocks end; 0 while it is written."""
        self.file: File | None = None
        """Open while it is written."""
        self.extents: dict[int, Extents] | None = None
        """Kept here until they are in the index file."""

    def first(self, shard: int) -> int:
        """Position with which the shard goes on here."""
        return self.firsts[shard] if shard < len(self.firsts) else FIRST_POSITION

    def last_before_ms(self, shard: int) -> int:
        """Time of the shard's last record before this segment; 0 if there is none."""
        return self.before_ms[shard] if shard < len(self.before_ms) else 0

    def header(self) -> bytes:
        fixed = _HEADER.pack(
            MAGIC, 0, VERSION, self.number, self.previous_end, self.created_ms, self.mark, len(self.firsts)
        )
        rest = fixed[_CHECKED:] + little_endian(self.firsts) + little_endian(self.before_ms)
        return MAGIC + struct.pack("<I", crc32c(rest)) + rest


def read_header(folder: Path, number: int, file: File) -> Segment:
    """The segment of an open file. Raises LogDamaged."""
    path = folder / f"{number:010d}.log"
    data = file.read(0, _HEADER_READ_BYTES)
    if len(data) < _HEADER.size or data[:8] != MAGIC:
        raise LogDamaged(f"{path}, offset 0: this is not a segment")
    _, checksum, version, found, previous_end, created_ms, mark, shards = _HEADER.unpack_from(data)
    if version != VERSION:
        raise LogDamaged(f"{path}, offset 12: version must be {VERSION}; got {version}")
    size = _HEADER.size + 16 * shards
    if size > len(data):
        data = file.read(0, size) if size <= file.size() else data
    if size > len(data) or crc32c(data[_CHECKED:size]) != checksum or found != number:
        raise LogDamaged(f"{path}, offset 0: the header's checksum does not agree")
    middle = _HEADER.size + 8 * shards
    firsts, before_ms = from_little_endian("Q", data[_HEADER.size : middle]), from_little_endian("q", data[middle:size])
    return Segment(folder, number, previous_end, created_ms, mark, firsts, before_ms)
