"""A compiled program: rows in, rows out.

    program = compile(code, {"SOURCE_SQL_STREAM_001": schema}, {})
    program.push("SOURCE_SQL_STREAM_001", batch, now=1_700_000_000_000)
    program.advance(now=1_700_000_060_000)
    program.take()      # {"DESTINATION_SQL_STREAM": RecordBatch, "error_stream": RecordBatch}

A program belongs to one thread.
"""

import hashlib
from collections.abc import Iterable

import pyarrow as pa

from lakemill.streamsql.context import ERROR_SCHEMA, ERROR_STREAM, Context
from lakemill.streamsql.graph import Linear, Node
from lakemill.streamsql.interface import ROWTIME
from lakemill.streamsql.operators.gate import Gate
from lakemill.streamsql.operators.tablejoin import Reference
from lakemill.streamsql.rows import column_of, joined, pack, rowtimes, unpack
from lakemill.streamsql.sqltypes import TIMESTAMP


class StreamNode(Linear):
    """An in-application stream; it keeps what passes if somebody wants to take it."""

    def __init__(self, context: Context, schema: pa.Schema):
        super().__init__(Gate(context), context)
        self.schema = schema
        self.kept = False
        self.rows: list[pa.RecordBatch] = []

    def receive(self, port: int, batches: list[pa.RecordBatch], mark: int) -> tuple[list[pa.RecordBatch], int]:
        results, mark = super().receive(port, batches, mark)
        if self.kept:
            self.rows += results
        return results, mark


class Program:
    """In-application streams, the pumps between them, and what they remember.

    `streams`: schema by name of every in-application stream (inputs, created streams, `error_stream`); ROWTIME first.
    """

    def __init__(
        self,
        context: Context,
        nodes: list[Node],
        inputs: dict[str, StreamNode],
        created: dict[str, StreamNode],
        references: dict[str, Reference],
        code: str,
    ):
        self._context = context
        self._nodes = nodes
        self._inputs = inputs
        self._all = {**inputs, **created}
        self._references = references
        self._begun = False
        described = [code, *(f"{name} {node.schema}" for name, node in inputs.items())]
        described += [f"{name} {reference.schema}" for name, reference in references.items()]
        self._fingerprint = hashlib.sha256("\n".join(described).encode()).digest()
        self._keep_errors = True
        self.streams = {name: node.schema for name, node in self._all.items()}
        self.streams[ERROR_STREAM] = ERROR_SCHEMA
        self.keep([*created, ERROR_STREAM])

    def keep(self, names: Iterable[str]) -> None:
        """Choose whose rows `take` returns (default: every created stream and `error_stream`); KeyError if unknown."""
        wanted = set(names)
        if unknown := wanted - set(self.streams):
            raise KeyError(sorted(unknown)[0])
        for name, node in self._all.items():
            node.kept = name in wanted
        self._keep_errors = ERROR_STREAM in wanted

    def push(self, stream: str, batch: pa.RecordBatch, now: int) -> None:
        """Take rows of an input stream; KeyError if there is no such input.

        The batch has the input's columns by name; a missing ROWTIME is `now`, and then the clock of the program moves
        to `now` too. Rows older than the last ROWTIME of the stream go to `error_stream`. `now` is milliseconds since
        1970; if it falls, the latest stays.
        """
        node = self._inputs[stream]
        self._tick(now)
        given = ROWTIME in batch.schema.names
        if batch.num_rows:
            rows = self._rows(node.schema, batch)
            # A row out of order does not take the stream's time back; the gate refuses it.
            mark = int(rowtimes(rows).max()) if given else self._context.now
            node.deliver(0, [rows], mark)
        if not given:
            self.advance(now)

    def _rows(self, schema: pa.Schema, batch: pa.RecordBatch) -> pa.RecordBatch:
        columns = []
        for field in schema:
            if field.name == ROWTIME and ROWTIME not in batch.schema.names:
                columns.append(column_of([self._context.now] * batch.num_rows, TIMESTAMP))
                continue
            column = batch.column(field.name)
            columns.append(column if column.type == field.type else column.cast(field.type))
        return pa.RecordBatch.from_arrays(columns, schema=schema)

    def _tick(self, now: int) -> None:
        self._context.now = max(now, self._context.now)
        if not self._begun:
            self._begun = True
            self._context.started = self._context.now

    def advance(self, now: int) -> None:
        """Let the clock close windows: no later row will have a ROWTIME before `now`."""
        self._tick(now)
        for node in self._inputs.values():
            if self._context.now > node.mark:
                node.deliver(0, [], self._context.now)

    def reject(self, message: str, data: bytes, now: int, name: str = "INPUT") -> None:
        """Put a record that never became a row into `error_stream`: what is wrong, and its bytes."""
        self._tick(now)
        self._context.report(name, message, None, data)

    def take(self) -> dict[str, pa.RecordBatch]:
        """The rows that arrived in the kept streams since the last call; streams without any are left out."""
        result = {}
        for name, node in self._all.items():
            if node.rows:
                result[name] = joined(node.rows)
                node.rows = []
        errors = self._context.take_errors()
        if errors.num_rows and self._keep_errors:
            result[ERROR_STREAM] = errors
        return result

    def set_reference(self, name: str, table: pa.Table) -> None:
        """Load or replace a reference table; joins see it from the next batch on. KeyError if there is none such."""
        self._references[name].replace(table)

    def snapshot(self) -> bytes:
        """All state, without rows not yet taken and without reference tables: call `take` first."""
        nodes = [node.snapshot() for node in self._nodes]
        context = [self._context.now, self._context.started, self._begun]
        return pack([self._fingerprint, context, nodes])

    def restore(self, state: bytes) -> None:
        """Continue where the snapshot was made, in a program compiled anew from the same code, inputs and references;
        ValueError if they differ."""
        fingerprint, context, nodes = unpack(state)
        if fingerprint != self._fingerprint or len(nodes) != len(self._nodes):
            raise ValueError("The snapshot was made by another program")
        self._context.now, self._context.started, self._begun = context
        for node, saved in zip(self._nodes, nodes, strict=True):
            node.restore(saved)
