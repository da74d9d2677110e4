"""Aggregates. Each rule gets a `Call` and says what DuckDB is to compute, and the type of it."""

from collections.abc import Callable

from lakemill.lakesql.dialects.coercion import INTEGERS, NUMBERS, coerce
from lakemill.lakesql.dialects.decimals import of_units, units_of
from lakemill.lakesql.dialects.functions.calls import Call
from lakemill.lakesql.dialects.operators import moment
from lakemill.lakesql.dialects.typed import Typed, failed, guard, not_supported, once
from lakemill.lakesql.types import BIGINT, BOOLEAN, DOUBLE, VARCHAR, Type, array, decimal, mapping


def _count(call: Call) -> Typed:
    if call.star or not call.nodes:
        return Typed(call.sql("count", "*"), BIGINT)
    call.arity(1)
    return Typed(call.sql("count", moment(call.args[0]), order=False), BIGINT)


def _count_if(call: Call) -> Typed:
    call.arity(1)
    return Typed(call.sql("count", "*", where=call.arg(0, BOOLEAN)), BIGINT)


def _numeric(call: Call) -> Type:
    call.arity(1)
    if call.args[0].type.name not in NUMBERS | {"unknown"}:
        raise call.unexpected()
    return call.args[0].type


def _sum(call: Call) -> Typed:
    call.arity(1)
    kind = call.args[0].type
    if kind.name.startswith("interval"):
        return Typed(call.sql("sum", call.args[0].sql), kind)
    _numeric(call)
    if kind.name in INTEGERS or kind.name == "unknown":
        made = call.sql("sum", call.arg(0, BIGINT))
        return Typed(once(made, _as_bigint), BIGINT)
    if kind.name == "decimal":
        kind = decimal(38, kind.args[1])
        return Typed(f"CAST({call.sql('sum', call.args[0].narrow or call.args[0].sql)} AS {kind.duckdb()})", kind)
    return Typed(f"CAST({call.sql('sum', call.args[0].sql)} AS {kind.duckdb()})", kind)


def _as_bigint(total: str) -> str:
    bad = f"({total} > 9223372036854775807 OR {total} < -9223372036854775808)"
    message = f"'bigint addition overflow: ' || {total}"
    return guard(bad, "NUMERIC_VALUE_OUT_OF_RANGE", message, f"TRY_CAST({total} AS BIGINT)")


def _skewness(call: Call) -> Typed:
    """Of the population; DuckDB's is that of a sample."""
    call.arity(1)
    made, n = call.sql("skewness", call.arg(0, DOUBLE)), call.sql("count", call.arg(0, DOUBLE))
    return Typed(f"({made} * ({n} - 2) / sqrt(CAST({n} AS DOUBLE) * ({n} - 1)))", DOUBLE)


def _avg(call: Call) -> Typed:
    kind = _numeric(call)
    if kind.name == "decimal":
        value = call.args[0].narrow or call.args[0].sql
        total, count = call.sql("sum", value), call.sql("count", value)
        units = units_of(total, kind.args[1])
        made = of_units(f"half_up({units}, CAST({count} AS HUGEINT))", kind)
        return Typed(f"CASE WHEN {count} > 0 THEN {made} END", kind)
    made = call.sql("avg", coerce(call.args[0], DOUBLE).sql)
    return Typed(f"CAST({made} AS FLOAT)", kind) if kind.name == "real" else Typed(made, DOUBLE)


def _extreme(call: Call) -> Typed:
    call.arity(1, 2)
    kind = call.args[0].type
    if kind.name in {"map", "json"}:
        raise call.unexpected()
    if len(call.args) == 2:
        value = call.args[0].sql
        return Typed(call.sql(call.name, value, call.arg(1, BIGINT), where=f"{value} IS NOT NULL"), array(kind))
    return Typed(call.sql(call.name, call.args[0].sql), kind)


def _by(function: str) -> Callable[[Call], Typed]:
    def rule(call: Call) -> Typed:
        call.arity(2, 3)
        value, key = call.args[0], moment(call.args[1])
        if len(call.args) == 3:
            # Boxed, because DuckDB leaves out rows whose value is NULL.
            boxed = f"{{'v': {value.sql}}}"
            made = call.sql(function, boxed, key, call.arg(2, BIGINT), where=f"{key} IS NOT NULL")
            return Typed(f"list_transform({made}, LAMBDA b_ : b_.v)", array(value.type))
        boxed = f"{{'v': {value.sql}}}"
        return Typed(f"struct_extract({call.sql(function, boxed, key, where=f'{key} IS NOT NULL')}, 'v')", value.type)

    return rule


def _any(call: Call) -> Typed:
    call.arity(1)
    return Typed(call.sql("any_value", call.args[0].sql), call.args[0].type)


def _bool(function: str) -> Callable[[Call], Typed]:
    def rule(call: Call) -> Typed:
        call.arity(1)
        return Typed(call.sql(function, call.arg(0, BOOLEAN)), BOOLEAN)

    return rule


def _double(function: str, count: int = 1) -> Callable[[Call], Typed]:
    def rule(call: Call) -> Typed:
        call.arity(count)
        made = call.sql(function, *(call.arg(i, DOUBLE) for i in range(count)))
        return Typed(made, DOUBLE)

    return rule


def _corr(call: Call) -> Typed:
    call.arity(2)
    made = call.sql("corr", call.arg(0, DOUBLE), call.arg(1, DOUBLE))
    return Typed(f"CASE WHEN isnan({made}) THEN NULL ELSE {made} END", DOUBLE)


def _bits(function: str) -> Callable[[Call], Typed]:
    def rule(call: Call) -> Typed:
        call.arity(1)
        return Typed(call.sql(function, call.arg(0, BIGINT)), BIGINT)

    return rule


