"""Functions on dates, times and intervals. All times are UTC, to the millisecond."""

from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from lakemill.streamsql.datepatterns import formatter, parser
from lakemill.streamsql.expr import Expr, call, cast_to, rising, text_argument
from lakemill.streamsql.frame import Frame, Values, by_row
from lakemill.streamsql.functions.numbers import rounded, stepped
from lakemill.streamsql.functions.registry import constant_argument, define
from lakemill.streamsql.intervals import UNIT_MS
from lakemill.streamsql.sqltypes import DURATION, NULL, TIME, TIMESTAMP, SqlType, is_time, sql_name

_UNITS = ("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND")
_PARTS = {
    "YEAR": pc.year,
    "QUARTER": pc.quarter,
    "MONTH": pc.month,
    "WEEK": pc.iso_week,
    "DOY": pc.day_of_year,
    "DAY": pc.day,
    "HOUR": pc.hour,
    "MINUTE": pc.minute,
    "SECOND": pc.second,
}


@define("FLOOR", 1, 2)
def floor(value: Expr, unit: Expr | None = None) -> Expr:
    """Down to a whole number, or FLOOR(time TO unit)."""
    return _rounded("FLOOR", value, unit)


@define("CEIL", 1, 2)
def ceil(value: Expr, unit: Expr | None = None) -> Expr:
    """Up to a whole number, or CEIL(time TO unit)."""
    return _rounded("CEIL", value, unit)


def _rounded(name: str, value: Expr, unit: Expr | None) -> Expr:
    if unit is None:
        return rising(rounded(value, name), value)
    word = unit.value()
    if word not in _UNITS:
        raise ValueError(f"{name} knows YEAR, MONTH, DAY, HOUR, MINUTE and SECOND, not {word}")
    if value.kind == NULL:
        value = cast_to(value, SqlType(TIMESTAMP))
    if value.kind == DURATION and word in UNIT_MS:
        size = UNIT_MS[word]
        up = 0 if name == "FLOOR" else size - 1
        return rising(call(lambda v: _multiple(v, size, up, DURATION), DURATION, value), value)
    if not is_time(value.kind):
        raise TypeError(f"{name} TO {word} takes a time, not {sql_name(value.kind)}")
    kernel = pc.floor_temporal if name == "FLOOR" else pc.ceil_temporal
    result = call(lambda v: kernel(v, unit=word.lower()), value.kind, value)
    boundary = _end_of(lambda v: pc.floor_temporal(v, unit=word.lower()), word, 1) if name == "FLOOR" else None
    return rising(result, value, boundary if value.itself else None)


def _multiple(values: Values, size: int, up: int, kind: pa.DataType) -> Values:
    """Down to a multiple of `size` milliseconds, after adding `up`."""
    whole = pc.add(pc.cast(values, pa.int64()), up)
    left = pc.subtract(whole, pc.multiply(pc.divide(whole, size), size))
    return pc.cast(pc.subtract(whole, pc.if_else(pc.less(left, 0), pc.add(left, size), left)), kind)


