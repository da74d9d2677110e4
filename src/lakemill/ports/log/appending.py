"""Appending to a log: callers that wait at the same time share one write and one flush.

The event loop leads: it takes all that waits, makes one block for each shard of it, and hands only write and flush to
a thread (as in `ports/metadata/group.py`). When that thread is done, the loop makes the records visible, answers
everybody and, after those it woke have appended again, takes the next group. One group is under way at a time: a group
that is found in a file says that all before it is on disk.
"""

import asyncio
import collections
import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from typing import NamedTuple

from lakemill.ports.log import block
from lakemill.ports.log.index import Extents
from lakemill.ports.log.port import Entry
from lakemill.ports.log.segment import Segment
from lakemill.ports.log.shards import Shards
from lakemill.ports.log.tail import Tail

GROUP_BYTES = 8 << 20
"""No caller joins a group that has reached this; bounds the time the first of it waits."""


class Waiting(NamedTuple):
    """A caller of append."""

    entries: Sequence[Entry]
    size: int
    """Bytes of the values."""
    future: "asyncio.Future[Sequence[int]]"


class Part(NamedTuple):
    """A block of a group; offsets from the group's beginning."""

    shard: int
    position: int
    records: int
    first_ms: int
    last_ms: int
    start: int
    end: int


class Group:
    """What is written and flushed at once."""

    def __init__(self, waiting: list[Waiting], segment: Segment) -> None:
        self.waiting = waiting
        self.positions: list[list[int]] = []
        self.segment = segment
        """Where it is to be written; begun before that, if it is a new one."""
        self.pieces: list[bytes] = []
        """What is written."""
        self.parts: list[Part] = []
        self.begun: list[Segment] = []
        self.written_at = 0
        self.error: Exception | None = None
        self.flushed: Future[None] | None = None
        self.loop: asyncio.AbstractEventLoop | None = None


