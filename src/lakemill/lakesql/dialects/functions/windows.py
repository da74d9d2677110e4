"""Window functions. Aggregates with OVER are those of `aggregates`."""

from collections.abc import Callable

from lakemill.lakesql.dialects.coercion import coerce, common
from lakemill.lakesql.dialects.functions.calls import Call
from lakemill.lakesql.dialects.typed import Typed, failed
from lakemill.lakesql.types import BIGINT, DOUBLE, Type


def _ranking(kind: Type) -> Callable[[Call], Typed]:
    def rule(call: Call) -> Typed:
        call.arity(0)
        return Typed(f"CAST({call.sql(call.name)} AS {kind.duckdb()})", kind)

    return rule


def _ntile(call: Call) -> Typed:
    call.arity(1)
    return Typed(call.sql("ntile", call.arg(0, BIGINT)), BIGINT)


def _value(call: Call) -> Typed:
    call.arity(1)
    return Typed(call.sql(call.name, call.args[0].sql), call.args[0].type)


def _nth(call: Call) -> Typed:
    call.arity(2)
    return Typed(call.sql("nth_value", call.args[0].sql, call.arg(1, BIGINT)), call.args[0].type)


def _shifted(call: Call) -> Typed:
    """lag and lead."""
    call.arity(1, 2, 3)
    if "ORDER BY" not in call.over:
        raise failed("MISSING_ORDER_BY", f"{call.name} requires an ORDER BY in its window", call.node)
    if "BETWEEN" in call.over:
        raise failed("INVALID_WINDOW_FRAME", f"Cannot specify window frame for {call.name} function", call.node)
    kind = call.args[0].type
    if len(call.args) == 3:
        kind = common(kind, call.args[2].type) or kind
    inside = [coerce(call.args[0], kind).sql]
    if len(call.args) > 1:
        inside.append(call.arg(1, BIGINT))
    if len(call.args) > 2:
        inside.append(coerce(call.args[2], kind).sql)
    return Typed(call.sql(call.name, *inside), kind)


WINDOWS: dict[str, Callable[[Call], Typed]] = {
    **{name: _ranking(BIGINT) for name in ("row_number", "rank", "dense_rank")},
    **{name: _ranking(DOUBLE) for name in ("percent_rank", "cume_dist")},
    "ntile": _ntile,
    "first_value": _value,
    "last_value": _value,
    "nth_value": _nth,
    "lag": _shifted,
    "lead": _shifted,
}
