"""Dates and times. DATEDIFF counts the boundaries between two moments; weeks begin on Monday, `dow` is 0 on Sundays."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlglot import exp

from lakemill.lakesql.dialects.functions.registry import table, unexpected
from lakemill.lakesql.dialects.redshift.coercion import coerce
from lakemill.lakesql.dialects.redshift.names import TIMESTAMP
from lakemill.lakesql.dialects.typed import Typed, failed, text
from lakemill.lakesql.types import BIGINT, DATE, DOUBLE, INTEGER, TIMESTAMPTZ, UNKNOWN, VARCHAR

if TYPE_CHECKING:
    from lakemill.lakesql.dialects.compiler import Compiler

Rule = Callable[["Compiler", list[exp.Expr], exp.Expr], Typed]
TABLE = table(
    """
last_day(timestamp) -> date : last_day({0})
next_day(timestamp, varchar) -> date : day_next(CAST({0} AS DATE), lower({1}))
months_between(timestamp, timestamp) -> double : months_apart({0}, {1})
add_months(timestamp, integer) -> timestamp : months_later({0}, {1})
date_cmp(date, date) -> integer : CAST(({0} > {1}) AS INTEGER) - CAST(({0} < {1}) AS INTEGER)
timestamp_cmp(timestamp, timestamp) -> integer : CAST(({0} > {1}) AS INTEGER) - CAST(({0} < {1}) AS INTEGER)
date_part_year(date) -> integer : CAST(year({0}) AS INTEGER)
interval_cmp(interval, interval) -> integer : CAST(({0} > {1}) AS INTEGER) - CAST(({0} < {1}) AS INTEGER)
to_timestamp(double) -> timestamptz : to_timestamp({0})
sysdate() -> timestamp : CAST(now() AS TIMESTAMP)
now() -> timestamptz : now()
current_timestamp() -> timestamptz : now()
current_date() -> date : CAST(now() AS DATE)
current_time() -> timetz : CAST(now() AS TIME WITH TIME ZONE)
localtime() -> time : CAST(CAST(now() AS TIMESTAMP) AS TIME)
localtimestamp() -> timestamp : CAST(now() AS TIMESTAMP)
"""
)
WORDS = {"sysdate", "current_date", "current_timestamp", "current_time", "localtime", "localtimestamp"}
_PARTS = {
    **dict.fromkeys(("millennium", "millennia", "mil", "mils"), "millennium"),
    **dict.fromkeys(("century", "centuries", "c", "cent", "cents"), "century"),
    **dict.fromkeys(("decade", "decades", "dec", "decs"), "decade"),
    **dict.fromkeys(("year", "years", "y", "yr", "yrs"), "year"),
    **dict.fromkeys(("quarter", "quarters", "qtr", "qtrs"), "quarter"),
    **dict.fromkeys(("month", "months", "mon", "mons"), "month"),
    **dict.fromkeys(("week", "weeks", "w"), "week"),
    **dict.fromkeys(("day", "days", "d"), "day"),
    **dict.fromkeys(("dayofweek", "dow", "dw", "weekday"), "dow"),
    **dict.fromkeys(("dayofyear", "doy", "dy", "yearday"), "doy"),
    **dict.fromkeys(("hour", "hours", "h", "hr", "hrs"), "hour"),
    **dict.fromkeys(("minute", "minutes", "m", "min", "mins"), "minute"),
    **dict.fromkeys(("second", "seconds", "s", "sec", "secs"), "second"),
    **dict.fromkeys(("millisecond", "milliseconds", "ms", "msec", "msecs", "msecond", "mseconds"), "millisecond"),
    **dict.fromkeys(("microsecond", "microseconds", "us", "usec", "usecs", "microsec", "microsecs"), "microsecond"),
    **{"epoch": "epoch", "isodow": "isodow", "timezone": "timezone", "timezone_hour": "timezone_hour"},
    "timezone_minute": "timezone_minute",
}
_STEPS = {
    "millennium": "to_months(CAST({0} * 12000 AS INTEGER))",
    "century": "to_months(CAST({0} * 1200 AS INTEGER))",
    "decade": "to_months(CAST({0} * 120 AS INTEGER))",
    "year": "to_months(CAST({0} * 12 AS INTEGER))",
    "quarter": "to_months(CAST({0} * 3 AS INTEGER))",
    "month": "to_months(CAST({0} AS INTEGER))",
    "week": "to_days(CAST({0} * 7 AS INTEGER))",
    "day": "to_days(CAST({0} AS INTEGER))",
    "hour": "to_hours({0})",
    "minute": "to_minutes({0})",
    "second": "to_microseconds(CAST({0} * 1000000 AS BIGINT))",
    "millisecond": "to_microseconds({0} * 1000)",
    "microsecond": "to_microseconds({0})",
}
_OF_TIME = {"hour", "minute", "second", "millisecond", "microsecond", "epoch"}


def part_name(c: "Compiler", node: exp.Expr) -> str:
    """A date part as a word or a string. Raises SqlFailed(22023)."""
    word = node.name if isinstance(node, exp.Column | exp.Identifier | exp.Var | exp.Literal) else node.sql("redshift")
    found = _PARTS.get(word.lower())
    if found is None:
        raise failed("22023", f'timestamp units "{word.lower()}" not recognized', node)
    return found


def moment(c: "Compiler", name: str, node: exp.Expr, times: bool = True) -> Typed:
    """An argument that is a date or a time."""
    value = c.expression(node)
    if value.type == UNKNOWN:
        value = coerce(value, TIMESTAMP)
    elif value.type.name in {"varchar", "char"}:
        from lakemill.lakesql.dialects.redshift.casts import cast

        value = cast(value, TIMESTAMP)
    allowed = {"date", "timestamp", "timestamptz", *(("time", "timetz", "interval") if times else ())}
    if value.type.name not in allowed:
        raise unexpected(name, [value.type], [f"{name}(timestamp)"], node, c.dialect)
    return value


def _arity(c: "Compiler", name: str, args: list[exp.Expr], node: exp.Expr, *counts: int) -> None:
    if len(args) not in counts:
        raise failed("42883", f"function {name} does not take {len(args)} arguments", node)


def _part(c: "Compiler", name: str, args: list[exp.Expr], node: exp.Expr) -> tuple[str, str, Typed]:
    """The part, DuckDB's expression for it, and the value it is of."""
    _arity(c, name, args, node, 2)
    which, value = part_name(c, args[0]), moment(c, name, args[1])
    of, sql = value.type.name, value.sql
    if of in {"time", "timetz"} and which not in _OF_TIME:
        raise failed("22023", f'"{of}" units "{which}" not recognized', node)
    if of == "timestamptz" and which != "epoch" and not which.startswith("timezone"):
        sql = f"CAST({sql} AS TIMESTAMP)"
    if which == "millisecond":
        return which, f"(date_part('millisecond', {sql}) % 1000)", value
    if which == "microsecond":
        return which, f"(date_part('microsecond', {sql}) % 1000000)", value
    return which, f"date_part('{which}', {sql})", value


