"""Operators: arithmetic that fails where Trino's does, comparisons, intervals."""

import math
import operator
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from lakemill.lakesql.dialects import decimals
from lakemill.lakesql.dialects.coercion import INTEGERS, NUMBERS, as_decimal, coerce, common
from lakemill.lakesql.dialects.thresholds import TURNED, compared
from lakemill.lakesql.dialects.typed import Typed, failed, guard, not_supported
from lakemill.lakesql.types import (
    BOOLEAN,
    DATE,
    DOUBLE,
    INTERVAL_DAY,
    INTERVAL_YEAR,
    Type,
)

if TYPE_CHECKING:
    from lakemill.lakesql.dialects.compiler import Compiler

_FOLDED = {"+": operator.add, "-": operator.sub, "*": operator.mul}
_INTERVALS = {"interval day to second", "interval year to month"}
_TIMES = {"date", "timestamp", "timestamp with time zone", "time"}


def arithmetic(sign: str, a: Typed, b: Typed, node: exp.Expr | None, wide: bool = True) -> Typed:
    """a + b and the like. Raises SqlFailed(TYPE_MISMATCH); overflow and division by zero fail as the statement runs."""
    if a.type.name in NUMBERS | {"unknown"} and b.type.name in NUMBERS | {"unknown"}:
        kind = common(a.type, b.type)
        if kind is not None and kind.name == "unknown":
            return Typed("NULL", Type("unknown"))
        if kind is not None and kind.name == "decimal":
            return decimals.arithmetic(sign, a, b, wide)
        if kind is not None:
            made = _numbers(sign, coerce(a, kind), coerce(b, kind), kind)
            return _folded(made, sign, a, b) if kind.name == "double" else made
    found = _with_times(sign, a, b)
    if found is None:
        message = f"Cannot apply operator: {a.type.trino()} {sign} {b.type.trino()}"
        raise failed("TYPE_MISMATCH", message, node)
    return found


def _numbers(sign: str, a: Typed, b: Typed, kind: Type) -> Typed:
    if kind.name not in INTEGERS:
        if sign == "%":
            return Typed(f"({a.sql} % {b.sql})", kind)
        # A division of floating-point numbers by zero is infinite or not a number.
        return Typed(f"({a.sql} {sign} {b.sql})", kind)
    if sign in {"/", "%"}:
        made = f"({a.sql} {'//' if sign == '/' else '%'} {b.sql})"
        if isinstance(b.value, int) and b.value not in {0, -1}:
            return Typed(made, kind)
        return Typed(guard(f"{b.sql} = 0", "DIVISION_BY_ZERO", "'Division by zero'", made), kind)
    typed = kind.duckdb()
    # A literal would take the other side's type, however small.
    left = f"CAST({a.sql} AS {typed})" if a.value is not None else a.sql
    right = f"CAST({b.sql} AS {typed})" if b.value is not None else b.sql
    return Typed(f"({left} {sign} {right})", kind)


def _folded(made: Typed, sign: str, a: Typed, b: Typed) -> Typed:
    """A double that is known if both sides are, or at least bounded."""
    sides = [one.value for one in (a, b) if isinstance(one.value, int | float)]
    if len(sides) == 2 and sign in _FOLDED:
        value = _FOLDED[sign](float(sides[0]), float(sides[1]))
        if math.isfinite(value):
            return Typed(f"CAST('{value!r}' AS DOUBLE)", made.type, value)
    return replace(made, bound=_bound(sign, a, b))


def _bound(sign: str, a: Typed, b: Typed) -> float | None:
    """What the magnitude of a + b, a - b or a * b does not exceed, where that is known and finite."""
    x, y = _magnitude(a), _magnitude(b)
    if x is None or y is None or sign not in {"+", "-", "*"}:
        return None
    bound = x * y if sign == "*" else x + y
    return bound if math.isfinite(bound) else None


def _magnitude(value: Typed) -> float | None:
    if isinstance(value.value, int | float):
        return abs(float(value.value)) if math.isfinite(value.value) else None
    if value.type.name == "decimal" or value.type.name in INTEGERS:
        whole, fraction = as_decimal(value.type).args
        return float(10 ** (whole - fraction))
    return value.bound


