"""Dates and times. Weeks begin on Monday, which is day 1; differences count whole units."""

from typing import TYPE_CHECKING

from sqlglot import exp

from lakemill.lakesql.dialects import patterns
from lakemill.lakesql.dialects.casts import cast
from lakemill.lakesql.dialects.coercion import coerce, common, cost
from lakemill.lakesql.dialects.functions.registry import table, unexpected
from lakemill.lakesql.dialects.typed import Typed, failed, guard, once, text
from lakemill.lakesql.types import (
    BIGINT,
    DATE,
    TIMESTAMP,
    TIMESTAMP_TZ,
    VARCHAR,
    Type,
)

if TYPE_CHECKING:
    from lakemill.lakesql.dialects.compiler import Compiler

TABLE = table(
    """
from_unixtime(double) -> timestamptz : seconds_at({0})
from_unixtime(double, varchar) -> timestamptz : tz_at(seconds_at({0}), {1})
to_unixtime(timestamp) -> double : (epoch_us({0}) / CAST(1000000 AS DOUBLE))
to_unixtime(timestamptz) -> double : (epoch_us(struct_extract({0}, 't')) / CAST(1000000 AS DOUBLE))
from_iso8601_timestamp(varchar) -> timestamptz : iso_timestamp({0})
from_iso8601_date(varchar) -> date : iso_date({0})
to_iso8601(date) -> varchar : strftime({0}, '%Y-%m-%d')
to_iso8601(timestamp) -> varchar : strftime({0}, '%Y-%m-%dT%H:%M:%S.%g')
to_iso8601(timestamptz) -> varchar : (strftime(tz_local({0}), '%Y-%m-%dT%H:%M:%S.%g') || iso_offset({0}))
with_timezone(timestamp, varchar) -> timestamptz : tz_make({0}, {1})
at_timezone(timestamptz, varchar) -> timestamptz : tz_at({0}, {1})
current_timezone() -> varchar : 'UTC'
last_day_of_month(date) -> date : last_day({0})
last_day_of_month(timestamp) -> date : last_day({0})
to_milliseconds(day_interval) -> bigint : interval_ms({0})
timezone_hour(timestamptz) -> bigint : (zone_minutes_of({0}) // 60)
timezone_minute(timestamptz) -> bigint : (zone_minutes_of({0}) % 60)
"""
)

# What DuckDB calls the parts.
_PARTS = {
    "year": "year",
    "quarter": "quarter",
    "month": "month",
    "week": "week",
    "week_of_year": "week",
    "day": "day",
    "day_of_month": "day",
    "day_of_week": "isodow",
    "dow": "isodow",
    "day_of_year": "dayofyear",
    "doy": "dayofyear",
    "year_of_week": "isoyear",
    "yow": "isoyear",
    "hour": "hour",
    "minute": "minute",
    "second": "second",
    "millisecond": "millisecond",
}
_OF_TIME = {"hour", "minute", "second", "millisecond"}
_UNITS = ["millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year"]


def _times(name: str, value: Typed, node: exp.Expr) -> Typed:
    if value.type.name not in {"date", "timestamp", "timestamp with time zone", "time", "unknown"}:
        raise unexpected(name, [value.type], [f"{name}(date)", f"{name}(timestamp)"], node)
    return value


def local(value: Typed) -> str:
    """The date and time that a value shows."""
    return f"tz_local({value.sql})" if value.type.name == "timestamp with time zone" else value.sql


def part(name: str, value: Typed, node: exp.Expr) -> Typed:
    """year(x), extract(day from x) ..."""
    if value.type.name.startswith("interval"):
        return _of_interval(name, value, node)
    if value.type.name == "unknown":
        return Typed("CAST(NULL AS BIGINT)", BIGINT)
    known = _PARTS.get(name)
    wrong = value.type.name == "date" and name in _OF_TIME
    if known is None or wrong or (value.type.name == "time" and name not in _OF_TIME):
        raise unexpected(name, [value.type], [f"{name}(timestamp)"], node)
    sql = local(_times(name, value, node))
    made = f"date_part('{known}', {sql})"
    if known == "millisecond":
        made = f"{made} % 1000"
    return Typed(f"CAST({made} AS BIGINT)", BIGINT)


def _of_interval(name: str, value: Typed, node: exp.Expr) -> Typed:
    days = {
        "day": (86400000, 0),
        "hour": (3600000, 24),
        "minute": (60000, 60),
        "second": (1000, 60),
        "millisecond": (1, 1000),
    }
    if value.type.name == "interval day to second" and name in days:
        size, wrap = days[name]
        made = f"interval_ms({value.sql}) // {size}"
        return Typed(f"({made}{f' % {wrap}' if wrap else ''})", BIGINT)
    if value.type.name == "interval year to month" and name in {"year", "month"}:
        return Typed(f"(interval_months({value.sql}) {'//' if name == 'year' else '%'} 12)", BIGINT)
    raise unexpected(name, [value.type], [f"{name}(timestamp)"], node)


