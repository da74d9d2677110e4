"""Conditions: IN, BETWEEN, LIKE, IS, NOT, AND, OR."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from lakemill.lakesql.dialects import operators
from lakemill.lakesql.dialects.coercion import coerce
from lakemill.lakesql.dialects.literals import string
from lakemill.lakesql.dialects.typed import Typed, failed, not_supported
from lakemill.lakesql.types import BOOLEAN, VARCHAR

if TYPE_CHECKING:
    from lakemill.lakesql.dialects.compiler import Compiler


def _in(c: "Compiler", node: exp.In) -> Typed:
    value = c.expression(node.this)
    if node.args.get("query") is not None:
        inner = node.args["query"]
        return operators.in_query(c, value, inner.this if isinstance(inner, exp.Subquery) else inner, node)
    if len(node.expressions) == 1 and isinstance(node.expressions[0], exp.Query):
        return operators.in_query(c, value, node.expressions[0], node)
    if not node.expressions:
        raise not_supported(node.sql("trino"), node)
    parts = [c.dialect.compare("=", value, c.expression(e), e) for e in node.expressions]
    kind = value.type
    values = [c.expression(e) for e in node.expressions]
    for v in values:
        kind = c.dialect.common(kind, v.type) or kind
    if kind.name not in {"double", "real", "timestamp with time zone", "row", "array", "char"}:
        inside = ", ".join(coerce(v, kind).sql for v in values)
        return Typed(f"({coerce(value, kind).sql} IN ({inside}))", BOOLEAN)
    return Typed("(" + " OR ".join(p.sql for p in parts) + ")", BOOLEAN)


def _between(c: "Compiler", node: exp.Between) -> Typed:
    value = c.expression(node.this)
    low = c.dialect.compare(">=", value, c.expression(node.args["low"]), node)
    high = c.dialect.compare("<=", value, c.expression(node.args["high"]), node)
    return Typed(f"({low.sql} AND {high.sql})", BOOLEAN)


def _like(c: "Compiler", node: exp.Expr, escape: str | None = None) -> Typed:
    value, pattern = c.expression(node.this), c.expression(node.expression)
    for part, at in ((value, node.this), (pattern, node.expression)):
        if part.type.name not in {"varchar", "char", "unknown"}:
            message = f"Left side of LIKE expression must evaluate to a varchar (actual: {part.type.trino()})"
            raise failed("TYPE_MISMATCH", message, at)
    # DuckDB takes a backslash for an escape unless another is named; Trino has none by default.
    sql = f"({coerce(value, VARCHAR).sql} LIKE {coerce(pattern, VARCHAR).sql}"
    sql += f" ESCAPE {string(escape)})" if escape is not None else ")"
    return Typed(f"(NOT {sql})", BOOLEAN) if node.args.get("negate") else Typed(sql, BOOLEAN)


def _escape(c: "Compiler", node: exp.Escape) -> Typed:
    sign = c.expression(node.expression).value
    if not isinstance(sign, str) or len(sign) != 1:
        raise failed("INVALID_FUNCTION_ARGUMENT", "Escape string must be a single character", node.expression)
    if not isinstance(node.this, exp.Like):
        raise not_supported(node.sql("trino"), node)
    pattern = c.expression(node.this.expression)
    if isinstance(pattern.value, str):
        at = 0
        while (at := pattern.value.find(sign, at)) >= 0:
            if pattern.value[at + 1 : at + 2] not in {"%", "_", sign} or at + 1 >= len(pattern.value):
                message = "Escape character must be followed by '%', '_' or the escape character itself"
                raise failed("INVALID_FUNCTION_ARGUMENT", message, node)
            at += 2
    return _like(c, node.this, sign)


def _is(c: "Compiler", node: exp.Is) -> Typed:
    value = c.expression(node.this)
    if isinstance(node.expression, exp.Null):
        return Typed(f"({value.sql} IS NULL)", BOOLEAN)
    raise failed(
        "SYNTAX_ERROR", f"mismatched input '{node.expression.sql('trino')}'. Expecting: 'DISTINCT', 'NULL'", node
    )


def _not(c: "Compiler", node: exp.Not) -> Typed:
    return Typed(f"(NOT {c.boolean(node.this, 'Value of logical NOT expression').sql})", BOOLEAN)


def _logical(sign: str) -> Callable[["Compiler", exp.Expr], Typed]:
    def rule(c: "Compiler", node: exp.Expr) -> Typed:
        # Long chains are flattened, so that they do not nest.
        parts = [c.boolean(p, "Logical expression term").sql for p in node.flatten(unnest=False)]
        return Typed("(" + f" {sign} ".join(parts) + ")", BOOLEAN)

    return rule


RULES: dict[type, Callable[["Compiler", Any], Typed]] = {
    exp.In: _in,
    exp.Between: _between,
    exp.Like: _like,
    exp.Escape: _escape,
    exp.Is: _is,
    exp.Not: _not,
    exp.And: _logical("AND"),
    exp.Or: _logical("OR"),
}