class Appending:
    """The one writer of a log.

    plan makes the next segment; begun is told of segments that are written from now on, written of the shards that have
    new records.
    """

    def __init__(
        self,
        shards: Shards,
        tail: Tail,
        flusher: Executor,
        *,
        segment_bytes: int,
        plan: Callable[[], Segment],
        begun: Callable[[list[Segment]], None],
        written: Callable[[list[int]], None],
    ) -> None:
        self._shards = shards
        self._tail = tail
        self._flusher = flusher
        self._segment_bytes = segment_bytes
        self._plan = plan
        self._begun = begun
        self._written = written
        self._waiting: collections.deque[Waiting] = collections.deque()
        self._group: Group | None = None
        self._leading: asyncio.AbstractEventLoop | None = None
        """The loop that will take a group soon."""
        self._rolls = False
        self._closed: Callable[[], Exception] | None = None

    async def roll(self) -> None:
        """Begin a new segment. Raises OSError."""
        self._rolls = True
        await self.append([])

    def append(self, entries: Sequence[Entry]) -> "asyncio.Future[Sequence[int]]":
        """Positions of the entries, when they are on disk; or OSError."""
        if self._closed:
            raise self._closed()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Sequence[int]] = loop.create_future()
        if (group := self._group) and group.loop is not loop:
            self._take_over(group, loop)
        size = sum([len(entry.value) for entry in entries])
        self._waiting.append(Waiting(entries, size, future))
        if self._group is None and self._leading is not loop:
            self._lead_soon(loop)
        return future

    def _take_over(self, group: Group, loop: asyncio.AbstractEventLoop) -> None:
        """End a group whose own loop has perhaps closed."""
        group.loop = loop
        if group.flushed:
            group.flushed.add_done_callback(lambda _: loop.call_soon_threadsafe(self._end, group, loop))

    async def stop(self, error: Callable[[], Exception]) -> None:
        """Let the group that is under way end; everybody else gets the error."""
        self._closed = error
        while self._waiting:
            future = self._waiting.popleft().future
            if not future.done():
                future.set_exception(error())
        if (group := self._group) and group.flushed:
            await asyncio.wrap_future(group.flushed)
            self._end(group, None)

    def close(self, error: Callable[[], Exception]) -> None:
        """Finish what was handed in, here and now; whoever comes later gets the error."""
        self._closed = error
        while self._group or self._waiting:
            if group := self._group:
                if group.flushed:
                    group.flushed.result()
                self._end(group, None)
            else:
                group = self._next_group()
                self._group = group
                self._flush(group)
                self._end(group, None)

    def _lead_soon(self, loop: asyncio.AbstractEventLoop) -> None:
        """Not at once: others of this turn of the loop come along."""
        self._leading = loop
        loop.call_soon(self._lead, loop)

    def _lead(self, loop: asyncio.AbstractEventLoop) -> None:
        self._leading = None
        if self._group or not self._waiting:
            return
        group = self._group = self._next_group()
        group.loop = loop
        try:
            group.flushed = self._flusher.submit(self._flush_for_loop, group, loop)
        except RuntimeError:  # The log is being closed at this very moment.
            self._flush(group)
            self._end(group, loop)

    def _next_group(self) -> Group:
        waiting: list[Waiting] = []
        size = 0
        while self._waiting and size < GROUP_BYTES:
            one = self._waiting.popleft()
            size += one.size
            waiting.append(one)
        segment = self._tail.segment
        if segment is None or self._tail.end >= self._segment_bytes or self._rolls:
            segment = self._plan()
        self._rolls = False
        try:
            return self._encoded(waiting, segment)
        except Exception:
            # Somebody's entries cannot be encoded (a text for bytes, say). That is to be the trouble of no other.
            return self._encoded([one for one in waiting if self._can_be_encoded(one, segment)], segment)

    def _can_be_encoded(self, one: Waiting, segment: Segment) -> bool:
        try:
            self._encoded([one], segment)
        except Exception as error:
            if not one.future.done():
                one.future.set_exception(error)
            return False
        return True

    def _encoded(self, waiting: list[Waiting], segment: Segment) -> Group:
        group = Group(waiting, segment)
        next_positions, last_ms = self._shards.next, self._shards.last_ms
        columns: dict[int, tuple[list[Entry], int]] = {}
        for one in group.waiting:
            given: list[int] = []
            for entry in one.entries:
                found = columns.get(entry.shard)
                if found is None:
                    found = columns[entry.shard] = [], next_positions[entry.shard]
                column, first = found
                given.append(first + len(column))
                column.append(entry)
            group.positions.append(given)
        offset = 0
        for shard, (column, first) in columns.items():
            for made in block.encode(segment.mark, shard, first, offset, column, last_ms[shard]):
                end = offset + len(made.header) + len(made.body)
                group.parts.append(Part(shard, made.position, made.records, made.first_ms, made.last_ms, offset, end))
                group.pieces += (made.header, made.body)
                offset = end
        return group

    def _flush_for_loop(self, group: Group, loop: asyncio.AbstractEventLoop) -> None:
        self._flush(group)
        with contextlib.suppress(RuntimeError):  # A closed loop waits for nothing; close() ends the group.
            loop.call_soon_threadsafe(self._end, group, loop)

    def _flush(self, group: Group) -> None:
        tail = self._tail
        try:
            if group.segment is not tail.segment:
                self._begin(group, group.segment)
            if group.pieces:
                group.written_at = tail.end
                tail.write(group.pieces)
        except Exception as error:
            group.error = error
            if tail.segment is None:
                # Before anybody is told: so that what was not acknowledged is not found after a crash either.
                with contextlib.suppress(OSError):
                    self._begin(group, self._plan())

    def _begin(self, group: Group, segment: Segment) -> None:
        self._tail.begin(segment)
        segment.extents = {}
        group.begun.append(segment)

    def _end(self, group: Group, loop: asyncio.AbstractEventLoop | None) -> None:
        """Make the group visible and answer; loop: where to go on."""
        if self._group is not group:
            return
        self._group = None
        if group.begun:
            self._begun(group.begun)
        if group.error is None:
            self._publish(group)
        for (_, _, future), positions in zip(group.waiting, group.positions, strict=True):
            if future.done():
                continue
            try:
                if group.error is None:
                    future.set_result(positions)
                else:
                    future.set_exception(_copy(group.error))
            except RuntimeError:  # Its loop is closed.
                continue
        if loop:
            self._lead_soon(loop)

    def _publish(self, group: Group) -> None:
        if not group.parts:
            return
        segment = self._tail.segment
        assert segment is not None and segment.extents is not None
        at = group.written_at
        for shard, position, count, first_ms, last_ms, start, end in group.parts:
            extents = segment.extents.get(shard)
            if extents is None:
                extents = segment.extents[shard] = Extents()
            extents.add(position, count, first_ms, last_ms, at + start, at + end)
            self._shards.next[shard] = position + count
            self._shards.last_ms[shard] = last_ms
        self._written([part.shard for part in group.parts])


def _copy(error: Exception) -> Exception:
    """An exception of one's own for each caller: raising adds to it."""
    if isinstance(error, OSError):
        return OSError(error.errno, error.strerror)
    return type(error)(*error.args)
