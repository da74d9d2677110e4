"""Expressions and queries of a procedure: compiled by the dialect, with the variables that they name as parameters.

A name in an expression is a variable's, if there is one of that name, as in PostgreSQL 8; else it is a column's.
"""

import dataclasses
import itertools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import duckdb
from sqlglot import exp

from lakemill.lakesql.dialects import redshift
from lakemill.lakesql.dialects.redshift import Compiled, Parameters, Parsed
from lakemill.lakesql.dialects.typed import Typed
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.types import BIGINT, INTEGER, SMALLINT, VARCHAR, Type
from lakemill.warehouse.procedures.nodes import Name, Query
from lakemill.warehouse.procedures.variables import Scopes, Value
from lakemill.warehouse.results import Result, spooled
from lakemill.warehouse.wire import encoding
from lakemill.warehouse.wire.encoding import Style

if TYPE_CHECKING:
    import pyarrow as pa

    from lakemill.warehouse.session import Session

# Texts of values keep every digit.
_EXACT = Style("UTC", 2)
_INTEGERS = {SMALLINT: 1 << 15, INTEGER: 1 << 31, BIGINT: 1 << 63}
_TEXTS = ("varchar", "char")
_LOOPS = itertools.count(1)


# How Python's values are told.
_AS_TOLD: dict[str, Callable[[Any], str]] = {
    **dict.fromkeys(("smallint", "integer", "bigint", "varchar"), str),
    "boolean": lambda value: "t" if value else "f",
}


@dataclasses.dataclass
class _Ready:
    """DuckDB's statement for values of these types, and the type that it gives."""

    kinds: list[Type]
    sql: str
    kind: Type


@dataclasses.dataclass
class Bound:
    """A statement whose variables are `$1`, `$2` ..., in this order."""

    parsed: Parsed
    names: list[Name]

    @property
    def alone(self) -> bool:
        """Whether it reads no table, so that it needs no transaction."""
        return self.parsed.kind == "query" and self.parsed.tree is not None and not self.parsed.tree.find(exp.Table)


