"""Queries: SELECT, VALUES, set operations, WITH.

A compiled query names its columns c0, c1 ...; `Field.sql` is that name, `Field.name` the one that the query gives.
"""

from typing import TYPE_CHECKING, Any

from sqlglot import exp

from lakemill.lakesql.dialects import ordering, pruning, relations, sets
from lakemill.lakesql.dialects.grouping import grouped, grouping_of
from lakemill.lakesql.dialects.scope import Field, Scope, output_field
from lakemill.lakesql.dialects.typed import Typed, failed, not_supported

if TYPE_CHECKING:
    from lakemill.lakesql.dialects.compiler import Compiler

Query = tuple[str, list[Field]]
_SELECT_PARTS = {
    *("with_", "expressions", "from_", "joins", "where", "group", "having", "windows", "qualify"),
    *("order", "limit", "offset", "distinct"),
}


def query(c: "Compiler", node: exp.Expr, outer: Scope | None) -> Query:
    """The SQL and columns of a query. outer: what a correlated one can name."""
    while isinstance(node, exp.Subquery | exp.Paren) and not sets.adorned(node):
        node = node.this
    c.ctes.append({})
    try:
        grouping: dict[str, Any] = {"groups": None, "ungrouped": [], "aggregates": None, "collected": [], "grouped": ""}
        with c.within(scope=Scope(parent=outer), windows={}, windows_allowed=False, hoisted=None, **grouping):
            relations.declare_ctes(c, node, query)
            if isinstance(node, exp.Select):
                return _select(c, node, outer)
            if isinstance(node, exp.SetOperation):
                return _modified(c, node, sets.set_operation(c, node, outer))
            if isinstance(node, exp.Values) and c.dialect.values:
                return _modified(c, node, sets.values(c, node))
            if isinstance(node, exp.Subquery):
                return _modified(c, node, query(c, node.this, outer))
            if isinstance(node, exp.Table):
                return _select(c, exp.select("*").from_(node), outer)
    finally:
        c.ctes.pop()
    raise failed("SYNTAX_ERROR", f"mismatched input '{node.sql('trino')[:40]}'", node)


def named(c: "Compiler", columns: list[tuple[str | None, Typed]]) -> tuple[str, list[Field]]:
    """The select list and the fields of these columns."""
    shown, fields = [], []
    for i, (name, value) in enumerate(columns):
        typed = c.dialect.output(value)
        shown.append(f"{typed.sql} AS c{i}")
        literal = value if typed.type != value.type else None
        fields.append(Field(name, typed.type, f"c{i}", literal=literal, bound=value.bound))
    return ", ".join(shown), fields


def _select(c: "Compiler", node: exp.Select, outer: Scope | None) -> Query:
    c.dialect.check(c, node)
    for key, value in node.args.items():
        if value and (key not in _SELECT_PARTS or (key == "qualify" and not c.dialect.qualify)):
            raise not_supported(key.strip("_").upper(), value if isinstance(value, exp.Expr) else node)
    source, fields = relations.from_clause(c, node, outer)
    c.scope = Scope(fields, parent=outer)
    for window in node.args.get("windows") or []:
        c.windows[window.name.lower()] = window
    parts = [f"FROM {source}"] if source else []
    if node.args.get("where"):
        parts.append(f"WHERE {_where(c, node, fields)}")
    if not node.expressions:
        raise failed("SYNTAX_ERROR", "mismatched input '<EOF>'. Expecting: <expression>", node)
    c.aggregates, c.windows_allowed, c.collected, c.grouped = [], True, [], c.name("g")
    items = _items(c, node)
    c.groups, keys, clause = grouping_of(c, node, items)
    c.scope.keys, c.ungrouped = c.groups, []
    columns = _columns(c, node, items)
    having = node.args.get("having")
    condition = ""
    if having:
        with c.within(windows_allowed=False):
            condition = c.boolean(having.this, "HAVING clause").sql
    chosen = c.boolean(node.args["qualify"].this, "QUALIFY clause").sql if node.args.get("qualify") else ""
    order = ordering.order_by(c, node, columns, items)
    aggregated = bool(c.aggregates) or bool(node.args.get("group")) or having is not None
    if aggregated:
        if c.ungrouped:
            at = c.ungrouped[0]
            message = f"'{at.sql('trino')}' must be an aggregate expression or appear in GROUP BY clause"
            raise failed("EXPRESSION_NOT_AGGREGATE", message, at)
        parts = grouped(c, parts, keys, clause, condition)
    shown, out = named(c, columns)
    if not columns:
        raise failed("COLUMN_NOT_FOUND", "SELECT * not allowed in queries without FROM clause", node)
    distinct = node.args.get("distinct")
    plain = not (aggregated or distinct or node.args.get("limit") or node.args.get("offset"))
    if plain and not _has_window(node):
        for (_, item), field in zip(items, out, strict=True):
            field.origin = _origin(c.scope, item)
    if distinct and distinct.args.get("on"):
        raise failed("SYNTAX_ERROR", "mismatched input 'ON'", node)
    tail, qualify = ordering.limits(c, node, order, bool(distinct))
    if chosen:
        qualify.append(f"QUALIFY {chosen}")
    parts = [f"SELECT {'DISTINCT ' if distinct else ''}{shown}", *parts, *qualify]
    if order:
        parts.append(f"ORDER BY {', '.join(order)}")
    return " ".join(parts + tail), out