def _date_part(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    which, made, value = _part(c, "date_part", args, node)
    if which == "second" and value.type.name != "date":
        made = f"(date_part('microsecond', {value.sql}) / CAST(1000000 AS DOUBLE))"
    return Typed(f"CAST({made} AS DOUBLE)", DOUBLE)


def _extract(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    which, made, _ = _part(c, "extract", args, node)
    kind = BIGINT if which == "epoch" else INTEGER
    return Typed(f"CAST({f'floor({made})' if which == 'epoch' else made} AS {kind.duckdb()})", kind)


def _dateadd(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    """A timestamp, also of a date."""
    _arity(c, "dateadd", args, node, 3)
    which, amount, value = part_name(c, args[0]), c.expression(args[1]), moment(c, "dateadd", args[2])
    if which not in _STEPS or c.dialect.cost(amount.type, DOUBLE) is None:
        raise unexpected(
            "dateadd", [VARCHAR, amount.type, value.type], ["dateadd(part, bigint, timestamp)"], node, c.dialect
        )
    if amount.type == UNKNOWN or amount.type.name not in {"smallint", "integer", "bigint"}:
        amount = Typed(f"CAST(trunc({coerce(amount, DOUBLE).sql}) AS BIGINT)", BIGINT)
    step = _STEPS[which].format(coerce(amount, BIGINT).sql)
    if value.type.name in {"time", "timetz"}:
        return Typed(f"({value.sql} + {step})", value.type)
    kind = TIMESTAMPTZ if value.type == TIMESTAMPTZ else TIMESTAMP
    return Typed(f"(CAST({value.sql} AS {kind.duckdb()}) + {step})", kind)


def _datediff(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    _arity(c, "datediff", args, node, 3)
    which = part_name(c, args[0])
    a, b = moment(c, "datediff", args[1]), moment(c, "datediff", args[2])
    if which not in _STEPS:
        raise failed("22023", f'timestamp units "{which}" not supported', node)
    if {a.type.name, b.type.name} & {"time", "timetz"}:
        x, y = (f"(DATE '2000-01-01' + CAST({v.sql} AS TIME))" for v in (a, b))
    else:
        x, y = (f"CAST({v.sql} AS TIMESTAMP)" for v in (a, b))
    return Typed(f"CAST(date_diff('{which}', {x}, {y}) AS BIGINT)", BIGINT)


def _date_trunc(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    _arity(c, "date_trunc", args, node, 2)
    which, value = part_name(c, args[0]), moment(c, "date_trunc", args[1], times=False)
    if which not in _STEPS:
        raise failed("22023", f'timestamp units "{which}" not supported', node)
    if value.type == TIMESTAMPTZ:
        return Typed(f"date_trunc('{which}', {value.sql})", TIMESTAMPTZ)
    return Typed(f"CAST(date_trunc('{which}', CAST({value.sql} AS TIMESTAMP)) AS TIMESTAMP)", TIMESTAMP)


def _convert_timezone(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    """What clocks in a zone show when those in another, or UTC, show a time."""
    _arity(c, "convert_timezone", args, node, 2, 3)
    zones = [coerce(c.expression(a), VARCHAR).sql for a in args[:-1]]
    value = moment(c, "convert_timezone", args[-1], times=False)
    source = zones[0] if len(zones) == 2 else "'UTC'"
    if value.type == TIMESTAMPTZ:
        return Typed(f"timezone(zone_known({zones[-1]}), {value.sql})", TIMESTAMP)
    there = f"timezone(zone_known({source}), CAST({value.sql} AS TIMESTAMP))"
    return Typed(f"timezone(zone_known({zones[-1]}), {there})", TIMESTAMP)


def _getdate(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    """The beginning of the statement, in the session's zone, in whole seconds; sysdate is that of the transaction."""
    _arity(c, "getdate", args, node, 0)
    now = datetime.now(UTC).replace(microsecond=0)
    return Typed(f"CAST(TIMESTAMPTZ {text(now.isoformat(' '))} AS TIMESTAMP)", TIMESTAMP)


def _timezone(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    _arity(c, "timezone", args, node, 2)
    return c.expression(exp.AtTimeZone(this=args[1].copy(), zone=args[0].copy()))


def _date(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    _arity(c, "date", args, node, 1)
    from lakemill.lakesql.dialects.redshift.casts import cast

    return cast(c.expression(args[0]), DATE)


RULES: dict[str, Rule] = {
    **dict.fromkeys(("date_part", "pgdate_part"), _date_part),
    "extract": _extract,
    **dict.fromkeys(("dateadd", "date_add"), _dateadd),
    **dict.fromkeys(("datediff", "date_diff"), _datediff),
    "date_trunc": _date_trunc,
    "convert_timezone": _convert_timezone,
    "getdate": _getdate,
    "timezone": _timezone,
    "date": _date,
}