class Evaluator:
    """Of one call."""

    def __init__(self, session: "Session", scopes: Scopes) -> None:
        self._session, self.scopes = session, scopes
        self._bound: dict[int, Bound] = {}
        self._queries: list[Query] = []
        self._ready: dict[tuple[int, Type | None], _Ready | None] = {}
        self._connection: duckdb.DuckDBPyConnection | None = None

    def close(self) -> None:
        """Let go of what evaluates expressions that read no table."""
        if self._connection is not None:
            self._connection.close()

    def value(self, query: Query, to: Type | None = None) -> Value:
        """What an expression gives, as another type if one is given. Raises SqlFailed."""
        bound = self.bound(query)
        if bound.alone and (id(query), to) not in self._ready:
            self._ready[id(query), to] = self._prepared(bound, to)
        ready = self._ready.get((id(query), to))
        if ready is not None:
            given = [self.scopes.value(name) for name in bound.names]
            if ready.kinds == [kind for kind, _ in given]:
                return ready.kind, self._alone(ready.sql, ready.kind, [shown for _, shown in given])
            del self._ready[id(query), to]  # A record has got other fields.
        compiled, alone = self._compiled(bound)
        columns = compiled.columns or []
        if len(columns) != 1:
            raise SqlFailed("42601", f"query returned {len(columns)} columns")
        kind, sql = columns[0][1], compiled.sql
        if to is not None and kind != to:
            sql = f"SELECT {redshift.assigned(Typed('q.v', kind), to).sql} FROM ({sql}) AS q(v)"
            kind = to
        if alone:
            return kind, self._alone(sql, kind, [])
        self._session.transaction.touched()
        rows = _texts(self._session.connection.execute(sql).to_arrow_reader(2), [("v", kind)])
        found = list(itertools.islice(rows, 2))
        if len(found) > 1:
            raise SqlFailed("21000", "more than one row returned by an expression")
        return kind, found[0][0] if found else None

    def true(self, query: Query) -> bool:
        """Whether a condition holds; NULL does not."""
        return self.value(query, Type("boolean"))[1] == "t"

    def text(self, query: Query) -> str | None:
        """What an expression gives, as a text."""
        kind, value = self.value(query)
        return value.rstrip(" ") if kind.name == "char" and value is not None else value

    def convert(self, value: Value, to: Type) -> str | None:
        """A value as one of another type. Raises SqlFailed."""
        kind, shown = value
        if shown is None or kind == to:
            return shown
        if to in _INTEGERS and kind in _INTEGERS and -_INTEGERS[to] <= int(shown) < _INTEGERS[to]:
            return shown
        if kind.name in _TEXTS and to.name == "varchar" and len(shown.encode()) <= (to.args or (1 << 30,))[0]:
            return shown.rstrip(" ") if kind.name == "char" else shown
        given = Parameters({1: kind}, [shown])
        sql = redshift.compile(redshift.parse("SELECT $1"), self._session.names, given).sql
        made = redshift.assigned(Typed("q.v", kind), to).sql
        return self._alone(f"SELECT {made} FROM ({sql}) AS q(v)", to, [])

    def bound(self, query: Query) -> Bound:
        """The statement, taken apart once. Raises SqlFailed."""
        if id(query) not in self._bound:
            self._queries.append(query)  # Its number stays its own.
            self._bound[id(query)] = _bind(redshift.parse(query.text), self.scopes)
        return self._bound[id(query)]

    def parameters(self, bound: Bound) -> Parameters:
        """The values of the variables now."""
        given = [self.scopes.value(name) for name in bound.names]
        return Parameters({place: kind for place, (kind, _) in enumerate(given, 1)}, [shown for _, shown in given])

    def _compiled(self, bound: Bound) -> tuple[Compiled, bool]:
        parameters = self.parameters(bound)
        if bound.alone:
            compiled = redshift.compile(bound.parsed, self._session.names, parameters)
            if not compiled.uses:
                return compiled, True
        return self._session.compile(bound.parsed, parameters), False

    def _prepared(self, bound: Bound, to: Type | None) -> "_Ready | None":
        """The expression for values that are given later; None where it needs to know them while it is compiled."""
        kinds = [kind for kind, _ in (self.scopes.value(name) for name in bound.names)]
        held = Parameters(dict(enumerate(kinds, 1)), [None] * len(kinds), held=True)
        try:
            compiled = redshift.compile(bound.parsed, self._session.names, held)
            if compiled.uses or len(compiled.columns or []) != 1:
                return None
            (_, kind), *_ = compiled.columns or []
            sql = compiled.sql
            if to is not None and kind != to:
                sql, kind = f"SELECT {redshift.assigned(Typed('q.v', kind), to).sql} FROM ({sql}) AS q(v)", to
        except SqlFailed:
            return None
        return _Ready(kinds, sql, kind)

    def _alone(self, sql: str, kind: Type, given: list[str | None]) -> str | None:
        """The one value that an expression without tables gives."""
        if self._connection is None:
            self._connection = self._session.warehouse.connection()
        done = self._connection.execute(sql, given)
        if kind.name in _AS_TOLD:
            (value,) = done.fetchone() or (None,)
            return None if value is None else _AS_TOLD[kind.name](value)
        return next(_texts(done.to_arrow_reader(2), [("v", kind)]))[0]


def first_row(session: "Session", result: Result) -> list[Value] | None:
    """The first row of a result, None where there is none; the others are not read."""
    assert result.columns is not None
    row = next(rows_in(result.rows_left(), result.columns), None)
    session.drop(result)
    return row


def rows_in(batches: "Any", columns: "list[tuple[str, Type]]") -> Iterator[list[Value]]:
    """Rows of batches."""
    kinds = [kind for _, kind in columns]
    return (list(zip(kinds, row, strict=True)) for row in _texts(batches, columns))


