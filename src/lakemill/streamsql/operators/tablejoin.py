"""A stream joined with a reference table: every row meets the table as it is at that moment."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from lakemill.streamsql.context import Context
from lakemill.streamsql.expr import Expr
from lakemill.streamsql.frame import Frame, full
from lakemill.streamsql.rows import values_of

# How many pairs are looked at in one go.
_PAIRS = 1_000_000


class Reference:
    """A reference table, and the rows that have a given key; replaced as a whole."""

    def __init__(self, schema: pa.Schema):
        self.schema = schema
        self.version = 0
        self.rows = pa.RecordBatch.from_pylist([], schema)

    def replace(self, table: pa.Table) -> None:
        columns = [table.column(field.name).cast(field.type) for field in self.schema]
        self.rows = pa.RecordBatch.from_arrays(
            [pa.concat_arrays(c.chunks) if c.num_chunks else pa.array([], c.type) for c in columns], schema=self.schema
        )
        self.version += 1

    def index(self, keys: Sequence[Expr], context: Context) -> dict[tuple, list[int]]:
        """Key values -> row numbers. Rows with a NULL in their key, or whose key cannot be computed, meet nobody."""
        frame = Frame(self.rows.columns, self.rows.num_rows, context.now, context.started)
        columns = [values_of(full(key.run(frame), frame.rows)) for key in keys]
        rows: dict[tuple, list[int]] = {}
        for number, key in enumerate(zip(*columns, strict=True) if columns else [()] * frame.rows):
            if None not in key:
                rows.setdefault(key, []).append(number)
        return rows


class TableJoin:
    """Pairs rows with those of the table whose keys are equal and for which `rest` is true.

    Rows go as the stream's columns and then the table's. With `keep`, rows without a partner go once, with NULLs.
    """

    def __init__(
        self,
        context: Context,
        schema: pa.Schema,
        reference: Reference,
        keys: Sequence[tuple[Expr, Expr]],
        rest: Expr | None,
        keep: bool,
        pump: str | None = None,
    ):
        self.context = context
        self.schema = schema
        self.reference = reference
        self.keys = keys
        self.rest = rest
        self.keep = keep
        self.pump = pump
        self.version = -1
        self.index: dict[tuple, list[int]] = {}

    def push(self, batch: pa.RecordBatch, now: int) -> list[pa.RecordBatch]:
        if self.keys:
            return self._joined(batch, now)
        # Every row meets the whole table: not all of them at once.
        size = max(1, _PAIRS // max(1, self.reference.rows.num_rows))
        pieces = [batch.slice(start, size) for start in range(0, batch.num_rows, size)]
        return [result for piece in pieces for result in self._joined(piece, now)]

    def _joined(self, batch: pa.RecordBatch, now: int) -> list[pa.RecordBatch]:
        if self.version != self.reference.version:
            self.index = self.reference.index([key for _, key in self.keys], self.context)
            self.version = self.reference.version
        frame = Frame(batch.columns, batch.num_rows, self.context.now, self.context.started)
        columns = [values_of(full(key.run(frame), frame.rows)) for key, _ in self.keys]
        if frame.failures:
            self.context.reject("JOIN", frame.failures, batch, self.pump)
        left: list[int] = []
        right: list[int] = []
        for row, key in enumerate(zip(*columns, strict=True) if columns else [()] * frame.rows):
            partners = self.index.get(key, ()) if row not in frame.failures else ()
            left += [row] * len(partners)
            right += partners
        pairs = self._pairs(batch, left, right)
        if self.rest is not None and left:
            mask = full(self.rest.run(Frame(pairs.columns, len(left), now, self.context.started)), len(left))
            chosen = pc.indices_nonzero(pc.fill_null(mask, False)).to_pylist()
            left, right = [left[i] for i in chosen], [right[i] for i in chosen]
            pairs = pairs.take(pa.array(chosen, pa.int64()))
        if self.keep:
            met = set(left)
            alone = [row for row in range(batch.num_rows) if row not in met and row not in frame.failures]
            if alone:
                order = sorted([(row, i) for i, row in enumerate(left)] + [(row, None) for row in alone], key=_first)
                places = [right[i] if i is not None else None for _, i in order]
                pairs = self._pairs(batch, [row for row, _ in order], places)
        return [pairs] if pairs.num_rows else []

    def _pairs(self, batch: pa.RecordBatch, left: Sequence[int], right: Sequence[int | None]) -> pa.RecordBatch:
        table = self.reference.rows.take(pa.array(right, pa.int64()))
        columns = [*batch.take(pa.array(left, pa.int64())).columns, *table.columns]
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)

    def advance(self, now: int) -> list[pa.RecordBatch]:
        return []

    def snapshot(self) -> bytes:
        return b""

    def restore(self, state: bytes) -> None:
        pass


def _first(pair: tuple[int, int | None]) -> int:
    return pair[0]
