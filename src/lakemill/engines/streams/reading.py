"""Reading one shard: from which position, how much, and whether that was the end of it."""

import dataclasses
from collections.abc import Mapping, Sequence

from lakemill.engines.streams.errors import ChangeRefused, RateExceeded, SequenceForeign, StreamMissing
from lakemill.engines.streams.limits import Limits
from lakemill.engines.streams.records import StreamRecord
from lakemill.engines.streams.registry import Registry
from lakemill.engines.streams.sealing import Sealing
from lakemill.engines.streams.shards import Shard
from lakemill.engines.streams.stream import PROVISIONED, Stream
from lakemill.ports.log import Located, Log, LogMissing, Records, Stretch


@dataclasses.dataclass(slots=True)
class Batch:
    """Some records of a shard in order."""

    records: Records
    """As they are in the log."""
    data: Sequence[bytes]
    """Their data, opened."""
    position: int
    """Where to read on."""
    ended: bool
    """The shard is closed, and nothing follows."""
    behind_ms: int
    """How much older than now the last of them is, 0 when nothing newer waits."""

    def stream_records(self, shard: Shard) -> list[StreamRecord]:
        """The records one by one, as those of the shard they were read from."""
        found = self.records
        notes = found.notes or [b""] * len(found)
        return [
            StreamRecord(data, key.decode(), shard.base + position + 1, time_ms, shard.id, encrypted=bool(note))
            for data, key, position, time_ms, note in zip(
                self.data, found.keys, found.positions, found.times, notes, strict=True
            )
        ]


@dataclasses.dataclass(slots=True)
class Stretches:
    """Some records of a shard as they lie in the log, without their keys."""

    found: Sequence[Stretch | Located]
    position: int
    """Where to read on."""
    ended: bool
    """The shard is closed, and nothing follows."""