def _with_times(sign: str, a: Typed, b: Typed) -> Typed | None:
    if sign == "+" and a.type.name in _INTERVALS and b.type.name in _TIMES:
        return _with_times(sign, b, a)
    if sign in {"+", "-"} and a.type.name in _TIMES and b.type.name in _INTERVALS:
        return shifted(a, sign, b)
    if sign in {"+", "-"} and a.type.name in _INTERVALS and a.type == b.type:
        return Typed(f"({a.sql} {sign} {b.sql})", a.type)
    if sign == "*" and b.type.name in _INTERVALS and a.type.name in INTEGERS:
        return Typed(f"({b.sql} * {a.sql})", b.type)
    if sign == "*" and a.type.name in _INTERVALS and b.type.name in INTEGERS:
        return Typed(f"({a.sql} * {b.sql})", a.type)
    if sign == "-" and a.type.name in _TIMES and b.type.name in _TIMES:
        both = common(a.type, b.type)
        if both is None:
            return None
        x, y = moment(coerce(a, both)), moment(coerce(b, both))
        return Typed(
            f"to_microseconds(date_diff('microsecond', CAST({y} AS TIMESTAMP), CAST({x} AS TIMESTAMP)))", INTERVAL_DAY
        )
    return None


def shifted(a: Typed, sign: str, b: Typed) -> Typed | None:
    """A time and an interval. Days and less shift the moment; months shift the date that is shown."""
    if a.type.name == "date":
        if b.type == INTERVAL_DAY:
            whole = f"interval_ms({b.sql}) % 86400000 <> 0"
            message = "'Cannot add hour, minutes or seconds to a date'"
            made = f"CAST({a.sql} {sign} {b.sql} AS DATE)"
            return Typed(guard(whole, "INVALID_FUNCTION_ARGUMENT", message, made), DATE)
        return Typed(f"CAST({a.sql} {sign} {b.sql} AS DATE)", DATE)
    if a.type.name == "timestamp with time zone":
        if b.type == INTERVAL_DAY:
            made = f"{{'t': {a.sql}.t {sign} {b.sql}, 'z': {a.sql}.z}}"
        else:
            made = f"tz_make(tz_local({a.sql}) {sign} {b.sql}, {a.sql}.z)"
        return Typed(made, a.type)
    if a.type.name == "time" and b.type != INTERVAL_DAY:
        return None
    return Typed(f"({a.sql} {sign} {b.sql})", a.type)


def moment(value: Typed) -> str:
    """What a value is compared, joined and sorted by."""
    return f"struct_extract({value.sql}, 't')" if value.type.name == "timestamp with time zone" else value.sql


def compare(sign: str, a: Typed, b: Typed, node: exp.Expr | None) -> Typed:
    """A comparison by =, <>, <, <=, >, >=. NaN is equal to nothing, unlike in DuckDB."""
    kind = common(a.type, b.type)
    if kind is None:
        message = f"Cannot apply operator: {a.type.trino()} {sign if sign != '<>' else '='} {b.type.trino()}"
        raise failed("TYPE_MISMATCH", message, node)
    if kind.name == "map" and sign not in {"=", "<>"}:
        raise failed("TYPE_MISMATCH", f"Cannot apply operator: {a.type.trino()} {sign} {b.type.trino()}", node)
    if {a.type.name, b.type.name} == {"char", "varchar"} or (a.type.name == "char" and a.type != b.type):
        return Typed(f"(rtrim({a.sql}, ' ') {sign} rtrim({b.sql}, ' '))", BOOLEAN)
    for value, other, turned in ((a, b, sign), (b, a, TURNED[sign])):
        if value.type.name == "decimal" and other.type == DOUBLE and isinstance(other.value, float):
            found = compared(turned, value, other.value)
            if found is not None:
                return Typed(found, BOOLEAN)
    x, y = moment(coerce(a, kind)), moment(coerce(b, kind))
    made = f"({x} {sign} {y})"
    if kind.name in {"double", "real"}:
        made = _with_nan(made, sign, (x, a), (y, b))
    return Typed(made, BOOLEAN)


