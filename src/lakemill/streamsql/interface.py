"""What an operator is, and how a table function joins the dialect.

A program is a graph of operators. Rows flow between them as `pyarrow.RecordBatch`es in which

- column 0 is `ROWTIME`, `timestamp("ms")` in UTC, never null and never falling from row to row,
- the other columns follow in the order of the `SELECT` list; names are exact (folding happened at compile time).

Times are integers, milliseconds since 1970-01-01 UTC. Nothing here reads a clock: `now` comes from outside, so that a
program that is fed the same batches with the same times gives the same rows.

A table function is what stands in `FROM TABLE(NAME(CURSOR(SELECT STREAM ...), argument, ...))`:

    register(TableFunction("EVERY_OTHER", bind))

    def bind(arguments, schema):
        if arguments:
            raise ValueError("EVERY_OTHER takes no arguments")
        return schema, EveryOther()
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

ROWTIME = "ROWTIME"
ROWTIME_FIELD = pa.field(ROWTIME, pa.timestamp("ms"), nullable=False)

# What stands in an argument of a table function: a literal's value. Intervals arrive as milliseconds (int).
Argument = int | float | str | bool | None


class Operator(Protocol):
    """Takes rows, keeps what it must remember, gives rows."""

    def push(self, batch: pa.RecordBatch, now: int) -> list[pa.RecordBatch]:
        """Take a batch (column 0 is ROWTIME) and return what it brings about, in order; no batch is empty."""
        ...

    def advance(self, now: int) -> list[pa.RecordBatch]:
        """Hear that every later row has ROWTIME >= `now`, and return what that brings about: closed windows."""
        ...

    def snapshot(self) -> bytes:
        """Everything it remembers. The same state gives the same bytes."""
        ...

    def restore(self, state: bytes) -> None:
        """Become the operator that made `state`; called before the first row."""
        ...


@dataclass(frozen=True)
class TableFunction:
    """A function on streams.

    `name` is in upper case. `bind(arguments, schema)` is called when a program is compiled: `arguments` are the values
    behind the cursor, `schema` is that of the cursor's rows (ROWTIME first). It returns the schema of the rows to come
    (ROWTIME first) and the operator, or raises ValueError with a sentence for the user; the compiler adds the place.
    """

    name: str
    bind: Callable[[Sequence[Argument], pa.Schema], tuple[pa.Schema, Operator]]


_functions: dict[str, TableFunction] = {}


def register(function: TableFunction) -> None:
    """Make a table function known to every program compiled from now on."""
    _functions[function.name] = function


def find_table_function(name: str) -> TableFunction | None:
    """The function of this name (upper case), or None."""
    return _functions.get(name)


def table_function_names() -> list[str]:
    """The names of all registered table functions, sorted."""
    return sorted(_functions)
