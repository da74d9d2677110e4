"""A block of rows summed up by group: what tumbling and stagger windows are fed with."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pyarrow as pa

from lakemill.streamsql.aggregates import Aggregate
from lakemill.streamsql.context import Context
from lakemill.streamsql.rows import fitting_column, plain, values_of

# Below this many rows Arrow's grouping costs more than it saves.
_FEW = 24

Key = tuple
# One list of states for every aggregate, side by side with a list of keys.
Columns = list[list[Any]]


class Partials:
    """`keys`: the places of the columns to group by; aggregates with the places of their arguments (None: COUNT(*))."""

    def __init__(self, keys: Sequence[int], aggregates: Sequence[tuple[Aggregate, int | None]]):
        self.keys = keys
        self.aggregates = aggregates
        self.by_value = any(not aggregate.partials for aggregate, _ in aggregates)

    def of(self, batch: pa.RecordBatch) -> tuple[list[Key], Columns]:
        """The groups in the order of first appearance, and the states of their aggregates."""
        if batch.num_rows <= _FEW or self.by_value:
            return self._by_value(batch)
        return self._by_block(batch)

    def _by_value(self, batch: pa.RecordBatch) -> tuple[list[Key], Columns]:
        columns = [values_of(batch.column(index)) for index in self.keys]
        keys = list(zip(*columns, strict=True)) if columns else [()] * batch.num_rows
        groups = Groups(self)
        nothing = [None] * batch.num_rows
        states = [
            [aggregate.of(value) for value in (nothing if at is None else values_of(batch.column(at)))]
            for aggregate, at in self.aggregates
        ]
        groups.add(keys, states)
        return list(groups.places), groups.columns

    def _by_block(self, batch: pa.RecordBatch) -> tuple[list[Key], Columns]:
        columns, names, wanted = [], [], []
        for number, index in enumerate(self.keys):
            columns.append(plain(batch.column(index)))
            names.append(f"k{number}")
        for number, (aggregate, at) in enumerate(self.aggregates):
            if at is not None:
                columns.append(aggregate.prepare(plain(batch.column(at))))
                names.append(f"a{number}")
            for function, options in aggregate.partials:
                wanted.append(([] if at is None else f"a{number}", function, options))
        by = [f"k{number}" for number in range(len(self.keys))]
        if not by:
            # Arrow has other functions, and fewer, for sums without groups.
            columns.append(pa.repeat(pa.scalar(0), batch.num_rows))
            names.append("all")
        table = pa.Table.from_arrays(columns, names)
        grouped = table.group_by(by or ["all"], use_threads=False).aggregate(wanted).combine_chunks()
        key_columns = [values_of(grouped.column(name).chunk(0)) for name in by]
        keys = list(zip(*key_columns, strict=True)) if by else [()]
        return keys, [self._lifted(grouped, number) for number in range(len(self.aggregates))]

    def _lifted(self, grouped: pa.Table, number: int) -> list[Any]:
        aggregate, at = self.aggregates[number]
        names = [function if at is None else f"a{number}_{function}" for function, _ in aggregate.partials]
        return aggregate.lift_all(*[values_of_nested(grouped.column(name).chunk(0)) for name in names])


class Groups:
    """Groups that grow: the place of every key, and at that place the states of every aggregate."""

    def __init__(self, partials: Partials):
        self.partials = partials
        self.places: dict[Key, int] = {}
        self.columns: Columns = [[] for _ in partials.aggregates]

    def add(self, keys: Sequence[Key], columns: Columns) -> None:
        """Merge further rows into the groups; a key may come several times."""
        known = self.places
        places = [known.setdefault(key, len(known)) for key in keys]
        for (aggregate, _), mine, new in zip(self.partials.aggregates, self.columns, columns, strict=True):
            mine.extend([None] * (len(known) - len(mine)))
            combine = aggregate.combine
            for place, state in zip(places, new, strict=True):
                old = mine[place]
                mine[place] = state if old is None else old if state is None else combine(old, state)

    def state(self) -> list:
        return [[list(key) for key in self.places], self.columns]

    def resume(self, state: list) -> None:
        keys, self.columns = state
        self.places = {tuple(key): place for place, key in enumerate(keys)}


def values_of_nested(column: pa.Array) -> list:
    """Values of a column that may hold lists (of different values)."""
    if not pa.types.is_list(column.type):
        return values_of(column)
    flat = values_of(column.flatten())
    starts = column.offsets.to_pylist()
    return [flat[a - starts[0] : b - starts[0]] for a, b in pairwise(starts)]


class Results:
    """Turns groups into a batch: ROWTIME, the keys, the aggregates."""

    def __init__(self, context: Context, schema: pa.Schema, partials: Partials, pump: str | None):
        self.context = context
        self.schema = schema
        self.partials = partials
        self.pump = pump

    def batches(self, times: Sequence[int], keys: Sequence[Key], columns: Columns) -> list[pa.RecordBatch]:
        """The rows as one batch, or none; rows with a value out of its type's range go to `error_stream`."""
        if not times:
            return []
        values: list[Sequence] = [times, *(zip(*keys, strict=True) if keys[0] else [])]
        for (aggregate, _), states in zip(self.partials.aggregates, columns, strict=True):
            values.append([aggregate.final(state) for state in states])
        failures: dict[int, str] = {}
        arrays = [fitting_column(c, field.type, failures) for c, field in zip(values, self.schema, strict=True)]
        batch = pa.RecordBatch.from_arrays(arrays, schema=self.schema)
        if failures:
            self.context.reject("AGGREGATE", failures, batch, self.pump)
            batch = batch.filter(pa.array([row not in failures for row in range(batch.num_rows)]))
        return [batch] if batch.num_rows else []
