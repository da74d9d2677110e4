"""Buffers: records of one partition, until they are enough or old enough."""

from collections.abc import Iterable, Sequence

from lakemill.engines.delivery.plan import Hints
from lakemill.engines.delivery.records import Record


class Buffer:
    """Records of one partition that are not on their way yet.

    A buffer is never cut within a source record, so that "everything up to this sequence" always means whole records.
    """

    __slots__ = ("batch", "keys", "last_batch", "opened_s", "records", "size")

    def __init__(self, keys: dict[str, str], batch: int, opened_s: float) -> None:
        self.keys = keys
        self.records: list[Record] = []
        self.size = 0
        self.batch = batch
        """Number of the source's batch that its first record came with, at the earliest."""
        self.last_batch = batch
        """And its last one, at the latest."""
        self.opened_s = opened_s

    def due(self, hints: Hints, now_s: float, caught_up: bool) -> bool:
        """Whether it is old enough. While a backlog is read, only the time in this buffer counts, not that before."""
        began_s = min(self.opened_s, self.records[0].arrival_ms / 1000) if caught_up else self.opened_s
        return now_s >= began_s + hints.interval_s


class Buffers:
    """All open buffers of one channel, by partition."""

    def __init__(self, hints: Hints) -> None:
        self.hints = hints
        self.open: dict[str, Buffer] = {}

    def add(
        self, partition: str, records: Sequence[Record], keys: dict[str, str], batches: tuple[int, int], now_s: float
    ) -> list[Buffer]:
        """Take records of a range of batches in; the buffers that became full by that, in order."""
        batch, last = batches
        full: list[Buffer] = []
        if not records:
            return full
        buffer = self.open.get(partition)
        if buffer is None:
            buffer = self.open[partition] = Buffer(keys, batch, now_s)
        limit, most = self.hints.size, self.hints.records_max
        held, size = buffer.records, buffer.size
        more = size_of(records)
        if size + more < limit and len(held) + len(records) < most:
            held += records
            buffer.size, buffer.last_batch = size + more, last
            return full
        for record in records:
            if (size >= limit or len(held) >= most) and not _together(held[-1], record):
                buffer.size, buffer.last_batch = size, last
                full.append(buffer)
                buffer = self.open[partition] = Buffer(keys, batch, now_s)
                held, size = buffer.records, 0
            held.append(record)
            size += len(record.data)
        buffer.size, buffer.last_batch = size, last
        if size >= limit or len(held) >= most:
            full.append(self.open.pop(partition))
        return full

    def due(self, now_s: float, caught_up: bool) -> list[tuple[str, Buffer]]:
        """Take out those that are old enough."""
        found = [(name, one) for name, one in self.open.items() if one.due(self.hints, now_s, caught_up)]
        for name, _ in found:
            del self.open[name]
        return found

    def next_due_s(self) -> float | None:
        """When the next one will be old enough; None without any."""
        opened = [min(one.opened_s, one.records[0].arrival_ms / 1000) for one in self.open.values()]
        return min(opened) + self.hints.interval_s if opened else None

    def size(self) -> int:
        """Bytes in all of them."""
        return sum(one.size for one in self.open.values())

    def largest(self) -> tuple[str, Buffer] | None:
        """Take out the largest one."""
        if not self.open:
            return None
        name = max(self.open, key=lambda one: self.open[one].size)
        return name, self.open.pop(name)


def _together(first: Record, second: Record) -> bool:
    """Whether both come from one source record."""
    return first.sequence == second.sequence and first.shard == second.shard


def size_of(records: Sequence[Record]) -> int:
    """Bytes of their data."""
    return sum([len(record.data) for record in records])


def upto(records: Iterable[Record]) -> dict[str, int]:
    """The last sequence of every shard."""
    return {record.shard: record.sequence for record in records}