def _part_of(name: str):  # type: ignore[no-untyped-def]
    def rule(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
        if len(args) != 1:
            raise failed(
                "FUNCTION_NOT_FOUND", f"Unexpected number of parameters ({len(args)}) for function {name}", node
            )
        return part(name, c.expression(args[0]), node)

    return rule


def _extract(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    field, value = args[0].name.lower(), c.expression(args[1])
    if field in {"timezone_hour", "timezone_minute"}:
        from lakemill.lakesql.dialects.functions.registry import apply

        return apply(field, TABLE[field], [value], node, c.dialect)
    if field not in _PARTS or field == "millisecond":
        raise failed("SYNTAX_ERROR", f"Invalid EXTRACT field: {field}", node)
    return part(field, value, node)


def _unit(c: "Compiler", node: exp.Expr, value: Typed, at: exp.Expr) -> str:
    unit = c.expression(node).value
    if not isinstance(unit, str):
        raise failed("NOT_SUPPORTED", "A unit of time that is not a literal is not supported", node)
    unit = unit.lower()
    kind = value.type.name
    allowed = _UNITS if kind.startswith("timestamp") else _UNITS[4:] if kind == "date" else _UNITS[:4]
    if unit not in allowed:
        shown = {"date": "DATE", "time": "TIME"}.get(kind, "Timestamp")
        raise failed("INVALID_FUNCTION_ARGUMENT", f"'{unit}' is not a valid {shown} field", at)
    return unit


def _trunc(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    _count("date_trunc", args, node, 2)
    value = _times("date_trunc", c.expression(args[1]), node)
    unit = _unit(c, args[0], value, node)
    if value.type.name == "timestamp with time zone":
        return Typed(
            f"tz_make(date_trunc('{unit}', tz_local({value.sql})), struct_extract({value.sql}, 'z'))", value.type
        )
    if value.type.name == "time":
        raise failed("NOT_SUPPORTED", "date_trunc of a time is not supported", node)
    return Typed(f"CAST(date_trunc('{unit}', {value.sql}) AS {value.type.duckdb()})", value.type)


def _count(name: str, args: list[exp.Expr], node: exp.Expr, count: int) -> None:
    if len(args) != count:
        raise failed("FUNCTION_NOT_FOUND", f"Unexpected number of parameters ({len(args)}) for function {name}", node)


_STEP = {
    "millisecond": "to_milliseconds({0})",
    "second": "to_seconds({0})",
    "minute": "to_minutes({0})",
    "hour": "to_hours({0})",
    "day": "to_days(CAST({0} AS INTEGER))",
    "week": "to_days(CAST({0} * 7 AS INTEGER))",
    "month": "to_months(CAST({0} AS INTEGER))",
    "quarter": "to_months(CAST({0} * 3 AS INTEGER))",
    "year": "to_months(CAST({0} * 12 AS INTEGER))",
}


def _add(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    _count("date_add", args, node, 3)
    amount, value = c.expression(args[1]), _times("date_add", c.expression(args[2]), node)
    if cost(amount.type, BIGINT) is None:
        raise unexpected("date_add", [VARCHAR, amount.type, value.type], ["date_add(varchar, bigint, timestamp)"], node)
    unit = _unit(c, args[0], value, node)
    step = _STEP[unit].format(coerce(amount, BIGINT).sql)
    if value.type.name == "timestamp with time zone":
        if unit in _UNITS[:4]:
            return Typed(
                f"{{'t': struct_extract({value.sql}, 't') + {step}, 'z': struct_extract({value.sql}, 'z')}}", value.type
            )
        return Typed(f"tz_make(tz_local({value.sql}) + {step}, struct_extract({value.sql}, 'z'))", value.type)
    return Typed(f"CAST({value.sql} + {step} AS {value.type.duckdb()})", value.type)


def _diff(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    _count("date_diff", args, node, 3)
    a, b = (_times("date_diff", c.expression(x), node) for x in args[1:])
    kind = common(a.type, b.type)
    if kind is None:
        raise unexpected("date_diff", [VARCHAR, a.type, b.type], ["date_diff(varchar, timestamp, timestamp)"], node)
    unit = _unit(c, args[0], Typed("", kind), node)
    x, y = coerce(a, kind), coerce(b, kind)
    if kind.name == "timestamp with time zone" and unit not in _UNITS[:4]:
        made = (f"tz_local({x.sql})", f"tz_shift(struct_extract({y.sql}, 't'), struct_extract({x.sql}, 'z'))")
    elif kind.name == "timestamp with time zone":
        made = (f"struct_extract({x.sql}, 't')", f"struct_extract({y.sql}, 't')")
    else:
        made = (x.sql, y.sql)
    return Typed(f"CAST(date_sub('{unit}', {made[0]}, {made[1]}) AS BIGINT)", BIGINT)


def _format_of(c: "Compiler", name: str, node: exp.Expr) -> str:
    found = c.expression(node).value
    if not isinstance(found, str):
        raise failed("NOT_SUPPORTED", f"{name} with a format that is not a literal is not supported", node)
    return found


def _date_format(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    _count("date_format", args, node, 2)
    value = _times("date_format", c.expression(args[0]), node)
    if value.type.name == "time":
        raise unexpected("date_format", [value.type, VARCHAR], ["date_format(timestamp, varchar)"], node)
    pattern = patterns.mysql(_format_of(c, "date_format", args[1]), node)
    return Typed(f"strftime(CAST({local(value)} AS TIMESTAMP), {text(pattern)})", VARCHAR)


def _date_parse(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    _count("date_parse", args, node, 2)
    value = c.expression(args[0])
    if cost(value.type, VARCHAR) is None:
        raise unexpected("date_parse", [value.type, VARCHAR], ["date_parse(varchar, varchar)"], node)
    sql, pattern = coerce(value, VARCHAR).sql, patterns.mysql(_format_of(c, "date_parse", args[1]), node, parsing=True)
    return Typed(_parsed(sql, f"CAST(try_strptime({sql}, {text(pattern)}) AS TIMESTAMP)"), TIMESTAMP)


def _parsed(sql: str, made: str) -> str:
    """What was made of a text, which fails where nothing was."""
    message = f"'Invalid format: \"' || {sql} || '\"'"
    return once(made, lambda m: guard(f"({sql} IS NOT NULL AND {m} IS NULL)", "INVALID_FUNCTION_ARGUMENT", message, m))


def _format_datetime(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    _count("format_datetime", args, node, 2)
    value = _times("format_datetime", c.expression(args[0]), node)
    zoned = value if value.type.name == "timestamp with time zone" else coerce(value, TIMESTAMP_TZ)
    return Typed(patterns.joda_text(_format_of(c, "format_datetime", args[1]), zoned, node), VARCHAR)


def _parse_datetime(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    _count("parse_datetime", args, node, 2)
    value = c.expression(args[0])
    if cost(value.type, VARCHAR) is None:
        raise unexpected("parse_datetime", [value.type, VARCHAR], ["parse_datetime(varchar, varchar)"], node)
    sql = coerce(value, VARCHAR).sql
    pattern, zone = patterns.joda_parser(_format_of(c, "parse_datetime", args[1]), node)
    if zone:
        offset = "'([+-][0-9]{2}:?[0-9]{2}|Z)$'"
        stamp = f"try_strptime(regexp_replace({sql}, {offset}, ''), {text(pattern)})"
        made = f"tz_make({stamp}, nullif(regexp_extract({sql}, {offset}, 1), ''))"
    else:
        made = f"tz_make(try_strptime({sql}, {text(pattern)}), 'UTC')"
    return Typed(_parsed(sql, made), TIMESTAMP_TZ)


def _date(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    _count("date", args, node, 1)
    return cast(c.expression(args[0]), DATE)


def _at_timezone(c: "Compiler", args: list[exp.Expr], node: exp.Expr, allow_timestamp: bool = False) -> Typed:
    """x AT TIME ZONE also takes a timestamp, for one of UTC."""
    values = [c.expression(a) for a in args]
    if len(values) != 2 or values[0].type.name not in {"timestamp", "timestamp with time zone"}:
        raise unexpected(
            "at_timezone", [v.type for v in values], ["at_timezone(timestamp with time zone, varchar)"], node
        )
    zoned = coerce(values[0], Type("timestamp with time zone", values[0].type.args))
    if isinstance(values[1].value, str):
        patterns.check_zone(values[1].value, node)
    return Typed(f"tz_at({zoned.sql}, {coerce(values[1], VARCHAR).sql})", zoned.type)


def _now(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    return c.expression(exp.CurrentTimestamp())


def _parse_duration(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    raise failed("NOT_SUPPORTED", "Function 'parse_duration' is not supported", node)


RULES = {
    **{name: _part_of(name) for name in _PARTS},
    "extract": _extract,
    "date_trunc": _trunc,
    "date_add": _add,
    "date_diff": _diff,
    "date_format": _date_format,
    "date_parse": _date_parse,
    "format_datetime": _format_datetime,
    "parse_datetime": _parse_datetime,
    "date": _date,
    "at_timezone": _at_timezone,
    "now": _now,
    "parse_duration": _parse_duration,
}
