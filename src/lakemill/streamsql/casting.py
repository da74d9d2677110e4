"""CAST, and the same conversions where rows enter a stream.

| from | to | rule |
|---|---|---|
| number | narrower number | the fraction is cut off; a value out of range is an error of its row |
| number, BOOLEAN | VARCHAR | its text; TRUE and FALSE |
| VARCHAR | number, BOOLEAN, DATE, TIME, TIMESTAMP | without blanks around it; an error if it cannot be read |
| BOOLEAN | number | 1 and 0 |
| TIMESTAMP | VARCHAR | `2026-01-31 12:00:00.000` |
| TIMESTAMP | DATE, TIME | the part |
| DATE | TIMESTAMP | midnight |
| anything | VARCHAR(n) | cut at n characters |
"""

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from lakemill.streamsql.frame import Values
from lakemill.streamsql.sqltypes import DURATION, NULL, TIME, TIMESTAMP, SqlType, is_number, is_text, sql_name

Kernel = Callable[[Values], Values]
_TIMESTAMP_TEXT = "%Y-%m-%d %H:%M:%S"


def caster(source: pa.DataType, target: SqlType) -> Kernel | None:
    """The kernel that converts, or None if nothing needs to be done; TypeError if it is not possible."""
    kernel = None if source == target.arrow else _converter(source, target.arrow)
    if target.length is None:
        return kernel
    return _then(kernel, _cut(target))


def _then(first: Kernel | None, second: Kernel) -> Kernel:
    return second if first is None else lambda values: second(first(values))


def _cut(target: SqlType) -> Kernel:
    length = target.length
    if pa.types.is_binary(target.arrow):
        return lambda values: pc.binary_slice(values, 0, length)
    return lambda values: pc.utf8_slice_codeunits(values, 0, length)


def _converter(source: pa.DataType, target: pa.DataType) -> Kernel:
    if source == NULL:
        return lambda values: _cast(values, target)
    if is_text(source):
        return _from_text(target)
    if is_text(target):
        return _to_text(source)
    if is_number(source) and is_number(target):
        return _number(source, target)
    if pa.types.is_boolean(source) and is_number(target):
        return lambda values: pc.cast(pc.cast(values, pa.int8()), target)
    if is_number(source) and pa.types.is_boolean(target):
        return lambda values: pc.not_equal(values, pa.scalar(0, source))
    if pa.types.is_timestamp(source) and pa.types.is_date(target):
        return lambda values: pc.cast(pc.floor_temporal(values, unit="day"), target)
    if pa.types.is_timestamp(source) and pa.types.is_time(target):
        return lambda values: pc.cast(values, TIME)
    if pa.types.is_date(source) and pa.types.is_timestamp(target):
        return lambda values: pc.cast(values, TIMESTAMP)
    if {source, target} == {DURATION, pa.int64()}:
        return lambda values: pc.cast(values, target)
    raise TypeError(f"{sql_name(source)} cannot become {sql_name(target)}")


def _cast(values: Values, target: pa.DataType) -> Values:
    if isinstance(values, pa.Scalar):
        return pa.scalar(None, target)
    return pa.nulls(len(values), target)


def _number(source: pa.DataType, target: pa.DataType) -> Kernel:
    if pa.types.is_integer(target) and not pa.types.is_integer(source):
        return lambda values: pc.cast(pc.cast(pc.trunc(values), source), target)
    if pa.types.is_decimal(target):
        if pa.types.is_floating(source):
            return lambda values: pc.cast(pc.round(pc.cast(values, pa.float64()), target.scale), target)
        wide = pa.decimal128(38, target.scale)
        exact = pa.decimal128(38, source.scale if pa.types.is_decimal(source) else 0)
        return lambda values: pc.cast(_rescale(pc.cast(values, exact), exact.scale, wide), target)
    if pa.types.is_floating(target):
        return lambda values: pc.cast(values, target)
    return lambda values: pc.cast(values, target, safe=True)


def _rescale(values: Values, scale: int, wide: pa.Decimal128Type) -> Values:
    if scale > wide.scale:
        values = pc.round(values, wide.scale, "half_towards_infinity")
    return pc.cast(values, wide)


def _from_text(target: pa.DataType) -> Kernel:
    if pa.types.is_boolean(target):
        return lambda values: _boolean(pc.utf8_upper(pc.utf8_trim_whitespace(values)))
    if pa.types.is_timestamp(target):
        return lambda values: pc.cast(_to_milliseconds(values), TIMESTAMP)
    if pa.types.is_time(target):
        return lambda values: pc.cast(pc.cast(_after_midnight(values), TIMESTAMP), TIME)
    if pa.types.is_integer(target):
        return _integer(target)
    if pa.types.is_decimal(target):
        number = _number(pa.decimal128(38, 18), target)
        return lambda values: number(pc.cast(_digits(values), pa.decimal128(38, 18)))
    if is_number(target) or pa.types.is_date(target):
        return lambda values: pc.cast(_digits(values), target)
    if pa.types.is_binary(target):
        return lambda values: pc.cast(values, target)
    raise TypeError(f"VARCHAR cannot become {sql_name(target)}")


def _to_milliseconds(values: Values) -> Values:
    """Times without what is finer than a millisecond, and without a Z at their end."""
    return pc.replace_substring_regex(pc.utf8_trim_whitespace(values), r"(?:(\.\d{1,3})\d*)?Z?$", r"\1")


def _after_midnight(values: Values) -> Values:
    return pc.binary_join_element_wise(pa.scalar("1970-01-01"), _to_milliseconds(values), " ")


def _digits(values: Values) -> Values:
    """Without blanks and a leading plus, which Arrow does not read."""
    return pc.replace_substring_regex(pc.utf8_trim_whitespace(values), r"^\+", "")


def _integer(target: pa.DataType) -> Kernel:
    def kernel(values: Values) -> Values:
        text = _digits(values)
        try:
            return pc.cast(text, target)
        except pa.ArrowInvalid:
            # "12.7" is a number too.
            return pc.cast(pc.trunc(pc.cast(text, pa.float64())), target)

    return kernel


def _boolean(values: Values) -> Values:
    result = pc.if_else(pc.is_in(values, pa.array(["TRUE", "1"])), True, False)
    known = pc.is_in(values, pa.array(["TRUE", "1", "FALSE", "0"]))
    if pc.any(pc.and_(pc.is_valid(values), pc.invert(known))).as_py():
        raise ValueError("not a BOOLEAN")
    return pc.if_else(pc.is_valid(values), result, pa.scalar(None, pa.bool_()))


def _to_text(source: pa.DataType) -> Kernel:
    if pa.types.is_boolean(source):
        return lambda values: pc.utf8_upper(pc.cast(values, pa.string()))
    if pa.types.is_timestamp(source):
        return lambda values: pc.strftime(values, format=_TIMESTAMP_TEXT)
    if pa.types.is_binary(source):
        return lambda values: pc.cast(values, pa.string())
    if is_number(source) or pa.types.is_date(source) or pa.types.is_time(source):
        return lambda values: pc.cast(values, pa.string())
    if source == DURATION:
        return lambda values: pc.cast(pc.cast(values, pa.int64()), pa.string())
    raise TypeError(f"{sql_name(source)} cannot become VARCHAR")
