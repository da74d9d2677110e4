"""Queries: SELECT, VALUES, set operations, WITH.

A compiled query names its columns c0, c1 ...; `Field.sql` is that name, `Field.name` the one that the query gives.
"""

from typing import TYPE_CHECKING, Any

from sqlglot import exp

from lakemill.lakesql.dialects import pruning, relations
from lakemill.lakesql.dialects.coercion import coerce, common
from lakemill.lakesql.dialects.operators import moment
from lakemill.lakesql.dialects.scope import Field, Scope
from lakemill.lakesql.dialects.typed import Typed, failed, not_supported
from lakemill.lakesql.types import UNKNOWN, Type

if TYPE_CHECKING:
    from lakemill.lakesql.dialects.compiler import Compiler

Query = tuple[str, list[Field]]
_SELECT_PARTS = {
    "with_",
    "expressions",
    "from_",
    "joins",
    "where",
    "group",
    "having",
    "order",
    "limit",
    "offset",
    "distinct",
}
_SELECT_PARTS |= {"windows"}


def query(c: "Compiler", node: exp.Expr, outer: Scope | None) -> Query:
    """The SQL and columns of a query. outer: what a correlated one can name."""
    while isinstance(node, exp.Subquery | exp.Paren) and not _adorned(node):
        node = node.this
    c.ctes.append({})
    try:
        grouping: dict[str, Any] = {"groups": None, "ungrouped": [], "aggregates": None, "collected": [], "grouped": ""}
        with c.within(scope=Scope(parent=outer), windows={}, windows_allowed=False, hoisted=None, **grouping):
            relations.declare_ctes(c, node, query)
            if isinstance(node, exp.Select):
                return _select(c, node, outer)
            if isinstance(node, exp.SetOperation):
                return _modified(c, node, _set_operation(c, node, outer))
            if isinstance(node, exp.Values):
                return _modified(c, node, _values(c, node))
            if isinstance(node, exp.Subquery):
                return _modified(c, node, query(c, node.this, outer))
            if isinstance(node, exp.Table):
                return _select(c, exp.select("*").from_(node), outer)
    finally:
        c.ctes.pop()
    raise failed("SYNTAX_ERROR", f"mismatched input '{node.sql('trino')[:40]}'", node)


def _adorned(node: exp.Expr) -> bool:
    return any(node.args.get(k) for k in ("order", "limit", "offset", "with_"))


def named(columns: list[tuple[str | None, Typed]]) -> tuple[str, list[Field]]:
    """The select list and the fields of these columns."""
    shown, fields = [], []
    for i, (name, value) in enumerate(columns):
        shown.append(f"{coerce(value, value.type).sql if value.type == UNKNOWN else value.sql} AS c{i}")
        fields.append(Field(name, value.type, f"c{i}"))
    return ", ".join(shown), fields


