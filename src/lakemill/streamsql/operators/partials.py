"""A block of rows summed up by group: what tumbling and stagger windows are fed with."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pyarrow as pa

from lakemill.streamsql.aggregates import Aggregate
from lakemill.streamsql.rows import column_of, values_of

# Below this many rows Arrow's grouping costs more than it saves.
_FEW = 24

Key = tuple
States = list


class Partials:
    """`keys` columns to group by, then one argument column for every aggregate (its place, or None for COUNT(*))."""

    def __init__(self, keys: Sequence[int], aggregates: Sequence[tuple[Aggregate, int | None]]):
        self.keys = keys
        self.aggregates = aggregates
        self.by_value = any(not aggregate.partials for aggregate, _ in aggregates)

    def of(self, batch: pa.RecordBatch) -> list[tuple[Key, States]]:
        """Key values and aggregate states of every group, in the order of first appearance."""
        if batch.num_rows <= _FEW or self.by_value:
            return self._by_value(batch)
        return self._by_block(batch)

    def _by_value(self, batch: pa.RecordBatch) -> list[tuple[Key, States]]:
        keys = [values_of(batch.column(index)) for index in self.keys]
        nothing = [None] * batch.num_rows
        arguments = [nothing if at is None else values_of(batch.column(at)) for _, at in self.aggregates]
        groups: dict[Key, States] = {}
        rows = zip(*keys, strict=True) if keys else [()] * batch.num_rows
        for row, key in enumerate(rows):
            values = [column[row] for column in arguments]
            states = [aggregate.of(value) for (aggregate, _), value in zip(self.aggregates, values, strict=True)]
            known = groups.get(key)
            groups[key] = states if known is None else self.merge(known, states)
        return list(groups.items())

    def _by_block(self, batch: pa.RecordBatch) -> list[tuple[Key, States]]:
        columns, names, wanted = [], [], []
        for number, index in enumerate(self.keys):
            columns.append(batch.column(index))
            names.append(f"k{number}")
        for number, (aggregate, at) in enumerate(self.aggregates):
            if at is not None:
                columns.append(aggregate.prepare(batch.column(at)))
                names.append(f"a{number}")
            for function, options in aggregate.partials:
                wanted.append(([] if at is None else f"a{number}", function, options))
        if not columns:
            columns, names = [batch.column(0)], ["r"]
        table = pa.Table.from_arrays(columns, names)
        keys = [f"k{number}" for number in range(len(self.keys))]
        grouped = table.group_by(keys, use_threads=False).aggregate(wanted).combine_chunks()
        key_values = [values_of(grouped.column(name).chunk(0)) for name in keys]
        lifted = self._lifted(grouped)
        rows = zip(*key_values, strict=True) if keys else [()] * grouped.num_rows
        states = zip(*lifted, strict=True) if lifted else [()] * grouped.num_rows
        return [(key, list(state)) for key, state in zip(rows, states, strict=True)]

    def _lifted(self, grouped: pa.Table) -> list[list[Any]]:
        result = []
        for number, (aggregate, at) in enumerate(self.aggregates):
            columns = []
            for function, _ in aggregate.partials:
                column = grouped.column(function if at is None else f"a{number}_{function}").chunk(0)
                columns.append(values_of_nested(column))
            result.append([aggregate.lift(*values) for values in zip(*columns, strict=True)])
        return result

    def merge(self, first: States, second: States) -> States:
        """The states of earlier and later rows together."""
        return [aggregate.merge(a, b) for (aggregate, _), a, b in zip(self.aggregates, first, second, strict=True)]

    def empty(self) -> States:
        return [None] * len(self.aggregates)


def values_of_nested(column: pa.Array) -> list:
    """Values of a column that may hold lists (of different values)."""
    if not pa.types.is_list(column.type):
        return values_of(column)
    flat = values_of(column.flatten())
    starts = column.offsets.to_pylist()
    return [flat[a - starts[0] : b - starts[0]] for a, b in pairwise(starts)]


class Results:
    """Turns keys and states into a batch: ROWTIME, the keys, the aggregates."""

    def __init__(self, schema: pa.Schema, partials: Partials):
        self.schema = schema
        self.partials = partials

    def batch(self, rows: Sequence[tuple[int, Key, States]]) -> tuple[pa.RecordBatch, dict[int, str]]:
        """The rows as a batch, and what does not fit its type (those values are NULL), by row."""
        columns: list[Sequence] = [[time for time, _, _ in rows]]
        columns += list(zip(*[key for _, key, _ in rows], strict=True)) if rows[0][1] else []
        for number, (aggregate, _) in enumerate(self.partials.aggregates):
            columns.append([aggregate.final(states[number]) for _, _, states in rows])
        failures: dict[int, str] = {}
        arrays = [self._column(values, field, failures) for values, field in zip(columns, self.schema, strict=True)]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema), failures

    def _column(self, values: Sequence, field: pa.Field, failures: dict[int, str]) -> pa.Array:
        try:
            return column_of(values, field.type)
        except (ValueError, OverflowError):
            fitting: list[Any] = []
            for row, value in enumerate(values):
                try:
                    column_of([value], field.type)
                    fitting.append(value)
                except (ValueError, OverflowError):
                    fitting.append(None)
                    failures[row] = f"{value} does not fit {field.type}"
            return column_of(fitting, field.type)
