"""GROUP BY and WINDOWED BY STAGGER."""

from collections.abc import Sequence

import pyarrow as pa
from sqlglot import exp

from lakemill.streamsql.aggregates import NAMES, Aggregate, aggregate
from lakemill.streamsql.errors import SqlError
from lakemill.streamsql.expr import Expr, column
from lakemill.streamsql.expressions import Compiler, function_name, position
from lakemill.streamsql.interface import ROWTIME, ROWTIME_FIELD
from lakemill.streamsql.operators.stagger import Stagger
from lakemill.streamsql.operators.tumbling import Tumbling
from lakemill.streamsql.planning.framing import duration_of
from lakemill.streamsql.planning.relation import (
    ROWTIME_TYPE,
    Draft,
    Item,
    Plan,
    Relation,
    calls_in,
    canonical,
    settled,
)
from lakemill.streamsql.scope import Scope, ScopeColumn
from lakemill.streamsql.sqltypes import SqlType
from lakemill.streamsql.sqltypes import field as sql_field
from lakemill.streamsql.windows import Window


class Grouped(Scope):
    """What can be named behind GROUP BY: ROWTIME, and otherwise only what is grouped."""

    def __init__(self, base: Scope):
        super().__init__([ScopeColumn(None, ROWTIME, 0, ROWTIME_TYPE, True)])
        self.base = base

    def find(self, table: str | None, name: str) -> ScopeColumn:
        if name == ROWTIME:
            return ScopeColumn(table, ROWTIME, 0, ROWTIME_TYPE, True)
        found = self.base.find(table, name)
        raise LookupError(f"{found.name} must be in GROUP BY or inside an aggregate function")


class Grouping:
    """Plans the groups of one SELECT; `nodes` are all expressions in which aggregates may stand."""

    def __init__(self, plan: Plan, source: Relation, select: exp.Select, nodes: Sequence[exp.Expr]):
        self.plan = plan
        self.source = source
        self.scope = source.scope
        self.nodes = nodes
        self.compiler = Compiler(source.scope)
        group = select.args.get("group")
        self.expressions: list[exp.Expr] = list(group.expressions) if group is not None else []
        if group is not None and any(group.args.get(k) for k in ("grouping_sets", "cube", "rollup", "all", "totals")):
            raise SqlError("GROUP BY takes expressions", *position(group))
        self.length: int | None = None
        if len(self.expressions) == 1 and function_name(self.expressions[0]) == "STAGGER":
            length, *self.expressions = self.expressions[0].expressions
            self.length = duration_of(length)
        self.where = position(group) if group is not None else position(select)
        self.known: dict[str, Expr] = {}
        # The canonical text of the window's expression: ORDER BY may begin with it.
        self.window_text: str | None = None

    def relation(self, condition: Expr | None) -> tuple[Relation, Compiler]:
        """The groups as a relation, and the compiler for what is computed from them."""
        keys = [
            (canonical(node, self.scope), settled(self.compiler.comparable(node, "GROUP BY")))
            for node in self.expressions
        ]
        keys = list(dict(keys).items())
        calls = self._calls()
        if self.length is None:
            keys = self._window_first(keys)
        arguments = [argument for _, _, argument in calls if argument is not None]
        items = [Item(f"KEY${i}", key) for i, (_, key) in enumerate(keys)]
        items += [Item(f"ARGUMENT${i}", argument) for i, argument in enumerate(arguments)]
        prepared = self.plan.project(Draft(self.source, items, condition))
        place = 1 + len(keys)
        aggregates: list[tuple[Aggregate, int | None]] = []
        for _, made, argument in calls:
            aggregates.append((made, None if argument is None else place))
            place += argument is not None
        fields = [ROWTIME_FIELD]
        fields += [sql_field(f"KEY${i}", key.type) for i, (_, key) in enumerate(keys)]
        fields += [pa.field(f"RESULT${i}", made.kind) for i, (_, made, _) in enumerate(calls)]
        schema = pa.schema(fields)
        for index, field in enumerate(fields[1:], 1):
            text = keys[index - 1][0] if index <= len(keys) else calls[index - 1 - len(keys)][0]
            length = keys[index - 1][1].length if index <= len(keys) else None
            self.known[text] = column(index, SqlType(field.type, length))
        node = self.plan.linear(self._operator(schema, keys, aggregates), prepared.node)
        relation = Relation(node, schema, Grouped(self.scope), self.source.clocked)
        return relation, Compiler(relation.scope, self._given)

    def _given(self, node: exp.Expr) -> Expr | None:
        return self.known.get(canonical(node, self.scope))

    def _calls(self) -> list[tuple[str, Aggregate, Expr | None]]:
        """Every aggregate once: its canonical text, what computes it, its argument."""
        found: dict[str, tuple[str, Aggregate, Expr | None]] = {}
        for call in [call for node in self.nodes for call in calls_in(node, NAMES)]:
            text = canonical(call, self.scope)
            if text not in found:
                found[text] = (text, *self._aggregate(call))
        return list(found.values())

    def _aggregate(self, call: exp.Anonymous) -> tuple[Aggregate, Expr | None]:
        return aggregate_of(call, self.compiler)

    def _window_first(self, keys: list[tuple[str, Expr]]) -> list[tuple[str, Expr]]:
        """The keys with that in front by which windows end: the one on ROWTIME that rises most often."""
        rising = [key for key in keys if key[1].monotone and not key[1].constant]
        if not rising:
            raise SqlError(
                "GROUP BY on a stream needs an expression that rises with ROWTIME, "
                "like STEP(ROWTIME BY INTERVAL '60' SECOND): otherwise no group would ever end",
                *self.where,
            )
        window = min(rising, key=_period)
        self.window_text = window[0]
        return [window, *(key for key in keys if key is not window)]

    def _operator(self, schema: pa.Schema, keys: list, aggregates: list) -> Tumbling | Stagger:
        if self.length is not None:
            return Stagger(self.plan.context, schema, self.length, len(keys), aggregates, self.plan.pump)
        text, expr = keys[0]
        window = Window(expr, is_rowtime=text == '"#0"')
        return Tumbling(self.plan.context, schema, window, len(keys) - 1, aggregates, self.plan.pump)


def _period(key: tuple[str, Expr]) -> float:
    expr = key[1]
    if key[0] == '"#0"':
        return 0
    if expr.boundary is not None:
        return expr.boundary(0)
    return 2.0**61 if expr.rowtime else 2.0**62


def aggregate_of(call: exp.Anonymous, compiler: Compiler) -> tuple[Aggregate, Expr | None]:
    """The aggregate that a call names, and its compiled argument; SqlError with the call's place."""
    name = function_name(call) or ""
    arguments = call.expressions
    if len(arguments) != 1:
        raise SqlError(f"{name} takes one argument", *position(call))
    argument, distinct = arguments[0], False
    if isinstance(argument, exp.Distinct):
        if len(argument.expressions) != 1:
            raise SqlError(f"{name}(DISTINCT) takes one argument", *position(call))
        argument, distinct = argument.expressions[0], True
    if calls_in(argument, NAMES):
        raise SqlError("An aggregate cannot stand inside another", *position(call))
    try:
        return aggregate(name, None if isinstance(argument, exp.Star) else compiler.compile(argument), distinct)
    except TypeError as error:
        raise SqlError(str(error), *position(call)) from error