def _select(c: "Compiler", node: exp.Select, outer: Scope | None) -> Query:
    for key, value in node.args.items():
        if value and key not in _SELECT_PARTS:
            raise not_supported(key.strip("_").upper(), value if isinstance(value, exp.Expr) else node)
    source, fields = relations.from_clause(c, node, outer)
    c.scope = Scope(fields, parent=outer)
    for window in node.args.get("windows") or []:
        c.windows[window.name.lower()] = window
    parts = [f"FROM {source}"] if source else []
    if node.args.get("where"):
        condition = node.args["where"].this
        parts.append(f"WHERE {c.boolean(condition, 'WHERE clause').sql}")
        pruning.collect(c.scope, condition)
    if not node.expressions:
        raise failed("SYNTAX_ERROR", "mismatched input '<EOF>'. Expecting: <expression>", node)
    c.aggregates, c.windows_allowed, c.collected, c.grouped = [], True, [], c.name("g")
    items = _items(c, node)
    c.groups, keys, grouping = _grouping(c, node, items)
    c.scope.keys, c.ungrouped = c.groups, []
    columns = [(name, c.expression(e) if isinstance(e, exp.Expr) else _expanded(c, e)) for name, e in items]
    having = node.args.get("having")
    condition = ""
    if having:
        with c.within(windows_allowed=False):
            condition = c.boolean(having.this, "HAVING clause").sql
    order = _order(c, node, columns, items)
    aggregated = bool(c.aggregates) or bool(node.args.get("group")) or having is not None
    if aggregated:
        if c.ungrouped:
            at = c.ungrouped[0]
            message = f"'{at.sql('trino')}' must be an aggregate expression or appear in GROUP BY clause"
            raise failed("EXPRESSION_NOT_AGGREGATE", message, at)
        parts = _grouped(c, parts, keys, grouping, condition)
    shown, out = named(columns)
    if not columns:
        raise failed("COLUMN_NOT_FOUND", "SELECT * not allowed in queries without FROM clause", node)
    distinct = node.args.get("distinct")
    plain = not (aggregated or distinct or node.args.get("limit") or node.args.get("offset"))
    for (_, item), field in zip(items, out, strict=True):
        if plain and not _has_window(node):
            field.origin = _origin(c.scope, item)
    if distinct and distinct.args.get("on"):
        raise failed("SYNTAX_ERROR", "mismatched input 'ON'", node)
    tail, qualify = _limits(c, node, order, bool(distinct))
    parts = [f"SELECT {'DISTINCT ' if distinct else ''}{shown}", *parts, *qualify]
    if order:
        parts.append(f"ORDER BY {', '.join(order)}")
    return " ".join(parts + tail), out


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
            if any(star.args.get(k) for k in ("except_", "replace", "rename")):
                raise not_supported("SELECT * EXCEPT", e)
            qualifier = tuple(reversed([p.name.lower() for p in e.parts[:-1]])) if isinstance(e, exp.Column) else ()
            found = [f for f in c.scope.fields if not f.hidden and f.qualifiers[: len(qualifier)] == qualifier]
            if not found and qualifier:
                raise failed("TABLE_NOT_FOUND", f"Unable to resolve reference {'.'.join(reversed(qualifier))}", e)
            items += [(f.name, f) for f in found]
        elif isinstance(e, exp.Alias):
            items.append((e.alias, e.this))
        elif isinstance(e, exp.Aliases):
            raise not_supported(e.sql("trino"), e)
        else:
            name = e.name if isinstance(e, exp.Column) else e.expression.name if isinstance(e, exp.Dot) else None
            items.append((name, e))
    return items


def _grouped(c: "Compiler", parts: list[str], keys: list[str], grouping: str, condition: str) -> list[str]:
    """FROM the grouped rows: what is grouped by and the aggregates, each once, and HAVING as their condition."""
    shown = [f"{key} AS k{i}" for i, key in enumerate(keys)]
    shown += [f"{aggregate} AS a{i}" for i, aggregate in enumerate(c.collected)]
    if not c.collected:
        # Without an aggregate DuckDB would not group.
        shown.append("count(*) AS n")
    inner = " ".join([f"SELECT {', '.join(shown)}", *parts, *([f"GROUP BY {grouping}"] if grouping else [])])
    return [f"FROM ({inner}) AS {c.grouped}", *([f"WHERE {condition}"] if condition else [])]


def _grouping(
    c: "Compiler", node: exp.Select, items: list[tuple[str | None, Any]]
) -> tuple[dict[str, str], list[str], str]:
    """The columns that expressions are grouped into, these expressions in order, and the GROUP BY clause."""
    group = node.args.get("group")
    if group is None:
        return {}, [], ""
    if any(v for k, v in group.args.items() if k not in {"expressions"}):
        raise not_supported(group.sql("trino"), node)
    known: dict[str, str] = {}
    keys: list[str] = []

    def one(e: exp.Expr) -> str:
        if isinstance(e, exp.GroupingSets | exp.Cube | exp.Rollup):
            word = {exp.GroupingSets: "GROUPING SETS", exp.Cube: "CUBE", exp.Rollup: "ROLLUP"}[type(e)]
            return f"{word} ({', '.join(one(i) for i in e.expressions)})"
        if isinstance(e, exp.Tuple):
            return f"({', '.join(one(i) for i in e.expressions)})"
        item: Any = e.this if isinstance(e, exp.Paren) else e
        if isinstance(item, exp.Literal) and not item.is_string:
            place = int(item.this) if item.this.isdigit() else 0
            if not 1 <= place <= len(items):
                raise failed("INVALID_COLUMN_REFERENCE", f"GROUP BY position {item.this} is not in select list", e)
            item = items[place - 1][1]
        before = len(c.aggregates or [])
        with c.within(groups=None, windows_allowed=False):
            value = item.take() if isinstance(item, Field) else c.expression(item)
        if len(c.aggregates or []) > before:
            what = "aggregations, window functions or grouping operations"
            message = f"GROUP BY clause cannot contain {what}: [{item.sql('trino')}]"
            raise failed("EXPRESSION_NOT_SCALAR", message, e)
        key = value.sql if value.value is None else f"CAST({value.sql} AS {value.type.duckdb()})"
        if key not in keys:
            keys.append(key)
        known[value.sql] = f"{c.grouped}.k{keys.index(key)}"
        return key

    clause = ", ".join(one(e) for e in group.expressions)
    return known, keys, clause