def _end_of(kernel, unit: str, count: int):
    """The boundary of windows that are not a fixed number of milliseconds, or are."""
    if unit in UNIT_MS:
        return lambda key: key + UNIT_MS[unit] * count
    months = count * (12 if unit == "YEAR" else 1)

    def end(key: int) -> int:
        start = pa.scalar(key, TIMESTAMP).as_py()
        month = start.year * 12 + start.month - 1 + months
        return pa.scalar(start.replace(year=month // 12, month=month % 12 + 1), TIMESTAMP).value

    return end


@define("STEP", 2)
def step(value: Expr, by: Expr) -> Expr:
    """STEP(time BY interval) or STEP(number BY number): down to a multiple."""
    if by.months is not None:
        months = by.months
        if months < 1 or value.kind != TIMESTAMP:
            raise TypeError("STEP BY months takes a TIMESTAMP and a positive interval")

        def kernel(values: Values) -> Values:
            return pc.floor_temporal(values, multiple=months, unit="month")

        boundary = _end_of(kernel, "MONTH", months) if value.itself else None
        return rising(call(kernel, TIMESTAMP, value), value, boundary)
    size = constant_argument(by, "STEP", "What follows BY")
    if by.kind != DURATION:
        return rising(stepped(value, by), value)
    ms = round(size.total_seconds() * 1000)
    if ms < 1:
        raise ValueError("STEP takes a positive interval")
    if value.kind not in (TIMESTAMP, DURATION):
        raise TypeError(f"STEP BY an interval takes a TIMESTAMP, not {sql_name(value.kind)}")
    boundary = (lambda key: key + ms) if value.itself else None
    return rising(call(lambda v: _multiple(v, ms, 0, value.kind), value.kind, value), value, boundary)


@define("EXTRACT", 2)
def extract(part: Expr, value: Expr) -> Expr:
    """EXTRACT(unit FROM time); SECOND is whole, DOW is 1 on Sundays, EPOCH is in seconds."""
    word = part.value()
    if value.kind == DURATION and word in UNIT_MS:
        above = {"DAY": 2**62, "HOUR": 24, "MINUTE": 60, "SECOND": 60}[word]
        size = UNIT_MS[word]

        def of_interval(values: Values) -> Values:
            whole = pc.divide(pc.cast(values, pa.int64()), size)
            return pc.subtract(whole, pc.multiply(pc.divide(whole, above), above))

        return call(of_interval, pa.int64(), value)
    if not is_time(value.kind):
        raise TypeError(f"EXTRACT takes a time, not {sql_name(value.kind)}")
    if word == "EPOCH":
        return call(lambda v: pc.divide(pc.cast(v, pa.int64()), 1000), pa.int64(), cast_to(value, SqlType(TIMESTAMP)))
    if word == "DOW":
        return call(lambda v: pc.add(pc.day_of_week(v, week_start=7), 1), pa.int64(), value)
    if word not in _PARTS or (value.kind == TIME and word not in ("HOUR", "MINUTE", "SECOND")):
        raise ValueError(f"{sql_name(value.kind)} has no {word}")
    if pa.types.is_date(value.kind) and word in ("HOUR", "MINUTE", "SECOND"):
        value = cast_to(value, SqlType(TIMESTAMP))
    return call(_PARTS[word], pa.int64(), value)


@define("TSDIFF", 2)
def tsdiff(start: Expr, end: Expr) -> Expr:
    """Milliseconds from `start` to `end`."""
    times = [cast_to(start, SqlType(TIMESTAMP)), cast_to(end, SqlType(TIMESTAMP))]
    return call(lambda a, b: pc.cast(pc.subtract(b, a), pa.int64()), pa.int64(), *times)


@define("UNIX_TIMESTAMP", 1)
def unix_timestamp(value: Expr) -> Expr:
    """Milliseconds since 1970."""
    result = call(lambda v: pc.cast(v, pa.int64()), pa.int64(), cast_to(value, SqlType(TIMESTAMP)))
    return rising(result, value) if value.kind == TIMESTAMP else result


@define("TO_TIMESTAMP", 1)
def to_timestamp(value: Expr) -> Expr:
    """The time of so many milliseconds since 1970."""
    if not (pa.types.is_integer(value.kind) or value.kind == NULL):
        raise TypeError(f"TO_TIMESTAMP takes milliseconds since 1970, not {sql_name(value.kind)}")
    whole = cast_to(value, SqlType(pa.int64()))
    return rising(call(lambda v: pc.cast(v, TIMESTAMP), TIMESTAMP, whole), value)


@define("INTERVAL_IN", 2)
def interval_in(value: Expr, unit: Expr) -> Expr:
    """`(a - b) SECOND`: the interval between two times, without what is less than the unit."""
    word = unit.value()
    if value.kind != DURATION or word not in UNIT_MS:
        raise TypeError(f"Only the difference of two times can be taken in {word}")
    return rising(call(lambda v: _multiple(v, UNIT_MS[word], 0, DURATION), DURATION, value), value)


@define("MONOTONIC", 1)
def monotonic(value: Expr) -> Expr:
    """The value, with the promise that it does not fall from row to row."""
    return replace(value, monotone=True)


def _reading(name: str, target: pa.DataType):
    @define(name, 2)
    def read(pattern: Expr, value: Expr) -> Expr:
        text = constant_argument(text_argument(pattern, name), name, "The pattern")
        read_one = parser(text)
        kernel = by_row(read_one, TIMESTAMP)
        return cast_to(call(kernel, TIMESTAMP, text_argument(value, name)), SqlType(target))

    return read


char_to_timestamp = _reading("CHAR_TO_TIMESTAMP", TIMESTAMP)
char_to_date = _reading("CHAR_TO_DATE", pa.date32())
char_to_time = _reading("CHAR_TO_TIME", TIME)


def _writing(name: str, source: pa.DataType):
    @define(name, 2)
    def write(pattern: Expr, value: Expr) -> Expr:
        text = constant_argument(text_argument(pattern, name), name, "The pattern")
        if value.kind not in (source, NULL):
            raise TypeError(f"{name} takes a {sql_name(source)}, not {sql_name(value.kind)}")
        return call(by_row(formatter(text), pa.string()), pa.string(), cast_to(value, SqlType(source)))

    return write


timestamp_to_char = _writing("TIMESTAMP_TO_CHAR", TIMESTAMP)
date_to_char = _writing("DATE_TO_CHAR", pa.date32())
time_to_char = _writing("TIME_TO_CHAR", TIME)


def _clock(name: str, kind: pa.DataType, row: bool):
    @define(name, 0)
    def now() -> Expr:
        def run(frame: Frame) -> Values:
            moment = pa.scalar(frame.now if row else frame.started, TIMESTAMP)
            return moment if kind == TIMESTAMP else cast_scalar(moment)

        def cast_scalar(moment: pa.Scalar) -> Values:
            return pc.cast(moment, TIME) if kind == TIME else pc.cast(pc.floor_temporal(moment, unit="day"), kind)

        return Expr(kind, run)

    return now


current_row_timestamp = _clock("CURRENT_ROW_TIMESTAMP", TIMESTAMP, row=True)
current_timestamp = _clock("CURRENT_TIMESTAMP", TIMESTAMP, row=False)
local_timestamp = _clock("LOCALTIMESTAMP", TIMESTAMP, row=False)
current_time = _clock("CURRENT_TIME", TIME, row=False)
local_time = _clock("LOCALTIME", TIME, row=False)
current_date = _clock("CURRENT_DATE", pa.date32(), row=False)
