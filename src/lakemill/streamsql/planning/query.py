"""SELECT and UNION ALL."""

from dataclasses import replace

import pyarrow as pa
from sqlglot import exp

from lakemill.streamsql.aggregates import NAMES
from lakemill.streamsql.errors import SqlError
from lakemill.streamsql.expr import Expr, column, unified
from lakemill.streamsql.expressions import Compiler, name_of, position, refuse_others
from lakemill.streamsql.graph import Merge
from lakemill.streamsql.operators.distinct import Distinct
from lakemill.streamsql.operators.sort import Order, Sort, SortEach
from lakemill.streamsql.planning.analytic import Analytic, windows_in
from lakemill.streamsql.planning.grouping import Grouping
from lakemill.streamsql.planning.relation import (
    Draft,
    Item,
    Plan,
    Relation,
    calls_in,
    canonical,
    item_name,
    scope_of,
    settled,
)
from lakemill.streamsql.planning.sources import Sources
from lakemill.streamsql.sqltypes import SqlType
from lakemill.streamsql.windows import Window

_CLAUSES = ("expressions", "from_", "joins", "where", "group", "having", "windows", "order", "distinct")


def plan_query(plan: Plan, node: exp.Expr) -> Draft:
    """The rows of a query."""
    if isinstance(node, exp.Subquery):
        return plan_query(plan, node.this)
    if isinstance(node, exp.Select):
        return _Select(plan, node).draft()
    if isinstance(node, exp.Union) and type(node) is exp.Union:
        if node.args.get("distinct") is not False:
            raise SqlError("UNION of streams is UNION ALL", *position(node))
        return _union(plan, node)
    raise SqlError(f"{type(node).__name__.upper()} is not part of this dialect", *position(node))


def _union(plan: Plan, node: exp.Union) -> Draft:
    if node.args.get("order") is not None or node.args.get("limit") is not None:
        raise SqlError("ORDER BY and LIMIT are not possible behind UNION ALL", *position(node))
    drafts = [plan_query(plan, node.this), plan_query(plan, node.expression)]
    if len(drafts[0].items) != len(drafts[1].items):
        counts = " and ".join(str(len(draft.items)) for draft in drafts)
        raise SqlError(f"UNION ALL of {counts} columns", *position(node.expression))
    try:
        pairs = [
            unified([one.expr, other.expr], "UNION ALL")
            for one, other in zip(drafts[0].items, drafts[1].items, strict=True)
        ]
    except TypeError as error:
        raise SqlError(str(error), *position(node.expression)) from error
    names = [item.name for item in drafts[0].items]
    sides = []
    for number, draft in enumerate(drafts):
        items = [Item(name, pair[number]) for name, pair in zip(names, pairs, strict=True)]
        sides.append(plan.project(replace(draft, items=items)))
    merge = Merge(sides[0].schema, [side.clocked for side in sides])
    plan.connect(merge, *(side.node for side in sides))
    relation = Relation(merge, sides[0].schema, scope_of(sides[0].schema, None), any(s.clocked for s in sides))
    return _as_it_is(relation)


def _as_it_is(relation: Relation, count: int | None = None) -> Draft:
    """All columns of a relation, or the first of them."""
    fields = list(relation.schema)[1 : None if count is None else 1 + count]
    columns = {c.index: c.kind for c in relation.scope.columns}
    items = [Item(f.name, column(i, columns.get(i, SqlType(f.type)))) for i, f in enumerate(fields, 1)]
    return Draft(relation, items)


