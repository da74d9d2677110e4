"""Functions on numbers, and those on any value."""

from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from lakemill.streamsql import operations
from lakemill.streamsql.expr import Expr, call, cast_to, constant, unified
from lakemill.streamsql.frame import Frame, Values
from lakemill.streamsql.functions.registry import define
from lakemill.streamsql.sqltypes import NULL, SqlType, is_number, sql_name

_DOUBLE = pa.float64()


def _number(value: Expr, function: str) -> Expr:
    if not (is_number(value.kind) or value.kind == NULL):
        raise TypeError(f"{function} takes a number, not {sql_name(value.kind)}; use CAST")
    return cast_to(value, SqlType(_DOUBLE)) if value.kind == NULL else value


def _double(value: Expr, function: str) -> Expr:
    return cast_to(_number(value, function), SqlType(_DOUBLE))


@define("ABS", 1)
def absolute(value: Expr) -> Expr:
    value = _number(value, "ABS")
    kernel = pc.abs if pa.types.is_decimal(value.kind) else pc.abs_checked
    return call(kernel, value.kind, value)


@define("EXP", 1)
def exponential(value: Expr) -> Expr:
    return call(pc.exp, _DOUBLE, _double(value, "EXP"))


@define("LN", 1)
def natural_logarithm(value: Expr) -> Expr:
    return call(pc.ln_checked, _DOUBLE, _double(value, "LN"))


@define("LOG10", 1)
def decimal_logarithm(value: Expr) -> Expr:
    return call(pc.log10_checked, _DOUBLE, _double(value, "LOG10"))


@define("SQRT", 1)
def square_root(value: Expr) -> Expr:
    return call(pc.sqrt_checked, _DOUBLE, _double(value, "SQRT"))


@define("POWER", 2)
def power(value: Expr, exponent: Expr) -> Expr:
    return call(pc.power, _DOUBLE, _double(value, "POWER"), _double(exponent, "POWER"))


@define("MOD", 2)
def modulo(value: Expr, divisor: Expr) -> Expr:
    """What is left after division; it has the sign of the value."""
    return operations.arithmetic("%", _number(value, "MOD"), _number(divisor, "MOD"))


def rounded(value: Expr, function: str) -> Expr:
    """FLOOR or CEIL of a number."""
    value = _number(value, function)
    if pa.types.is_integer(value.kind):
        return value
    return call(pc.floor if function == "FLOOR" else pc.ceil, value.kind, value)


def stepped(value: Expr, step: Expr) -> Expr:
    """STEP of a whole number: down to a multiple, also below zero."""
    size = step.value()
    if not pa.types.is_integer(value.kind) or not isinstance(size, int) or size < 1:
        raise TypeError("STEP takes a whole number and BY a positive whole number")

    def kernel(values: Values) -> Values:
        wide = pc.cast(values, pa.int64())
        left = pc.subtract(wide, pc.multiply(pc.divide(wide, size), size))
        down = pc.if_else(pc.less(left, 0), pc.add(left, size), left)
        return pc.cast(pc.subtract(wide, down), value.kind)

    return call(kernel, value.kind, value)


@define("COALESCE", 1, 100)
def coalesce(*values: Expr) -> Expr:
    """The first that is not NULL; those behind it are not evaluated for the row."""
    choices = unified(list(values), "COALESCE")

    def run(frame: Frame) -> Values:
        result = choices[0].run(frame)
        for choice in choices[1:]:
            branch = frame.branch()
            missing, other = result, choice.run(branch)
            frame.absorb(branch, partial(pc.is_null, missing))
            result = pc.coalesce(missing, other)
        return result

    return Expr(choices[0].kind, run, all(e.constant for e in choices), length=choices[0].length)


@define("NULLIF", 2)
def nullif(value: Expr, other: Expr) -> Expr:
    """NULL if both are equal, else the first."""
    same = operations.compare(pc.equal, value, other)
    empty = constant(None, value.kind)
    return call(lambda m, e, v: pc.if_else(pc.fill_null(m, False), e, v), value.kind, same, empty, value)
