"""Aggregates: of integers SUM and AVG are BIGINT, of decimals DECIMAL(38, s)."""

from collections.abc import Callable

from lakemill.lakesql.dialects.coercion import INTEGERS, NUMBERS
from lakemill.lakesql.dialects.decimals import of_units, units_of
from lakemill.lakesql.dialects.functions.calls import Call
from lakemill.lakesql.dialects.redshift.coercion import coerce
from lakemill.lakesql.dialects.typed import Typed, failed, guard, once, text
from lakemill.lakesql.types import BIGINT, BOOLEAN, DOUBLE, INTEGER, UNKNOWN, VARCHAR, Type, decimal

LISTAGG_BYTES_MAX = 65535


def _count(call: Call) -> Typed:
    if call.star and not call.distinct:
        return Typed(call.sql("count", "*"), BIGINT)
    call.arity(1)
    value = call.c.dialect.output(call.args[0])
    return Typed(call.sql("count", call.c.dialect.key(value) if call.distinct else value.sql, order=False), BIGINT)


def _number(call: Call, index: int = 0) -> Typed:
    """A number; what is unknown or in a SUPER is DOUBLE PRECISION."""
    value = call.args[index]
    if value.type == UNKNOWN:
        return coerce(value, DOUBLE)
    if value.type.name == "super":
        return Typed(f"super_number({value.sql})", DOUBLE)
    if value.type.name not in NUMBERS:
        raise call.unexpected()
    return value


def _sum(call: Call) -> Typed:
    call.arity(1)
    if call.args[0].type.name == "interval":
        return Typed(call.sql("sum", call.args[0].sql), call.args[0].type)
    value = _number(call)
    kind = value.type
    if kind.name in INTEGERS:
        return Typed(once(call.sql("sum", coerce(value, BIGINT).sql), _as_bigint), BIGINT)
    if kind.name == "decimal":
        kind = decimal(38, kind.args[1])
        return Typed(f"CAST({call.sql('sum', value.narrow or value.sql)} AS {kind.duckdb()})", kind)
    return Typed(f"CAST({call.sql('sum', coerce(value, DOUBLE).sql)} AS DOUBLE)", DOUBLE)


def _as_bigint(total: str) -> str:
    bad = f"({total} > 9223372036854775807 OR {total} < -9223372036854775808)"
    return guard(bad, "22003", "'bigint out of range'", f"TRY_CAST({total} AS BIGINT)")


def _avg(call: Call) -> Typed:
    """Of integers an integer, cut towards zero."""
    call.arity(1)
    value = _number(call)
    kind = value.type
    if kind.name in INTEGERS:
        total, count = call.sql("sum", coerce(value, BIGINT).sql), call.sql("count", value.sql)
        # DuckDB's integer division cuts towards zero.
        made = f"CAST(CAST({total} AS HUGEINT) // nullif({count}, 0) AS BIGINT)"
        return Typed(made, BIGINT)
    if kind.name == "decimal":
        to = decimal(38 if kind.args[0] > 19 else 19, kind.args[1])
        number = value.narrow or value.sql
        total, count = call.sql("sum", number), call.sql("count", number)
        made = of_units(f"half_up({units_of(total, kind.args[1])}, CAST({count} AS HUGEINT))", to)
        return Typed(f"CASE WHEN {count} > 0 THEN {made} END", to)
    return Typed(call.sql("avg", coerce(value, DOUBLE).sql), DOUBLE)


def _extreme(call: Call) -> Typed:
    call.arity(1)
    value = call.c.dialect.output(call.args[0])
    if value.type.name == "boolean":
        raise call.unexpected()
    return Typed(call.sql(call.name, value.sql, distinct=False), value.type)


def _any(call: Call) -> Typed:
    call.arity(1)
    value = call.c.dialect.output(call.args[0])
    return Typed(call.sql("any_value", value.sql), value.type)


def _bool(function: str) -> Callable[[Call], Typed]:
    def rule(call: Call) -> Typed:
        call.arity(1)
        return Typed(call.sql(function, call.arg(0, BOOLEAN)), BOOLEAN)

    return rule


def _double(function: str, count: int = 1) -> Callable[[Call], Typed]:
    def rule(call: Call) -> Typed:
        call.arity(count)
        return Typed(call.sql(function, *(coerce(_number(call, i), DOUBLE).sql for i in range(count))), DOUBLE)

    return rule


def _bits(function: str) -> Callable[[Call], Typed]:
    def rule(call: Call) -> Typed:
        call.arity(1)
        kind = call.args[0].type
        if kind.name == "boolean":
            return Typed(call.sql({"bit_and": "bool_and", "bit_or": "bool_or"}[function], call.args[0].sql), BOOLEAN)
        if kind.name not in INTEGERS:
            raise call.unexpected()
        return Typed(call.sql(function, call.args[0].sql), kind)

    return rule