def _with_nan(made: str, sign: str, left: tuple[str, Typed], right: tuple[str, Typed]) -> str:
    """A comparison in which NaN is equal to nothing and in no order.

    In DuckDB it is equal to itself, and the largest: only the larger side makes a difference, or, where both would have
    to be it, either.
    """
    sides = {"<": (right,), "<=": (right,), ">": (left,), ">=": (left,)}.get(sign, (left, right))
    looked = [side for side, typed in sides if _magnitude(typed) is None]
    if len(looked) < len(sides):
        return made
    check = f"isnan({min(looked, key=len)})"
    return f"({made} OR {check})" if sign == "<>" else f"({made} AND NOT {check})"


def distinct(a: Typed, b: Typed, node: exp.Expr) -> str:
    kind = common(a.type, b.type)
    if kind is None:
        raise failed(
            "TYPE_MISMATCH", f"Cannot apply operator: {a.type.trino()} IS DISTINCT FROM {b.type.trino()}", node
        )
    return f"({moment(coerce(a, kind))} IS DISTINCT FROM {moment(coerce(b, kind))})"


def in_query(c: "Compiler", value: Typed, query: exp.Expr, node: exp.Expr) -> Typed:
    """x IN (SELECT ...)."""
    return quantified(c, "=", value, query, "ANY", node)


def quantified(c: "Compiler", sign: str, value: Typed, query: exp.Expr, quantifier: str, node: exp.Expr) -> Typed:
    with c.within(groups=None, hoisted=None):
        sql, columns = c.query(c, query, c.scope)
    if len(columns) != 1:
        raise failed(
            "TYPE_MISMATCH", f"Multiple columns returned by subquery are not yet supported. Found {len(columns)}", node
        )
    kind = c.dialect.common(value.type, columns[0].type)
    if kind is None:
        both = f"{c.dialect.shown(value.type)} vs {c.dialect.shown(columns[0].type)}"
        message = f"Value expression and result of subquery must be of the same type: {both}"
        raise failed("TYPE_MISMATCH", message, node)
    name = c.name("q")
    inner = c.dialect.coerce(Typed(f"{name}.{columns[0].sql}", columns[0].type), kind)
    made = f"SELECT {c.dialect.key(inner)} FROM ({sql}) AS {name}"
    side = c.dialect.key(c.dialect.coerce(value, kind))
    if sign == "=" and quantifier == "ANY":
        return c.hoist(Typed(f"({side} IN ({made}))", BOOLEAN))
    if sign == "<>" and quantifier == "ALL":
        return c.hoist(Typed(f"({side} NOT IN ({made}))", BOOLEAN))
    return c.hoist(Typed(f"({side} {sign} {quantifier} ({made}))", BOOLEAN))


def _comparison(sign: str) -> Callable[["Compiler", Any], Typed]:
    def rule(c: "Compiler", node: exp.Binary) -> Typed:
        right = node.expression
        quantifier = ""
        if isinstance(right, exp.Any):
            quantifier, right = "ANY", right.this
        elif isinstance(right, exp.All):
            quantifier, right = "ALL", right.this
        elif isinstance(right, exp.Anonymous) and right.name.lower() in {"any", "all", "some"}:
            quantifier, right = ("ALL" if right.name.lower() == "all" else "ANY"), right.expressions[0]
        if quantifier:
            while isinstance(right, exp.Subquery | exp.Paren):
                right = right.this
            return quantified(c, sign, c.expression(node.this), right, quantifier, node)
        return c.dialect.compare(sign, c.expression(node.this), c.expression(right), node)

    return rule


def _arithmetic(sign: str) -> Callable[["Compiler", Any], Typed]:
    def rule(c: "Compiler", node: exp.Binary) -> Typed:
        return c.dialect.arithmetic(sign, c.expression(node.this), c.expression(node.expression), node, c.wide)

    return rule


