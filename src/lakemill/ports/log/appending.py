"""Appending to a log: callers that wait at the same time share one write and one flush.

The event loop leads: it takes all that waits, makes one block for each shard of it, writes them into the page cache and
lets the system flush them (`disk.Syncs`). Much of it, new segments and what goes wrong are handed to a thread, as is
everything where the system flushes nothing by itself. When the group is on disk, the loop makes the records visible,
answers everybody and, after those it woke have appended again, takes the next group. One group is under way at a time:
a group that is found in a file says that all before it is on disk.
"""

import asyncio
import collections
import contextlib
import functools
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from time import perf_counter
from typing import NamedTuple

from lakemill.ports.log import block
from lakemill.ports.log.disk import File, Syncs
from lakemill.ports.log.index import Extents
from lakemill.ports.log.patience import Patience
from lakemill.ports.log.port import Entry
from lakemill.ports.log.segment import Segment
from lakemill.ports.log.shards import Shards
from lakemill.ports.log.tail import Tail

GROUP_BYTES = 8 << 20
"""No caller joins a group that has reached this; bounds the time the first of it waits."""
HERE_BYTES = 256 << 10
"""To copy more into the page cache is the work of a thread."""
HERE_S = 0.005
"""A write that takes the loop longer was made to wait, for a disk that is behind with what others wrote."""
THREAD_S = 1.0
"""How long threads write after that."""


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
        """By a thread; None if the system flushes."""
        self.loop: asyncio.AbstractEventLoop | None = None
        self.taken_s = 0.0


class Appending:
    """The one writer of a log.

    syncs: None where only threads can flush. patience_s: how long a group is not taken while callers come; longer where
    flushes are slow. plan makes the next segment; begun is told of segments that are written from now on, written of
    the shards that have new records.
    """

    def __init__(
        self,
        shards: Shards,
        tail: Tail,
        flusher: Executor,
        syncs: Syncs | None,
        *,
        segment_bytes: int,
        patience_s: float,
        plan: Callable[[], Segment],
        begun: Callable[[list[Segment]], None],
        written: Callable[[list[int]], None],
    ) -> None:
        self._shards = shards
        self._tail = tail
        self._flusher = flusher
        self._syncs = syncs
        self._segment_bytes = segment_bytes
        self._patience = Patience(patience_s)
        self._plan = plan
        self._begun = begun
        self._written = written
        self._waiting: collections.deque[Waiting] = collections.deque()
        self._group: Group | None = None
        self._leading: asyncio.AbstractEventLoop | None = None
        """The loop that will take a group soon."""
        self._thread_until_s = 0.0
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
            group.flushed.add_done_callback(lambda _: loop.call_soon_threadsafe(self._end, group))
        elif self._syncs:
            self._syncs.move(loop)

    async def stop(self, error: Callable[[], Exception]) -> None:
        """Let the group that is under way end; everybody else gets the error."""
        self._closed = error
        while self._waiting:
            future = self._waiting.popleft().future
            if not future.done():
                future.set_exception(error())
        if group := self._group:
            loop = asyncio.get_running_loop()
            if group.loop is not loop:
                self._take_over(group, loop)
            over: asyncio.Future[Sequence[int]] = loop.create_future()
            group.waiting.append(Waiting([], 0, over))
            group.positions.append([])
            with contextlib.suppress(OSError):
                await over

    def close(self, error: Callable[[], Exception]) -> None:
        """Finish what was handed in, here and now; whoever comes later gets the error."""
        self._closed = error
        while self._group or self._waiting:
            group = self._group
            if group is None:
                group = self._group = self._next_group()
                self._flush(group)
            group.loop = None
            if self._syncs and not group.flushed:
                self._syncs.finish()
            if group.flushed:  # Perhaps only since a sync failed.
                group.flushed.result()
            self._end(group)

    def _lead_soon(self, loop: asyncio.AbstractEventLoop) -> None:
        """Not at once: others of this turn of the loop come along."""
        with contextlib.suppress(RuntimeError):  # It is closed, and waits for nothing.
            loop.call_soon(self._lead, loop)
            self._leading = loop
            self._patience.begin()

    def _lead(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take what waits, unless more of them are coming."""
        if self._group is None and self._waiting and self._patience.expects_more(len(self._waiting)):
            loop.call_soon(self._lead, loop)
            return
        self._leading = None
        if self._group or not self._waiting:
            return
        group = self._group = self._next_group()
        group.loop, group.taken_s = loop, perf_counter()
        if self._syncs and self._is_for_loop(group):
            self._flush_by(self._syncs, group, loop)
        else:
            self._in_thread(group, self._flush)

    def _is_for_loop(self, group: Group) -> bool:
        """Whether to write it is a short copy."""
        if not group.pieces or group.segment is not self._tail.segment or perf_counter() < self._thread_until_s:
            return False
        return group.parts[-1].end <= HERE_BYTES

    def _flush_by(self, syncs: Syncs, group: Group, loop: asyncio.AbstractEventLoop) -> None:
        group.written_at = self._tail.end
        began_s = perf_counter()
        try:
            file = self._tail.write(group.pieces)
        except Exception as error:
            self._in_thread(group, self._failed, error)
            return
        if (now_s := perf_counter()) - began_s > HERE_S:
            self._thread_until_s = now_s + THREAD_S
        try:
            syncs.begin(file.fileno(), loop, functools.partial(self._synced, group))
        except OSError:  # Too many at the same time.
            self._in_thread(group, self._sync, file)

    def _synced(self, group: Group, error: OSError | None) -> None:
        self._tail.synced(group.pieces, error)
        if error is None:
            self._end(group)
        else:
            self._in_thread(group, self._failed, error)

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

    def _in_thread(self, group: Group, work: Callable[..., None], *arguments: object) -> None:
        """Let a thread do what ends the group."""
        try:
            group.flushed = self._flusher.submit(self._for_loop, group, group.loop, work, *arguments)
        except RuntimeError:  # The log is being closed at this very moment.
            work(group, *arguments)
            self._end(group)

    def _for_loop(
        self, group: Group, loop: asyncio.AbstractEventLoop | None, work: Callable[..., None], *arguments: object
    ) -> None:
        work(group, *arguments)
        if loop:
            with contextlib.suppress(RuntimeError):  # A closed loop waits for nothing; close() ends the group.
                loop.call_soon_threadsafe(self._end, group)

    def _flush(self, group: Group) -> None:
        try:
            if group.segment is not self._tail.segment:
                self._begin(group, group.segment)
            if not group.pieces:
                return
            group.written_at = self._tail.end
            file = self._tail.write(group.pieces)
        except Exception as error:
            self._failed(group, error)
        else:
            self._sync(group, file)

    def _sync(self, group: Group, file: File) -> None:
        try:
            file.sync()
        except Exception as error:
            self._tail.synced(group.pieces, error)
            self._failed(group, error)
        else:
            self._tail.synced(group.pieces)

    def _failed(self, group: Group, error: Exception) -> None:
        group.error = error
        if self._tail.segment is None:
            # Before anybody is told: so that what was not acknowledged is not found after a crash either.
            with contextlib.suppress(OSError):
                self._begin(group, self._plan())

    def _begin(self, group: Group, segment: Segment) -> None:
        self._tail.begin(segment)
        segment.extents = {}
        group.begun.append(segment)

    def _end(self, group: Group) -> None:
        """Make the group visible and answer, and go on."""
        if self._group is not group:
            return
        self._group = None
        self._patience.answered(len(group.waiting) + len(self._waiting), perf_counter() - group.taken_s)
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
        if group.loop:
            self._lead_soon(group.loop)

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
