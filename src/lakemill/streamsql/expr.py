"""A compiled expression: a type, and how to get its values on a frame."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pyarrow as pa

from lakemill.streamsql.casting import caster
from lakemill.streamsql.frame import Frame, Values
from lakemill.streamsql.sqltypes import NULL, SqlType, common, is_text, sql_name


@dataclass(frozen=True)
class Expr:
    """`run` gives the values (a scalar where all rows have the same).

    constant: no row and no clock is needed. monotone: the values do not fall from row to row. rowtime: they are a
    rising function of ROWTIME alone, so that the clock can tell when a value has passed; `boundary` is then, where it
    is known, the first ROWTIME at which the value is no longer the given one. itself: it is ROWTIME and nothing else.
    months: the value of an interval of years and months, which Arrow has no arithmetic for.
    """

    kind: pa.DataType
    run: Callable[[Frame], Values]
    constant: bool = False
    monotone: bool = False
    rowtime: bool = False
    boundary: Callable[[int], int] | None = None
    itself: bool = False
    length: int | None = None
    months: int | None = None

    @property
    def type(self) -> SqlType:
        return SqlType(self.kind, self.length)

    def value(self):
        """The Python value of a constant."""
        result = self.run(Frame([], 1))
        return (result if isinstance(result, pa.Scalar) else result[0]).as_py()


def constant(value: object, kind: pa.DataType) -> Expr:
    scalar = pa.scalar(value, kind)
    return Expr(kind, lambda frame: scalar, constant=True)


def column(index: int, kind: SqlType, rowtime: bool = False) -> Expr:
    plain = Expr(kind.arrow, lambda frame: frame.columns[index], length=kind.length)
    return replace(plain, monotone=rowtime, rowtime=rowtime, itself=rowtime)


def rising(result: Expr, source: Expr, boundary: Callable[[int], int] | None = None) -> Expr:
    """`result` rises when `source` does."""
    return replace(result, monotone=source.monotone, rowtime=source.rowtime, boundary=boundary, itself=False)


def call(kernel: Callable[..., Values], kind: pa.DataType, *arguments: Expr) -> Expr:
    """A kernel on the values of other expressions; rows on which it raises fail alone.

    TypeError if the kernel does not know these types: it is asked about no rows first.
    """
    try:
        infer(kernel, *arguments)
    except NotImplementedError as error:
        names = ", ".join(sql_name(argument.kind) for argument in arguments)
        raise TypeError(f"This is not possible for {names}") from error

    def run(frame: Frame) -> Values:
        return frame.attempt(kernel, kind, *[argument.run(frame) for argument in arguments])

    return folded(Expr(kind, run, constant=all(argument.constant for argument in arguments)))


def folded(expr: Expr) -> Expr:
    """A constant that is worked out now, if it can be."""
    if not expr.constant:
        return expr
    frame = Frame([], 1)
    values = expr.run(frame)
    if frame.failures or not isinstance(values, pa.Scalar):
        return expr
    return replace(expr, run=lambda frame: values)


def infer(kernel: Callable[..., Values], *arguments: Expr) -> pa.DataType:
    """The type a kernel gives for these arguments: it is asked about no rows."""
    return kernel(*[pa.array([], argument.kind) for argument in arguments]).type


def cast_to(expr: Expr, target: SqlType) -> Expr:
    """The expression in another type; TypeError if that is impossible."""
    if expr.months is not None:
        raise TypeError("An interval of years or months can only be added to a time")
    kernel = caster(expr.kind, target)
    if kernel is None:
        return expr if target.length is None else replace(expr, length=target.length)
    return replace(call(kernel, target.arrow, expr), length=target.length)


def unified(expressions: list[Expr], what: str) -> list[Expr]:
    """All expressions in their common type; TypeError if there is none."""
    kind = common([expr.kind for expr in expressions])
    if kind is None:
        names = " and ".join(dict.fromkeys(sql_name(expr.kind) for expr in expressions))
        raise TypeError(f"{what} cannot combine {names}; use CAST")
    lengths = [expr.length for expr in expressions if expr.kind != NULL]
    length = None if None in lengths or not lengths else max(lengths)  # type: ignore[type-var]
    return [replace(cast_to(expr, SqlType(kind)), length=length) for expr in expressions]


def text_argument(value: Expr, function: str) -> Expr:
    """An argument that must be text."""
    if not (is_text(value.kind) or value.kind == NULL):
        raise TypeError(f"{function} takes text, not {sql_name(value.kind)}; use CAST")
    return cast_to(value, SqlType(pa.string()))
