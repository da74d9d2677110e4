"""A rule for every kind of expression: what DuckDB is to compute, and the type of it.

What has no rule here cannot be said.
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from lakemill.lakesql.dialects import operators, predicates
from lakemill.lakesql.dialects.casts import cast, try_cast
from lakemill.lakesql.dialects.coercion import coerce, common, field_of
from lakemill.lakesql.dialects.functions import registry
from lakemill.lakesql.dialects.literals import number, of_datatype, string, typed_literal
from lakemill.lakesql.dialects.typed import Typed, failed, not_supported
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.types import (
    BIGINT,
    BOOLEAN,
    DATE,
    TIME,
    TIMESTAMP,
    TIMESTAMP_TZ,
    UNKNOWN,
    VARBINARY,
    VARCHAR,
    Type,
    array,
    row,
)

if TYPE_CHECKING:
    from lakemill.lakesql.dialects.compiler import Compiler


def _column(c: "Compiler", node: exp.Column) -> Typed:
    parts = [p.name.lower() for p in node.parts]
    return _named(c, parts, node)


def _identifier(c: "Compiler", node: exp.Identifier) -> Typed:
    return _named(c, [node.name.lower()], node)


def _named(c: "Compiler", parts: list[str], node: exp.Expr) -> Typed:
    found = c.scope.find(parts, node)
    if found is None:
        if len(parts) == 1 and parts[0] == "current_schema":
            return Typed(string(c.database), VARCHAR)
        raise failed("COLUMN_NOT_FOUND", f"Column '{'.'.join(parts)}' cannot be resolved", node)
    which, rest = found
    if c.groups is not None and c.scope.own(which) and which.sql not in c.groups:
        c.ungrouped.append(node)
    value = which.take()
    for name in rest:
        value = _field(value, name, node)
    return value


def _field(value: Typed, name: str, node: exp.Expr) -> Typed:
    if value.type.name != "row":
        raise failed("TYPE_MISMATCH", f"Expression {node.sql('trino')} is not of type ROW", node)
    places = [i for i, (n, _) in enumerate(value.type.fields) if (n or "").lower() == name.lower()]
    if not places:
        raise failed("COLUMN_NOT_FOUND", f"Column '{node.sql('trino')}' cannot be resolved", node)
    return Typed(field_of(value, places[0]), value.type.fields[places[0]][1])


def _dot(c: "Compiler", node: exp.Dot) -> Typed:
    if not isinstance(node.expression, exp.Identifier):
        raise not_supported(node.sql("trino"), node)
    return _field(c.expression(node.this), node.expression.name, node)


def _bracket(c: "Compiler", node: exp.Bracket) -> Typed:
    base = c.expression(node.this)
    if len(node.expressions) != 1:
        raise failed("SYNTAX_ERROR", "mismatched input ','", node)
    index = c.expression(node.expressions[0])
    if base.type.name == "array":
        if index.type.name not in {"tinyint", "smallint", "integer", "bigint", "unknown"}:
            raise failed("TYPE_MISMATCH", f"Cannot use {index.type.trino()} for subscript of {base.type.trino()}", node)
        return Typed(f"list_at({base.sql}, {coerce(index, BIGINT).sql})", base.type.element)
    if base.type.name == "map":
        if common(index.type, base.type.element) != base.type.element:
            raise failed("TYPE_MISMATCH", f"Cannot use {index.type.trino()} for subscript of {base.type.trino()}", node)
        return Typed(f"map_at({base.sql}, {coerce(index, base.type.element).sql})", base.type.args[1])
    if base.type.name == "row":
        if not isinstance(index.value, int):
            raise failed("EXPRESSION_NOT_CONSTANT", "Subscript expression on ROW requires a constant index", node)
        if not 1 <= index.value <= len(base.type.fields):
            size = len(base.type.fields)
            raise failed(
                "INVALID_FUNCTION_ARGUMENT", f"Invalid subscript index: {index.value}. ROW has {size} fields", node
            )
        return Typed(field_of(base, index.value - 1), base.type.fields[index.value - 1][1])
    raise failed("TYPE_MISMATCH", f"Cannot use {index.type.trino()} for subscript of {base.type.trino()}", node)


def _array(c: "Compiler", node: exp.Array) -> Typed:
    items = [c.expression(e) for e in node.expressions]
    kind: Type | None = UNKNOWN
    for item, at in zip(items, node.expressions, strict=True):
        kind = common(kind or UNKNOWN, item.type)
        if kind is None:
            raise failed("TYPE_MISMATCH", f"All ARRAY elements must be the same type: {item.type.trino()}", at)
    kind = kind or UNKNOWN
    inside = ", ".join(coerce(i, kind).sql for i in items)
    return Typed(f"CAST([{inside}] AS {array(kind).duckdb()})", array(kind))


def _row(c: "Compiler", node: exp.Expr) -> Typed:
    items = [c.expression(e) for e in node.expressions]
    kind = row(*((None, i.type) for i in items))
    inside = ", ".join(f"'field{i}': {coerce(v, v.type).sql}" for i, v in enumerate(items))
    return Typed(f"{{{inside}}}", kind)


def _literal(c: "Compiler", node: exp.Literal) -> Typed:
    if node.is_string:
        return Typed(string(node.this), Type("varchar", (len(node.this),)), node.this)
    return number(node)


def _cast(c: "Compiler", node: exp.Cast) -> Typed:
    if isinstance(node.this, exp.Literal) and node.this.is_string and not isinstance(node, exp.TryCast):
        found = typed_literal(node)
        if found is not None:
            return found
    to = of_datatype(node.args["to"], node)
    value = c.expression(node.this)
    try:
        return try_cast(value, to) if isinstance(node, exp.TryCast) else cast(value, to)
    except SqlFailed as error:
        raise failed(error.code, error.message, node) from None


def _case(c: "Compiler", node: exp.Case) -> Typed:
    base = c.expression(node.this) if node.this else None
    branches, results = [], []
    for part in node.args["ifs"]:
        if base is None:
            branches.append(c.boolean(part.this, "CASE WHEN clause").sql)
        else:
            branches.append(c.dialect.compare("=", base, c.expression(part.this), part.this).sql)
        results.append((c.expression(part.args["true"]), part.args["true"]))
    if node.args.get("default") is not None:
        results.append((c.expression(node.args["default"]), node.args["default"]))
    return choice(c, branches, results)


def choice(c: "Compiler", branches: list[str], results: list[tuple[Typed, exp.Expr]]) -> Typed:
    """CASE: as many branches as results, or one result more for ELSE."""
    kind: Type = UNKNOWN
    for value, at in results:
        both = c.dialect.common(kind, value.type)
        if both is None:
            message = "All CASE results must be the same type or coercible to a common type. Cannot find common type "
            raise failed(
                "TYPE_MISMATCH", f"{message}between {c.dialect.shown(kind)} and {c.dialect.shown(value.type)}", at
            )
        kind = both
    parts = " ".join(
        f"WHEN {b} THEN {c.dialect.coerce(v, kind).sql}" for b, (v, _) in zip(branches, results, strict=False)
    )
    rest = f" ELSE {c.dialect.coerce(results[-1][0], kind).sql}" if len(results) > len(branches) else ""
    return Typed(f"CASE {parts}{rest} END", kind)


def _subquery(c: "Compiler", node: exp.Subquery) -> Typed:
    with c.within(groups=None, hoisted=None):
        sql, columns = c.query(c, node.this if not isinstance(node, exp.Select) else node, c.scope)
    if len(columns) == 1:
        return c.hoist(Typed(f"({sql})", columns[0].type, bound=columns[0].bound))
    if not columns:
        raise not_supported("Sub-query without columns", node)
    kind = row(*((f.name, f.type) for f in columns))
    raise not_supported(f"Sub-query with {len(kind.args)} columns in an expression", node)


def _exists(c: "Compiler", node: exp.Exists) -> Typed:
    inner = node.this.this if isinstance(node.this, exp.Subquery) else node.this
    with c.within(groups=None, hoisted=None):
        sql, _ = c.query(c, inner, c.scope)
    return c.hoist(Typed(f"EXISTS ({sql})", BOOLEAN))


def _try(c: "Compiler", node: exp.Expr) -> Typed:
    return c.tried(node.this)


def _paren(c: "Compiler", node: exp.Paren) -> Typed:
    return c.expression(node.this)


def _zone(c: "Compiler", node: exp.AtTimeZone) -> Typed:
    return registry.call(c, "at_timezone", [node.this, node.args["zone"]], node, allow_timestamp=True)


def _clock(sql: str, kind: Type, shown: str) -> Callable[["Compiler", exp.Expr], Typed]:
    def rule(c: "Compiler", node: exp.Expr) -> Typed:
        digits = node.this.this if isinstance(node.this, exp.Literal) else None
        if digits is not None and digits != "3":
            raise not_supported(f"{shown}({digits})", node)
        return Typed(sql, kind)

    return rule


def _concat(c: "Compiler", node: exp.DPipe) -> Typed:
    parts = list(node.flatten(unnest=False))
    return registry.call(c, "concat", parts, node)


def _adjacent(c: "Compiler", node: exp.Concat) -> Typed:
    raise failed("SYNTAX_ERROR", f"mismatched input '{node.expressions[-1].sql('trino')}'", node.expressions[-1])


def call_of(name: str, *keys: str) -> Callable[["Compiler", exp.Expr], Typed]:
    """Nodes that sqlglot makes of calls with a syntax of their own."""

    def rule(c: "Compiler", node: exp.Expr) -> Typed:
        return registry.call(c, name, [node.args[k] for k in keys if node.args.get(k) is not None], node)

    return rule


def _trim(c: "Compiler", node: exp.Trim) -> Typed:
    name = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get((node.args.get("position") or "").upper(), "trim")
    return registry.call(c, name, [a for a in (node.this, node.expression) if a is not None], node)


def extract(c: "Compiler", node: exp.Extract) -> Typed:
    return registry.call(c, "extract", [exp.Literal.string(node.name.lower()), node.expression], node)


def _anonymous(c: "Compiler", node: exp.Anonymous) -> Typed:
    return registry.call(c, node.name.lower(), node.expressions, node)


def _map(c: "Compiler", node: exp.Expr) -> Typed:
    keys, values = node.args.get("keys"), node.args.get("values")
    return registry.call(c, "map", [a for a in (keys, values) if a is not None], node)


def _windowed(c: "Compiler", node: exp.Expr) -> Typed:
    return registry.windowed(c, node)


def _hex(c: "Compiler", node: exp.HexString) -> Typed:
    return Typed(f"unhex({string(node.this)})", VARBINARY)


def _unicode(c: "Compiler", node: exp.UnicodeString) -> Typed:
    value = re.sub(r"\\\+([0-9a-fA-F]{6})|\\([0-9a-fA-F]{4})", lambda m: chr(int(m[1] or m[2], 16)), node.this)
    return Typed(string(value), Type("varchar", (len(value),)), value)


def _star(c: "Compiler", node: exp.Star) -> Typed:
    raise failed("SYNTAX_ERROR", "mismatched input '*'", node)


def _placeholder(c: "Compiler", node: exp.Placeholder) -> Typed:
    raise SqlFailed("INVALID_PARAMETER_USAGE", "Incorrect number of parameters: expected 1 but found 0")


NOW = "CAST(date_trunc('millisecond', timezone('UTC', now())) AS TIMESTAMP)"
RULES: dict[type, Callable[["Compiler", Any], Typed]] = {
    exp.Column: _column,
    exp.Identifier: _identifier,
    exp.Dot: _dot,
    exp.Bracket: _bracket,
    exp.Array: _array,
    exp.Struct: _row,
    exp.Tuple: _row,
    exp.Literal: _literal,
    exp.Boolean: lambda c, n: Typed("true" if n.this else "false", BOOLEAN),
    exp.Null: lambda c, n: Typed("NULL", UNKNOWN),
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Case: _case,
    exp.Subquery: _subquery,
    exp.Select: _subquery,
    exp.Exists: _exists,
    exp.Try: _try,
    exp.Paren: _paren,
    exp.AtTimeZone: _zone,
    exp.CurrentDate: _clock("CAST(timezone('UTC', now()) AS DATE)", DATE, "current_date"),
    exp.CurrentTimestamp: _clock(f"{{'t': {NOW}, 'z': 'UTC'}}", TIMESTAMP_TZ, "current_timestamp"),
    exp.Localtimestamp: _clock(NOW, TIMESTAMP, "localtimestamp"),
    exp.Localtime: _clock(f"CAST({NOW} AS TIME)", TIME, "localtime"),
    exp.DPipe: _concat,
    exp.Concat: _adjacent,
    exp.Substring: call_of("substr", "this", "start", "length"),
    exp.StrPosition: call_of("strpos", "this", "substr"),
    exp.Trim: _trim,
    exp.Extract: extract,
    exp.Anonymous: _anonymous,
    exp.Map: _map,
    exp.VarMap: _map,
    exp.Window: _windowed,
    exp.Filter: _windowed,
    exp.IgnoreNulls: _windowed,
    exp.RespectNulls: _windowed,
    exp.WithinGroup: _windowed,
    exp.HexString: _hex,
    exp.UnicodeString: _unicode,
    exp.Star: _star,
    exp.Placeholder: _placeholder,
    exp.Parameter: _placeholder,
    exp.ParseJSON: lambda c, n: registry.call(c, "json_parse", [n.this], n),
    exp.Coalesce: lambda c, n: registry.call(c, "coalesce", [n.this, *n.expressions], n),
    **operators.RULES,
    **predicates.RULES,
}