def _order(c: "Compiler", node: exp.Expr, columns: list[tuple[str | None, Typed]], items: list[Any]) -> list[str]:
    order = node.args.get("order")
    if order is None:
        return []
    outputs = [Field(n.lower() if n else None, v.type, v.sql) for n, v in columns]
    scope = Scope(c.scope.fields, c.scope.parent, first=outputs, keys=c.scope.keys)
    keys = []
    texts = [v.sql for _, v in columns]
    # Columns of the select list are found first, so the same field has to be known as the query's own.
    with c.within(scope=scope):
        for e in order.expressions:
            if isinstance(e.this, exp.Literal) and not e.this.is_string:
                place = int(e.this.this) if e.this.this.isdigit() else 0
                if not 1 <= place <= len(columns):
                    message = f"ORDER BY position {e.this.this} is not in select list"
                    raise failed("INVALID_COLUMN_REFERENCE", message, e)
                value = columns[place - 1][1]
            else:
                value = c.expression(e.this)
            if node.args.get("distinct"):
                if value.sql not in texts:
                    message = "For SELECT DISTINCT, ORDER BY expressions must appear in select list"
                    raise failed("EXPRESSION_NOT_IN_DISTINCT", message, e)
                value = Typed(f"c{texts.index(value.sql)}", value.type)
            if value.value is not None or value.type == UNKNOWN:
                value = Typed(f"CAST({value.sql} AS {value.type.duckdb()})", value.type)
            keys.append(sort_key(value, e))
    return keys


def sort_key(value: Typed, e: exp.Expr) -> str:
    """NULLs come last whichever way it is sorted, unless the statement says otherwise."""
    if value.type.name in {"map", "json"}:
        raise failed(
            "TYPE_MISMATCH", f"Type {value.type.trino()} is not orderable, and therefore cannot be used in ORDER BY", e
        )
    way = "DESC" if e.args.get("desc") else "ASC"
    return f"{moment(value)} {way} NULLS {'FIRST' if e.args.get('nulls_first') else 'LAST'}"


def _count(node: exp.Expr, what: str) -> int:
    if isinstance(node, exp.Literal) and not node.is_string and node.this.isdigit():
        return int(node.this)
    raise failed("SYNTAX_ERROR", f"mismatched input '{node.sql('trino')}'. Expecting: a number after {what}", node)


def _limits(c: "Compiler", node: exp.Expr, order: list[str], distinct: bool) -> tuple[list[str], list[str]]:
    """What stands at the end, and a QUALIFY clause for WITH TIES."""
    tail, limit, offset = [], node.args.get("limit"), node.args.get("offset")
    qualify: list[str] = []
    if isinstance(limit, exp.Fetch):
        options = limit.args.get("limit_options")
        count = _count(limit.args["count"], "FETCH FIRST") if limit.args.get("count") is not None else 1
        if options is not None and options.args.get("percent"):
            raise not_supported("FETCH FIRST PERCENT", limit)
        if options is not None and options.args.get("with_ties"):
            if not order:
                raise failed("MISSING_ORDER_BY", "FETCH FIRST WITH TIES clause requires ORDER BY", limit)
            if distinct or offset is not None:
                raise not_supported("FETCH FIRST WITH TIES with DISTINCT or OFFSET", limit)
            qualify = [f"QUALIFY rank() OVER (ORDER BY {', '.join(order)}) <= {count}"]
        else:
            tail.append(f"LIMIT {count}")
    elif limit is not None and not (isinstance(limit.expression, exp.Var) or limit.expression.name.upper() == "ALL"):
        tail.append(f"LIMIT {_count(limit.expression, 'LIMIT')}")
    if offset is not None:
        tail.append(f"OFFSET {_count(offset.expression, 'OFFSET')}")
    return tail, qualify


