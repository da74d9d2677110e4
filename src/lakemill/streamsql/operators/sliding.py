"""OVER: for every row, results over the rows before it.

A window of time (`RANGE INTERVAL d PRECEDING`) at a row of time t holds the rows with t - d < ROWTIME <= t, also those
of the same ROWTIME that came after the row: rows wait until ROWTIME has passed theirs. A window of rows
(`ROWS n PRECEDING`) holds the row and the n before it.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pyarrow as pa

from lakemill.streamsql.context import Context
from lakemill.streamsql.operators.trackers import Entries, Tracker
from lakemill.streamsql.rows import (
    fitting_column,
    joined,
    pack,
    pack_batches,
    rowtimes,
    unpack,
    unpack_batches,
    values_of,
)


@dataclass(frozen=True)
class Frames:
    """A window: `duration` ms or `rows` rows before the current one; places of its partition keys and arguments; for
    each function what makes its tracker, and the type of its result."""

    duration: int | None
    rows: int | None
    keys: tuple[int, ...]
    arguments: tuple[int, ...]
    trackers: tuple[Callable[[], Tracker], ...]
    kinds: tuple[pa.DataType, ...]


@dataclass
class Pane:
    """The rows of one partition in one window."""

    trackers: list[Tracker]
    entries: Entries = field(default_factory=deque)
    # How many of the entries were there when the last row but these left: the front stacks hold them.
    front: int = 0

    def add(self, time: int, values: tuple) -> None:
        self.entries.append((time, values))
        for tracker in self.trackers:
            tracker.add(values)

    def evict(self) -> None:
        for tracker in self.trackers:
            tracker.evict(self.entries)
        self.front = (self.front or len(self.entries)) - 1
        self.entries.popleft()

    def results(self, row: int) -> list:
        return [tracker.result(self.entries, row) for tracker in self.trackers]


class _Sliding:
    """One window with all its partitions."""

    def __init__(self, frames: Frames):
        self.frames = frames
        self.panes: dict[tuple, Pane] = {}
        # Whether rows of one ROWTIME and partition can have different results.
        self.by_row = any(make().by_row for make in frames.trackers)
        # For windows of time: which partition's first row leaves next.
        self.leaving: deque[tuple[int, tuple]] = deque()

    def pane(self, key: tuple) -> Pane:
        pane = self.panes.get(key)
        if pane is None:
            pane = self.panes[key] = Pane([make() for make in self.frames.trackers])
        return pane

    def expire(self, now: int) -> None:
        """Let rows go that no row from `now` on can see."""
        if self.frames.duration is None:
            return
        while self.leaving and self.leaving[0][0] <= now - self.frames.duration:
            _, key = self.leaving.popleft()
            pane = self.panes[key]
            pane.evict()
            if not pane.entries:
                del self.panes[key]

    def moment(self, time: int, rows: Sequence[tuple[tuple, tuple]]) -> list[list]:
        """The results of all rows (key, values) of one ROWTIME."""
        if self.frames.rows is not None:
            return [self._row(time, key, values, self.frames.rows) for key, values in rows]
        self.expire(time)
        after: dict[tuple, int] = {}
        for key, values in rows:
            self.pane(key).add(time, values)
            self.leaving.append((time, key))
            after[key] = after.get(key, 0) + 1
        if not self.by_row:
            shared = {key: self.panes[key].results(0) for key in after}
            return [shared[key] for key, _ in rows]
        results = []
        for key, _ in rows:
            after[key] -= 1
            results.append(self.panes[key].results(after[key]))
        return results

    def _row(self, time: int, key: tuple, values: tuple, before: int) -> list:
        pane = self.pane(key)
        while len(pane.entries) > before:
            pane.evict()
        pane.add(time, values)
        return pane.results(0)

    def state(self) -> list:
        return [[list(key), list(pane.entries), pane.front] for key, pane in self.panes.items()]

    def resume(self, state: list, leaving: list) -> None:
        for key, entries, front in state:
            pane = self.pane(tuple(key))
            pane.entries.extend((time, tuple(values)) for time, values in entries)
            pane.front = front
            for tracker in pane.trackers:
                tracker.resume(pane.entries, front)
        self.leaving.extend((time, tuple(key)) for time, key in leaving)


class Sliding:
    """Rows come in `schema` (what the query sees, then partition keys and arguments); they go as the first `base`
    columns and one more for every function of every window."""

    def __init__(
        self,
        context: Context,
        schema: pa.Schema,
        out: pa.Schema,
        base: int,
        windows: Sequence[Frames],
        pump: str | None = None,
    ):
        self.context = context
        self.pump = pump
        self.schema = schema
        self.out = out
        self.base = base
        self.windows = [_Sliding(frames) for frames in windows]
        self.waits = any(frames.duration is not None for frames in windows)
        self.pending: list[pa.RecordBatch] = []

    def push(self, batch: pa.RecordBatch, now: int) -> list[pa.RecordBatch]:
        if not self.waits:
            return self._results(batch)
        self.pending.append(batch)
        return self._leave(int(rowtimes(batch)[-1]))

    def advance(self, now: int) -> list[pa.RecordBatch]:
        results = self._leave(now) if self.pending else []
        for window in self.windows:
            window.expire(now)
        return results

    def _leave(self, until: int) -> list[pa.RecordBatch]:
        """The results of waiting rows before `until`."""
        rows = joined(self.pending)
        cut = int(np.searchsorted(rowtimes(rows), until, side="left"))
        self.pending = [rows.slice(cut)] if cut < rows.num_rows else []
        return self._results(rows.slice(0, cut)) if cut else []

    def _results(self, batch: pa.RecordBatch) -> list[pa.RecordBatch]:
        times = rowtimes(batch)
        cuts = [0, *(np.nonzero(np.diff(times))[0] + 1).tolist(), len(times)]
        columns = list(batch.columns[: self.base])
        failures: dict[int, str] = {}
        for window in self.windows:
            keys = _tuples(batch, window.frames.keys)
            values = _tuples(batch, window.frames.arguments)
            results: list[list] = []
            for start, end in pairwise(cuts):
                rows = list(zip(keys[start:end], values[start:end], strict=True))
                results += window.moment(int(times[start]), rows)
            by_function = zip(*results, strict=True)
            kinds = zip(by_function, window.frames.kinds, strict=True)
            columns += [fitting_column(column, kind, failures) for column, kind in kinds]
        result = pa.RecordBatch.from_arrays(columns, schema=self.out)
        if failures:
            self.context.reject("AGGREGATE", failures, batch, self.pump)
            result = result.filter(pa.array([row not in failures for row in range(result.num_rows)]))
        return [result] if result.num_rows else []

    def snapshot(self) -> bytes:
        windows = [[window.state(), list(window.leaving)] for window in self.windows]
        return pack([pack_batches(self.pending), windows])

    def restore(self, state: bytes) -> None:
        pending, windows = unpack(state)
        self.pending = unpack_batches(pending, self.schema)
        for window, (panes, leaving) in zip(self.windows, windows, strict=True):
            window.resume(panes, leaving)


def _tuples(batch: pa.RecordBatch, places: Sequence[int]) -> list[tuple]:
    if not places:
        return [()] * batch.num_rows
    return list(zip(*[values_of(batch.column(place)) for place in places], strict=True))
