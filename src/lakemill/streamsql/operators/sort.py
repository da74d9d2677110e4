"""ORDER BY with a rising first expression: rows wait until it rises, then leave in order."""

from collections.abc import Sequence
from itertools import pairwise

import pyarrow as pa
import pyarrow.compute as pc

from lakemill.streamsql.rows import column_of, joined, pack, pack_batches, rowtimes, unpack, unpack_batches, values_of
from lakemill.streamsql.sqltypes import TIMESTAMP
from lakemill.streamsql.windows import Window

Order = tuple[int, str, str]


def in_order(batch: pa.RecordBatch, order: Sequence[Order]) -> pa.RecordBatch:
    """Sorted by columns: (place, ascending or descending, nulls at_start or at_end); equal rows stay as they are."""
    columns, keys = [], []
    for number, (place, direction, nulls) in enumerate(order):
        column = batch.column(place)
        if column.null_count:
            # Arrow places NULLs for all keys alike; a key of its own places those of this one.
            missing = column.is_null().cast(pa.int8())
            columns.append(missing if nulls == "at_end" else pc.negate(missing))
            keys.append((f"n{number}", "ascending"))
        columns.append(column)
        keys.append((f"c{number}", direction))
    table = pa.Table.from_arrays(columns, [name for name, _ in keys])
    return batch.take(pc.sort_indices(table, sort_keys=keys))


class Sort:
    """Rows come in `schema`; `first` is the place of the rising expression, whose window says when rows may leave.

    Rows that waited get the ROWTIME at which their group ended, so that ROWTIME does not fall.
    """

    def __init__(self, schema: pa.Schema, window: Window, first: int, order: Sequence[Order]):
        self.schema = schema
        self.window = window
        self.first = first
        self.order = order
        self.pending: list[pa.RecordBatch] = []

    def push(self, batch: pa.RecordBatch, now: int) -> list[pa.RecordBatch]:
        self.pending.append(batch)
        keys = batch.column(self.first)
        if self._key() == values_of(keys[-1:])[0]:
            return []
        rows = joined(self.pending)
        column = rows.column(self.first)
        changed = pc.indices_nonzero(pc.fill_null(pc.not_equal(column[1:], column[:-1]), True)).to_pylist()
        starts = [0, *(index + 1 for index in changed), rows.num_rows]
        times = rowtimes(rows)
        groups = [(rows.slice(a, b - a), int(times[b])) for a, b in pairwise(starts[:-1])]
        self.pending = [rows.slice(starts[-2])]
        return [self._leave(group, mark) for group, mark in groups]

    def _key(self):
        return values_of(self.pending[0].column(self.first)[:1])[0]

    def advance(self, now: int) -> list[pa.RecordBatch]:
        if not self.pending or not self.window.passed(self._key(), now):
            return []
        rows, self.pending = joined(self.pending), []
        return [self._leave(rows, now)]

    def _leave(self, rows: pa.RecordBatch, mark: int) -> pa.RecordBatch:
        rows = in_order(rows, self.order)
        if self.window.is_rowtime:
            return rows
        end = self.window.end(values_of(rows.column(self.first)[:1])[0], int(rowtimes(rows).max()), mark)
        return rows.set_column(0, rows.schema[0], column_of([end] * rows.num_rows, TIMESTAMP))

    def snapshot(self) -> bytes:
        return pack(pack_batches(self.pending))

    def restore(self, state: bytes) -> None:
        self.pending = unpack_batches(unpack(state), self.schema)


class SortEach:
    """ORDER BY on the results of windows: each window's results come in one batch."""

    def __init__(self, order: Sequence[Order]):
        self.order = order

    def push(self, batch: pa.RecordBatch, now: int) -> list[pa.RecordBatch]:
        return [in_order(batch, self.order)]

    def advance(self, now: int) -> list[pa.RecordBatch]:
        return []

    def snapshot(self) -> bytes:
        return b""

    def restore(self, state: bytes) -> None:
        pass
