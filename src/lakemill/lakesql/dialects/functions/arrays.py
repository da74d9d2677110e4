"""Arrays: positions count from 1; lambdas."""

from typing import TYPE_CHECKING

from sqlglot import exp

from lakemill.lakesql.dialects.casts import plain_text
from lakemill.lakesql.dialects.coercion import coerce, common, cost
from lakemill.lakesql.dialects.functions.registry import table, unexpected
from lakemill.lakesql.dialects.typed import Typed, failed, guard, not_supported, once
from lakemill.lakesql.types import BIGINT, BOOLEAN, UNKNOWN, VARCHAR, Type, array, row

if TYPE_CHECKING:
    from lakemill.lakesql.dialects.compiler import Compiler

TABLE = table(
    """
cardinality(array(T)) -> bigint : len({0})
cardinality(map(K,V)) -> bigint : len(map_keys({0}))
array_distinct(array(T)) -> array(T) : list_distinct_all({0})
array_intersect(array(T), array(T)) -> array(T) : list_common({0}, {1})
array_union(array(T), array(T)) -> array(T) : list_distinct_all(list_both({0}, {1}))
array_except(array(T), array(T)) -> array(T) : list_without({0}, {1})
array_position(array(T), T) -> bigint : list_index({0}, {1})
array_remove(array(T), T) -> array(T) : list_but({0}, {1})
arrays_overlap(array(T), array(T)) -> boolean : lists_overlap({0}, {1})
contains(array(T), T) -> boolean : list_holds({0}, {1})
array_max(array(T)) -> T : CASE WHEN len({0}) = list_count({0}) THEN list_max({0}) END
array_min(array(T)) -> T : CASE WHEN len({0}) = list_count({0}) THEN list_min({0}) END
flatten(array(array(T))) -> array(T) : flatten({0})
repeat(T, bigint) -> array(T) : list_transform(range({1}), LAMBDA i_ : {0})
slice(array(T), bigint, bigint) -> array(T) : list_cut({0}, {1}, {2})
element_at(array(T), bigint) -> T : list_found({0}, {1})
element_at(map(K,V), K) -> V : {0}[{1}]
trim_array(array(T), bigint) -> array(T) : {0}[1:len({0}) - {1}]
ngrams(array(T), bigint) -> array(array(T)) : list_ngrams({0}, {1})
"""
)


def _list_of(c: "Compiler", name: str, node: exp.Expr, at: exp.Expr) -> Typed:
    value = c.expression(node)
    if value.type == UNKNOWN:
        return Typed(f"CAST(NULL AS {array(UNKNOWN).duckdb()})", array(UNKNOWN))
    if value.type.name != "array":
        raise unexpected(name, [value.type], [f"{name}(array(T), function(T,U))"], at)
    return value


def _arity(name: str, args: list[exp.Expr], node: exp.Expr, *counts: int) -> None:
    if len(args) not in counts:
        raise failed("FUNCTION_NOT_FOUND", f"Unexpected number of parameters ({len(args)}) for function {name}", node)


