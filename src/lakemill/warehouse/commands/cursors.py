"""Cursors: DECLARE, FETCH, CLOSE. Their rows are put aside when they are declared, as Redshift's leader node does."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lakemill.lakesql.dialects import redshift
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.types import Type
from lakemill.warehouse import reading
from lakemill.warehouse.results import Result, spooled
from lakemill.warehouse.tokens import Tokens

if TYPE_CHECKING:
    import pyarrow as pa

    from lakemill.warehouse.session import Session


class Cursor:
    """Rows that are fetched from front to back."""

    def __init__(self, columns: list[tuple[str, Type]], batches: "Iterator[pa.RecordBatch]") -> None:
        self.columns, self._batches = columns, batches
        self._left: pa.RecordBatch | None = None

    def take(self, count: int | None) -> "list[pa.RecordBatch]":
        """The next rows; None: all of them."""
        found: list[pa.RecordBatch] = []
        while count is None or count > 0:
            batch = self._left if self._left is not None else next(self._batches, None)
            self._left = None
            if batch is None:
                break
            if count is not None and batch.num_rows > count:
                batch, self._left = batch.slice(0, count), batch.slice(count)
            found.append(batch)
            if count is not None:
                count -= batch.num_rows
        return found


def declare(session: "Session", tokens: Tokens) -> Result:
    """DECLARE name CURSOR FOR query, in a transaction block."""
    tokens.expect("DECLARE")
    name = tokens.name()
    tokens.expect("CURSOR")
    if tokens.peek() in ("WITH", "SCROLL", "BINARY"):
        raise SqlFailed("0A000", f"DECLARE CURSOR {tokens.peek()} is not supported")
    tokens.expect("FOR")
    if session.transaction.state != "block":
        raise SqlFailed("25P01", "DECLARE CURSOR may only be used in transaction blocks")
    if name in session.cursors:
        raise SqlFailed("42P03", f'cursor "{name}" already exists')
    parsed = redshift.parse(tokens.rest())
    if parsed.kind != "query":
        raise SqlFailed("42601", "a cursor needs a query")
    compiled = session.compile(parsed)
    assert compiled.columns is not None
    assert session.work is not None
    path = session.warehouse.scratch / f"cursor-{session.pid}-{session.work.query}.arrow"
    rows = spooled(reading.rows(session, compiled), path)
    session.cursors[name] = Cursor(compiled.columns, rows)
    return Result("DECLARE CURSOR")


def fetch(session: "Session", tokens: Tokens) -> Result:
    """FETCH [NEXT | ALL | FORWARD [n | ALL] | n] FROM name"""
    tokens.expect("FETCH")
    count: int | None = 1
    if tokens.take("FORWARD") or not tokens.take("NEXT"):
        count = _count(tokens)
    if not tokens.any_of("FROM", "IN"):
        raise tokens.wrong()
    cursor = _cursor(session, tokens.name())
    tokens.end()
    batches = cursor.take(count)
    rows = sum(batch.num_rows for batch in batches)
    return Result("FETCH", cursor.columns, batches, rows)


def columns(session: "Session", tokens: Tokens) -> list[tuple[str, Type]]:
    """What a FETCH will give. Raises SqlFailed 34000."""
    while not tokens.any_of("FROM", "IN"):
        if tokens.ended():
            raise tokens.wrong()
        tokens.value()
    return _cursor(session, tokens.name()).columns


def close(session: "Session", tokens: Tokens) -> Result:
    """CLOSE name"""
    tokens.expect("CLOSE")
    name = tokens.name()
    tokens.end()
    _cursor(session, name)
    del session.cursors[name]
    return Result("CLOSE CURSOR")


def _count(tokens: Tokens) -> int | None:
    if tokens.take("ALL"):
        return None
    if tokens.peek() in ("FROM", "IN"):
        return 1
    if tokens.peek() in ("PRIOR", "FIRST", "LAST", "BACKWARD", "ABSOLUTE", "RELATIVE", "-"):
        raise SqlFailed("0A000", "cursors can only be read forward")
    return tokens.number()


def _cursor(session: "Session", name: str) -> Cursor:
    found = session.cursors.get(name)
    if not isinstance(found, Cursor):
        raise SqlFailed("34000", f'cursor "{name}" does not exist')
    return found
