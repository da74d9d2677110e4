"""What the stages of planning hand to each other."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa
from sqlglot import exp
from sqlglot.tokens import Token

from lakemill.streamsql.context import Context
from lakemill.streamsql.errors import SqlError
from lakemill.streamsql.expr import Expr, cast_to, column
from lakemill.streamsql.expressions import function_name, name_of, position
from lakemill.streamsql.graph import Linear, Node
from lakemill.streamsql.interface import ROWTIME, ROWTIME_FIELD, Operator
from lakemill.streamsql.operators.gate import Gate
from lakemill.streamsql.operators.project import Project
from lakemill.streamsql.operators.tablejoin import Reference
from lakemill.streamsql.scope import Scope, ScopeColumn
from lakemill.streamsql.sqltypes import NULL, TIMESTAMP, SqlType, is_hidden, length_of
from lakemill.streamsql.sqltypes import field as sql_field
from lakemill.streamsql.windows import Window

ROWTIME_TYPE = SqlType(TIMESTAMP)


@dataclass(frozen=True)
class Item:
    """A column of a SELECT list. `node` is where it stands in the text."""

    name: str
    expr: Expr
    node: exp.Expr | None = None


@dataclass(frozen=True)
class Relation:
    """Rows: the node they come from, their schema, and the names they have.

    clocked: whether the node's marks follow the clock (not where ROWTIME is computed from data).
    """

    node: Node
    schema: pa.Schema
    scope: Scope
    clocked: bool = True


@dataclass(frozen=True)
class Draft:
    """A relation whose last projection is not yet made, so that what reads it can add to it."""

    source: Relation
    items: Sequence[Item]
    condition: Expr | None = None


@dataclass
class Plan:
    """The graph so far, and what the query of one pump may name. `windows`: those of streams in joins, by token."""

    context: Context
    nodes: list[Node]
    streams: dict[str, Relation]
    references: dict[str, Reference]
    pump: str | None = None
    windows: dict[int, list[Token]] = field(default_factory=dict)

    def connect(self, node: Node, *sources: Node) -> Node:
        """Add a node that reads from others, one for each of its ports."""
        self.nodes.append(node)
        for port, source in enumerate(sources):
            source.consumers.append((node, port))
        return node

    def linear(self, operator: Operator, source: Node, bound=lambda mark: mark) -> Node:
        return self.connect(Linear(operator, self.context, bound), source)

    def project(
        self, draft: Draft, table: str | None = None, rowtime: Expr | None = None, schema: pa.Schema | None = None
    ) -> Relation:
        """Make the projection: ROWTIME (the given expression, else that of the source), then the items."""
        source = draft.source
        time = column(0, ROWTIME_TYPE, rowtime=True) if rowtime is None else rowtime
        if schema is None:
            fields = [ROWTIME_FIELD, *(sql_field(item.name, settled(item.expr).type) for item in draft.items)]
            schema = pa.schema(fields)
        expressions = [time, *(settled(item.expr) for item in draft.items)]
        operator = Project(self.context, schema, expressions, draft.condition, self.pump)
        if rowtime is None:
            node, clocked = self.linear(operator, source.node), source.clocked
        else:
            clocked = source.clocked and rowtime.rowtime
            node = self.linear(operator, source.node, Window(rowtime).at if clocked else None)
            node = self.linear(Gate(self.context, self.pump), node)
        return Relation(node, schema, scope_of(schema, table), clocked)

    def subquery(self, draft: Draft, table: str | None) -> Relation:
        """A query as a relation of another: an item called ROWTIME becomes the ROWTIME of its rows."""
        times = rowtime_items(draft.items)
        others = [item for item in draft.items if item.name != ROWTIME]
        given = None
        if times and not is_own_rowtime(times[0]):
            node = times[0].node
            try:
                given = cast_to(times[0].expr, ROWTIME_TYPE)
            except TypeError as error:
                raise SqlError(f"ROWTIME: {error}", *(position(node) if node is not None else (0, 0))) from error
        return self.project(replace(draft, items=others), table, given)


def settled(expr: Expr) -> Expr:
    """A column needs a type: one of NULLs only is VARCHAR."""
    if expr.kind != NULL:
        return expr
    nothing = pa.scalar(None, pa.string())
    return Expr(pa.string(), lambda frame: nothing, constant=True)


def rowtime_items(items: Sequence[Item]) -> list[Item]:
    """The items that set ROWTIME: those called so that are not simply the ROWTIME of their row, else that."""
    named = [item for item in items if item.name == ROWTIME]
    return [item for item in named if not is_own_rowtime(item)] or named


def is_own_rowtime(item: Item) -> bool:
    """Whether the item is ROWTIME as it is."""
    return item.expr.itself


def scope_of(schema: pa.Schema, table: str | None) -> Scope:
    """All columns of a schema under one alias; ROWTIME is hidden from `*`."""
    columns = []
    for index, each in enumerate(schema):
        kind = SqlType(each.type, length_of(each))
        columns.append(ScopeColumn(table, each.name, index, kind, index == 0 or is_hidden(each)))
    return Scope(columns)


def item_name(node: exp.Expr, number: int) -> str:
    """The name of a SELECT item: its alias, else its column's name, else one made of its place."""
    if isinstance(node, exp.Alias):
        return name_of(node.args["alias"])
    if isinstance(node, exp.Column):
        return name_of(node.this)
    if isinstance(node, exp.Dot):
        return name_of(node.expression)
    return f"EXPR${number}"


def calls_in(node: exp.Expr, names) -> list[exp.Anonymous]:
    """The calls of these functions in the node, outside of OVER and of queries inside."""
    if isinstance(node, exp.Window | exp.Query):
        return []
    if isinstance(node, exp.Anonymous) and function_name(node) in names:
        return [node]
    found = []
    for child in node.iter_expressions():
        found += calls_in(child, names)
    return found


def canonical(node: exp.Expr, scope: Scope) -> str:
    """A text that is the same for expressions that mean the same in this scope, however their columns are written."""

    def resolve(part: exp.Expr) -> exp.Expr:
        if not isinstance(part, exp.Column):
            return part
        names = [name_of(name) for name in part.parts]
        try:
            found = scope.find(names[0] if len(names) > 1 else None, names[min(len(names), 2) - 1])
        except LookupError:
            return exp.to_identifier(".".join(names), quoted=True)
        return exp.to_identifier(".".join([f"#{found.index}", *names[2:]]), quoted=True)

    return node.transform(resolve).sql()
