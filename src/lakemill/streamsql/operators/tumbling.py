"""GROUP BY with a window: one row for every group when its window has passed."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakemill.streamsql.aggregates import Aggregate
from lakemill.streamsql.context import Context
from lakemill.streamsql.operators.partials import Partials, Results
from lakemill.streamsql.rows import pack, rowtimes, unpack, values_of
from lakemill.streamsql.windows import Window


class Tumbling:
    """Rows come as ROWTIME, the window's expression, further keys, arguments; they go as `schema`: ROWTIME (the end of
    the window), the window's expression, further keys, results. Only sums are kept, not rows.
    """

    def __init__(
        self,
        context: Context,
        schema: pa.Schema,
        window: Window,
        keys: int,
        aggregates: Sequence[tuple[Aggregate, int | None]],
        pump: str | None = None,
    ):
        self.context = context
        self.window = window
        self.pump = pump
        self.partials = Partials(range(2, 2 + keys), aggregates)
        self.results = Results(schema, self.partials)
        self.key: Any = None
        self.last = 0
        self.groups: dict[tuple, list] = {}

    def push(self, batch: pa.RecordBatch, now: int) -> list[pa.RecordBatch]:
        out: list[pa.RecordBatch] = []
        times = rowtimes(batch)
        for start, end, key in self._runs(batch):
            piece = batch.slice(start, end - start)
            if key is None or (self.key is not None and key < self.key):
                message = "The expression that windows are made of has fallen or is NULL"
                self.context.reject("WINDOW", dict.fromkeys(range(piece.num_rows), message), piece, self.pump)
                continue
            if self.key is not None and key != self.key:
                out += self._close(int(times[start]))
            self.key = key
            self.last = int(times[end - 1])
            for group, states in self.partials.of(piece):
                known = self.groups.get(group)
                self.groups[group] = states if known is None else self.partials.merge(known, states)
        return out

    def _runs(self, batch: pa.RecordBatch) -> list[tuple[int, int, object]]:
        """Where runs of the same window start and end, and its value."""
        column = batch.column(1)
        if batch.num_rows == 1:
            return [(0, 1, values_of(column)[0])]
        changed = pc.fill_null(pc.not_equal(column[1:], column[:-1]), True).to_numpy(zero_copy_only=False)
        starts = [0, *(np.nonzero(changed)[0] + 1).tolist()]
        keys = values_of(column.take(pa.array(starts)))
        return list(zip(starts, [*starts[1:], batch.num_rows], keys, strict=True))

    def advance(self, now: int) -> list[pa.RecordBatch]:
        if self.key is not None and self.window.passed(self.key, now):
            return self._close(now)
        return []

    def _close(self, mark: int) -> list[pa.RecordBatch]:
        """The results of the open window, in one batch."""
        time = self.window.end(self.key, self.last, mark)
        rows = [(time, (self.key, *group), states) for group, states in self.groups.items()]
        self.groups = {}
        self.key = None
        return emit(self.context, self.results, rows, self.pump)

    def snapshot(self) -> bytes:
        return pack([self.key, self.last, [[list(key), states] for key, states in self.groups.items()]])

    def restore(self, state: bytes) -> None:
        self.key, self.last, groups = unpack(state)
        self.groups = {tuple(key): states for key, states in groups}


def emit(context: Context, results: Results, rows: list, pump: str | None) -> list[pa.RecordBatch]:
    """The rows as a batch; those with a result out of its type's range go to `error_stream`."""
    if not rows:
        return []
    batch, failures = results.batch(rows)
    if failures:
        context.reject("AGGREGATE", failures, batch, pump)
        batch = batch.filter(pa.array([row not in failures for row in range(batch.num_rows)]))
    return [batch] if batch.num_rows else []
