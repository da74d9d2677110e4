"""PREPARE, EXECUTE, DEALLOCATE."""

from typing import TYPE_CHECKING

from lakemill.lakesql.dialects import redshift
from lakemill.lakesql.dialects.redshift import Parameters, Parsed
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.types import Type
from lakemill.warehouse.commands import attributes
from lakemill.warehouse.results import Result
from lakemill.warehouse.tokens import Tokens

if TYPE_CHECKING:
    from lakemill.warehouse.session import Session

_KINDS = ("query", "insert", "update", "delete")


class Prepared:
    """A statement with `$1` ..., and the types of these that were told."""

    def __init__(self, parsed: Parsed, types: list[Type]) -> None:
        self.parsed, self.types = parsed, types


def prepare(session: "Session", tokens: Tokens) -> Result:
    """PREPARE name [(types)] AS statement"""
    tokens.expect("PREPARE")
    name, types = tokens.name(), list[Type]()
    if tokens.take("("):
        types.append(attributes.type_of(tokens))
        while tokens.take(","):
            types.append(attributes.type_of(tokens))
        tokens.expect(")")
    tokens.expect("AS")
    if name in session.prepared:
        raise SqlFailed("42P05", f'prepared statement "{name}" already exists')
    parsed = redshift.parse(tokens.rest())
    if parsed.kind not in _KINDS:
        raise SqlFailed("42601", "only SELECT, INSERT, UPDATE and DELETE can be prepared")
    redshift.compile(parsed, session.names, Parameters(dict(enumerate(types, 1))))
    session.prepared[name] = Prepared(parsed, types)
    return Result("PREPARE")


def execute(session: "Session", tokens: Tokens) -> Result:
    """EXECUTE name [(values)]"""
    tokens.expect("EXECUTE")
    name = tokens.name()
    found = session.prepared.get(name)
    if not isinstance(found, Prepared):
        raise SqlFailed("26000", f'prepared statement "{name}" does not exist')
    values: list[str | None] = []
    if tokens.take("("):
        while True:
            values.append(_value(session, tokens.until(",")))
            if not tokens.take(","):
                break
        tokens.expect(")")
    tokens.end()
    if found.types and len(values) != len(found.types):
        raise SqlFailed("42601", f'wrong number of parameters for prepared statement "{name}"')
    types = dict(enumerate(found.types, 1))
    return session._dispatch(found.parsed, Parameters(types, values))


def columns(session: "Session", tokens: Tokens) -> list[tuple[str, Type]] | None:
    """What EXECUTE will give. Raises SqlFailed 26000."""
    tokens.expect("EXECUTE")
    name = tokens.name()
    found = session.prepared.get(name)
    if not isinstance(found, Prepared):
        raise SqlFailed("26000", f'prepared statement "{name}" does not exist')
    compiled = session.describe(found.parsed, Parameters(dict(enumerate(found.types, 1))))
    return compiled.columns if compiled is not None else None


def _value(session: "Session", text: str) -> str | None:
    value = redshift.expression(text, [], session.names, Type("varchar", (65535,)))
    row = session.connection.execute(f"SELECT {value.sql}").fetchone()
    return None if row is None or row[0] is None else str(row[0])


def deallocate(session: "Session", tokens: Tokens) -> Result:
    """DEALLOCATE [PREPARE] name | ALL"""
    tokens.expect("DEALLOCATE")
    tokens.take("PREPARE")
    if tokens.take("ALL"):
        session.prepared.clear()
        return Result("DEALLOCATE ALL")
    name = tokens.name()
    tokens.end()
    if session.prepared.pop(name, None) is None:
        raise SqlFailed("26000", f'prepared statement "{name}" does not exist')
    return Result("DEALLOCATE")
