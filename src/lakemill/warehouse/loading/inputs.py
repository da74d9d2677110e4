"""What a load reads: as a relation of DuckDB where that is quick, or row by row where each one's place matters."""

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from lakemill.lakesql.scans import sql
from lakemill.lakesql.scans.streams import Stream
from lakemill.warehouse.loading.sources import Object

LINE, RAW, CODE, REASON = "$line", "$raw", "$code", "$reason"
PLACES = (LINE, RAW, CODE, REASON)


class Relations:
    """Streams that a connection reads like tables; a context, which lets go of them."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection, self._names = connection, list[str]()

    def add(self, stream: Stream) -> str:
        """What stands after FROM."""
        name = f"$loaded_{len(self._names)}"
        self._names.append(name)
        self.connection.register(name, stream)
        return sql.name(name)

    def __enter__(self) -> "Relations":
        return self

    def __exit__(self, *_: Any) -> None:
        for name in self._names:
            with contextlib.suppress(duckdb.Error):
                self.connection.unregister(name)


@dataclasses.dataclass(frozen=True)
class Tried:
    """Where a row stands, and what is wrong with the whole of it."""

    line: int
    raw: str
    problem: tuple[int, str] | None = None


class Input:
    """One format's way to read. fields: expressions over what it gives, one for each column that is loaded."""

    filled: list[str] | None = None

    def __init__(self, fields: list[str]) -> None:
        self.fields = fields

    def quick(self, relations: Relations) -> str | None:
        """What stands after FROM; None where only the precise way is right."""
        raise NotImplementedError

    def precise(self, connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[Object, pa.Table]]:
        """Rows with PLACES beside what the fields are made of."""
        raise NotImplementedError


def batch(tried: Sequence[Tried], columns: dict[str, list[str | None]]) -> pa.Table:
    """Rows as a table."""
    return pa.table(
        {
            LINE: pa.array([one.line for one in tried], pa.int64()),
            RAW: pa.array([one.raw for one in tried], pa.string()),
            CODE: pa.array([one.problem and one.problem[0] for one in tried], pa.int32()),
            REASON: pa.array([one.problem and one.problem[1] for one in tried], pa.string()),
            **{name: pa.array(values, pa.string()) for name, values in columns.items()},
        }
    )