def _transform(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    _arity("transform", args, node, 2)
    values = _list_of(c, "transform", args[0], node)
    (name,), body = c.lambda_body(args[1], [values.type.element])
    return Typed(f"list_transform({values.sql}, LAMBDA {name} : {coerce(body, body.type).sql})", array(body.type))


def _filter(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    _arity("filter", args, node, 2)
    values = _list_of(c, "filter", args[0], node)
    name, body = _condition(c, args[1], values.type.element)
    return Typed(f"list_filter({values.sql}, LAMBDA {name} : coalesce({body}, false))", values.type)


def _condition(c: "Compiler", node: exp.Expr, kind: Type) -> tuple[str, str]:
    (name,), body = c.lambda_body(node, [kind])
    if cost(body.type, BOOLEAN) is None:
        raise failed("TYPE_MISMATCH", f"Expected a lambda that returns boolean, not {body.type.trino()}", node)
    return name, coerce(body, BOOLEAN).sql


def _match(wanted: str, sure: str, unsure: str):  # type: ignore[no-untyped-def]
    """any_match, all_match, none_match, with NULL for "not known"."""

    def rule(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
        _arity("any_match", args, node, 2)
        values = _list_of(c, "any_match", args[0], node)
        name, body = _condition(c, args[1], values.type.element)
        made = f"list_transform({values.sql}, LAMBDA {name} : {body})"
        found = once(
            made,
            lambda m: (
                f"CASE WHEN {m} IS NULL THEN NULL WHEN list_contains({m}, {wanted}) THEN {sure} "
                f"WHEN list_count({m}) < len({m}) THEN NULL ELSE {unsure} END"
            ),
        )
        return Typed(found, BOOLEAN)

    return rule


def _reduce(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    """The state travels in a struct beside the element, as DuckDB wants both to be of one type."""
    _arity("reduce", args, node, 4)
    values, start = _list_of(c, "reduce", args[0], node), c.expression(args[1])
    element, state = values.type.element, start.type
    for _ in range(4):
        acc, item = c.local(node, "a"), c.local(node, "b")
        body = c.lambda_with(args[2], [(f"{acc}.s", state), (f"{item}.x", element)])
        wider = common(state, body.type)
        if wider == state:
            break
        if wider is None:
            raise failed(
                "TYPE_MISMATCH", f"reduce: state is {state.trino()}, its function returns {body.type.trino()}", args[2]
            )
        state = wider
    kind = f"STRUCT(s {state.duckdb()}, x {element.duckdb()})"
    boxed = f"list_transform({values.sql}, LAMBDA b_ : CAST({{'s': NULL, 'x': b_}} AS {kind}))"
    first = f"CAST({{'s': {coerce(start, state).sql}, 'x': NULL}} AS {kind})"
    step = f"CAST({{'s': {coerce(body, state).sql}, 'x': NULL}} AS {kind})"
    folded = f"list_reduce({boxed}, LAMBDA {acc}, {item} : {step}, {first})"
    last = c.local(node, "c")
    result = c.lambda_with(args[3], [(f"{last}.s", state)])
    made = f"list_transform([{folded}], LAMBDA {last} : {coerce(result, result.type).sql})[1]"
    return Typed(f"CASE WHEN {values.sql} IS NOT NULL THEN {made} END", result.type)


def _zip(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    if len(args) < 2:
        raise failed("FUNCTION_NOT_FOUND", "Unexpected number of parameters for function zip", node)
    values = [_list_of(c, "zip", a, node) for a in args]
    name = c.local(node)
    fields = ", ".join(f"'field{i}': {v.sql}[{name}]" for i, v in enumerate(values))
    longest = "greatest(" + ", ".join(f"len({v.sql})" for v in values) + ")"
    nulls = " OR ".join(f"{v.sql} IS NULL" for v in values)
    kind = array(row(*((None, v.type.element) for v in values)))
    made = f"list_transform(range(1, 1 + {longest}), LAMBDA {name} : {{{fields}}})"
    return Typed(f"CASE WHEN {nulls} THEN NULL ELSE {made} END", kind)


def _zip_with(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    _arity("zip_with", args, node, 3)
    a, b = _list_of(c, "zip_with", args[0], node), _list_of(c, "zip_with", args[1], node)
    name = c.local(node)
    body = c.lambda_with(args[2], [(f"{a.sql}[{name}]", a.type.element), (f"{b.sql}[{name}]", b.type.element)])
    made = f"list_transform(range(1, 1 + greatest(len({a.sql}), len({b.sql}))), LAMBDA {name} : {body.sql})"
    return Typed(f"CASE WHEN {a.sql} IS NULL OR {b.sql} IS NULL THEN NULL ELSE {made} END", array(body.type))


def _sort(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    _arity("array_sort", args, node, 1, 2)
    if len(args) == 2:
        raise not_supported("array_sort with a comparator", node)
    values = _list_of(c, "array_sort", args[0], node)
    return Typed(f"list_sort({values.sql}, 'ASC', 'NULLS LAST')", values.type)


def _join(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    _arity("array_join", args, node, 2, 3)
    values, rest = _list_of(c, "array_join", args[0], node), [c.expression(a) for a in args[1:]]
    name = c.local(node)
    shown = (
        plain_text(Typed(name, values.type.element)) if values.type.element != UNKNOWN else f"CAST({name} AS VARCHAR)"
    )
    if len(rest) == 2:
        shown = f"coalesce({shown}, {coerce(rest[1], VARCHAR).sql})"
    made = f"array_to_string(list_transform({values.sql}, LAMBDA {name} : {shown}), {coerce(rest[0], VARCHAR).sql})"
    return Typed(f"CASE WHEN {values.sql} IS NOT NULL THEN coalesce({made}, '') END", VARCHAR)


def _sequence(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    """At most 10,000 elements, as in Trino."""
    _arity("sequence", args, node, 2, 3)
    values = [c.expression(a) for a in args]
    kind = common(values[0].type, values[1].type)
    if kind is not None and kind.name in {"tinyint", "smallint", "integer", "bigint"}:
        start, stop = (coerce(v, BIGINT).sql for v in values[:2])
        step = (
            coerce(values[2], BIGINT).sql if len(values) == 3 else f"(CASE WHEN {start} <= {stop} THEN 1 ELSE -1 END)"
        )
        wrong = f"({step} = 0 OR ({step} > 0 AND {stop} < {start}) OR ({step} < 0 AND {stop} > {start}))"
        message = (
            "'sequence stop value should be greater than or equal to start value if step is greater than zero "
            "otherwise stop should be less than or equal to start'"
        )
        long = f"(({stop} - {start}) // {step} >= 10000)"
        made = f"generate_series({start}, {stop}, {step})"
        made = guard(
            long,
            "INVALID_FUNCTION_ARGUMENT",
            "'result of sequence function must not have more than 10000 entries'",
            made,
        )
        return Typed(guard(wrong, "INVALID_FUNCTION_ARGUMENT", message, made), array(BIGINT))
    if kind is not None and kind.name in {"date", "timestamp"}:
        if len(values) == 2 and kind.name != "date":
            raise unexpected("sequence", [v.type for v in values], ["sequence(timestamp, timestamp, interval)"], node)
        if len(values) == 3 and not values[2].type.name.startswith("interval"):
            raise unexpected("sequence", [v.type for v in values], ["sequence(date, date, interval)"], node)
        start, stop = (coerce(v, kind).sql for v in values[:2])
        step = (
            values[2].sql if len(values) == 3 else f"(CASE WHEN {start} <= {stop} THEN to_days(1) ELSE to_days(-1) END)"
        )
        made = f"generate_series(CAST({start} AS TIMESTAMP), CAST({stop} AS TIMESTAMP), {step})"
        name = c.local(node)
        return Typed(f"list_transform({made}, LAMBDA {name} : CAST({name} AS {kind.duckdb()}))", array(kind))
    raise unexpected("sequence", [v.type for v in values], ["sequence(bigint, bigint)", "sequence(date, date)"], node)


RULES = {
    "transform": _transform,
    "filter": _filter,
    "any_match": _match("true", "true", "false"),
    "all_match": _match("false", "false", "true"),
    "none_match": _match("true", "false", "true"),
    "reduce": _reduce,
    "zip": _zip,
    "zip_with": _zip_with,
    "array_sort": _sort,
    "array_join": _join,
    "sequence": _sequence,
}
