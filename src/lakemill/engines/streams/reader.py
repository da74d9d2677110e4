"""A reader of a whole stream: all shards, parents before children, where it stood in a form that can be stored.

The records of a partition key come in the order in which they were written, also across a resharding.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from lakemill.engines.streams.errors import StreamMissing
from lakemill.engines.streams.reading import Batch, Reading
from lakemill.engines.streams.records import Start, StreamRecord
from lakemill.engines.streams.registry import Registry
from lakemill.engines.streams.shards import Shard
from lakemill.engines.streams.stream import Stream
from lakemill.ports.log import Located, Log, LogMissing, Stretch, weight

END = "end"
"""In place of a position: the shard was read to its end."""
STREAM = "stream"
"""Among the positions: the id of the stream they are of."""
Take = Callable[[Stream, Shard, int], Awaitable[int]]
"""Takes about so many bytes from where the reader stands in a shard; how many it took, 0 only if it found nothing."""


class StreamReader:
    """Made by `Streams.reader`. One caller at a time."""

    def __init__(self, registry: Registry, log: Log, reading: Reading, stream: Stream) -> None:
        self._registry = registry
        self._log = log
        self._reading = reading
        self._scope, self._name, self._id = stream.scope, stream.name, stream.id
        self._positions: dict[int, int | str] = {}
        self._pending_ms: int | None = None
        """A time that is still to be looked up in every shard."""
        self._turn = 0

    def begin(self, stream: Stream, start: Start) -> None:
        """Fix where to start. Positions in a stream that had the name before say nothing: all of this one is new."""
        if start.kind == "after":
            told = dict(start.positions or {})
            if told.pop(STREAM, self._id) == self._id:
                self._positions = {int(number): where for number, where in told.items()}
            return
        kept = stream.kept(self._registry.now_ms())
        if start.kind == "latest":
            for shard in stream.open:
                self._positions[shard.number] = self._log.bounds(self._id, shard.number).next
            return
        self._positions = {shard.number: 0 for shard in kept}
        self._pending_ms = start.time_ms if start.kind == "at" else None

    def positions(self) -> dict[str, Any]:
        """Where this reader stands, for `Start.after`. Everything `read` has returned is before it."""
        return {STREAM: self._id} | {str(number): where for number, where in self._positions.items()}

    async def read(self, limit: int = 1000, size: int = 1 << 20, wait_s: float = 1.0) -> list[StreamRecord]:
        """Up to `limit` records and about `size` bytes; empty when none came in `wait_s` seconds.

        Raises StreamMissing when the stream is gone, SealBroken, and what the key engine raises.
        """
        batches = await self.read_batches(limit, size, wait_s)
        return [record for shard, batch in batches for record in batch.stream_records(shard)]

    async def read_batches(
        self, limit: int = 1000, size: int = 1 << 20, wait_s: float = 1.0
    ) -> list[tuple[Shard, Batch]]:
        """As `read`, in columns: batches with records, and the shard that each is from."""
        found: list[tuple[Shard, Batch]] = []
        left = limit

        async def take(stream: Stream, shard: Shard, size: int) -> int:
            nonlocal left
            batch = await self._read_shard(stream, shard, left, size) if left > 0 else None
            if batch is None or not batch.records:
                return 0
            found.append((shard, batch))
            left -= len(batch.records)
            return max(1, batch.records.size())

        await self._gather(take, size, wait_s)
        return found

    async def read_stretches(
        self, limit: int, size: int, wait_s: float, *, located: bool = False
    ) -> list[tuple[Shard, Sequence[Stretch | Located] | Batch]]:
        """The same for those who need no keys: records as they lie in the log, about `size` bytes of them.

        Of a shard with sealed records a batch, of up to `limit`. located: for other processes, see `Log.locate`.
        """
        found: list[tuple[Shard, Sequence[Stretch | Located] | Batch]] = []

        async def take(stream: Stream, shard: Shard, size: int) -> int:
            position = self._positions[shard.number]
            assert isinstance(position, int)
            some = await self._reading.read_stretches(stream, shard, position, size=size, located=located)
            if some is None:
                batch = await self._read_shard(stream, shard, limit, size)
                if not batch.records:
                    return 0
                found.append((shard, batch))
                return max(1, batch.records.size())
            self._positions[shard.number] = END if some.ended else some.position
            if some.found:
                found.append((shard, some.found))
            return sum(map(weight, some.found))

        await self._gather(take, size, wait_s)
        return found

    def caught_up(self) -> bool:
        """Whether there is nothing more to be had at this moment. Raises StreamMissing."""
        try:
            active = self._active(self._stream())
            return all(self._log.bounds(self._id, one.number).next <= self._positions[one.number] for one in active)  # type: ignore[operator]
        except LogMissing:
            raise StreamMissing(self._scope, self._name) from None

    def _stream(self) -> Stream:
        stream = self._registry.by_id(self._id)
        if stream is None:  # Another one may have its name by now; that takes another reader.
            raise StreamMissing(self._scope, self._name)
        return stream

    async def _gather(self, take: Take, size: int, wait_s: float) -> None:
        """Rounds over the shards, until something was taken or nothing came within the time."""
        while not await self._round(take, size):
            if not self.caught_up():
                continue  # A shard ended there, and its children have records.
            if wait_s <= 0 or not await self._grows(wait_s):
                return
            wait_s = 0.0

    async def _grows(self, wait_s: float) -> bool:
        """Whether a shard has more within the time."""
        stream = self._stream()
        waiting = {one.number: self._positions[one.number] for one in self._active(stream)}
        return bool(waiting) and await self._reading.wait(stream, waiting, wait_s)  # type: ignore[arg-type]

    async def _round(self, take: Take, size: int) -> int:
        """Take from each shard, beginning with another one each time; how many bytes that were."""
        stream = self._stream()
        if self._pending_ms is not None:
            for number in list(self._positions):
                position = await self._log.position_at(self._id, number, self._pending_ms)
                self._positions[number] = position
            self._pending_ms = None
        active = self._active(stream)
        self._turn += 1
        left = size
        for i in range(len(active)):
            if left <= 0:
                break
            left -= await take(stream, active[(i + self._turn) % len(active)], left)
        return size - left

    async def _read_shard(self, stream: Stream, shard: Shard, limit: int, size: int) -> Batch:
        position = self._positions[shard.number]
        assert isinstance(position, int)
        batch = await self._reading.read(stream, shard, position, records=limit, size=size)
        self._positions[shard.number] = END if batch.ended else batch.position
        return batch

    def _active(self, stream: Stream) -> list[Shard]:
        """The shards to read now: not ended, and all their parents ended. Learns of new ones, forgets expired ones.

        The shard with the highest number is always open, so those with higher ones came later.
        """
        positions = self._positions
        kept = stream.kept(self._registry.now_ms())
        newest = max(positions, default=-1)
        for shard in kept:
            if shard.number > newest:
                positions[shard.number] = 0
        active = [
            shard
            for shard in kept
            if isinstance(positions.get(shard.number, END), int)
            and all(positions.get(parent, END) == END for parent in shard.parents)
        ]
        for number in positions.keys() - {shard.number for shard in kept}:
            del positions[number]
        return active
