"""Two streams joined through windows.

Rows are taken in the order of ROWTIME. A row meets those of the other side that are in the other side's window at that
moment: with `OVER (RANGE INTERVAL d PRECEDING)` those with t - d < ROWTIME <= t, without a window those of the same
ROWTIME. The pair has the later ROWTIME. In an outer join, a row that met nobody leaves with NULLs once it has left its
own window.
"""

from collections import deque
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from lakemill.streamsql.context import Context
from lakemill.streamsql.expr import Expr
from lakemill.streamsql.frame import Frame, full
from lakemill.streamsql.graph import Node, split
from lakemill.streamsql.rows import batch_of, joined, pack, pack_batches, rows_of, unpack, unpack_batches, values_of


class Kept:
    """A row of one side in its window: ROWTIME, key, values, and whether it has met anybody."""

    __slots__ = ("key", "met", "row", "time")

    def __init__(self, time: int, key: tuple, row: tuple, met: bool = False):
        self.time = time
        self.key = key
        self.row = row
        self.met = met


class Side:
    """One input: its schema, the length of its window in ms (0: the same ROWTIME only), its key, and whether rows that
    met nobody are kept."""

    def __init__(self, schema: pa.Schema, duration: int, keys: Sequence[Expr], outer: bool):
        self.schema = schema
        self.duration = duration
        self.keys = keys
        self.outer = outer
        self.pending: list[pa.RecordBatch] = []
        self.window: deque[Kept] = deque()
        self.by_key: dict[tuple, deque[Kept]] = {}

    def add(self, kept: Kept) -> None:
        self.window.append(kept)
        self.by_key.setdefault(kept.key, deque()).append(kept)

    def expire(self, now: int) -> list[Kept]:
        """Rows that a row of time `now` cannot meet any more."""
        gone = []
        while self.window and self.leaves(self.window[0]) <= now:
            kept = self.window.popleft()
            same = self.by_key[kept.key]
            same.popleft()
            if not same:
                del self.by_key[kept.key]
            gone.append(kept)
        return gone

    def leaves(self, kept: Kept) -> int:
        """The first ROWTIME at which the row is in the window no more."""
        return kept.time + max(self.duration, 1)

    def state(self) -> list:
        rows = [[kept.time, list(kept.key), list(kept.row), kept.met] for kept in self.window]
        return [pack_batches(self.pending), rows]

    def resume(self, state: list) -> None:
        self.pending = unpack_batches(state[0], self.schema)
        for time, key, row, met in state[1]:
            self.add(Kept(time, tuple(key), tuple(row), met))


class StreamJoin(Node):
    """Port 0 is the left side, port 1 the right one. Rows go as `schema`: ROWTIME, the left side's columns, the right
    side's columns, each with its own ROWTIME first."""

    def __init__(
        self,
        context: Context,
        schema: pa.Schema,
        left: Side,
        right: Side,
        rest: Expr | None,
        pump: str | None = None,
    ):
        super().__init__(2)
        self.context = context
        self.schema = schema
        self.sides = (left, right)
        self.rest = rest
        self.pump = pump

    def receive(self, port: int, batches: list[pa.RecordBatch], mark: int) -> tuple[list[pa.RecordBatch], int]:
        self.sides[port].pending += batches
        until = min(self.marks)
        rows = []
        for number, side in enumerate(self.sides):
            early, side.pending = split(side.pending, until)
            rows += self._keyed(number, early)
        rows.sort(key=lambda item: item[1].time)
        out: list[tuple] = []
        pairs: list[tuple[Kept, Kept]] = []
        for number, kept in rows:
            if pairs and self._loses(kept.time):
                self._meet(pairs, out)
                pairs = []
            self._expire(kept.time, out)
            own, other = self.sides[number], self.sides[1 - number]
            own.add(kept)
            for partner in other.by_key.get(kept.key, ()):
                pairs.append((kept, partner) if number == 0 else (partner, kept))
        self._meet(pairs, out)
        self._expire(until, out)
        return ([batch_of(out, self.schema)] if out else []), until

    def _keyed(self, number: int, batches: list[pa.RecordBatch]) -> list[tuple[int, Kept]]:
        if not batches:
            return []
        batch = joined(batches)
        frame = Frame(batch.columns, batch.num_rows, self.context.now, self.context.started)
        columns = [values_of(full(key.run(frame), frame.rows)) for key in self.sides[number].keys]
        if frame.failures:
            self.context.reject("JOIN", frame.failures, batch, self.pump)
        keys = list(zip(*columns, strict=True)) if columns else [()] * batch.num_rows
        rows = enumerate(zip(keys, rows_of(batch), strict=True))
        # A NULL equals nothing: such a row gets a key that nobody else has.
        kept = [(i, Kept(row[0], key if None not in key else (number, i, row[0], None), row)) for i, (key, row) in rows]
        return [(number, k) for i, k in kept if i not in frame.failures]

    def _loses(self, now: int) -> bool:
        """Whether a row leaves for which it matters that it met nobody."""
        return any(side.outer and side.window and side.leaves(side.window[0]) <= now for side in self.sides)

    def _expire(self, now: int, out: list[tuple]) -> None:
        gone = []
        for number, side in enumerate(self.sides):
            gone += [(side.leaves(kept), number, kept) for kept in side.expire(now) if side.outer and not kept.met]
        for time, number, kept in sorted(gone, key=lambda item: item[:2]):
            empty = (None,) * len(self.sides[1 - number].schema)
            out.append((time, *kept.row, *empty) if number == 0 else (time, *empty, *kept.row))

    def _meet(self, pairs: list[tuple[Kept, Kept]], out: list[tuple]) -> None:
        """Let pairs pass that fulfil the rest of the condition."""
        if not pairs:
            return
        rows = [(max(left.time, right.time), *left.row, *right.row) for left, right in pairs]
        chosen = range(len(rows))
        if self.rest is not None:
            batch = batch_of(rows, self.schema)
            frame = Frame(batch.columns, len(rows), self.context.now, self.context.started)
            mask = full(self.rest.run(frame), len(rows))
            if frame.failures:
                self.context.reject("JOIN", frame.failures, batch, self.pump)
            chosen = pc.indices_nonzero(pc.fill_null(mask, False)).to_pylist()
        for index in chosen:
            pairs[index][0].met = pairs[index][1].met = True
            out.append(rows[index])

    def state(self) -> bytes:
        return pack([side.state() for side in self.sides])

    def set_state(self, state: bytes) -> None:
        for side, saved in zip(self.sides, unpack(state), strict=True):
            side.resume(saved)
