"""Writing: which shard, whether it has room, sealed if need be, and into the log in one go."""

from collections.abc import Sequence

from lakemill.engines.streams.errors import RateExceeded, RecordTooLarge, SequenceForeign
from lakemill.engines.streams.gate import Gate
from lakemill.engines.streams.limits import Limits
from lakemill.engines.streams.records import Placed, Put, Refused
from lakemill.engines.streams.registry import Registry
from lakemill.engines.streams.sealing import Sealing
from lakemill.engines.streams.shards import Shard
from lakemill.engines.streams.stream import Stream
from lakemill.ports.log import Entry, Log


class Writing:
    """limits: None where shards take what comes."""

    def __init__(self, registry: Registry, log: Log, sealing: Sealing | None, limits: Limits | None) -> None:
        self._registry = registry
        self._log = log
        self._sealing = sealing
        self._limits = limits
        self._gates: dict[str, Gate] = {}

    def gate(self, stream: Stream) -> Gate:
        """The gate before a stream's log."""
        found = self._gates.get(stream.id)
        if found is None:
            found = self._gates[stream.id] = Gate()
        return found

    def forget(self, stream_id: str) -> None:
        self._gates.pop(stream_id, None)

    async def put(self, scope: str, name: str, puts: Sequence[Put]) -> list[Placed | Refused]:
        """Write records, in the order given where they go to the same shard; on disk on return.

        Refused are those whose shard had no room; the others are written. Raises StreamMissing, RecordTooLarge,
        KeyAbsent, HashKeyOutside (nothing is written then), and what the key engine raises.
        """
        stream = self._registry.usable(scope, name)
        gate = self.gate(stream)
        await gate.pass_through()
        try:
            stream = self._registry.usable(scope, name)  # It may have other shards now.
            return await self._append(stream, puts)
        finally:
            gate.leave()

    async def _append(self, stream: Stream, puts: Sequence[Put]) -> list[Placed | Refused]:
        time_ms = self._registry.now_ms()
        size_max, place = stream.record_bytes_max, stream.place
        seal = None
        if stream.key is not None and self._sealing is not None:
            seal = await self._sealing.for_writing(stream)
        placed: list[Shard | Refused] = []
        entries: list[Entry] = []
        for put in puts:
            key = (put.partition_key or "").encode()
            data = put.data
            if len(data) + len(key) > size_max:
                raise RecordTooLarge(len(data), size_max)
            shard = place(put.partition_key, put.explicit_hash_key)
            placed.append(shard)
            if seal is None:
                entries.append(Entry(shard.number, time_ms, key, data))
            else:
                sealed, note = seal.close(data, key)
                entries.append(Entry(shard.number, time_ms, key, sealed, note))
        if self._limits is not None and stream.mode == "PROVISIONED":
            entries = self._within_limits(stream, self._limits, placed, entries)
        positions = iter(await self._log.append(stream.id, entries)) if entries else iter(())
        return [one if isinstance(one, Refused) else Placed(one, next(positions)) for one in placed]

    def _within_limits(
        self, stream: Stream, limits: Limits, placed: list[Shard | Refused], entries: list[Entry]
    ) -> list[Entry]:
        """The entries that have room; in `placed`, the others become Refused."""
        now_s = self._registry.clock.time()
        taken = []
        for i, entry in enumerate(entries):
            if limits.of(stream.id, entry.shard, now_s).write(len(entry.key) + len(entry.value), now_s):
                taken.append(entry)
            else:
                shard = placed[i]
                assert isinstance(shard, Shard)
                placed[i] = Refused(shard.id, str(RateExceeded(stream.scope, stream.name, shard.id)))
        return taken

    def check(self, stream: Stream, puts: Sequence[Put]) -> None:
        """Raise what writing these would raise, limits aside. Raises RecordTooLarge, KeyAbsent, HashKeyOutside."""
        for put in puts:
            if len(put.data) + len((put.partition_key or "").encode()) > stream.record_bytes_max:
                raise RecordTooLarge(len(put.data), stream.record_bytes_max)
            stream.place(put.partition_key, put.explicit_hash_key)

    def check_order(self, stream: Stream, sequence: str) -> None:
        """Whether a sequence number may be one this stream gave out before. What is written later gets larger ones.

        Raises SequenceForeign.
        """
        try:
            shard, position = stream.position_of(sequence)
            known = position < self._log.bounds(stream.id, shard.number).next
        except SequenceForeign:
            known = False
        if not known:
            raise SequenceForeign(
                f"ExclusiveMinimumSequenceNumber {sequence} used in PutRecord on stream {stream.name} "
                f"under account {stream.account} is invalid."
            )
