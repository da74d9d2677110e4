"""Arithmetic and comparisons: integers divide to integers, decimals by Redshift's rules of precision and scale.

Computing with numeric values: https://docs.aws.amazon.com/redshift/latest/dg/r_numeric_computations201.html
"""

from dataclasses import replace

from sqlglot import exp

from lakemill.lakesql.dialects.coercion import INTEGERS, NUMBERS, as_decimal
from lakemill.lakesql.dialects.decimals import DIGITS_64, of_units, sum_of, units_of
from lakemill.lakesql.dialects.redshift.coercion import AS_TEXT, TEXTS, TIMES, Mark, coerce, common
from lakemill.lakesql.dialects.redshift.names import shown
from lakemill.lakesql.dialects.typed import Typed, failed, guard, once
from lakemill.lakesql.types import (
    BOOLEAN,
    DATE,
    DECIMAL_MAX,
    DOUBLE,
    INTEGER,
    INTERVAL,
    UNKNOWN,
    VARCHAR,
    Type,
    decimal,
)

TIMESTAMP = Type("timestamp")


def no_operator(sign: str, a: Type, b: Type, node: exp.Expr | None) -> Exception:
    error = failed("42883", f"operator does not exist: {shown(a, False)} {sign} {shown(b, False)}", node)
    error.hint = "No operator matches the given name and argument type(s). You may need to add explicit type casts."
    return error


def arithmetic(sign: str, a: Typed, b: Typed, node: exp.Expr | None, wide: bool = True) -> Typed:
    """a + b and the like. Overflow (22003) and division by zero (22012) fail as the statement runs."""
    a, b = _taken(sign, a, b), _taken(sign, b, a)
    if a.type.name in NUMBERS and b.type.name in NUMBERS:
        kind = common(a.type, b.type)
        assert kind is not None
        if kind.name == "decimal":
            return decimals(sign, a, b, node, wide)
        return _numbers(sign, coerce(a, kind), coerce(b, kind), kind)
    if (a.type.name == "super" and b.type.name in NUMBERS) or (b.type.name == "super" and a.type.name in NUMBERS):
        x, y = (
            Typed(f"super_number({v.sql})", DOUBLE) if v.type.name == "super" else coerce(v, DOUBLE) for v in (a, b)
        )
        made = _numbers(sign, x, y, DOUBLE)
        return Typed(f"CAST(to_json({made.sql}) AS JSON)", Type("super"))
    found = _with_times(sign, a, b)
    if found is None:
        raise no_operator(sign, a.type, b.type, node)
    return found


def _taken(sign: str, value: Typed, other: Typed) -> Typed:
    """What is unknown is of the other side's type; beside a date or a time an interval, or the same to subtract."""
    if value.type != UNKNOWN:
        return value
    if other.type == UNKNOWN:
        return coerce(value, INTEGER) if value.value is None or isinstance(value.value, Mark) else coerce(value, DOUBLE)
    if other.type.name in TIMES:
        if value.value is None or sign == "-":
            return coerce(value, other.type)
        return coerce(value, INTERVAL)
    return coerce(value, DOUBLE if other.type == INTERVAL else other.type)


def _numbers(sign: str, a: Typed, b: Typed, kind: Type) -> Typed:
    typed = kind.duckdb()
    left, right = (f"CAST({v.sql} AS {typed})" if v.value is not None else v.sql for v in (a, b))
    if sign in {"/", "%"}:
        made = f"({left} {'//' if sign == '/' and kind.name in INTEGERS else sign} {right})"
        if isinstance(b.value, int | float) and b.value not in {0, -1}:
            return Typed(made, kind)
        return Typed(guard(f"{right} = 0", "22012", "'division by zero'", made), kind)
    return Typed(f"({left} {sign} {right})", kind)


