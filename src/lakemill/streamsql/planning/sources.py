"""FROM: streams, reference tables, queries, table functions, and their joins."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from importlib import import_module

import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from lakemill.streamsql import operations
from lakemill.streamsql.context import ERROR_STREAM
from lakemill.streamsql.errors import SqlError
from lakemill.streamsql.expr import Expr, unified
from lakemill.streamsql.expressions import Compiler, function_name, name_of, position, refuse_others
from lakemill.streamsql.interface import ROWTIME, ROWTIME_FIELD, Argument, find_table_function, table_function_names
from lakemill.streamsql.operators.streamjoin import Side, StreamJoin
from lakemill.streamsql.operators.tablejoin import Reference, TableJoin
from lakemill.streamsql.planning.framing import stream_window
from lakemill.streamsql.planning.relation import ROWTIME_TYPE, Draft, Plan, Relation, scope_of
from lakemill.streamsql.scope import Scope, ScopeColumn
from lakemill.streamsql.sqltypes import SqlType, is_hidden, length_of

PlanQuery = Callable[[Plan, exp.Expr], Draft]


class Sources:
    """Plans a FROM clause. `query` plans the queries inside."""

    def __init__(self, plan: Plan, query: PlanQuery, select: exp.Select):
        self.plan = plan
        self.query = query
        self.select = select

    def relation(self) -> Relation:
        """The rows of the whole FROM clause."""
        origin = self.select.args.get("from_")
        if origin is None:
            raise SqlError("SELECT STREAM needs FROM", *position(self.select))
        left = self._item(origin.this)
        if isinstance(left, Reference):
            raise SqlError("FROM begins with a stream; join the reference table to it", *position(origin.this))
        for join in self.select.args.get("joins") or []:
            left = self._join(left, join, position(join.this) if join.this is not None else position(join))
        return left

    def _item(self, node: exp.Expr) -> Relation | Reference:
        if isinstance(node, exp.Subquery | exp.Table):
            refuse_others(node, ("this", "alias", "db"))
        if isinstance(node, exp.Subquery):
            return self._subquery(node)
        if not isinstance(node, exp.Table):
            raise SqlError("FROM takes a stream, a query in parentheses or TABLE(...)", *position(node))
        if isinstance(node.this, exp.Anonymous):
            return self._table_function(node)
        if node.args.get("db") is not None:
            raise SqlError("Streams have no schema: write the name alone", *position(node))
        name = name_of(node.this)
        if name in self.plan.references:
            return self.plan.references[name]
        if name not in self.plan.streams:
            if name.upper() == ERROR_STREAM.upper():
                raise SqlError(f"{ERROR_STREAM} cannot be queried", *position(node))
            alike = [known for known in self.plan.streams if known.upper() == name.upper()]
            hint = f', did you mean "{alike[0]}"?' if alike else ""
            raise SqlError(f"There is no stream or reference table {name}{hint}", *position(node))
        stream = self.plan.streams[name]
        return replace(stream, scope=scope_of(stream.schema, self._alias(node)))

    def _alias(self, node: exp.Table | exp.Subquery) -> str | None:
        alias = node.args.get("alias")
        if alias is not None and alias.this is not None:
            return name_of(alias.this)
        return name_of(node.this) if isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier) else None

    def _subquery(self, node: exp.Subquery) -> Relation:
        draft = self.query(self.plan, node.this)
        alias = node.args.get("alias")
        if alias is not None and alias.columns:
            names = [name_of(column) for column in alias.columns]
            if len(names) != len(draft.items):
                raise SqlError(f"{len(names)} names for {len(draft.items)} columns", *position(alias))
            items = [replace(item, name=name) for item, name in zip(draft.items, names, strict=True)]
            draft = replace(draft, items=items)
        return self.plan.subquery(draft, self._alias(node))

    def _table_function(self, node: exp.Table) -> Relation:
        outer = node.this
        calls = outer.expressions
        if function_name(outer) != "TABLE" or len(calls) != 1 or not isinstance(calls[0], exp.Anonymous):
            raise SqlError("A table function is written TABLE(NAME(CURSOR(SELECT STREAM ...), ...))", *position(node))
        call = calls[0]
        name = function_name(call) or ""
        # They bring Numba along, which takes a second to load; most programs name none of them.
        import_module("lakemill.streamsql.functions_table")
        function = find_table_function(name)
        if function is None:
            known = ", ".join(table_function_names())
            raise SqlError(f"There is no table function {name}; there are: {known}", *position(call))
        cursor, *arguments = call.expressions or [None]
        if not isinstance(cursor, exp.Anonymous) or function_name(cursor) != "CURSOR" or len(cursor.expressions) != 1:
            raise SqlError(f"The first argument of {name} is CURSOR(SELECT STREAM ...)", *position(call))
        source = self.plan.subquery(self.query(self.plan, cursor.expressions[0]), None)
        values = [self._argument(argument) for argument in arguments]
        try:
            schema, operator = function.bind(values, source.schema)
        except (ValueError, TypeError) as error:
            raise SqlError(str(error), *position(call)) from error
        alias = node.args.get("alias")
        table = name_of(alias.this) if alias is not None and alias.this is not None else None
        return Relation(self.plan.linear(operator, source.node), schema, scope_of(schema, table), source.clocked)

    def _argument(self, node: exp.Expr) -> Argument:
        expr = Compiler(Scope([])).compile(node)
        if not expr.constant:
            raise SqlError("An argument of a table function must be a constant", *position(node))
        value = expr.value()
        if isinstance(value, Decimal):
            return float(value)
        return round(value.total_seconds() * 1000) if hasattr(value, "total_seconds") else value

    def _join(self, left: Relation, node: exp.Join, where: tuple[int, int]) -> Relation:
        refuse_others(node, ("this", "on", "side", "kind", "using", "method"))
        if node.args.get("using") or node.args.get("method"):
            raise SqlError("Joins are written with ON", *where)
        right = self._item(node.this)
        kind = (node.side or node.kind or "INNER").upper()
        kind = {"OUTER": "FULL", "CROSS": "INNER"}.get(kind, kind)
        if kind not in ("INNER", "LEFT", "RIGHT", "FULL"):
            raise SqlError(f"{kind} JOIN is not part of this dialect", *where)
        alias = self._alias(node.this)
        if alias in left.scope.tables:
            raise SqlError(f"{alias} is there twice; give it another name with AS", *where)
        if isinstance(right, Reference):
            return self._with_table(left, right, alias, node, kind, where)
        return self._with_stream(left, right, node, kind)

    def _with_table(
        self, left: Relation, table: Reference, alias: str | None, node: exp.Join, kind: str, where: tuple[int, int]
    ) -> Relation:
        if kind not in ("INNER", "LEFT"):
            raise SqlError("A reference table can be joined by INNER or LEFT JOIN: it has no rows of its own", *where)
        count = len(left.schema)
        fields = [column.with_nullable(column.nullable or kind == "LEFT") for column in table.schema]
        columns = [
            ScopeColumn(alias, f.name, i, SqlType(f.type, length_of(f)), is_hidden(f)) for i, f in enumerate(fields)
        ]
        joined = Scope([*left.scope.columns, *(replace(c, index=c.index + count) for c in columns)])
        keys, rest = self._condition(node.args.get("on"), joined, left.scope, Scope(columns), count, 0)
        schema = pa.schema([*left.schema, *fields])
        operator = TableJoin(self.plan.context, schema, table, keys, rest, kind == "LEFT", self.plan.pump)
        return Relation(self.plan.linear(operator, left.node), schema, joined, left.clocked)

    def _with_stream(self, left: Relation, right: Relation, node: exp.Join, kind: str) -> Relation:
        count = len(left.schema) + 1
        optional = (kind in ("RIGHT", "FULL"), kind in ("LEFT", "FULL"))
        fields = [ROWTIME_FIELD]
        for side, outer in zip((left, right), optional, strict=True):
            fields += [f.with_nullable(f.nullable or outer) for f in side.schema]
        joined = Scope(
            [
                ScopeColumn(None, ROWTIME, 0, ROWTIME_TYPE, True),
                *(replace(c, index=c.index + 1) for c in left.scope.columns),
                *(replace(c, index=c.index + count) for c in right.scope.columns),
            ]
        )
        keys, rest = self._condition(node.args.get("on"), joined, left.scope, right.scope, count, 1)
        origin = self.select.args["from_"].this
        duration = self._duration(origin if len(left.scope.tables) < 2 else None)
        sides = (
            Side(left.schema, duration, [k for k, _ in keys], kind in ("LEFT", "FULL")),
            Side(right.schema, self._duration(node.this), [k for _, k in keys], kind in ("RIGHT", "FULL")),
        )
        schema = pa.schema(fields)
        operator = StreamJoin(self.plan.context, schema, *sides, rest, self.plan.pump)
        self.plan.connect(operator, left.node, right.node)
        return Relation(operator, schema, joined, left.clocked and right.clocked)

    def _duration(self, node: exp.Expr | None) -> int:
        """The window of a stream in a join, in ms."""
        if node is None:
            return 0
        places = [node.this] if isinstance(node, exp.Table) else []
        alias = node.args.get("alias")
        places += [alias.this] if alias is not None and alias.this is not None else []
        for place in places:
            tokens = self.plan.windows.get(place.meta.get("start", -1))
            if tokens is not None:
                return stream_window(tokens, self.select)
        return 0

    def _condition(
        self, on: exp.Expr | None, joined: Scope, left: Scope, right: Scope, border: int, first: int
    ) -> tuple[list[tuple[Expr, Expr]], Expr | None]:
        """The equal pairs of an ON condition, each compiled for its own side, and what else it asks for."""
        keys: list[tuple[Expr, Expr]] = []
        rest: Expr | None = None
        for part in _conjuncts(on) if on is not None else []:
            sides = self._sides(part, joined, border, first) if isinstance(part, exp.EQ) else None
            if sides is not None:
                one, other = sides
                try:
                    operands = [
                        Compiler(left).comparable(one, "A comparison"),
                        Compiler(right).comparable(other, "A comparison"),
                    ]
                    pair = unified(operands, "A comparison")
                except TypeError as error:
                    raise SqlError(str(error), *position(part)) from error
                keys.append((pair[0], pair[1]))
            else:
                also = Compiler(joined).condition(part, "What follows ON")
                rest = also if rest is None else operations.call(pc.and_kleene, pa.bool_(), rest, also)
        return keys, rest

    def _sides(self, part: exp.EQ, joined: Scope, border: int, first: int) -> tuple[exp.Expr, exp.Expr] | None:
        """The operand that belongs to the left side, and that of the right one."""

        def side(node: exp.Expr) -> int | None:
            found = set()
            for name in node.find_all(exp.Column):
                names = [name_of(p) for p in name.parts]
                try:
                    column = joined.find(names[0] if len(names) > 1 else None, names[min(len(names), 2) - 1])
                except LookupError:
                    return None
                found.add(-1 if column.index < first else int(column.index >= border))
            return found.pop() if len(found) == 1 else None

        one, other = side(part.this), side(part.expression)
        if (one, other) == (0, 1):
            return part.this, part.expression
        return (part.expression, part.this) if (one, other) == (1, 0) else None


def _conjuncts(node: exp.Expr) -> list[exp.Expr]:
    if isinstance(node, exp.And):
        return _conjuncts(node.this) + _conjuncts(node.expression)
    if isinstance(node, exp.Paren):
        return _conjuncts(node.this)
    return [node]
