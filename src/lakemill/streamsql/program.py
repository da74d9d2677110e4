"""A compiled program: rows in, rows out.

program = compile(code, {"SOURCE_SQL_STREAM_001": schema}, {})
program.push("SOURCE_SQL_STREAM_001", batch, now=1_700_000_000_000)
program.advance(now=1_700_000_060_000)
program.take()      # {"DESTINATION_SQL_STREAM": RecordBatch, "error_stream": RecordBatch}
"""

from collections.abc import Iterable

import pyarrow as pa


class Program:
    """In-application streams, the pumps between them, and what they remember.

    `streams`: schema by name of every in-application stream (inputs, created streams, `error_stream`); ROWTIME first.
    """

    streams: dict[str, pa.Schema]

    def keep(self, names: Iterable[str]) -> None:
        """Choose whose rows `take` returns (default: every created stream and `error_stream`)."""
        raise NotImplementedError

    def push(self, stream: str, batch: pa.RecordBatch, now: int) -> None:
        """Take rows of an input stream.

        The batch has the input's columns by name; a missing ROWTIME is `now`. Rows older than the last ROWTIME of the
        stream go to `error_stream`. `now` is milliseconds since 1970 and may not fall.
        """
        raise NotImplementedError

    def advance(self, now: int) -> None:
        """Let the clock close windows: no later row will have a ROWTIME before `now`."""
        raise NotImplementedError

    def take(self) -> dict[str, pa.RecordBatch]:
        """The rows that arrived in the kept streams since the last call; streams without any are left out."""
        raise NotImplementedError

    def set_reference(self, name: str, table: pa.Table) -> None:
        """Load or replace a reference table; joins see it from the next batch on."""
        raise NotImplementedError

    def snapshot(self) -> bytes:
        """All state, without rows not yet taken and without reference tables: call `take` first."""
        raise NotImplementedError

    def restore(self, state: bytes) -> None:
        """Continue where the snapshot was made. The code, inputs and references must be those it was made with."""
        raise NotImplementedError


def compile(code: str, inputs: dict[str, pa.Schema], references: dict[str, pa.Schema] | None = None) -> Program:
    """Parse, check and plan `code`.

    `inputs` and `references` give the columns of the input streams and reference tables (without ROWTIME). A field
    whose metadata has the key `hidden` can be named but is not part of `SELECT *`. Integer columns are int8..int64,
    DECIMAL is decimal128, VARCHAR(n) is string with metadata `length`, TIMESTAMP is timestamp("ms").

    Raises SqlError with line and column.
    """
    raise NotImplementedError
