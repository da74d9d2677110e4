"""WHERE and the SELECT list: rows in, rows out, nothing to remember."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from lakemill.streamsql.context import Context
from lakemill.streamsql.expr import Expr
from lakemill.streamsql.frame import Frame, full
from lakemill.streamsql.rows import take


class Project:
    """Keeps the rows on which `condition` is true and evaluates one expression for every field of `schema`.

    Rows on which an expression fails go to `error_stream`, and so do those with NULL in a field that may have none.
    """

    def __init__(
        self,
        context: Context,
        schema: pa.Schema,
        expressions: Sequence[Expr],
        condition: Expr | None = None,
        pump: str | None = None,
    ):
        self.context = context
        self.schema = schema
        self.expressions = expressions
        self.condition = condition
        self.pump = pump
        self.required = [i for i, field in enumerate(schema) if not field.nullable]

    def _frame(self, batch: pa.RecordBatch) -> Frame:
        return Frame(batch.columns, batch.num_rows, self.context.now, self.context.started)

    def push(self, batch: pa.RecordBatch, now: int) -> list[pa.RecordBatch]:
        if self.condition is not None:
            frame = self._frame(batch)
            mask = full(self.condition.run(frame), frame.rows)
            if frame.failures:
                self.context.reject("CONDITION", frame.failures, batch, self.pump)
                mask = pc.and_(mask, _without(frame.failures, frame.rows))
            batch = take(batch, mask)
            if not batch.num_rows:
                return []
        frame = self._frame(batch)
        columns = [full(expr.run(frame), frame.rows) for expr in self.expressions]
        for index in self.required:
            if columns[index].null_count and not frame.failures:
                rows = pc.indices_nonzero(columns[index].is_null()).to_pylist()
                frame.fail(rows, f"{self.schema[index].name} cannot be NULL")
        result = pa.RecordBatch.from_arrays(columns, schema=self.schema)
        if frame.failures:
            self.context.reject("EXPRESSION", frame.failures, batch, self.pump)
            result = result.filter(_without(frame.failures, frame.rows))
        return [result] if result.num_rows else []

    def advance(self, now: int) -> list[pa.RecordBatch]:
        return []

    def snapshot(self) -> bytes:
        return b""

    def restore(self, state: bytes) -> None:
        pass


def _without(failures: dict[int, str], rows: int) -> pa.Array:
    return pa.array([row not in failures for row in range(rows)])
