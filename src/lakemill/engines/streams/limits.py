"""What a shard may take and give in a second, where limits are kept.

Writing: 1,000 records and 1 MiB a second. Reading: five calls and 2 MiB a second; a larger answer uses up the seconds
that follow (10 MiB block the shard for five). Iterators: five a second.
"""

from collections import deque

WRITE_RECORDS = 1000
WRITE_BYTES = 1 << 20
READ_CALLS = 5
READ_BYTES = 2 << 20


class Allowance:
    """So much a second, with a second's worth in store.

    >>> allowance = Allowance(10, 0.0)
    >>> allowance.take(10, 0.0), allowance.take(1, 0.0), allowance.take(5, 0.5)
    (True, False, True)
    """

    def __init__(self, per_second: float, now_s: float) -> None:
        self._per_second = per_second
        self._left = per_second
        self._at_s = now_s

    def has(self, amount: float, now_s: float) -> bool:
        """Whether so much is left. More than a second's worth is had when the store is full."""
        self._left = min(self._per_second, self._left + (now_s - self._at_s) * self._per_second)
        self._at_s = now_s
        return self._left >= min(amount, self._per_second)

    def use(self, amount: float) -> None:
        self._left -= amount

    def take(self, amount: float, now_s: float) -> bool:
        """Use so much if it is there."""
        there = self.has(amount, now_s)
        if there:
            self.use(amount)
        return there


class ShardLimits:
    """The allowances of one shard."""

    def __init__(self, now_s: float) -> None:
        self._records = Allowance(WRITE_RECORDS, now_s)
        self._bytes = Allowance(WRITE_BYTES, now_s)
        self._calls: deque[float] = deque()
        self._iterators: deque[float] = deque()
        self._read_from_s = 0.0
        self._read_at_s = 0.0
        self._read_bytes = 0

    def write(self, size: int, now_s: float) -> bool:
        """Whether a record of this size may be written now; it counts if so."""
        if not (self._records.has(1, now_s) and self._bytes.has(size, now_s)):
            return False
        self._records.use(1)
        self._bytes.use(size)
        return True

    def may_read(self, now_s: float) -> bool:
        """Whether a call may read now; it counts if so."""
        return now_s >= self._read_from_s and _one_more(self._calls, now_s)

    def may_iterate(self, now_s: float) -> bool:
        """Whether an iterator may be made now; it counts if so."""
        return _one_more(self._iterators, now_s)

    def was_read(self, size: int, now_s: float) -> None:
        """Count what a call gave."""
        if now_s - self._read_at_s >= 1:
            self._read_at_s, self._read_bytes = now_s, 0
        self._read_bytes += size
        if self._read_bytes >= READ_BYTES:
            self._read_from_s = self._read_at_s + self._read_bytes / READ_BYTES


def _one_more(calls: deque[float], now_s: float) -> bool:
    """Whether there were fewer calls than allowed in the last second; then this one is among them."""
    while calls and calls[0] <= now_s - 1:
        calls.popleft()
    if len(calls) >= READ_CALLS:
        return False
    calls.append(now_s)
    return True


class Limits:
    """All shards' allowances, in memory: a restart begins with full ones."""

    def __init__(self) -> None:
        self._shards: dict[tuple[str, int], ShardLimits] = {}

    def of(self, stream_id: str, number: int, now_s: float) -> ShardLimits:
        found = self._shards.get((stream_id, number))
        if found is None:
            found = self._shards[stream_id, number] = ShardLimits(now_s)
        return found

    def forget(self, stream_id: str) -> None:
        """Drop what belongs to a stream that is gone."""
        self._shards = {key: limits for key, limits in self._shards.items() if key[0] != stream_id}