def _negative(c: "Compiler", node: exp.Neg) -> Typed:
    if isinstance(node.this, exp.Literal) and node.this.this == "9223372036854775808":
        return Typed("CAST('-9223372036854775808' AS BIGINT)", Type("bigint"), -(2**63))
    if isinstance(node.this, exp.Literal) and node.this.this == "2147483648":
        return Typed("CAST('-2147483648' AS BIGINT)", Type("bigint"), -(2**31))
    value = c.expression(node.this)
    if value.type.name not in NUMBERS | _INTERVALS | {"unknown"}:
        raise failed("TYPE_MISMATCH", f"Cannot negate {value.type.trino()}", node)
    if value.value is not None:
        return Typed(f"(-{value.sql})", value.type, -value.value)
    return Typed(f"(-({value.sql}))", value.type)


_UNITS = {"YEAR": 12, "MONTH": 1}


def _interval(c: "Compiler", node: exp.Interval) -> Typed:
    """INTERVAL '3' DAY, INTERVAL '1-2' YEAR TO MONTH, INTERVAL '1 02:03:04.5' DAY TO SECOND."""
    value, sign = node.this, 1
    while isinstance(value, exp.Neg):
        value, sign = value.this, -sign
    if not isinstance(value, exp.Literal) or not value.is_string:
        raise failed("SYNTAX_ERROR", f"mismatched input '{value.sql('trino') if value else 'interval'}'", node)
    unit = node.args.get("unit")
    shown = value.this.strip()
    if shown.startswith("-"):
        sign, shown = -sign, shown[1:]
    wrong = failed("INVALID_LITERAL", f"'{value.this}' is not a valid INTERVAL literal", node)
    names = (
        [unit.this.name.upper(), unit.expression.name.upper()]
        if isinstance(unit, exp.IntervalSpan)
        else [(unit.name if unit else "").upper()]
    )
    try:
        if names == ["YEAR", "MONTH"]:
            years, months = shown.split("-")
            return Typed(f"to_months({sign * (int(years) * 12 + int(months))})", INTERVAL_YEAR)
        if len(names) == 1 and names[0] in _UNITS:
            return Typed(f"to_months({sign * int(shown) * _UNITS[names[0]]})", INTERVAL_YEAR)
        millis = _milliseconds(shown, names)
    except (ValueError, IndexError):
        raise wrong from None
    if millis is None:
        raise wrong
    return Typed(f"to_microseconds({sign * millis * 1000})", INTERVAL_DAY)


_ORDER = ["DAY", "HOUR", "MINUTE", "SECOND"]
_MILLIS = {"WEEK": 7 * 86400000, "DAY": 86400000, "HOUR": 3600000, "MINUTE": 60000, "SECOND": 1000}


def _milliseconds(shown: str, names: list[str]) -> int | None:
    if len(names) == 1:
        if names[0] == "SECOND":
            return round(float(shown) * 1000)
        return int(shown) * _MILLIS[names[0]] if names[0] in _MILLIS else None
    units = _ORDER[_ORDER.index(names[0]) : _ORDER.index(names[1]) + 1]
    parts = shown.replace(" ", ":").split(":")
    if len(parts) != len(units):
        return None
    return sum(round(float(p) * _MILLIS[u]) for p, u in zip(parts, units, strict=True))


def _distinct_from(c: "Compiler", node: exp.Binary) -> Typed:
    made = distinct(c.expression(node.this), c.expression(node.expression), node)
    return Typed(made if isinstance(node, exp.NullSafeNEQ) else f"(NOT {made})", BOOLEAN)


def _refused(c: "Compiler", node: exp.Expr) -> Typed:
    raise not_supported(node.sql("trino"), node)


RULES: dict[type, Callable[[Any, Any], Typed]] = {
    exp.Add: _arithmetic("+"),
    exp.Sub: _arithmetic("-"),
    exp.Mul: _arithmetic("*"),
    exp.Div: _arithmetic("/"),
    exp.Mod: _arithmetic("%"),
    exp.Neg: _negative,
    exp.EQ: _comparison("="),
    exp.NEQ: _comparison("<>"),
    exp.LT: _comparison("<"),
    exp.LTE: _comparison("<="),
    exp.GT: _comparison(">"),
    exp.GTE: _comparison(">="),
    exp.NullSafeEQ: _distinct_from,
    exp.NullSafeNEQ: _distinct_from,
    exp.Interval: _interval,
}