def _listagg(call: Call) -> Typed:
    """Fails where the list is longer than a VARCHAR can be."""
    call.arity(1, 2)
    separator = call.arg(1, VARCHAR) if len(call.args) == 2 else "''"
    value = call.arg(0, VARCHAR)
    if call.distinct and call.order:
        # The value as it is listed, where that is what it is ordered by.
        fits = [o for o in call.ordered if call.c.dialect.cost(o.type, VARCHAR) is not None]
        if len(fits) != len(call.order) or any(coerce(o, VARCHAR).sql != value for o in fits):
            raise _unordered(call)
        call.order = [f"{value} {k.rsplit(' ', 3)[1]} NULLS {k.rsplit(' ', 1)[1]}" for k in call.order]
    made = call.sql("string_agg", value, separator)
    message = text("Result size exceeds LISTAGG limit")
    return Typed(once(made, lambda m: guard(f"strlen({m}) > {LISTAGG_BYTES_MAX}", "22001", message, m)), VARCHAR)


def _unordered(call: Call) -> Exception:
    return failed("42P10", "for LISTAGG DISTINCT, ORDER BY expressions must appear in argument list", call.node)


def _quantile(call: Call, function: str, share: str, value: Typed) -> Typed:
    kind = value.type
    if function == "quantile_cont" and kind.name in INTEGERS | {"decimal": 0}:
        scale = kind.args[1] if kind.name == "decimal" else 0
        kind = decimal(38, min(scale + 1 if scale < 37 else scale, 37))
        value = Typed(f"CAST({value.sql} AS {kind.duckdb()})", kind)
    elif kind.name == "date" and function == "quantile_cont":
        value, kind = coerce(value, Type("timestamp")), Type("timestamp")
    elif kind.name not in {*NUMBERS, "date", "timestamp", "timestamptz"}:
        raise call.unexpected()
    call.order = []
    return Typed(f"CAST({call.sql(function, value.sql, share)} AS {kind.duckdb()})", kind)


def _percentile(function: str) -> Callable[[Call], Typed]:
    """PERCENTILE_CONT(share) WITHIN GROUP (ORDER BY value)."""

    def rule(call: Call) -> Typed:
        call.arity(1)
        share = call.args[0].value
        if not call.ordered:
            raise failed("42601", f"{call.name} requires WITHIN GROUP (ORDER BY ...)", call.node)
        if not isinstance(share, int | float) and call.args[0].type.name == "decimal":
            share = float(call.args[0].sql.split("'")[1])
        if not isinstance(share, int | float) or not 0 <= share <= 1:
            raise failed("22023", "percentile value must be a number between 0 and 1", call.node)
        if call.order[0].split(" NULLS")[0].endswith("DESC"):
            share = 1 - share
        return _quantile(call, function, repr(float(share)), call.ordered[0])

    return rule


def _median(call: Call) -> Typed:
    call.arity(1)
    return _quantile(call, "quantile_cont", "0.5", call.args[0])


def _grouping(call: Call) -> Typed:
    if not call.args or any(a.sql not in (call.c.groups or {}) for a in call.args):
        raise failed("42803", "arguments to GROUPING must be grouping expressions of the query", call.node)
    made = call.c.collect(f"GROUPING({', '.join(a.sql for a in call.args)})")
    return Typed(f"CAST({made} AS INTEGER)", INTEGER)


AGGREGATES: dict[str, Callable[[Call], Typed]] = {
    "count": _count,
    "sum": _sum,
    "avg": _avg,
    "min": _extreme,
    "max": _extreme,
    "any_value": _any,
    "bool_and": _bool("bool_and"),
    "every": _bool("bool_and"),
    "bool_or": _bool("bool_or"),
    "bit_and": _bits("bit_and"),
    "bit_or": _bits("bit_or"),
    "listagg": _listagg,
    "median": _median,
    "percentile_cont": _percentile("quantile_cont"),
    "percentile_disc": _percentile("quantile_disc"),
    "stddev": _double("stddev_samp"),
    "stddev_samp": _double("stddev_samp"),
    "stddev_pop": _double("stddev_pop"),
    "variance": _double("var_samp"),
    "var_samp": _double("var_samp"),
    "var_pop": _double("var_pop"),
    "corr": _double("corr", 2),
    "covar_pop": _double("covar_pop", 2),
    "covar_samp": _double("covar_samp", 2),
    "grouping": _grouping,
}