def kind_of(sign: str, a: Type, b: Type) -> Type:
    """The decimal that an operation gives.

    >>> kind_of("/", decimal(8, 2), decimal(8, 2))
    Type(name='decimal', args=(17, 9))
    """
    (p1, s1), (p2, s2) = as_decimal(a).args, as_decimal(b).args
    if sign in {"+", "-"}:
        scale = max(s1, s2)
        precision = max(p1 - s1, p2 - s2) + scale + 1
    elif sign == "*":
        scale, precision = s1 + s2, p1 + p2 + 1
    elif sign == "/":
        scale = max(4, s1 + p2 - s2 + 1)
        precision = p1 - s1 + s2 + scale
    else:
        scale = max(s1, s2)
        precision = min(p1 - s1, p2 - s2) + scale
    if precision > 38:
        # The whole digits are kept as far as four behind the point allow.
        scale = max(min(scale, 4), scale - (precision - 38))
    return decimal(max(precision, 1), min(scale, 37))


def decimals(sign: str, a: Typed, b: Typed, node: exp.Expr | None, wide: bool = True) -> Typed:
    x, y = as_decimal(a.type), as_decimal(b.type)
    (p1, s1), (p2, s2) = x.args, y.args
    left, right = coerce(a, x).sql, coerce(b, y).sql
    kind = kind_of(sign, x, y)
    if sign in {"+", "-"}:
        return Typed(sum_of(sign, (left, x), (right, y), kind), kind)
    if sign == "*":
        return _product((left, x, a.narrow), (right, y, b.narrow), kind, wide)
    if sign == "/":

        def quotient(top: str, bottom: str) -> str:
            shift = kind.args[1] + s2 - s1
            units = f"{units_of(top, s1)} * {10**shift}::HUGEINT" if shift >= 0 else units_of(top, s1)
            below = units_of(bottom, s2) if shift >= 0 else f"{units_of(bottom, s2)} * {10**-shift}::HUGEINT"
            return guard(f"{bottom} = 0", "22012", "'division by zero'", of_units(f"half_up({units}, {below})", kind))

        return Typed(once(left, lambda top: once(right, lambda bottom: quotient(top, bottom))), kind)
    whole = decimal(max(p1 - s1, p2 - s2) + max(s1, s2), max(s1, s2)).duckdb()
    made = f"CAST(CAST({left} AS {whole}) % CAST({right} AS {whole}) AS {kind.duckdb()})"
    return Typed(guard(f"{right} = 0", "22012", "'division by zero'", made), kind)


def _product(a: tuple[str, Type, str], b: tuple[str, Type, str], kind: Type, wide: bool) -> Typed:
    """Of two decimals: their SQL, types, and SQL in 64 bits."""
    (left, x, narrow), (right, y, other) = a, b
    (p1, s1), (p2, s2) = x.args, y.args
    if s1 + s2 > DECIMAL_MAX:
        cut = f"CAST({left} AS DECIMAL(38,{min(s1, 19)})) * CAST({right} AS DECIMAL(38,{min(s2, 19)}))"
        return Typed(f"CAST({cut} AS {kind.duckdb()})", kind)
    in_64 = f"({narrow or left} * {other or right})"
    if p1 <= DIGITS_64 and p2 <= DIGITS_64 < p1 + p2:
        left = f"CAST({left} AS {decimal(min(p1 + p2, DECIMAL_MAX), s1).duckdb()})"
    made = Typed(f"CAST({left} * {right} AS {kind.duckdb()})", kind)
    if wide or s1 + s2 > DIGITS_64:
        return made
    cut = f"CAST({in_64} AS DECIMAL({DIGITS_64},{kind.args[1]}))" if kind.args[1] < s1 + s2 else in_64
    return replace(made, narrow=cut)


