"""Reading a log: which segment, which extent of it, which block, which records.

What the page cache holds is read by the event loop itself: handing it to a thread would take longer. Only if the disk
would have to be waited for (BlockingIOError from `File.read`) a thread does it.
"""

import asyncio
import bisect
import collections
import contextlib
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from lakemill.ports.log import block
from lakemill.ports.log.disk import HUGE_BYTES, Disk, File
from lakemill.ports.log.index import Extents, IndexUnusable, encode_index, read_extents, read_table
from lakemill.ports.log.located import located
from lakemill.ports.log.manifest import write_whole
from lakemill.ports.log.port import Located, LogDamaged, Records, Stretch
from lakemill.ports.log.recovery import contents_of
from lakemill.ports.log.segment import Segment
from lakemill.ports.log.shards import Shards
from lakemill.ports.log.stretches import RECORD_BYTES, stretched, weight

STRETCH_BYTES = 1 << 20
"""A long read lets others have the loop each time it has read so much."""
SMALL_RECORDS = 32
"""Blocks of fewer records are put together into one stretch, which takes less than a stretch for each."""
BETWEEN_BYTES = 128 << 10
"""Read at a time of what lies between blocks that need not be read."""
_FILES_MAX = 64
_EXTENTS_MAX = 256
T = TypeVar("T")


class Cache:
    """Open files and indexes of sealed segments, the last used ones. Safe across threads."""

    def __init__(self, disk: Disk) -> None:
        self.disk = disk
        self._files: collections.OrderedDict[Segment, File] = collections.OrderedDict()
        self._extents: collections.OrderedDict[tuple[Segment, int], Extents | None] = collections.OrderedDict()
        self._guard = threading.Lock()
        self._building = threading.Lock()

    def file(self, segment: Segment) -> File:
        """The segment's file. Whoever has it may go on reading when the segment is gone."""
        if (file := segment.file) is not None:
            return file
        with self._guard:
            if found := self._files.get(segment):
                self._files.move_to_end(segment)
                return found
            try:
                file = self.disk.open(segment.path)
            except FileNotFoundError as error:
                raise LogDamaged(f"{segment.path}, offset 0: the file is missing") from error
            self._files[segment] = file
            if len(self._files) > _FILES_MAX:
                self._files.popitem(last=False)  # Closed when its last reader lets go.
            return file

    def extents(self, segment: Segment, shard: int, *, wait: bool) -> Extents | None:
        """The shard's extents in the segment; None if it has no records there.

        Raises BlockingIOError, LogDamaged.
        """
        if (extents := segment.extents) is not None:
            return extents.get(shard)
        key = (segment, shard)
        with self._guard:
            if key in self._extents:
                self._extents.move_to_end(key)
                return self._extents[key]
        if not wait:
            raise BlockingIOError
        found = self._load(segment, shard)
        with self._guard:
            self._extents[key] = found
            if len(self._extents) > _EXTENTS_MAX:
                self._extents.popitem(last=False)
        return found

    def forget(self, segment: Segment) -> None:
        """The segment is gone."""
        with self._guard:
            self._files.pop(segment, None)
            for key in [key for key in self._extents if key[0] is segment]:
                del self._extents[key]

    def clear(self) -> None:
        with self._guard:
            self._files.clear()
            self._extents.clear()

    def _load(self, segment: Segment, shard: int) -> Extents | None:
        with self._building:
            try:
                file = self.disk.open(index_path(segment))
                table, found_end = read_table(file)
                if found_end != segment.end:
                    raise IndexUnusable
                return read_extents(file, table[shard]) if shard in table else None
            except (FileNotFoundError, IndexUnusable):
                extents = contents_of(self.file(segment), segment, segment.end).extents
                self.save(segment, extents)
                return extents.get(shard)

    def save(self, segment: Segment, extents: dict[int, Extents]) -> None:
        """Write the index file. It can be made again: so it is not flushed, and a disk that fails here does no harm."""
        path = index_path(segment)
        with contextlib.suppress(OSError):
            write_whole(self.disk, path, encode_index(extents, segment.end), flush=False)


def index_path(segment: Segment) -> Path:
    return segment.path.with_suffix(".index")


