"""Writing: which shard, whether it has room, sealed if need be, and into the log in one go."""

from collections.abc import Sequence

from lakemill.engines.streams.errors import RateExceeded, RecordTooLarge, SequenceForeign
from lakemill.engines.streams.gate import Gate
from lakemill.engines.streams.limits import Limits
from lakemill.engines.streams.records import Placed, Put, Refused
from lakemill.engines.streams.registry import Registry
from lakemill.engines.streams.sealing import Seal, Sealing
from lakemill.engines.streams.shards import Shard
from lakemill.engines.streams.stream import PROVISIONED, Stream
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
        gate = self._gates.get(stream.id) or self.gate(stream)
        if gate.shut:
            await gate.opened()
            stream = self._registry.usable(scope, name)  # It may have other shards now.
        gate.enter()
        try:
            seal = None
            if stream.key is not None and self._sealing is not None:
                seal = await self._sealing.for_writing(stream)
            placed, entries = self._prepared(stream, puts, seal)
            if self._limits is not None and stream.mode == PROVISIONED:
                return await self._append_within(self._limits, stream, placed, entries)
            return list(map(Placed, placed, await self._log.append(stream.id, entries)))
        finally:
            gate.leave()

    async def _append_within(
        self, limits: Limits, stream: Stream, placed: list[Shard], entries: list[Entry]
    ) -> list[Placed | Refused]:
        """Append what the shards have room for in this second."""
        room = self._within_limits(stream, limits, entries)
        taken = [entry for entry, fits in zip(entries, room, strict=True) if fits]
        left = iter(await self._log.append(stream.id, taken) if taken else ())
        return [
            Placed(shard, next(left)) if fits else Refused(shard.id, self._refusal(stream, shard))
            for shard, fits in zip(placed, room, strict=True)
        ]

    def _prepared(self, stream: Stream, puts: Sequence[Put], seal: Seal | None) -> tuple[list[Shard], list[Entry]]:
        """The shard and the log's entry of each record. Raises RecordTooLarge, KeyAbsent, HashKeyOutside."""
        time_ms, size_max = self._registry.now_ms(), stream.record_bytes_max
        if len(puts) == 1:
            (put,) = puts
            key = b"" if put.partition_key is None else put.partition_key.encode()
            if len(put.data) + len(key) > size_max:
                raise RecordTooLarge(len(put.data), size_max)
            shard = stream.place(put.partition_key, put.explicit_hash_key)
            closed = (put.data,) if seal is None else seal.close(put.data, key)
            return [shard], [Entry(shard.number, time_ms, key, *closed)]
        keys = [b"" if put.partition_key is None else put.partition_key.encode() for put in puts]
        for put, key in zip(puts, keys, strict=True):
            if len(put.data) + len(key) > size_max:
                raise RecordTooLarge(len(put.data), size_max)
        if stream.evenly or any([put.partition_key is None or put.explicit_hash_key is not None for put in puts]):
            placed = [stream.place(put.partition_key, put.explicit_hash_key) for put in puts]
        else:
            placed = stream.by_keys(keys)
        if seal is None:
            entries = [
                Entry(shard.number, time_ms, key, put.data) for put, key, shard in zip(puts, keys, placed, strict=True)
            ]
        else:
            entries = [
                Entry(shard.number, time_ms, key, *seal.close(put.data, key))
                for put, key, shard in zip(puts, keys, placed, strict=True)
            ]
        return placed, entries

    def _within_limits(self, stream: Stream, limits: Limits, entries: list[Entry]) -> list[bool]:
        """Which entries their shards have room for in this second."""
        now_s = self._registry.clock.time()
        return [
            limits.of(stream.id, entry.shard, now_s).write(len(entry.key) + len(entry.value), now_s)
            for entry in entries
        ]

    @staticmethod
    def _refusal(stream: Stream, shard: Shard) -> str:
        return str(RateExceeded(stream.scope, stream.name, shard.id))

    def check(self, stream: Stream, puts: Sequence[Put]) -> None:
        """Raise what writing these would raise, limits aside. Raises RecordTooLarge, KeyAbsent, HashKeyOutside."""
        self._prepared(stream, puts, None)

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