def _array_agg(call: Call) -> Typed:
    call.arity(1)
    return Typed(call.sql("list", coerce(call.args[0], call.args[0].type).sql), array(call.args[0].type))


def _set_agg(call: Call) -> Typed:
    call.arity(1)
    return Typed(call.sql("list", call.args[0].sql, distinct=True), array(call.args[0].type))


def _listagg(call: Call) -> Typed:
    call.arity(1, 2)
    separator = call.arg(1, VARCHAR) if len(call.args) == 2 else "''"
    return Typed(call.sql("string_agg", call.arg(0, VARCHAR), separator), VARCHAR)


def _approx_distinct(call: Call) -> Typed:
    """Exact, which is within every error that may be asked for."""
    call.arity(1, 2)
    return Typed(call.sql("count", moment(call.args[0]), distinct=True), BIGINT)


def _approx_percentile(call: Call) -> Typed:
    call.arity(2, 3)
    if len(call.args) == 3:
        raise not_supported("approx_percentile with weights or an accuracy", call.node)
    kind, of = call.args[0].type, call.args[1].type
    if kind.name not in {"bigint", "integer", "smallint", "tinyint", "double", "real", "decimal"}:
        raise call.unexpected()
    if kind.name == "decimal":
        kind = DOUBLE
    elif kind.name in INTEGERS:
        kind = BIGINT
    value = coerce(call.args[0], kind).sql
    many = of.name == "array"
    share = coerce(call.args[1], array(DOUBLE) if many else DOUBLE).sql
    return Typed(call.sql("quantile_disc", value, share), array(kind) if many else kind)


def _entries(call: Call) -> tuple[str, str, Type, Type]:
    call.arity(2)
    key, value = call.args[0], call.args[1]
    keys = call.sql("list", key.sql, where=f"{key.sql} IS NOT NULL")
    values = call.sql("list", value.sql, where=f"{key.sql} IS NOT NULL")
    return keys, values, key.type, value.type


def _map_agg(call: Call) -> Typed:
    keys, values, key, value = _entries(call)
    return Typed(f"map_made({keys}, {values})", mapping(key, value))


def _multimap_agg(call: Call) -> Typed:
    keys, values, key, value = _entries(call)
    return Typed(f"multimap_made({keys}, {values})", mapping(key, array(value)))


def _map_union(call: Call) -> Typed:
    call.arity(1)
    kind = call.args[0].type
    if kind.name != "map":
        raise call.unexpected()
    keys = call.sql("list", f"map_keys({call.args[0].sql})", where=f"{call.args[0].sql} IS NOT NULL")
    values = call.sql("list", f"map_values({call.args[0].sql})", where=f"{call.args[0].sql} IS NOT NULL")
    return Typed(f"map_made(flatten({keys}), flatten({values}))", kind)


def _histogram(call: Call) -> Typed:
    call.arity(1)
    keys = call.sql("list", call.args[0].sql, where=f"{call.args[0].sql} IS NOT NULL")
    return Typed(f"histogram_made({keys})", mapping(call.args[0].type, BIGINT))


def _grouping(call: Call) -> Typed:
    if call.over or call.condition:
        raise failed("INVALID_ARGUMENTS", "GROUPING takes neither OVER nor FILTER", call.node)
    from lakemill.lakesql.types import INTEGER

    made = call.c.collect(f"GROUPING({', '.join(a.sql for a in call.args)})")
    return Typed(f"CAST({made} AS INTEGER)", INTEGER)


def _geometric_mean(call: Call) -> Typed:
    call.arity(1)
    return Typed(call.sql("geomean", call.arg(0, DOUBLE)), DOUBLE)


def _set_union(call: Call) -> Typed:
    call.arity(1)
    kind = call.args[0].type
    if kind.name != "array":
        raise call.unexpected()
    return Typed(f"list_distinct_all(flatten({call.sql('list', call.args[0].sql)}))", kind)


AGGREGATES: dict[str, Callable[[Call], Typed]] = {
    "count": _count,
    "count_if": _count_if,
    "sum": _sum,
    "avg": _avg,
    "min": _extreme,
    "max": _extreme,
    "min_by": _by("arg_min"),
    "max_by": _by("arg_max"),
    "arbitrary": _any,
    "any_value": _any,
    "bool_and": _bool("bool_and"),
    "every": _bool("bool_and"),
    "bool_or": _bool("bool_or"),
    "array_agg": _array_agg,
    "set_agg": _set_agg,
    "set_union": _set_union,
    "listagg": _listagg,
    "map_agg": _map_agg,
    "multimap_agg": _multimap_agg,
    "map_union": _map_union,
    "histogram": _histogram,
    "approx_distinct": _approx_distinct,
    "approx_percentile": _approx_percentile,
    "stddev": _double("stddev_samp"),
    "stddev_samp": _double("stddev_samp"),
    "stddev_pop": _double("stddev_pop"),
    "variance": _double("var_samp"),
    "var_samp": _double("var_samp"),
    "var_pop": _double("var_pop"),
    "covar_pop": _double("covar_pop", 2),
    "covar_samp": _double("covar_samp", 2),
    "corr": _corr,
    "regr_slope": _double("regr_slope", 2),
    "regr_intercept": _double("regr_intercept", 2),
    "skewness": _skewness,
    "kurtosis": _double("kurtosis"),
    "geometric_mean": _geometric_mean,
    "bitwise_and_agg": _bits("bit_and"),
    "bitwise_or_agg": _bits("bit_or"),
    "bitwise_xor_agg": _bits("bit_xor"),
    "grouping": _grouping,
}
