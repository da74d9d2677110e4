"""GROUP BY with a window: one row for every group when its window has passed."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakemill.streamsql.aggregates import Aggregate
from lakemill.streamsql.context import Context
from lakemill.streamsql.operators.partials import Groups, Partials, Results
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
        self.results = Results(context, schema, self.partials, pump)
        self.key: Any = None
        self.last = 0
        self.groups = Groups(self.partials)

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
            self.groups.add(*self.partials.of(piece))
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
        groups, key = self.groups, self.key
        self.groups, self.key = Groups(self.partials), None
        keys = [(key, *group) for group in groups.places]
        return self.results.batches([time] * len(keys), keys, groups.columns)

    def snapshot(self) -> bytes:
        return pack([self.key, self.last, self.groups.state()])

    def restore(self, state: bytes) -> None:
        self.key, self.last, groups = unpack(state)
        self.groups.resume(groups)
