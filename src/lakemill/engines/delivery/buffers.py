"""Buffers: records of one partition, until they are enough or old enough."""

from lakemill.engines.delivery.plan import Hints
from lakemill.engines.delivery.rows import Rows


class Buffer:
    """Records of one partition that are not on their way yet.

    A buffer is never cut within a source record, so that "everything up to this sequence" always means whole records.
    """

    __slots__ = ("batch", "keys", "last_batch", "opened_s", "records")

    def __init__(self, keys: dict[str, str], batch: int, opened_s: float) -> None:
        self.keys = keys
        self.records = Rows()
        self.batch = batch
        """Number of the source's batch that its first record came with, at the earliest."""
        self.last_batch = batch
        """And its last one, at the latest."""
        self.opened_s = opened_s

    @property
    def size(self) -> int:
        """Bytes of its records' data."""
        return self.records.size

    def began_s(self, caught_up: bool) -> float:
        """From when its age counts. While a backlog is read, only the time in this buffer does, not that before."""
        return min(self.opened_s, self.records.first_ms / 1000) if caught_up else self.opened_s


class Buffers:
    """All open buffers of one channel, by partition."""

    def __init__(self, hints: Hints) -> None:
        self.hints = hints
        self.open: dict[str, Buffer] = {}

    def add(
        self, partition: str, records: Rows, keys: dict[str, str], batches: tuple[int, int], now_s: float
    ) -> list[Buffer]:
        """Take records of a range of batches in; the buffers that became full by that, in order."""
        batch, last = batches
        full: list[Buffer] = []
        for part in records.parts:
            taken = 0
            while taken < len(part):
                buffer = self.open.get(partition)
                if buffer is None:
                    buffer = self.open[partition] = Buffer(keys, batch, now_s)
                held = buffer.records
                rest = part.cut(taken, len(part)) if taken else part
                wanted = rest.reaching(self.hints.size - held.size, self.hints.records_max - len(held))
                held.append(rest.cut(0, wanted) if wanted < len(rest) else rest)
                buffer.last_batch = last
                taken += min(wanted, len(rest))
                if wanted <= len(rest):
                    full.append(self.open.pop(partition))
        return full

    def due(self, now_s: float, caught_up: bool) -> list[tuple[str, Buffer]]:
        """Take out those that are old enough."""
        before_s = now_s - self.hints.interval_s
        found = [(name, one) for name, one in self.open.items() if one.began_s(caught_up) <= before_s]
        for name, _ in found:
            del self.open[name]
        return found

    def next_due_s(self, caught_up: bool) -> float | None:
        """When the next one will be old enough; None without any."""
        began = [one.began_s(caught_up) for one in self.open.values()]
        return min(began) + self.hints.interval_s if began else None

    def size(self) -> int:
        """Bytes in all of them."""
        return sum(one.size for one in self.open.values())

    def largest(self) -> tuple[str, Buffer] | None:
        """Take out the largest one."""
        if not self.open:
            return None
        name = max(self.open, key=lambda one: self.open[one].size)
        return name, self.open.pop(name)