def _with_times(sign: str, a: Typed, b: Typed) -> Typed | None:
    x, y = a.type.name, b.type.name
    if sign == "+" and (x == "interval" or x in NUMBERS or x == "time") and y in TIMES:
        return _with_times(sign, b, a)
    if sign in {"+", "-"}:
        if x == "date" and y in INTEGERS:
            return Typed(f"({a.sql} {sign} CAST({b.sql} AS INTEGER))", DATE)
        if x == "date" and y == "date" and sign == "-":
            return Typed(f"CAST({a.sql} - {b.sql} AS INTEGER)", INTEGER)
        if x in {"timestamp", "timestamptz"} and y in NUMBERS:
            return Typed(f"({a.sql} {sign} to_microseconds(CAST(round({b.sql} * 86400000000) AS BIGINT)))", a.type)
        if x in TIMES and y in TIMES and sign == "-":
            both = common(a.type, b.type)
            assert both is not None
            return Typed(f"({coerce(a, both).sql} - {coerce(b, both).sql})", INTERVAL)
        if x in TIMES and y == "interval":
            return Typed(f"({a.sql} {sign} {b.sql})", TIMESTAMP if x == "date" else a.type)
        if x == "date" and y == "time" and sign == "+":
            return Typed(f"({a.sql} + {b.sql})", TIMESTAMP)
        if x in {"time", "timetz"} and y == "interval":
            return Typed(f"({a.sql} {sign} {b.sql})", a.type)
        if x == "time" and y == "interval" and sign == "+":
            return _with_times(sign, b, a)
        if x == y == "interval":
            return Typed(f"({a.sql} {sign} {b.sql})", INTERVAL)
        if x == y == "time" and sign == "-":
            day = "DATE '2000-01-01'"
            return Typed(f"(({day} + {a.sql}) - ({day} + {b.sql}))", INTERVAL)
    if sign == "*" and {x, y} <= {"interval", *NUMBERS} and "interval" in {x, y} and x != y:
        span, factor = (a, b) if x == "interval" else (b, a)
        return Typed(f"interval_times({span.sql}, CAST({factor.sql} AS DOUBLE))", INTERVAL)
    if sign == "/" and x == "interval" and y in NUMBERS:
        by = f"CAST({b.sql} AS DOUBLE)"
        return Typed(guard(f"{by} = 0", "22012", "'division by zero'", f"interval_times({a.sql}, 1 / {by})"), INTERVAL)
    return None


def both_sides(sign: str, a: Typed, b: Typed, node: exp.Expr | None) -> tuple[Typed, Typed]:
    """The sides of a comparison as one type; texts without the blanks at their ends, which do not count."""
    if a.type == UNKNOWN and b.type == UNKNOWN:
        a, b = coerce(a, VARCHAR), coerce(b, VARCHAR)
    a = coerce(a, b.type) if a.type == UNKNOWN else a
    b = coerce(b, a.type) if b.type == UNKNOWN else b
    names = {a.type.name, b.type.name}
    if names & TEXTS:
        other = next(iter(names - TEXTS), None)
        if other == "super":
            return tuple(
                Typed(f"super_string({v.sql})", VARCHAR) if v.type.name == "super" else _trimmed(v) for v in (a, b)
            )  # type: ignore[return-value]
        if other is not None and other not in AS_TEXT:
            raise no_operator(sign, a.type, b.type, node)
        return _trimmed(coerce(a, VARCHAR)), _trimmed(coerce(b, VARCHAR))
    if "super" in names and len(names) == 2:
        other = next(iter(names - {"super"}))
        function, kind = ("super_boolean", BOOLEAN) if other == "boolean" else ("super_number", DOUBLE)
        if other not in {"boolean", *NUMBERS}:
            raise no_operator(sign, a.type, b.type, node)
        x, y = (Typed(f"{function}({v.sql})", kind) if v.type.name == "super" else coerce(v, kind) for v in (a, b))
        return x, y
    both = common(a.type, b.type)
    if both is None:
        raise no_operator(sign, a.type, b.type, node)
    if both.name == "super":
        return Typed(f"json_sorted(CAST({a.sql} AS VARCHAR))", VARCHAR), Typed(
            f"json_sorted(CAST({b.sql} AS VARCHAR))", VARCHAR
        )
    return coerce(a, both), coerce(b, both)


def _trimmed(value: Typed) -> Typed:
    if isinstance(value.value, str) and not value.value.endswith(" "):
        return value
    return Typed(f"rtrim({value.sql}, ' ')", VARCHAR)


def compare(sign: str, a: Typed, b: Typed, node: exp.Expr | None) -> Typed:
    """=, <>, <, <=, >, >=."""
    x, y = both_sides(sign, a, b, node)
    return Typed(f"({x.sql} {sign} {y.sql})", BOOLEAN)