class _Select:
    def __init__(self, plan: Plan, select: exp.Select):
        self.plan = plan
        self.select = select
        refuse_others(select, _CLAUSES)
        if select.args.get("distinct") is not None:
            refuse_others(select.args["distinct"], ())

    def draft(self) -> Draft:
        """The rows of the SELECT."""
        select = self.select
        source = Sources(self.plan, plan_query, select).relation()
        compiler = Compiler(source.scope)
        nodes = self._items(source)
        having, order = select.args.get("having"), select.args.get("order")
        outputs = [node for _, node in nodes]
        outputs += [having.this] if having is not None else []
        outputs += [ordered.this for ordered in order.expressions] if order is not None else []
        condition = self._where(compiler)
        over = windows_in(outputs)
        grouping = None
        if select.args.get("group") is not None or any(calls_in(node, NAMES) for node in outputs):
            if over:
                raise SqlError("OVER and GROUP BY need a query each: put one into FROM", *position(over[0]))
            grouping = Grouping(self.plan, source, select, outputs)
            source, compiler = grouping.relation(condition)
            condition = compiler.condition(having.this, "HAVING") if having is not None else None
        elif having is not None:
            raise SqlError("HAVING needs GROUP BY", *position(having))
        elif over:
            source, compiler = Analytic(self.plan, source, select, outputs).relation(condition)
            condition = None
        items = [Item(name, compiler.compile(_bare(node)), _bare(node)) for name, node in nodes]
        draft = Draft(source, items, condition)
        if select.args.get("distinct") is not None:
            draft = self._distinct(draft)
            if order is not None:
                raise SqlError("ORDER BY is not possible with DISTINCT", *position(order))
        return draft if order is None else self._ordered(draft, compiler, grouping)

    def _items(self, source: Relation) -> list[tuple[str, exp.Expr]]:
        """Names and expressions of the SELECT list, with `*` spelt out."""
        result: list[tuple[str, exp.Expr]] = []
        for node in self.select.expressions:
            inner = node.this if isinstance(node, exp.Column) else node
            if not isinstance(inner, exp.Star):
                result.append((item_name(node, len(result)), node))
                continue
            refuse_others(inner, ())
            table = node.args.get("table") if isinstance(node, exp.Column) else None
            try:
                columns = source.scope.star(name_of(table) if table is not None else None)
            except LookupError as error:
                raise SqlError(str(error.args[0]), *position(node)) from error
            for found in columns:
                owner = exp.to_identifier(found.table, quoted=True) if found.table is not None else None
                name = exp.to_identifier(found.name, quoted=True)
                result.append((found.name, exp.Column(this=name, table=owner)))
        return result

    def _where(self, compiler: Compiler) -> Expr | None:
        where = self.select.args.get("where")
        if where is None:
            return None
        if calls_in(where.this, NAMES) or windows_in([where.this]):
            raise SqlError("Aggregates are not possible in WHERE; use HAVING or a query in FROM", *position(where))
        return compiler.condition(where.this, "WHERE")

    def _distinct(self, draft: Draft) -> Draft:
        if any(pa.types.is_struct(item.expr.kind) for item in draft.items):
            raise SqlError("DISTINCT takes values, not rows: name a field", *position(self.select))
        rising = [i for i, item in enumerate(draft.items, 1) if item.expr.monotone and not item.expr.constant]
        if not rising:
            raise SqlError(
                "DISTINCT on a stream needs a column that rises with ROWTIME, like FLOOR(ROWTIME TO MINUTE): "
                "otherwise every row would have to be remembered for ever",
                *position(self.select),
            )
        relation = self.plan.project(draft)
        return _as_it_is(replace(relation, node=self.plan.linear(Distinct(rising[0]), relation.node)))

    def _ordered(self, draft: Draft, compiler: Compiler, grouping: Grouping | None) -> Draft:
        """Sort keys are computed beside the items, and left out behind the sort."""
        ordered = self.select.args["order"].expressions
        names = {item.name: item for item in draft.items if item.node is not None}
        keys: list[tuple[Expr, exp.Ordered, str]] = []
        for part in ordered:
            node = part.this
            alias = names.get(name_of(node.this)) if isinstance(node, exp.Column) and len(node.parts) == 1 else None
            expr = alias.expr if alias is not None else compiler.comparable(node, "ORDER BY")
            scope = grouping.scope if grouping is not None else draft.source.scope
            keys.append((settled(expr), part, canonical(alias.node if alias is not None else node, scope)))  # type: ignore[arg-type]
        first, part, text = keys[0]
        per_window = grouping is not None and (text == grouping.window_text or text == '"#0"')
        if not per_window and not (first.monotone and not first.constant):
            raise SqlError(
                "ORDER BY on a stream begins with an expression that rises with ROWTIME, like FLOOR(ROWTIME TO SECOND)",
                *position(part),
            )
        if part.args.get("desc"):
            raise SqlError("The first expression of ORDER BY rises; DESC is not possible there", *position(part))
        items = [*draft.items, *(Item(f"ORDER${i}", expr) for i, (expr, _, _) in enumerate(keys))]
        relation = self.plan.project(replace(draft, items=items))
        place = 1 + len(draft.items)
        order = [_order(place + i, part) for i, (_, part, _) in enumerate(keys)]
        if per_window:
            node = self.plan.linear(SortEach(order), relation.node)
        else:
            window = Window(first, is_rowtime=text == '"#0"')
            node = self.plan.linear(Sort(relation.schema, window, place, order), relation.node)
        return _as_it_is(replace(relation, node=node), len(draft.items))


def _order(place: int, part: exp.Ordered) -> Order:
    """NULL is the largest value, unless NULLS FIRST or NULLS LAST says otherwise."""
    descending = bool(part.args.get("desc"))
    first = part.args.get("nulls_first")
    return place, "descending" if descending else "ascending", "at_start" if first else "at_end"


def _bare(node: exp.Expr) -> exp.Expr:
    return node.this if isinstance(node, exp.Alias) else node
