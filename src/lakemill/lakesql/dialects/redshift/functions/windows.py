"""Window functions."""

from collections.abc import Callable

from lakemill.lakesql.dialects.functions.calls import Call
from lakemill.lakesql.dialects.typed import Typed, failed, once
from lakemill.lakesql.types import BIGINT, DOUBLE, INTEGER, VARCHAR, Type


def _ranking(kind: Type) -> Callable[[Call], Typed]:
    def rule(call: Call) -> Typed:
        call.arity(0)
        if call.name != "row_number" and "ORDER BY" not in call.over:
            raise failed(
                "42P20",
                f"window function {call.name} requires a window specification with an ordering clause",
                call.node,
            )
        return Typed(f"CAST({call.sql(call.name)} AS {kind.duckdb()})", kind)

    return rule


def _ntile(call: Call) -> Typed:
    call.arity(1)
    return Typed(f"CAST({call.sql('ntile', call.arg(0, BIGINT))} AS BIGINT)", BIGINT)


def _value(call: Call) -> Typed:
    call.arity(1)
    value = call.c.dialect.output(call.args[0])
    return Typed(call.sql(call.name, value.sql), value.type)


def _nth(call: Call) -> Typed:
    call.arity(2)
    value = call.c.dialect.output(call.args[0])
    return Typed(call.sql("nth_value", value.sql, call.arg(1, BIGINT)), value.type)


def _shifted(call: Call) -> Typed:
    """lag and lead."""
    call.arity(1, 2, 3)
    if "ORDER BY" not in call.over:
        raise failed(
            "42P20", f"window function {call.name} requires a window specification with an ordering clause", call.node
        )
    value = call.c.dialect.output(call.args[0])
    inside = [value.sql]
    if len(call.args) > 1:
        inside.append(call.arg(1, INTEGER))
    if len(call.args) > 2:
        inside.append(call.arg(2, value.type))
    return Typed(call.sql(call.name, *inside), value.type)


def _ratio(call: Call) -> Typed:
    """The share in the sum over the window's rows."""
    call.arity(1)
    value = call.arg(0, DOUBLE)
    total = call.sql("sum", value)
    return Typed(once(total, lambda t: f"CASE WHEN {t} = 0 THEN NULL ELSE {value} / {t} END"), DOUBLE)


def _listagg(call: Call) -> Typed:
    call.arity(1, 2)
    separator = call.arg(1, VARCHAR) if len(call.args) == 2 else "''"
    return Typed(call.sql("string_agg", call.arg(0, VARCHAR), separator), VARCHAR)


WINDOWS: dict[str, Callable[[Call], Typed]] = {
    **{name: _ranking(BIGINT) for name in ("row_number", "rank", "dense_rank")},
    **{name: _ranking(DOUBLE) for name in ("percent_rank", "cume_dist")},
    "ntile": _ntile,
    "first_value": _value,
    "last_value": _value,
    "nth_value": _nth,
    "lag": _shifted,
    "lead": _shifted,
    "ratio_to_report": _ratio,
    "listagg": _listagg,
}