def rows_of(session: "Session", result: Result) -> Iterator[list[Value]]:
    """The rows of a result, set aside so that other statements may come between them."""
    assert result.columns is not None
    path = session.warehouse.scratch / f"loop-{session.pid}-{next(_LOOPS)}.arrow"
    yield from rows_in(spooled(result.rows_left(), path), result.columns)


def _texts(batches: "Any", columns: "list[tuple[str, Type]]") -> Iterator[list[str | None]]:
    batch: pa.RecordBatch
    for batch in batches:
        shown = [_shown(batch.column(place), kind) for place, (_, kind) in enumerate(columns)]
        yield from map(list, zip(*shown, strict=True))


def _shown(column: "pa.Array", kind: Type) -> list[str | None]:
    texts = encoding.as_text(column, kind, _EXACT).to_pylist()
    return [value.decode() if isinstance(value, bytes) else value for value in texts]


def _bind(parsed: Parsed, scopes: Scopes) -> Bound:
    names: list[Name] = []
    if parsed.tree is None:
        return Bound(parsed, names)
    kept = _no_expressions(parsed.tree)
    for node in list(parsed.tree.find_all(exp.Column, exp.Parameter, exp.Placeholder)):
        name: Name
        if isinstance(node, exp.Placeholder):
            name = (f":{node.name}",)
        elif isinstance(node, exp.Parameter):
            name = (f"${node.this.name}",)
        else:
            assert isinstance(node, exp.Column)
            name = tuple(part.name.lower() for part in node.parts)
        if id(node) in kept or _is_table(parsed.tree, name):
            continue
        inside, name = _apart(scopes, name)
        if not scopes.names(name):
            continue
        if name not in names:
            names.append(name)
        place = exp.Parameter(this=exp.Literal.number(names.index(name) + 1))
        place.meta.update(getattr(node.this, "meta", {}))
        made: exp.Expr = place
        for member in inside:
            made = exp.Dot(this=made, expression=exp.to_identifier(member))
        node.replace(made)
    return Bound(parsed, names)


def _apart(scopes: Scopes, name: Name) -> tuple[Name, Name]:
    """Members of a variable of type SUPER, and the variable."""
    first = scopes.get(name[0])
    if len(name) > 1 and first is not None and first.kind is not None and first.kind.name == "super":
        return name[1:], name[:1]
    return (), name


def _no_expressions(tree: exp.Expr) -> set[int]:
    """Columns that are assigned to: those of UPDATE ... SET, and of MERGE."""
    found: set[int] = set()
    for update in tree.find_all(exp.Update):
        found |= {id(one.this) for one in update.expressions if isinstance(one, exp.EQ)}
    for insert in tree.find_all(exp.Insert):
        if isinstance(insert.this, exp.Tuple | exp.Schema):
            found |= {id(one) for one in insert.this.expressions}
    return found


def _is_table(tree: exp.Expr, name: Name) -> bool:
    """Whether the name before the dot is that of a table of the statement."""
    return len(name) > 1 and any(table.alias_or_name.lower() == name[0] for table in tree.find_all(exp.Table))


def typed_row(session: "Session", columns: list[tuple[str, Type]], values: list[str | None]) -> Result:
    """A result of one row of texts."""
    shown = ", ".join(f"${place}" for place in range(1, len(columns) + 1))
    given = Parameters({place: kind for place, (_, kind) in enumerate(columns, 1)}, values)
    compiled = redshift.compile(redshift.parse(f"SELECT {shown}"), session.names, given)
    with session.warehouse.connection() as connection:
        batches = list(connection.execute(compiled.sql).to_arrow_reader(2))
    found = [kind for _, kind in compiled.columns or [("", VARCHAR)]]
    return Result("CALL", [(name, kind) for (name, _), kind in zip(columns, found, strict=True)], batches)
