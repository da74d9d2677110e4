"""Nodes and the rows between them.

Beside rows, nodes tell each other marks: a mark m promises that every later row has ROWTIME >= m. Marks rise with the
rows and with the clock; they let windows close and streams merge in the order of ROWTIME.
"""

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from lakemill.streamsql.context import Context
from lakemill.streamsql.interface import Operator
from lakemill.streamsql.rows import joined, pack, pack_batches, rowtimes, unpack, unpack_batches

BEGINNING = -(2**62)


class Node:
    """One place in the graph, with one or more inputs (ports)."""

    def __init__(self, ports: int = 1):
        self.consumers: list[tuple[Node, int]] = []
        self.marks = [BEGINNING] * ports
        self.mark = BEGINNING

    def deliver(self, port: int, batches: list[pa.RecordBatch], mark: int) -> None:
        """Take rows and a mark, and hand on what comes of them."""
        mark = max(mark, self.marks[port])
        self.marks[port] = mark
        results, mark = self.receive(port, batches, mark)
        mark = max(mark, self.mark)
        if results or mark > self.mark:
            self.mark = mark
            for node, into in self.consumers:
                node.deliver(into, results, mark)

    def receive(self, port: int, batches: list[pa.RecordBatch], mark: int) -> tuple[list[pa.RecordBatch], int]:
        """The rows that result, and the mark for those who come after."""
        raise NotImplementedError

    def state(self) -> bytes:
        return b""

    def set_state(self, state: bytes) -> None:
        pass

    def snapshot(self) -> list:
        return [self.marks, self.mark, self.state()]

    def restore(self, saved: list) -> None:
        self.marks, self.mark, state = list(saved[0]), saved[1], saved[2]
        self.set_state(state)


class Linear(Node):
    """An operator with one input.

    `bound` maps a mark of the rows that come to one of the rows that go (None: only the rows themselves tell).
    """

    def __init__(self, operator: Operator, context: Context, bound: Callable[[int], int] | None = lambda mark: mark):
        super().__init__()
        self.operator = operator
        self.context = context
        self.bound = bound

    def receive(self, port: int, batches: list[pa.RecordBatch], mark: int) -> tuple[list[pa.RecordBatch], int]:
        results: list[pa.RecordBatch] = []
        for batch in batches:
            results += self.operator.push(batch, self.context.now)
        results += self.operator.advance(mark)
        if self.bound is not None:
            return results, self.bound(mark)
        return results, int(rowtimes(results[-1])[-1]) if results else self.mark

    def state(self) -> bytes:
        return self.operator.snapshot()

    def set_state(self, state: bytes) -> None:
        self.operator.restore(state)


class Merge(Node):
    """Several inputs with one schema, in the order of ROWTIME: UNION ALL, or several pumps into one stream.

    Rows wait until no input can bring an earlier one. An input whose ROWTIME is computed from its data cannot promise
    that; nobody waits for it (`waits` is False), and its late rows are refused by the stream behind.
    """

    def __init__(self, schema: pa.Schema, waits: list[bool]):
        super().__init__(len(waits))
        self.schema = schema
        self.waits = waits
        self.pending: list[list[pa.RecordBatch]] = [[] for _ in waits]

    def receive(self, port: int, batches: list[pa.RecordBatch], mark: int) -> tuple[list[pa.RecordBatch], int]:
        self.pending[port] += [pa.RecordBatch.from_arrays(batch.columns, schema=self.schema) for batch in batches]
        held = [m for m, waits in zip(self.marks, self.waits, strict=True) if waits]
        until = min(held) if held else max(self.marks)
        ready = []
        for index, waiting in enumerate(self.pending):
            if waiting:
                early, late = split(waiting, until)
                ready += early
                self.pending[index] = late
        if len(ready) < 2:
            return ready, until
        merged = joined(ready)
        order = np.argsort(rowtimes(merged), kind="stable")
        return [merged.take(pa.array(order))], until

    def state(self) -> bytes:
        return pack([pack_batches(waiting) for waiting in self.pending])

    def set_state(self, state: bytes) -> None:
        self.pending = [unpack_batches(waiting, self.schema) for waiting in unpack(state)]


def split(batches: list[pa.RecordBatch], until: int) -> tuple[list[pa.RecordBatch], list[pa.RecordBatch]]:
    """The rows with ROWTIME <= `until`, and those after; the rows are in the order of ROWTIME."""
    early: list[pa.RecordBatch] = []
    for index, batch in enumerate(batches):
        times = rowtimes(batch)
        cut = int(np.searchsorted(times, until, side="right"))
        if cut:
            early.append(batch.slice(0, cut))
        if cut < len(times):
            return early, [batch.slice(cut), *batches[index + 1 :]]
    return early, []