class Reading:
    """Reads of one log. segments: oldest first, the last one may be written right now."""

    def __init__(self, shards: Shards, segments: list[Segment], cache: Cache) -> None:
        self._shards = shards
        self._segments = segments
        self._cache = cache

    async def read(self, shard: int, position: int, records: int, size: int) -> Records:
        """See the port."""
        found = Records()
        used = 0
        while len(found) < records:
            stretch = min(size - used, STRETCH_BYTES)
            wanted = (shard, position, records - len(found), stretch, 0 if found else 1)
            more, bytes_ = await self._here_or_in_thread(self._stretch, *wanted)
            if not more:
                break
            found.add(more.positions, more.times, more.keys, more.values, more.notes)
            used += bytes_
            position = more.positions[-1] + 1
            await asyncio.sleep(0)  # Whoever reads on and on lets others have the loop.
            if position >= self._shards.next[shard] or used >= size:
                break
        return found

    async def read_stretches(self, shard: int, position: int, size: int) -> list[Stretch]:
        """See the port."""
        found: list[Stretch] = []
        used = 0
        while True:
            wanted = (shard, position, size - used)
            more = await self._here_or_in_thread(self._stretches, *wanted)
            if not more:
                return found
            found += more
            used += sum(map(weight, more))
            position = more[-1].position + len(more[-1].ends)
            await asyncio.sleep(0)
            if position >= self._shards.next[shard] or used >= size:
                return found

    async def locate(self, shard: int, position: int, size: int) -> Sequence[Located | Stretch]:
        """See the port."""
        found: list[Located | Stretch] = []
        used = 0
        while used < size:
            more: Sequence[Located | Stretch] = await self._here_or_in_thread(
                self._located, shard, position, size - used
            )
            if not more:
                more = await self.read_stretches(shard, position, min(size - used, BETWEEN_BYTES))
            if not more:
                break
            found += more
            used += sum([weight(one) if isinstance(one, Stretch) else one.values.size for one in more])
            position = more[-1].position + len(more[-1].ends)
        return found

    async def position_at(self, shard: int, time_ms: int) -> int:
        """See the port."""
        return await self._here_or_in_thread(self._position_at, shard, time_ms)

    async def _here_or_in_thread(self, work: Callable[..., T], *arguments: int) -> T:
        while True:
            segments = self._segments
            try:
                try:
                    return work(segments, False, *arguments)
                except BlockingIOError:
                    segments = segments[:]
                    return await asyncio.get_running_loop().run_in_executor(None, work, segments, True, *arguments)
            except LogDamaged:
                if segments[0] is self._segments[0]:
                    raise
                # It was trimmed under the reader's hands: what is left begins later.

    def _stretch(
        self, segments: list[Segment], wait: bool, shard: int, position: int, records: int, size: int, least: int
    ) -> tuple[Records, int]:
        """Records, at least so many (0 or 1), and the bytes of their keys and values."""
        found = Records()
        positions = found.positions
        used = 0
        try:
            for data, at, header, start in self._blocks_from(segments, wait, shard, position, 0):
                assert isinstance(data, bytes)
                before = len(positions)
                used += block.decode(data, at, header, start, records - before, size - used, least, found)
                after = len(positions)
                if start + after - before < header.records or after >= records:
                    break
                least = 0
        except BlockingIOError:
            if not positions:
                raise
        return found, used

    def _stretches(self, segments: list[Segment], wait: bool, shard: int, position: int, size: int) -> list[Stretch]:
        """Stretches, until they reach size or half a huge page was read."""
        found: list[Stretch] = []
        small = Records()
        """Of blocks so small that they are put together."""
        used = 0
        try:
            for data, at, header, start in self._blocks_from(segments, wait, shard, position, min(size, HUGE_BYTES)):
                if header.records < SMALL_RECORDS:
                    whole = bytes(data[at : at + block.HEADER_BYTES + header.size])
                    used += block.decode(whole, 0, header, start, header.records, header.size, 0, small)
                    used += RECORD_BYTES * (header.records - start)
                else:
                    found += stretched(small)
                    small = Records()
                    found.append(block.stretch(data, at, header, start))
                    used += weight(found[-1])
                if used >= size:
                    break
        except BlockingIOError:
            if not found and not small:
                raise
        return [*found, *stretched(small)]

    def _located(self, segments: list[Segment], wait: bool, shard: int, position: int, size: int) -> list[Located]:
        """Blocks that need not be read, until they reach size."""
        found: list[Located] = []
        position, stop = max(position, self._shards.first[shard]), self._shards.next[shard]
        used = 0
        try:
            while position < stop:
                segment = segments[bisect.bisect_right(segments, position, key=lambda one: one.first(shard)) - 1]
                extents = self._extents(segment, shard, wait)
                extent = bisect.bisect_right(extents.positions, position) - 1
                place = extents.offsets[extent], extents.ends[extent]
                began_with = position
                for one in located(self._cache.file(segment), segment, shard, place, position, wait=wait):
                    if one is None:
                        return found
                    found.append(one)
                    used += one.values.size + RECORD_BYTES * len(one.ends)
                    position = one.position + len(one.ends)
                    if used >= size:
                        return found
                if position == began_with:
                    raise LogDamaged(f"{segment.path}, offset {place[0]}: position {position} is missing")
        except BlockingIOError:
            if not found:
                raise
        return found

    def _blocks_from(
        self, segments: list[Segment], wait: bool, shard: int, position: int, at_once: int
    ) -> Iterator[tuple[bytes | memoryview, int, block.Block, int]]:
        """Blocks from a position on: the bytes each is in, where it begins there, its header, the record to begin with.

        at_once: how many bytes are read, as a view, and at least half of them; 0: an extent at a time, as bytes.
        Raises BlockingIOError, LogDamaged.
        """
        position = max(position, self._shards.first[shard])
        stop = self._shards.next[shard]
        data: bytes | memoryview
        read = 0
        while position < stop and not (at_once and 2 * read >= at_once):
            segment = segments[bisect.bisect_right(segments, position, key=lambda one: one.first(shard)) - 1]
            extents = self._extents(segment, shard, wait)
            extent = bisect.bisect_right(extents.positions, position) - 1
            if at_once:
                data, offset = self._view_extents(segment, extents, extent, wait, at_once)
                read += len(data)
            else:
                data, offset = self._read_extent(segment, extents, extent, wait)
            began_with = position
            for at, header in _blocks(segment, shard, data, offset):
                if position >= header.position + header.records:
                    continue
                if position < header.position or not block.is_whole(data, at, header):
                    raise LogDamaged(f"{segment.path}, offset {offset + at}: this block cannot be read")
                yield data, at, header, position - header.position
                position = header.position + header.records
            if position == began_with:
                raise LogDamaged(f"{segment.path}, offset {offset}: position {position} of shard {shard} is missing")

    def _position_at(self, segments: list[Segment], wait: bool, shard: int, time_ms: int) -> int:
        first = self._shards.first[shard]
        if time_ms > self._shards.last_ms[shard]:
            return self._shards.next[shard]
        at = bisect.bisect_left(segments, time_ms, key=lambda one: one.last_before_ms(shard)) - 1
        if at < 0 or first == self._shards.next[shard]:
            return first
        segment = segments[at]
        extents = self._extents(segment, shard, wait)
        extent = bisect.bisect_left(extents.first_ms, time_ms) - 1
        if extent >= 0:
            data, offset = self._read_extent(segment, extents, extent, wait)
            for start, header in _blocks(segment, shard, data, offset):
                if header.last_ms >= time_ms:
                    if not block.is_whole(data, start, header):
                        raise LogDamaged(f"{segment.path}, offset {offset + start}: this block cannot be read")
                    return max(first, block.first_at_or_after(data, start, header, time_ms))
        return max(first, extents.positions[extent + 1])

    def _extents(self, segment: Segment, shard: int, wait: bool) -> Extents:
        extents = self._cache.extents(segment, shard, wait=wait)
        if extents is None:
            raise LogDamaged(f"{segment.path}, offset {segment.start}: the records of shard {shard} are missing")
        return extents

    def _read_extent(self, segment: Segment, extents: Extents, extent: int, wait: bool) -> tuple[bytes, int]:
        offset = extents.offsets[extent]
        size = extents.ends[extent] - offset
        data = self._cache.file(segment).read(offset, size, wait=wait)
        if len(data) < size:
            raise LogDamaged(f"{segment.path}, offset {offset + len(data)}: the file is too short")
        return data, offset

    def _view_extents(
        self, segment: Segment, extents: Extents, extent: int, wait: bool, most: int
    ) -> tuple[memoryview, int]:
        """An extent and those that lie next to it, up to so many bytes if the first has fewer."""
        offset, end = extents.offsets[extent], extents.ends[extent]
        for after in range(extent + 1, len(extents.positions)):
            if extents.offsets[after] != end or extents.ends[after] - offset > most:
                break
            end = extents.ends[after]
        data = self._cache.file(segment).view(offset, end - offset, wait=wait)
        if len(data) < end - offset:
            raise LogDamaged(f"{segment.path}, offset {offset + len(data)}: the file is too short")
        return data, offset


def _blocks(segment: Segment, shard: int, data: bytes | memoryview, offset: int) -> Iterator[tuple[int, block.Block]]:
    """Where in data each block of the shard begins, and its header. data was read at this offset."""
    at, end, mark = 0, len(data), segment.mark
    while at < end:
        try:
            found, size, owner = block.GLANCE.unpack_from(data, at)
        except struct.error:
            found = b""
        if found != mark:
            raise LogDamaged(f"{segment.path}, offset {offset + at}: no block begins here")
        if owner == shard:
            yield at, block.header_at(data, at)
        at += block.HEADER_BYTES + size