class Reading:
    """limits: None where shards give what is asked."""

    def __init__(self, registry: Registry, log: Log, sealing: Sealing | None, limits: Limits | None) -> None:
        self._registry = registry
        self._log = log
        self._sealing = sealing
        self._limits = limits

    async def locate(
        self, stream: Stream, shard: Shard, kind: str, *, sequence: str | None = None, time_ms: int | None = None
    ) -> int:
        """The position to begin at. kind: TRIM_HORIZON, LATEST, AT_TIMESTAMP, AT_ or AFTER_SEQUENCE_NUMBER.

        Raises SequenceForeign, ChangeRefused for a time to come.
        """
        if kind == "TRIM_HORIZON":
            return 0
        if kind == "LATEST":
            return self._log.bounds(stream.id, shard.number).next
        if kind == "AT_TIMESTAMP":
            assert time_ms is not None
            now_ms = self._registry.now_ms()
            if time_ms > now_ms:
                raise ChangeRefused(
                    "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. "
                    f"timestampInMillis: {time_ms}, currentTimestampInMillis: {now_ms}"
                )
            return await self._log.position_at(stream.id, shard.number, time_ms)
        assert sequence is not None
        position = self._own_position(stream, shard, sequence)
        return max(0, position) if kind == "AT_SEQUENCE_NUMBER" else position + 1

    def _own_position(self, stream: Stream, shard: Shard, sequence: str) -> int:
        try:
            owner, position = stream.position_of(sequence)
        except SequenceForeign:
            owner, position = None, 0
        if owner is not None and owner is not shard:
            raise SequenceForeign(
                f"Invalid StartingSequenceNumber. It encodes {owner.id}, while it was used in a call to a shard "
                f"with {shard.id}"
            )
        if owner is None or position > self._log.bounds(stream.id, shard.number).next:
            raise SequenceForeign(
                f"StartingSequenceNumber {sequence} used in GetShardIterator on shard {shard.id} in stream "
                f"{stream.name} under account {stream.account} is invalid because it did not come from this stream."
            )
        return position

    async def read(self, stream: Stream, shard: Shard, position: int, *, records: int, size: int) -> Batch:
        """At most `records` records and `size` bytes from a position on (one record at least, if there is one).

        Raises StreamMissing, SealBroken and what the key engine raises.
        """
        try:
            return await self._read(stream, shard, position, records, size)
        except LogMissing:  # It was deleted meanwhile.
            raise StreamMissing(stream.scope, stream.name) from None

    async def _read(self, stream: Stream, shard: Shard, position: int, records: int, size: int) -> Batch:
        before = self._log.bounds(stream.id, shard.number).next
        found = await self._log.read(stream.id, shard.number, position, records=records, size=size)
        now_ms = self._registry.now_ms()
        horizon_ms = stream.horizon_ms(now_ms)
        if found and found.times[0] < horizon_ms:  # Expired, and not trimmed yet.
            position = await self._log.position_at(stream.id, shard.number, horizon_ms)
            found = await self._log.read(stream.id, shard.number, position, records=records, size=size)
        # Where nothing was found nothing is, up to what was next before: whoever waits must wait for what comes.
        position = found.positions[-1] + 1 if found else max(position, before)
        following = self._log.bounds(stream.id, shard.number).next
        behind_ms = max(0, now_ms - found.times[-1]) if found and position < following else 0
        data = found.values if self._sealing is None else self._sealing.opened(stream, found)
        return Batch(found, data, position, self._ended(stream, shard, position), behind_ms)

    async def read_stretches(
        self, stream: Stream, shard: Shard, position: int, *, size: int, located: bool = False
    ) -> Stretches | None:
        """The same for those who need no keys; None if records are sealed, for these need theirs to be opened.

        located: leave the values where they are, see `Log.locate`.
        """
        if stream.key is not None:
            return None
        read = self._log.locate if located else self._log.read_stretches
        try:
            before = self._log.bounds(stream.id, shard.number).next
            found = await read(stream.id, shard.number, position, size=size)
            horizon_ms = stream.horizon_ms(self._registry.now_ms())
            if found and found[0].times[0] < horizon_ms:
                position = await self._log.position_at(stream.id, shard.number, horizon_ms)
                found = await read(stream.id, shard.number, position, size=size)
        except LogMissing:
            raise StreamMissing(stream.scope, stream.name) from None
        if any([isinstance(one, Stretch) and one.notes for one in found]):
            return None
        position = found[-1].position + len(found[-1].ends) if found else max(position, before)
        return Stretches(found, position, self._ended(stream, shard, position))

    def _ended(self, stream: Stream, shard: Shard, position: int) -> bool:
        """Whether the shard is closed there. The stream may have been resharded meanwhile; its newest form tells."""
        newest = self._registry.by_id(stream.id) or stream
        end = (newest.shard(shard.number) or shard).end
        return end is not None and position >= end

    async def wait(self, stream: Stream, positions: Mapping[int, int], timeout_s: float) -> bool:
        """Until a shard has a record at its position or later; False if none came in time. Raises StreamMissing."""
        try:
            return await self._log.wait(stream.id, positions, timeout_s)
        except LogMissing:
            raise StreamMissing(stream.scope, stream.name) from None

    def check_iterators(self, stream: Stream, shard: Shard) -> None:
        """Count one more iterator of a shard. Raises RateExceeded, where limits are kept."""
        if self._limits is not None and stream.mode == PROVISIONED:
            now_s = self._registry.clock.time()
            if not self._limits.of(stream.id, shard.number, now_s).may_iterate(now_s):
                raise RateExceeded(stream.scope, stream.name, shard.id)

    async def read_within_limits(
        self, stream: Stream, shard: Shard, position: int, *, records: int, size: int
    ) -> Batch:
        """`read`, where a shard may be read only so often and so much. Raises RateExceeded too."""
        if self._limits is None or stream.mode != PROVISIONED:
            return await self.read(stream, shard, position, records=records, size=size)
        now_s = self._registry.clock.time()
        limits = self._limits.of(stream.id, shard.number, now_s)
        if not limits.may_read(now_s):
            raise RateExceeded(stream.scope, stream.name, shard.id)
        batch = await self.read(stream, shard, position, records=records, size=size)
        limits.was_read(batch.records.size(), now_s)
        return batch
