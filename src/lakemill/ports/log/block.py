"""Blocks: records of one shard that were written together, as bytes.

    header  mark (8), crc32c (4), body size (4), shard (4), count (4), layout (4), group (4), position (8),
            first time (8), last time (8); all numbers little-endian
    body    ends of the keys, ends of the values (4 each and record), ends of the notes (only if layout has NOTES),
            times (8 each, only if layout has TIMES), then all keys, all values, all notes

The mark is eight random bytes of the segment, so that no record can look like a block. The checksum covers what follows
it, header and body. `group` is how many bytes before this block the write began of which it was part: the write before
that was on disk by then. Positions in a block rise by one. Columns rather than records one after another, because they
are packed and unpacked in a few calls for a whole block, and any part of a block is decoded without the rest.
"""

import array
import bisect
import itertools
import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from awscrt.checksums import crc32c

from lakemill.ports.log.numbers import from_little_endian
from lakemill.ports.log.port import Entry, Records, Stretch

HEADER = struct.Struct("<8sIIIIIIQqq")
HEADER_BYTES = HEADER.size
GLANCE = struct.Struct("<8s4xII")
"""Of a header only what is needed to pass by: mark, body size, shard."""
_CHECKED = 12
"""Where in a block the checksum begins to count."""
_CHECKED_HEADER = struct.Struct("<IIIIIQqq")
_TWO = struct.Struct("<II")
_PREFIX = struct.Struct("<8sI")
NOTES = 1
TIMES = 2
BLOCK_RECORDS = 4096
BLOCK_BYTES = 128 << 10
"""More (bytes of values) is cut into several blocks, so that reading a few records of it stays cheap."""


class Block(NamedTuple):
    """A header."""

    mark: bytes
    checksum: int
    size: int
    """Bytes of the body."""
    shard: int
    records: int
    layout: int
    group: int
    position: int
    first_ms: int
    last_ms: int


def header_at(data: bytes | memoryview, at: int) -> Block:
    """The header that begins there; struct.error if data ends before it does."""
    return Block._make(HEADER.unpack_from(data, at))


def is_whole(data: bytes | memoryview, at: int, block: Block) -> bool:
    """Whether all of the block is in data and its checksum agrees."""
    end = at + HEADER_BYTES + block.size
    return end <= len(data) and crc32c(memoryview(data)[at + _CHECKED : end]) == block.checksum


class Encoded(NamedTuple):
    """A block to be written."""

    header: bytes
    body: bytes
    position: int
    records: int
    first_ms: int
    last_ms: int


def encode(
    mark: bytes, shard: int, position: int, group: int, entries: Sequence[Entry], after_ms: int
) -> Iterator[Encoded]:
    """Blocks of these entries, one if they are not too many. after_ms: the shard's last time before them."""
    keys = [entry.key for entry in entries]
    values = [entry.value for entry in entries]
    notes = [entry.note for entry in entries]
    times = list(itertools.accumulate([entry.time_ms for entry in entries], max, initial=after_ms))
    del times[0]
    value_ends = list(itertools.accumulate(map(len, values)))
    if len(entries) <= BLOCK_RECORDS and value_ends[-1] <= BLOCK_BYTES:
        yield _encode_one(mark, shard, position, group, keys, values, notes if any(notes) else [], times)
        return
    start = before = 0
    while start < len(entries):
        stop = bisect.bisect_right(value_ends, before + BLOCK_BYTES, start, min(len(entries), start + BLOCK_RECORDS))
        stop = max(stop, start + 1)
        cut = slice(start, stop)
        some = notes[cut] if any(notes[cut]) else []
        one = _encode_one(mark, shard, position + start, group, keys[cut], values[cut], some, times[cut])
        yield one
        group += len(one.header) + len(one.body)
        start, before = stop, value_ends[stop - 1]


def _encode_one(
    mark: bytes,
    shard: int,
    position: int,
    group: int,
    keys: list[bytes],
    values: list[bytes],
    notes: list[bytes],
    times: list[int],
) -> Encoded:
    count = len(keys)
    first_ms, last_ms = times[0], times[-1]
    layout = (NOTES if notes else 0) | (TIMES if first_ms != last_ms else 0)
    accumulate = itertools.accumulate
    ends = [*accumulate(map(len, keys)), *accumulate(map(len, values)), *accumulate(map(len, notes))]
    packed_times = struct.pack(f"<{count}q", *times) if layout & TIMES else b""
    body = b"".join([struct.pack(f"<{len(ends)}I", *ends), packed_times, *keys, *values, *notes])
    header = _CHECKED_HEADER.pack(len(body), shard, count, layout, group, position, first_ms, last_ms)
    checksum = crc32c(body, crc32c(header))
    return Encoded(_PREFIX.pack(mark, checksum) + header, body, position, count, first_ms, last_ms)


