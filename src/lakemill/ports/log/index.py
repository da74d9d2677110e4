"""Extents: where in a segment the blocks of a shard are. In memory while it is written, then in an index file.

An extent is a stretch of the file that begins with a block of the shard and holds all its blocks that begin in the next
EXTENT_BYTES. So the index stays small however small the blocks are, and a reader of one shard among a thousand reads
little else.

The index file (`0000000001.index`) is made from the segment and can be made again; one whose checksum does not agree
counts as not there.

    header  magic (8), crc32c of the rest of header and table (4), shards (4), end of the segment (8)
    table   for each shard: shard (4), crc32c of its extents (4), where they begin (8), how many (8), next position (8),
            last time (8)
    extents of each shard: all first positions, all first times, all beginnings, all ends (8 each)
"""

import array
import struct
import sys
from collections.abc import Mapping
from typing import NamedTuple

from awscrt.checksums import crc32c

from lakemill.ports.log.disk import File

MAGIC = b"lakeidx\n"
EXTENT_BYTES = 64 << 10
_HEADER = struct.Struct("<8sIIQ")
_SHARD = struct.Struct("<IIQQQq")
_CHECKED = 12


class Extents:
    """The extents of one shard in one segment. Written by one thread, read by any."""

    __slots__ = ("ends", "first_ms", "last_ms", "next", "offsets", "positions")

    def __init__(self) -> None:
        self.positions = array.array("Q")
        self.first_ms = array.array("q")
        self.offsets = array.array("Q")
        self.ends = array.array("Q")
        self.next = 0
        """Position after the last record."""
        self.last_ms = 0

    def add(self, position: int, count: int, first_ms: int, last_ms: int, offset: int, end: int) -> None:
        """Say that a block is there."""
        if self.offsets and offset < self.offsets[-1] + EXTENT_BYTES:
            self.ends[-1] = end
        else:
            self.ends.append(end)
            self.offsets.append(offset)
            self.first_ms.append(first_ms)
            self.positions.append(position)  # Last: whoever finds it here finds the others.
        self.next = position + count
        self.last_ms = last_ms


class IndexEntry(NamedTuple):
    """What the table says of a shard."""

    checksum: int
    offset: int
    extents: int
    next: int
    last_ms: int


class IndexUnusable(Exception):
    """The index file is torn or damaged; the segment must be read instead."""


def encode_index(extents: Mapping[int, Extents], end: int) -> bytes:
    """The index file of a segment that ends at `end`."""
    table, bodies = [], []
    offset = _HEADER.size + _SHARD.size * len(extents)
    for shard, one in extents.items():
        body = b"".join(_bytes(column) for column in (one.positions, one.first_ms, one.offsets, one.ends))
        table.append(_SHARD.pack(shard, crc32c(body), offset, len(one.positions), one.next, one.last_ms))
        bodies.append(body)
        offset += len(body)
    head = b"".join([struct.pack("<IQ", len(extents), end), *table])
    return b"".join([MAGIC, struct.pack("<I", crc32c(head)), head, *bodies])


def read_table(file: File) -> tuple[dict[int, IndexEntry], int]:
    """The table of an index file, and where its segment ends. Raises IndexUnusable."""
    data = file.read(0, 16 << 10)
    if len(data) < _HEADER.size or data[:8] != MAGIC:
        raise IndexUnusable
    _, checksum, shards, end = _HEADER.unpack_from(data)
    size = _HEADER.size + _SHARD.size * shards
    if size > len(data):
        data = file.read(0, size) if size <= file.size() else data
    if size > len(data) or crc32c(data[_CHECKED:size]) != checksum:
        raise IndexUnusable
    return {shard: IndexEntry(*rest) for shard, *rest in _SHARD.iter_unpack(data[_HEADER.size : size])}, end


def read_extents(file: File, entry: IndexEntry) -> Extents:
    """The extents of one shard. Raises IndexUnusable."""
    size = 8 * entry.extents
    data = file.read(entry.offset, 4 * size)
    if len(data) != 4 * size or crc32c(data) != entry.checksum:
        raise IndexUnusable
    extents = Extents()
    for column in (extents.positions, extents.first_ms, extents.offsets, extents.ends):
        column.frombytes(data[:size])
        data = data[size:]
        if sys.byteorder == "big":
            column.byteswap()
    extents.next, extents.last_ms = entry.next, entry.last_ms
    return extents


def _bytes(column: "array.array[int]") -> bytes:
    if sys.byteorder == "big":
        column = column[:]
        column.byteswap()
    return column.tobytes()
