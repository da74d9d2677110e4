"""Rows of a compiled query, which may read from external schemas."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import duckdb

from lakemill.lakesql.dialects.model import TableUse
from lakemill.lakesql.dialects.redshift import Compiled
from lakemill.lakesql.errors import too_narrow
from lakemill.warehouse import spectrum

if TYPE_CHECKING:
    import pyarrow as pa

    from lakemill.warehouse.session import Session

BATCH_ROWS = 1 << 14


def external(session: "Session", uses: list[TableUse]) -> AbstractContextManager[None]:
    """A context in which tables of external schemas can be read."""
    return spectrum.reading(session, uses)


def rows(session: "Session", compiled: Compiled) -> "Iterator[pa.RecordBatch]":
    """The rows of a query, while it runs.

    Where it was compiled for 64 bits and needs more, it runs again, unless there were rows or other work before.
    """
    fresh, given = session.transaction.fresh, False
    try:
        for batch in _rows(session, compiled):
            given = True
            yield batch
        return
    except duckdb.OutOfRangeException as wrong:
        if compiled.wider is None or given or not fresh or not too_narrow(wrong):
            raise
    session.transaction.anew()
    yield from _rows(session, compiled.wider())


def _rows(session: "Session", compiled: Compiled) -> "Iterator[pa.RecordBatch]":
    with external(session, compiled.external):
        prepare(session, compiled)
        session.transaction.touched()
        yield from session.connection.execute(compiled.sql).to_arrow_reader(BATCH_ROWS)


def prepare(session: "Session", compiled: Compiled) -> None:
    """Carry out the statements before the one that gives rows or counts them."""
    for sql in compiled.statements[:-1]:
        session.transaction.touched()
        session.connection.execute(sql)
