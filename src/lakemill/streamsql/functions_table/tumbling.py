"""TOP_K_ITEMS_TUMBLING and COUNT_DISTINCT_ITEMS_TUMBLING: what a column held in each window of so many seconds.

Windows begin at multiples of their size since 1970. A window's rows come, with its end as ROWTIME, when a row or the
clock passes that end. NULLs are not counted. Values are compared and given as texts.
"""

import itertools
import json
from collections import Counter
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakemill.streamsql.functions_table.arguments import Whole, column_of
from lakemill.streamsql.functions_table.counting import DistinctItems, FrequentItems
from lakemill.streamsql.functions_table.state import pack, unpack
from lakemill.streamsql.interface import ROWTIME_FIELD, Argument, Operator, TableFunction

TOP, DISTINCT = "TOP_K_ITEMS_TUMBLING", "COUNT_DISTINCT_ITEMS_TUMBLING"
K = Whole("K", 1, 100_000)
WINDOW_SIZE = Whole("windowSize", 1, 3600)
EXACT = 10_000
"""So many different values are counted exactly in a window."""


class Summary(Protocol):
    """What is remembered of a window."""

    schema: pa.Schema

    def add(self, values: list[str]) -> None: ...

    def rows(self) -> list[list]:
        """The columns after ROWTIME."""
        ...

    def clear(self) -> None: ...

    def pack(self) -> bytes: ...

    def unpack(self, state: bytes) -> None: ...


def bind_top(arguments: Sequence[Argument], schema: pa.Schema) -> tuple[pa.Schema, Operator]:
    if len(arguments) != 3:
        raise ValueError(
            f"{TOP} takes 'columnName', K and windowSize after the cursor; got {len(arguments)} parameters"
        )
    place = column_of(TOP, schema, arguments[0])
    summary = Top(K.read(TOP, arguments[1]))
    return summary.schema, Tumbling(place, WINDOW_SIZE.read(TOP, arguments[2]) * 1000, summary)


def bind_distinct(arguments: Sequence[Argument], schema: pa.Schema) -> tuple[pa.Schema, Operator]:
    if len(arguments) != 2:
        raise ValueError(
            f"{DISTINCT} takes 'columnName' and windowSize after the cursor; got {len(arguments)} parameters"
        )
    place = column_of(DISTINCT, schema, arguments[0])
    return Distinct.schema, Tumbling(place, WINDOW_SIZE.read(DISTINCT, arguments[1]) * 1000, Distinct())


class Tumbling:
    """Windows of a summary, one after the other."""

    def __init__(self, place: int, size_ms: int, summary: Summary) -> None:
        self.place, self.size_ms, self.summary = place, size_ms, summary
        self.start: int | None = None
        """Of the open window, if there is one: a window without rows is never open."""

    def push(self, batch: pa.RecordBatch, now: int) -> list[pa.RecordBatch]:
        times = batch.column(0).cast(pa.int64()).to_numpy(zero_copy_only=False)
        starts = times - times % self.size_ms
        bounds = [0, *(np.flatnonzero(np.diff(starts)) + 1).tolist(), len(times)]
        column = batch.column(self.place)
        texts = column if pa.types.is_string(column.type) else column.cast(pa.string())
        found = []
        for begin, end in itertools.pairwise(bounds):
            if end > begin:
                found += self.advance(int(times[begin]))
                self.start = int(starts[begin])
                self.summary.add(pc.drop_null(texts.slice(begin, end - begin)).to_pylist())
        return found

    def advance(self, now: int) -> list[pa.RecordBatch]:
        if self.start is None or now < self.start + self.size_ms:
            return []
        columns = self.summary.rows()
        end = pa.array([self.start + self.size_ms] * len(columns[0]), ROWTIME_FIELD.type)
        arrays = [
            end,
            *(
                pa.array(column, field.type)
                for column, field in zip(columns, list(self.summary.schema)[1:], strict=True)
            ),
        ]
        self.start = None
        self.summary.clear()
        return [pa.RecordBatch.from_arrays(arrays, schema=self.summary.schema)] if columns[0] else []

    def snapshot(self) -> bytes:
        return json.dumps(self.start).encode() + b"\n" + self.summary.pack()

    def restore(self, state: bytes) -> None:
        start, _, summary = state.partition(b"\n")
        self.start = json.loads(start)
        self.summary.unpack(summary)


class Top:
    """ITEM and ITEM_COUNT, the most frequent first. Exact while a window has at most 10,000 values, or 10 K."""

    schema = pa.schema(
        [ROWTIME_FIELD, pa.field("ITEM", pa.string(), metadata={"length": "1024"}), ("ITEM_COUNT", pa.int64())]
    )

    def __init__(self, k: int) -> None:
        self.k = k
        self.clear()

    def add(self, values: list[str]) -> None:
        self.items.add(Counter(values))

    def rows(self) -> list[list]:
        top = self.items.top(self.k)
        return [[item[:1024] for item, _ in top], [count for _, count in top]]

    def clear(self) -> None:
        self.items = FrequentItems(max(EXACT, 10 * self.k))

    def pack(self) -> bytes:
        return json.dumps(list(self.items.counts.items())).encode()

    def unpack(self, state: bytes) -> None:
        self.items.counts = dict(json.loads(state))


class Distinct:
    """NUMBER_OF_DISTINCT_ITEMS. Exact up to 10,000, with a standard error of 0.8 % beyond."""

    schema = pa.schema([ROWTIME_FIELD, ("NUMBER_OF_DISTINCT_ITEMS", pa.int64())])

    def __init__(self) -> None:
        self.clear()

    def add(self, values: list[str]) -> None:
        self.items.add(set(values))

    def rows(self) -> list[list]:
        return [[self.items.count()]]

    def clear(self) -> None:
        self.items = DistinctItems(EXACT)

    def pack(self) -> bytes:
        registers = self.items.registers
        return pack({} if registers is None else {"registers": registers}, sorted(self.items.values))

    def unpack(self, state: bytes) -> None:
        arrays, values = unpack(state)
        self.items.values, self.items.registers = set(values), arrays.get("registers")


FUNCTIONS = (TableFunction(TOP, bind_top), TableFunction(DISTINCT, bind_distinct))