def _where(c: "Compiler", node: exp.Select, fields: list[Field]) -> str:
    condition = node.args["where"].this
    if c.dialect.names_of_output:
        condition = _with_aliases(node, condition, {field.name for field in fields})
    sql = c.boolean(condition, "WHERE clause").sql
    pruning.collect(c.scope, condition)
    return sql


def _with_aliases(node: exp.Select, condition: exp.Expr, columns: set[str | None]) -> exp.Expr:
    """The condition with what the names stand for that the select list gives, where no column has that name."""
    given = {e.alias.lower(): e.this for e in node.expressions if isinstance(e, exp.Alias)}

    def replaced(at: exp.Expr) -> exp.Expr:
        if isinstance(at, exp.Column) and not at.table and at.name.lower() in given.keys() - columns:
            return exp.paren(given[at.name.lower()], copy=True)
        return at

    within = any(isinstance(at, exp.Query) for at in condition.walk())
    return condition if within or not given else condition.transform(replaced)


def _columns(c: "Compiler", node: exp.Select, items: list[tuple[str | None, Any]]) -> list[tuple[str | None, Typed]]:
    """The values of the select list; those with an alias can be named by what comes behind, in some dialects."""
    columns, aliases = [], {e.alias.lower() for e in node.expressions if isinstance(e, exp.Alias)}
    for name, e in items:
        value = c.expression(e) if isinstance(e, exp.Expr) else _expanded(c, e)
        columns.append((name, value))
        if name and name.lower() in aliases and c.dialect.names_of_output:
            c.scope.last.append(output_field(name, value))
    return columns


def _has_window(node: exp.Select) -> bool:
    return any(e.find(exp.Window) is not None for e in node.expressions)


def _origin(scope: Scope, item: Any) -> Any:
    if isinstance(item, Field):
        return item.origin
    if isinstance(item, exp.Column) and not isinstance(item.this, exp.Star):
        found = scope.find([p.name.lower() for p in item.parts], item)
        return found[0].origin if found and not found[1] and scope.own(found[0]) else None
    return None


def _expanded(c: "Compiler", found: Field) -> Typed:
    value = found.take()
    if c.groups and value.sql in c.groups:
        return Typed(c.groups[value.sql], value.type)
    c.ungrouped.append(exp.column(found.name or "?"))
    return value


def _items(c: "Compiler", node: exp.Select) -> list[tuple[str | None, Any]]:
    """The select list, stars expanded: name, and an expression or a Field."""
    items: list[tuple[str | None, Any]] = []
    for e in node.expressions:
        if isinstance(e, exp.Star) or (isinstance(e, exp.Column) and isinstance(e.this, exp.Star)):
            star = e if isinstance(e, exp.Star) else e.this
            left_out = (
                {column.name.lower() for column in star.args.get("except_") or ()} if c.dialect.exclude else set()
            )
            if any(star.args.get(k) for k in ("except_", "replace", "rename")) and not left_out:
                raise not_supported("SELECT * EXCEPT", e)
            qualifier = tuple(reversed([p.name.lower() for p in e.parts[:-1]])) if isinstance(e, exp.Column) else ()
            found = [f for f in c.scope.fields if not f.hidden and f.qualifiers[: len(qualifier)] == qualifier]
            if not found and qualifier:
                raise failed("TABLE_NOT_FOUND", f"Unable to resolve reference {'.'.join(reversed(qualifier))}", e)
            if unknown := left_out - {f.name for f in found}:
                raise failed("COLUMN_NOT_FOUND", f"Column '{min(unknown)}' cannot be resolved", e)
            items += [(f.name, f) for f in found if f.name not in left_out]
        elif isinstance(e, exp.Alias):
            items.append((e.alias, e.this))
        elif isinstance(e, exp.Aliases):
            raise not_supported(e.sql("trino"), e)
        else:
            items.append((c.dialect.named(e), e))
    return items


def _modified(c: "Compiler", node: exp.Expr, inner: Query) -> Query:
    """ORDER BY, OFFSET and LIMIT of a query that is not a SELECT."""
    if not any(node.args.get(k) for k in ("order", "limit", "offset")):
        return inner
    sql, fields = inner
    name = c.name("r")
    columns = [(f.name, Typed(f"{name}.{f.sql}", f.type)) for f in fields]
    with c.within(
        scope=Scope(
            [Field((f.name or "").lower() or None, v.type, v.sql) for f, (_, v) in zip(fields, columns, strict=True)]
        )
    ):
        order = ordering.order_by(c, node, columns, [])
    tail, qualify = ordering.limits(c, node, order, False)
    shown, out = named(c, columns)
    parts = [f"SELECT {shown} FROM ({sql}) AS {name}", *qualify]
    if order:
        parts.append(f"ORDER BY {', '.join(order)}")
    return " ".join(parts + tail), out
