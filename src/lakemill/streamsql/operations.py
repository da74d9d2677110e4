"""The operators of SQL: arithmetic, comparison, strings and patterns.

- Two whole numbers give a whole number: `7 / 2` is 3. The result has the wider type, INTEGER at least; leaving it is an
  error of the row.
- Exact numbers (DECIMAL and literals with a point) stay exact; with a REAL or DOUBLE the result is DOUBLE.
- A division by zero is an error of the row, also between DOUBLEs.
- Text and numbers are not compared with each other: use CAST.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from lakemill.streamsql.expr import Expr, call, cast_to, constant, infer, rising, unified
from lakemill.streamsql.frame import Frame, Values, by_row
from lakemill.streamsql.intervals import moved_by_months
from lakemill.streamsql.patterns import like_regex, matcher, similar_regex
from lakemill.streamsql.sqltypes import (
    DURATION,
    NULL,
    TIME,
    TIMESTAMP,
    SqlType,
    common,
    decimal_of,
    is_number,
    is_text,
    is_time,
    sql_name,
)

_CHECKED = {"+": pc.add_checked, "-": pc.subtract_checked, "*": pc.multiply_checked, "/": pc.divide_checked}
_DAY_MS = 86_400_000


def number(text: str) -> Expr:
    """A literal: INTEGER or BIGINT, DECIMAL with a point, DOUBLE with an exponent."""
    if "e" in text.lower():
        return constant(float(text), pa.float64())
    if "." in text:
        value = Decimal(text)
        digits = value.as_tuple()
        scale = max(0, -int(digits.exponent))
        return constant(value, pa.decimal128(max(len(digits.digits), scale, 1), scale))
    whole = int(text)
    if not -(2**63) <= whole < 2**63:
        raise ValueError(f"{text} is too large for a BIGINT")
    return constant(whole, pa.int32() if -(2**31) <= whole < 2**31 else pa.int64())


def negative(value: Expr) -> Expr:
    if value.months is not None:
        return replace(value, months=-value.months)
    if value.kind == DURATION:
        return call(pc.negate, DURATION, value)
    if not is_number(value.kind):
        raise TypeError(f"There is no negative {sql_name(value.kind)}")
    kind = _wider(value.kind, pa.int32()) if pa.types.is_integer(value.kind) else value.kind
    kernel = pc.negate if pa.types.is_decimal(kind) else pc.negate_checked
    return call(kernel, kind, cast_to(value, SqlType(kind)))


def arithmetic(sign: str, left: Expr, right: Expr) -> Expr:
    """`left sign right` for one of + - * / %; TypeError if the types do not allow it."""
    if left.kind == NULL and right.kind == NULL and left.months is None and right.months is None:
        return constant(None, NULL)
    if left.months is None and right.months is None:
        left, right = _typed(left, right), _typed(right, left)
    if is_number(left.kind) and is_number(right.kind):
        return _numbers(sign, left, right)
    result = _times(sign, left, right)
    if result is None:
        raise TypeError(f"{sql_name(left.kind)} {sign} {sql_name(right.kind)} is not possible")
    return result


def _typed(value: Expr, other: Expr) -> Expr:
    """A bare NULL takes the type of the other side."""
    if value.kind != NULL:
        return value
    return constant(None, other.kind if is_number(other.kind) else DURATION)


def _wider(left: pa.DataType, right: pa.DataType) -> pa.DataType:
    return max(left, right, pa.int32(), key=lambda kind: kind.bit_width)


def _numbers(sign: str, left: Expr, right: Expr) -> Expr:
    if pa.types.is_integer(left.kind) and pa.types.is_integer(right.kind):
        kind = _wider(left.kind, right.kind)
    elif pa.types.is_floating(left.kind) or pa.types.is_floating(right.kind):
        kind = pa.float64()
    else:
        return _exact(sign, left, right)
    left, right = cast_to(left, SqlType(kind)), cast_to(right, SqlType(kind))
    if sign == "%":
        return call(_remainder(kind), kind, left, right)
    result = call(_CHECKED[sign], kind, left, right)
    steady = sign in "+-" or (sign == "/" and (right.value() or 0) > 0) if right.constant else False
    return rising(result, left) if steady else result


def _exact(sign: str, left: Expr, right: Expr) -> Expr:
    """Decimals; where their digits would not fit, as DOUBLE."""
    left, right = (cast_to(e, SqlType(decimal_of(e.kind))) for e in (left, right))
    if sign == "%":
        kind = common([left.kind, right.kind])
        assert kind is not None
        return call(by_row(_decimal_remainder, kind), kind, left, right)
    kernel = _CHECKED[sign]
    try:
        return call(kernel, infer(kernel, left, right), left, right)
    except (pa.ArrowInvalid, ValueError):
        double = SqlType(pa.float64())
        return _numbers(sign, cast_to(left, double), cast_to(right, double))


def _decimal_remainder(left: Decimal, right: Decimal) -> Decimal:
    if not right:
        raise ZeroDivisionError("division by zero")
    return left % right


def _remainder(kind: pa.DataType) -> Callable:
    """What is left after division; it has the sign of the first."""
    if pa.types.is_integer(kind):
        return lambda a, b: pc.subtract(a, pc.multiply(pc.divide_checked(a, b), b))
    return by_row(math.fmod, kind)


def _times(sign: str, left: Expr, right: Expr) -> Expr | None:
    """Arithmetic with times and intervals."""
    if right.months is not None:
        return _shift(left, right.months if sign == "+" else -right.months) if sign in "+-" else None
    if left.months is not None:
        if sign == "+" and is_time(right.kind):
            return _shift(right, left.months)
        return replace(left, months=left.months * int(right.value())) if sign == "*" and right.constant else None
    if is_time(left.kind) and right.kind == DURATION and sign in "+-":
        result = _moved(sign, left, right)
        return rising(result, left) if right.constant else result
    if left.kind == DURATION and is_time(right.kind) and sign == "+":
        return _times("+", right, left)
    if is_time(left.kind) and is_time(right.kind) and sign == "-":
        if TIME in (left.kind, right.kind):
            if left.kind != right.kind:
                return None
            kernel = lambda a, b: pc.cast(pc.subtract(pc.cast(a, pa.int32()), pc.cast(b, pa.int32())), pa.int64())  # noqa: E731
            return call(lambda a, b: pc.cast(kernel(a, b), DURATION), DURATION, left, right)
        pair = [cast_to(e, SqlType(TIMESTAMP)) for e in (left, right)]
        result = call(pc.subtract, DURATION, *pair)
        return rising(result, left) if right.constant else result
    if left.kind == DURATION and right.kind == DURATION and sign in "+-":
        return call(_CHECKED[sign], DURATION, left, right)
    if left.kind == DURATION and is_number(right.kind) and sign in "*/":
        whole = [cast_to(left, SqlType(pa.int64())), cast_to(right, SqlType(pa.int64()))]
        result = call(lambda a, b: pc.cast(_CHECKED[sign](a, b), DURATION), DURATION, *whole)
        return rising(result, left) if right.constant and (right.value() or 0) > 0 else result
    return None


def _shift(time: Expr, months: int) -> Expr | None:
    if not (pa.types.is_timestamp(time.kind) or pa.types.is_date(time.kind)):
        return None
    return rising(call(moved_by_months(months, time.kind), time.kind, time), time)


def _moved(sign: str, time: Expr, by: Expr) -> Expr:
    kernel = pc.add if sign == "+" else pc.subtract
    if pa.types.is_timestamp(time.kind):
        return call(kernel, TIMESTAMP, time, by)
    if pa.types.is_date(time.kind):
        return cast_to(call(kernel, TIMESTAMP, cast_to(time, SqlType(TIMESTAMP)), by), SqlType(time.kind))

    def around_midnight(clock, interval):
        moved = kernel(pc.cast(pc.cast(clock, pa.int32()), pa.int64()), pc.cast(interval, pa.int64()))
        return pc.cast(pc.cast(moved, TIMESTAMP), TIME)

    return call(around_midnight, TIME, time, by)


def compare(kernel: Callable, left: Expr, right: Expr) -> Expr:
    """A comparison of two values of comparable types."""
    if {type(left.kind), type(right.kind)} == {type(TIMESTAMP), type(pa.date32())} and left.kind != right.kind:
        left, right = cast_to(left, SqlType(TIMESTAMP)), cast_to(right, SqlType(TIMESTAMP))
    left, right = unified([left, right], "A comparison")
    if pa.types.is_struct(left.kind):
        raise TypeError("Rows cannot be compared: name a field")
    if left.kind == NULL:
        return constant(None, pa.bool_())
    return call(kernel, pa.bool_(), left, right)


def among(value: Expr, others: list[Expr]) -> Expr:
    """IN: TRUE if one is equal, else NULL if one is NULL."""
    if all(other.constant for other in others):
        value, *constants = unified([value, *others], "IN")
        if value.kind != NULL and not pa.types.is_struct(value.kind):
            wanted = pa.array([other.value() for other in constants], value.kind)
            unknown = pa.scalar(None if wanted.null_count else False, pa.bool_())
            found = wanted.drop_null()

            def test(values: Values) -> Values:
                inside = pc.if_else(pc.is_in(values, found), True, unknown)
                return pc.if_else(pc.is_valid(values), inside, pa.scalar(None, pa.bool_()))

            return call(test, pa.bool_(), value)
    tests = [compare(pc.equal, value, other) for other in others]

    def run(frame: Frame) -> Values:
        result: Values = pa.scalar(False)
        for each in tests:
            result = pc.or_kleene(result, each.run(frame))
        return result

    return Expr(pa.bool_(), run, value.constant and all(other.constant for other in others))


def same(left: Expr, right: Expr) -> Expr:
    """IS NOT DISTINCT FROM: NULL is like NULL."""
    equal = compare(pc.equal, left, right)
    both = call(lambda a, b: pc.and_(pc.is_null(a), pc.is_null(b)), pa.bool_(), left, right)
    return call(lambda e, b: pc.or_(pc.fill_null(e, False), b), pa.bool_(), equal, both)


def concatenate(left: Expr, right: Expr) -> Expr:
    """`left || right`; NULL with a NULL."""
    for side in (left, right):
        if not (is_text(side.kind) or side.kind == NULL or pa.types.is_binary(side.kind)):
            raise TypeError(f"|| takes text, not {sql_name(side.kind)}; use CAST")
    kind = pa.binary() if pa.types.is_binary(left.kind) else pa.string()
    left, right = cast_to(left, SqlType(kind)), cast_to(right, SqlType(kind))
    end = pa.scalar("" if kind == pa.string() else b"", kind)
    return call(lambda a, b: pc.binary_join_element_wise(a, b, end), kind, left, right)


def like(value: Expr, pattern: Expr, escape: Expr | None) -> Expr:
    """LIKE: % any characters, _ one, behind the escape character themselves."""
    return matcher("LIKE", like_regex, value, pattern, escape)


def similar(value: Expr, pattern: Expr, escape: Expr | None) -> Expr:
    """SIMILAR TO: LIKE with | * + ? {m,n} ( ) and [ ]."""
    return matcher("SIMILAR TO", similar_regex, value, pattern, escape)