def _set_operation(c: "Compiler", node: exp.SetOperation, outer: Scope | None) -> Query:
    """Long chains go down the left side, and are walked, not recursed into."""
    chain: list[tuple[str, exp.Expr]] = []
    left: exp.Expr = node
    while isinstance(left, exp.SetOperation) and (left is node or not (_adorned(left))):
        word = {exp.Union: "UNION", exp.Except: "EXCEPT", exp.Intersect: "INTERSECT"}[type(left)]
        if left.args.get("by_name"):
            raise not_supported("UNION BY NAME", node)
        chain.append((word + ("" if left.args.get("distinct") else " ALL"), left.expression))
        left = left.this
    sides = [query(c, left, outer)] + [query(c, right, outer) for _, right in reversed(chain)]
    words = [word for word, _ in reversed(chain)]
    width = len(sides[0][1])
    for _, fields in sides:
        if len(fields) != width:
            message = f"UNION query has different number of fields: {width}, {len(fields)}"
            raise failed("TYPE_MISMATCH", message.replace("UNION", words[0].split()[0]), node)
    kinds: list[Type] = []
    for i in range(width):
        kind: Type | None = UNKNOWN
        for _, fields in sides:
            both = common(kind or UNKNOWN, fields[i].type)
            if both is None:
                first, other = (kind or UNKNOWN).trino(), fields[i].type.trino()
                message = f"column {i + 1} in {words[0].split()[0]} query has incompatible types: {first}, {other}"
                raise failed("TYPE_MISMATCH", message, node)
            kind = both
        kinds.append(kind or UNKNOWN)
    texts = [_as_types(c, side, kinds) for side in sides]
    sql = texts[0]
    for word, text in zip(words, texts[1:], strict=True):
        sql = f"({sql}) {word} ({text})"
    return sql, [Field(f.name, k, f"c{i}") for i, (f, k) in enumerate(zip(sides[0][1], kinds, strict=True))]


def _as_types(c: "Compiler", side: Query, kinds: list[Type]) -> str:
    sql, fields = side
    if all(f.type.duckdb() == k.duckdb() and f.type != UNKNOWN for f, k in zip(fields, kinds, strict=True)):
        return sql
    name = c.name("s")
    shown = [
        f"{coerce(Typed(f'{name}.c{i}', f.type), k).sql} AS c{i}"
        for i, (f, k) in enumerate(zip(fields, kinds, strict=True))
    ]
    return f"SELECT {', '.join(shown)} FROM ({sql}) AS {name}"


def _values(c: "Compiler", node: exp.Values) -> Query:
    tuples = [e.expressions if isinstance(e, exp.Tuple) else [e] for e in node.expressions]
    tuples = [t[0].expressions if len(t) == 1 and isinstance(t[0], exp.Struct) else t for t in tuples]
    rows = [[c.expression(i) for i in cells] for cells in tuples]
    width = len(rows[0])
    kinds: list[Type] = []
    for i in range(width):
        kind: Type = UNKNOWN
        for r, e in zip(rows, node.expressions, strict=True):
            if len(r) != width:
                raise failed("TYPE_MISMATCH", f"Values rows have mismatched sizes: {width} vs {len(r)}", e)
            both = common(kind, r[i].type)
            if both is None:
                message = f"Values rows have mismatched types: {kind.trino()} vs {r[i].type.trino()}"
                raise failed("TYPE_MISMATCH", message, e)
            kind = both
        kinds.append(kind)
    shown = ", ".join("(" + ", ".join(_exact(v, k) for v, k in zip(r, kinds, strict=True)) + ")" for r in rows)
    name, columns = c.name("r"), ", ".join(f"c{i}" for i in range(width))
    fields = [Field(None, k, f"c{i}") for i, k in enumerate(kinds)]
    return f"SELECT * FROM (VALUES {shown}) AS {name}({columns})", fields


def _exact(value: Typed, kind: Type) -> str:
    """With the type written out, so that DuckDB chooses no other for the column."""
    sql = coerce(value, kind).sql
    return f"CAST({sql} AS {kind.duckdb()})"


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
        order = _order(c, node, columns, [])
    tail, qualify = _limits(c, node, order, False)
    shown, out = named(columns)
    parts = [f"SELECT {shown} FROM ({sql}) AS {name}", *qualify]
    if order:
        parts.append(f"ORDER BY {', '.join(order)}")
    return " ".join(parts + tail), out
