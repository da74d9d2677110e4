"""Conditions that Redshift has in its own way: LIKE, ILIKE, SIMILAR TO, POSIX operators, IN with rows, IS TRUE."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from lakemill.lakesql.dialects.operators import quantified
from lakemill.lakesql.dialects.redshift.operators import both_sides, no_operator
from lakemill.lakesql.dialects.typed import Typed, failed, not_supported, text
from lakemill.lakesql.types import BOOLEAN, VARCHAR

if TYPE_CHECKING:
    from lakemill.lakesql.dialects.compiler import Compiler


def _texts(c: "Compiler", node: exp.Expr, sign: str) -> tuple[Typed, Typed]:
    value, pattern = c.expression(node.this), c.expression(node.expression)
    for part in (value, pattern):
        if c.dialect.cost(part.type, VARCHAR) is None:
            raise no_operator(sign, value.type, pattern.type, node)
    keep = Typed(value.sql, VARCHAR) if value.type.name == "varchar" else c.dialect.coerce(value, VARCHAR)
    return keep, c.dialect.coerce(pattern, VARCHAR)


def _like(word: str) -> Callable[["Compiler", exp.Expr], Typed]:
    def rule(c: "Compiler", node: exp.Expr) -> Typed:
        return _liked(c, node, word, "\\")

    return rule


def _liked(c: "Compiler", node: exp.Expr, word: str, escape: str) -> Typed:
    value, pattern = _texts(c, node, "~~")
    made = f"({value.sql} {word} {pattern.sql}"
    # Without an escape sign in it the pattern needs none named, and is matched faster.
    plain = isinstance(pattern.value, str) and escape not in pattern.value
    made += ")" if plain else f" ESCAPE {text(escape)})"
    return Typed(f"(NOT {made})" if node.args.get("negate") else made, BOOLEAN)


def _escape(c: "Compiler", node: exp.Escape) -> Typed:
    sign = c.expression(node.expression).value
    if not isinstance(sign, str) or len(sign) != 1:
        raise failed("22019", "invalid escape string", node.expression)
    if isinstance(node.this, exp.SimilarTo):
        return _similar(c, node.this, sign)
    if not isinstance(node.this, exp.Like | exp.ILike):
        raise not_supported("ESCAPE", node)
    return _liked(c, node.this, "LIKE" if isinstance(node.this, exp.Like) else "ILIKE", sign)


def similar_pattern(pattern: str, escape: str) -> str:
    """The regular expression that SIMILAR TO means.

    >>> similar_pattern("%(b|d).", "!")
    '(?s)^(?:.*(?:b|d)\\\\.)$'
    """
    made, at, inside = [], 0, False
    while at < len(pattern):
        sign = pattern[at]
        if sign == escape and at + 1 < len(pattern):
            at += 1
            made.append(re.escape(pattern[at]))
        elif inside:
            made.append(sign)
            inside = sign != "]"
        elif sign == "[":
            made.append(sign)
            inside = True
        else:
            made.append({"%": ".*", "_": ".", "(": "(?:"}.get(sign, "\\" + sign if sign in "^$.\\" else sign))
        at += 1
    return f"(?s)^(?:{''.join(made)})$"


def _similar(c: "Compiler", node: exp.Expr, escape: str = "\\") -> Typed:
    value, pattern = _texts(c, node, "SIMILAR TO")
    if not isinstance(pattern.value, str):
        raise not_supported("SIMILAR TO with a pattern that is not a literal", node)
    return Typed(f"regexp_matches({value.sql}, {text(similar_pattern(pattern.value, escape))})", BOOLEAN)


def _matches(options: str) -> Callable[["Compiler", exp.Expr], Typed]:
    def rule(c: "Compiler", node: exp.Expr) -> Typed:
        value, pattern = _texts(c, node, "~")
        return Typed(f"regexp_matches({value.sql}, {pattern.sql}, {text(options)})", BOOLEAN)

    return rule


def _in(c: "Compiler", node: exp.In) -> Typed:
    found = node.args.get("query")
    if found is None and len(node.expressions) == 1 and isinstance(node.expressions[0], exp.Query):
        found = node.expressions[0]
    if found is not None:
        inner = found.this if isinstance(found, exp.Subquery) else found
        if isinstance(node.this, exp.Tuple):
            return _rows_in_query(c, node, inner)
        return quantified(c, "=", c.expression(node.this), inner, "ANY", node)
    if isinstance(node.this, exp.Tuple):
        rows = [_row_equals(c, node.this, e, node) for e in node.expressions]
        return Typed("(" + " OR ".join(rows) + ")", BOOLEAN)
    value = c.expression(node.this)
    others = [c.expression(e) for e in node.expressions]
    if not others:
        raise failed("42601", 'syntax error at or near ")"', node)
    pairs = [both_sides("=", value, v, node) for v in others]
    if len({p[0].sql for p in pairs}) == 1:
        return Typed(f"({pairs[0][0].sql} IN ({', '.join(p[1].sql for p in pairs)}))", BOOLEAN)
    return Typed("(" + " OR ".join(f"{x.sql} = {y.sql}" for x, y in pairs) + ")", BOOLEAN)


def _row_equals(c: "Compiler", left: exp.Expr, right: exp.Expr, node: exp.Expr) -> str:
    if len(left.expressions) != len(right.expressions):
        raise failed("42601", "unequal number of entries in row expressions", node)
    pairs = zip(left.expressions, right.expressions, strict=True)
    return (
        "(" + " AND ".join(c.dialect.compare("=", c.expression(x), c.expression(y), node).sql for x, y in pairs) + ")"
    )


def _rows_in_query(c: "Compiler", node: exp.In, inner: exp.Expr) -> Typed:
    values = [c.expression(e) for e in node.this.expressions]
    with c.within(groups=None, hoisted=None):
        sql, columns = c.query(c, inner, c.scope)
    if len(columns) != len(values):
        problem = "too many" if len(columns) > len(values) else "too few"
        raise failed("42601", f"subquery has {problem} columns", node)
    name = c.name("q")
    pairs = [both_sides("=", v, Typed(f"{name}.{f.sql}", f.type), node) for v, f in zip(values, columns, strict=True)]
    made = f"SELECT {', '.join(y.sql for _, y in pairs)} FROM ({sql}) AS {name}"
    return Typed(f"(({', '.join(x.sql for x, _ in pairs)}) IN ({made}))", BOOLEAN)


def _is(c: "Compiler", node: exp.Is) -> Typed:
    value = c.expression(node.this)
    if isinstance(node.expression, exp.Null):
        if value.type.name == "super":
            return Typed(f"({value.sql} IS NULL)", BOOLEAN)
        return Typed(f"({c.dialect.output(value).sql} IS NULL)", BOOLEAN)
    if isinstance(node.expression, exp.Boolean):
        sql = c.boolean(node.this, "argument of IS TRUE").sql
        return Typed(f"({sql} IS NOT DISTINCT FROM {'true' if node.expression.this else 'false'})", BOOLEAN)
    raise failed("42601", 'syntax error at or near "IS"', node)


def _equal(sign: str, plain: Callable[["Compiler", Any], Typed]) -> Callable[["Compiler", Any], Typed]:
    """Rows may be compared by = and <>."""

    def rule(c: "Compiler", node: exp.Binary) -> Typed:
        if isinstance(node.this, exp.Tuple) and isinstance(node.expression, exp.Tuple):
            made = _row_equals(c, node.this, node.expression, node)
            return Typed(f"(NOT {made})" if sign == "<>" else made, BOOLEAN)
        return plain(c, node)

    return rule


def rules(plain: dict[type, Callable[["Compiler", Any], Typed]]) -> dict[type, Callable[["Compiler", Any], Typed]]:
    """plain: those that are shared."""
    return {
        exp.Like: _like("LIKE"),
        exp.ILike: _like("ILIKE"),
        exp.Escape: _escape,
        exp.SimilarTo: _similar,
        exp.RegexpLike: _matches("s"),
        exp.RegexpILike: _matches("si"),
        exp.In: _in,
        exp.Is: _is,
        exp.EQ: _equal("=", plain[exp.EQ]),
        exp.NEQ: _equal("<>", plain[exp.NEQ]),
    }
