"""What a sliding window computes while rows enter and leave.

A window's rows are a deque of (ROWTIME, values); every tracker looks at one place of the values. Aggregates are kept by
two stacks (the front holds sums of what will leave next, the back one sum of what came since), so that nothing is ever
subtracted and rounding errors do not pile up.
"""

from collections import Counter, deque
from typing import Any

from lakemill.streamsql.aggregates import Aggregate, Distinct

Entries = deque[tuple[int, tuple]]


class Tracker:
    """One analytic function in one partition. `place` is that of its argument in the values (None for COUNT(*)).

    by_row: its result depends on which of the rows of one ROWTIME is the current one.
    """

    by_row = False

    def __init__(self, place: int | None):
        self.place = place

    def value(self, values: tuple) -> Any:
        return None if self.place is None else values[self.place]

    def add(self, values: tuple) -> None:
        """A row has entered; it is the last of the entries."""

    def evict(self, entries: Entries) -> None:
        """The first of the entries is about to leave."""

    def result(self, entries: Entries, row: int) -> Any:
        """The value for the current row, entry number `row` counted from the end (the last is 0)."""
        raise NotImplementedError

    def resume(self, entries: Entries, front: int) -> None:
        """Become what the tracker was: `front` entries had been moved to the front stack."""
        for _, values in entries:
            self.add(values)


class Folding(Tracker):
    """Any aggregate."""

    def __init__(self, place: int | None, aggregate: Aggregate):
        super().__init__(place)
        self.aggregate = aggregate
        self.of, self.combine = aggregate.of, aggregate.combine
        self.front: list[Any] = []
        self.back: Any = None

    def add(self, values: tuple) -> None:
        # Written out, as this runs for every row: back = merge(back, of(value)).
        state = self.of(None if self.place is None else values[self.place])
        if self.back is None:
            self.back = state
        elif state is not None:
            self.back = self.combine(self.back, state)

    def evict(self, entries: Entries) -> None:
        if not self.front:
            self._turn(list(entries))
            self.back = None
        self.front.pop()

    def _turn(self, entries: list) -> None:
        """Sums from each entry to the last, the longest on top."""
        total = None
        for _, values in reversed(entries):
            total = self.aggregate.merge(self.aggregate.of(self.value(values)), total)
            self.front.append(total)

    def result(self, entries: Entries, row: int) -> Any:
        front = self.front[-1] if self.front else None
        return self.aggregate.final(self.aggregate.merge(front, self.back))

    def resume(self, entries: Entries, front: int) -> None:
        rows = list(entries)
        self._turn(rows[:front])
        for _, values in rows[front:]:
            self.add(values)


class Different(Tracker):
    """An aggregate over the different values."""

    def __init__(self, place: int | None, aggregate: Distinct):
        super().__init__(place)
        self.aggregate = aggregate
        self.counts: Counter = Counter()

    def add(self, values: tuple) -> None:
        if (value := self.value(values)) is not None:
            self.counts[value] += 1

    def evict(self, entries: Entries) -> None:
        value = self.value(entries[0][1])
        if value is not None:
            self.counts[value] -= 1
            if not self.counts[value]:
                del self.counts[value]

    def result(self, entries: Entries, row: int) -> Any:
        return self.aggregate.final(self.counts)


class Nth(Tracker):
    """FIRST_VALUE, LAST_VALUE and NTH_VALUE: number `n` from one end, with or without NULLs."""

    def __init__(self, place: int | None, n: int, from_last: bool, ignore_nulls: bool):
        super().__init__(place)
        self.n = n
        self.from_last = from_last
        self.ignore_nulls = ignore_nulls

    def result(self, entries: Entries, row: int) -> Any:
        if not self.ignore_nulls:
            if self.n > len(entries):
                return None
            return self.value(entries[-self.n if self.from_last else self.n - 1][1])
        return _numbered(self, reversed(entries) if self.from_last else iter(entries), self.n, None)


class Lag(Tracker):
    """LAG: the value `n` rows before the current one, if it is in the window, else the default."""

    by_row = True

    def __init__(self, place: int | None, n: int, default: int | None, ignore_nulls: bool):
        super().__init__(place)
        self.n = n
        self.default = default
        self.ignore_nulls = ignore_nulls

    def result(self, entries: Entries, row: int) -> Any:
        current = entries[-1 - row][1]
        default = None if self.default is None else current[self.default]
        if not self.ignore_nulls or self.n == 0:
            back = row + self.n
            return self.value(entries[-1 - back][1]) if back < len(entries) else default
        before = (entries[-1 - at] for at in range(row + 1, len(entries)))
        return _numbered(self, before, self.n, default)


def _numbered(tracker: Tracker, entries, n: int, default: Any) -> Any:
    """The n-th value that is not NULL."""
    for _, values in entries:
        value = tracker.value(values)
        if value is not None:
            n -= 1
            if n == 0:
                return value
    return default


class ExponentialAverage(Tracker):
    """EXP_AVG: rows of the latest `interval` ms weigh 1, those of the one before a half, then a quarter, and so on."""

    def __init__(self, place: int | None, interval: int):
        super().__init__(place)
        self.interval = interval

    def result(self, entries: Entries, row: int) -> float | None:
        now = entries[-1 - row][0]
        total = weights = 0.0
        for time, values in reversed(entries):
            value = self.value(values)
            if value is not None:
                weight = 0.5 ** ((now - time) // self.interval)
                total += weight * value
                weights += weight
        return total / weights if weights else None


def tracker_of(place: int | None, aggregate: Aggregate) -> Tracker:
    """The tracker that keeps an aggregate."""
    return Different(place, aggregate) if isinstance(aggregate, Distinct) else Folding(place, aggregate)
