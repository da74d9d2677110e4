"""WINDOWED BY STAGGER: every key has windows of its own, opened by the first row that comes."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa

from lakemill.streamsql.aggregates import Aggregate
from lakemill.streamsql.context import Context
from lakemill.streamsql.operators.partials import Partials, Results
from lakemill.streamsql.rows import pack, rowtimes, unpack


class Stagger:
    """Rows come as ROWTIME, keys, arguments; they go as `schema`: ROWTIME (opening plus `length` ms), keys, results.

    A row that comes when its window is over opens the next.
    """

    def __init__(
        self,
        context: Context,
        schema: pa.Schema,
        length: int,
        keys: int,
        aggregates: Sequence[tuple[Aggregate, int | None]],
        pump: str | None = None,
    ):
        self.context = context
        self.length = length
        self.pump = pump
        self.partials = Partials(range(1, 1 + keys), aggregates)
        self.results = Results(context, schema, self.partials, pump)
        # Key -> opening time and states, in the order of opening, which is that of closing too.
        self.windows: dict[tuple, tuple[int, list]] = {}

    def push(self, batch: pa.RecordBatch, now: int) -> list[pa.RecordBatch]:
        out: list[pa.RecordBatch] = []
        times = rowtimes(batch)
        start = 0
        while start < len(times):
            out += self.advance(int(times[start]))
            oldest = next(iter(self.windows.values()))[0] if self.windows else int(times[start])
            end = int(np.searchsorted(times, oldest + self.length, side="left"))
            self._add(batch.slice(start, end - start), times[start:end])
            start = end
        return out

    def _add(self, batch: pa.RecordBatch, times: np.ndarray) -> None:
        """Rows during which no window closes. Opening times differ within the block where ROWTIMEs do, so those go one
        run of equal times after the other."""
        cuts = [0, *(np.nonzero(np.diff(times))[0] + 1).tolist(), len(times)]
        for start, end in pairwise(cuts):
            keys, columns = self.partials.of(batch.slice(start, end - start))
            for key, states in zip(keys, zip(*columns, strict=True) if columns else [()] * len(keys), strict=True):
                opened, known = self.windows.get(key, (int(times[start]), [None] * len(states)))
                merged = zip(self.partials.aggregates, known, states, strict=True)
                self.windows[key] = (opened, [aggregate.merge(a, b) for (aggregate, _), a, b in merged])

    def advance(self, now: int) -> list[pa.RecordBatch]:
        times, keys, rows = [], [], []
        while self.windows:
            key = next(iter(self.windows))
            opened, states = self.windows[key]
            if opened + self.length > now:
                break
            del self.windows[key]
            times.append(opened + self.length)
            keys.append(key)
            rows.append(states)
        columns = [list(column) for column in zip(*rows, strict=True)]
        return self.results.batches(times, keys, columns)

    def snapshot(self) -> bytes:
        return pack([[list(key), opened, states] for key, (opened, states) in self.windows.items()])

    def restore(self, state: bytes) -> None:
        self.windows = {tuple(key): (opened, states) for key, opened, states in unpack(state)}