def decode(data: bytes, at: int, block: Block, start: int, records: int, size: int, least: int, found: Records) -> int:
    """Add to `found` the records of the block that begins at `at`, from its start-th on.

    At most `records`, and no more than size bytes of keys and values, but at least `least` (0 or 1). Answers how many
    bytes that were.
    """
    count = block.records
    if count == 1:
        return _decode_one(data, at, block, size, least, found)
    stop = min(count, start + records)
    ends_at = at + HEADER_BYTES
    key_ends = _ends(data, ends_at, start, stop)
    value_ends = _ends(data, ends_at + 4 * count, start, stop)
    key_from, value_from = key_ends[0], value_ends[0]
    if key_ends[-1] - key_from + value_ends[-1] - value_from > size:
        taken = [k + v for k, v in zip(key_ends, value_ends, strict=True)]
        stop = start + max(least, bisect.bisect_right(taken, size + taken[0]) - 1)
        key_ends, value_ends = key_ends[: stop - start + 1], value_ends[: stop - start + 1]
    has_notes, has_times = bool(block.layout & NOTES), bool(block.layout & TIMES)
    times_at = ends_at + (12 if has_notes else 8) * count
    keys_at = times_at + (8 * count if has_times else 0)
    (keys_size,) = struct.unpack_from("<I", data, ends_at + 4 * count - 4)
    (values_size,) = struct.unpack_from("<I", data, ends_at + 8 * count - 4)
    times: Iterable[int] = itertools.repeat(block.first_ms, stop - start)
    if has_times:
        times = struct.unpack_from(f"<{stop - start}q", data, times_at + 8 * start)
    notes: Sequence[bytes] = ()
    if has_notes:
        note_ends = _ends(data, ends_at + 8 * count, start, stop)
        notes = _cut(data, keys_at + keys_size + values_size, note_ends)
    keys = _cut(data, keys_at, key_ends)
    values = _cut(data, keys_at + keys_size, value_ends)
    found.add(range(block.position + start, block.position + stop), times, keys, values, notes)
    return key_ends[-1] - key_from + value_ends[-1] - value_from


def stretch(data: bytes | memoryview, at: int, block: Block, start: int) -> Stretch:
    """Records of the block that begins at `at`, from its start-th on. No work is done for a single one."""
    count = block.records
    ends_at = at + HEADER_BYTES
    has_notes, has_times = bool(block.layout & NOTES), bool(block.layout & TIMES)
    times_at = ends_at + (12 if has_notes else 8) * count
    keys_at = times_at + (8 * count if has_times else 0)
    (keys_size,) = struct.unpack_from("<I", data, ends_at + 4 * count - 4)
    (values_size,) = struct.unpack_from("<I", data, ends_at + 8 * count - 4)
    values_at = keys_at + keys_size
    ends = from_little_endian("I", data[ends_at + 4 * count : ends_at + 8 * count])
    if start:
        before = ends[start - 1]
        ends = array.array("I", [end - before for end in ends[start:]])
        values_at, values_size = values_at + before, values_size - before
    if has_times:
        times = from_little_endian("q", data[times_at + 8 * start : times_at + 8 * count])
    else:
        times = array.array("q", [block.first_ms]) * (count - start)
    notes: Sequence[bytes] = ()
    if has_notes:
        notes = _cut(data, values_at + values_size, _ends(data, ends_at + 8 * count, start, count))
    return Stretch(block.position + start, times, data[values_at : values_at + values_size], ends, notes)


def _decode_one(data: bytes, at: int, block: Block, size: int, least: int, found: Records) -> int:
    """decode for blocks of one record, which small appends make many of."""
    keys_at = at + HEADER_BYTES + (12 if block.layout & NOTES else 8)
    key_size, value_size = _TWO.unpack_from(data, at + HEADER_BYTES)
    if key_size + value_size > size and not least:
        return 0
    values_at = keys_at + key_size
    notes_at = values_at + value_size
    note = data[notes_at : at + HEADER_BYTES + block.size]
    found.append(block.position, block.first_ms, data[keys_at:values_at], data[values_at:notes_at], note)
    return key_size + value_size


def first_at_or_after(data: bytes, at: int, block: Block, time_ms: int) -> int:
    """Position of the first record in the block of this time or later. The block's last time must not be earlier."""
    if block.first_ms >= time_ms:
        return block.position
    times_at = at + HEADER_BYTES + (12 if block.layout & NOTES else 8) * block.records
    times = struct.unpack_from(f"<{block.records}q", data, times_at)
    return block.position + bisect.bisect_left(times, time_ms)


def _ends(data: bytes | memoryview, at: int, start: int, stop: int) -> Sequence[int]:
    """Where the pieces from start to stop end, and before them, where the first begins."""
    if start == 0:
        return (0, *struct.unpack_from(f"<{stop}I", data, at))
    return struct.unpack_from(f"<{stop - start + 1}I", data, at + 4 * (start - 1))


def _cut(data: bytes | memoryview, at: int, ends: Sequence[int]) -> list[bytes]:
    joined = bytes(data[at + ends[0] : at + ends[-1]])
    first = ends[0]
    if first:
        ends = [end - first for end in ends]
    return [joined[start:end] for start, end in itertools.pairwise(ends)]
