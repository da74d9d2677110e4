"""Maps. Keys are unique; a key that is given twice fails."""

from typing import TYPE_CHECKING

from sqlglot import exp

from lakemill.lakesql.dialects.coercion import coerce, cost
from lakemill.lakesql.dialects.functions.registry import table, unexpected
from lakemill.lakesql.dialects.typed import Typed, failed, guard, once
from lakemill.lakesql.types import BOOLEAN, UNKNOWN, array, mapping, row

if TYPE_CHECKING:
    from lakemill.lakesql.dialects.compiler import Compiler

TABLE = table(
    """
map_keys(map(K,V)) -> array(K) : map_keys({0})
map_values(map(K,V)) -> array(V) : map_values({0})
"""
)


def _of_lists(keys: str, values: str) -> str:
    """A map of keys and values, which fails on a key that is there twice."""
    return once(keys, lambda k: once(values, lambda v: _checked(k, v)))


def _checked(keys: str, values: str) -> str:
    message = f"'Duplicate map keys (' || CAST(list_twice({keys}) AS VARCHAR) || ') are not allowed'"
    made = guard(f"list_unique({keys}) < len({keys})", "INVALID_FUNCTION_ARGUMENT", message, f"map({keys}, {values})")
    return guard(f"list_count({keys}) < len({keys})", "INVALID_FUNCTION_ARGUMENT", "'map key cannot be null'", made)


def _map(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    values = [c.expression(a) for a in args]
    if not values or all(isinstance(a, exp.Array) and not a.expressions for a in args):
        return Typed("CAST(MAP {} AS MAP(INTEGER, INTEGER))", mapping(UNKNOWN, UNKNOWN))
    if len(values) != 2 or any(v.type.name != "array" for v in values):
        raise unexpected("map", [v.type for v in values], ["map(array(K), array(V))", "map()"], node)
    keys, items = values[0].sql, values[1].sql
    made = _of_lists(keys, items)
    wrong = f"len({keys}) <> len({items})"
    message = "'Key and value arrays must be the same length'"
    return Typed(
        guard(wrong, "INVALID_FUNCTION_ARGUMENT", message, made),
        mapping(values[0].type.element, values[1].type.element),
    )


def _from_entries(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    values = [c.expression(a) for a in args]
    if len(values) != 1 or values[0].type.name != "array" or len(values[0].type.element.fields) != 2:
        raise unexpected("map_from_entries", [v.type for v in values], ["map_from_entries(array(row(K,V)))"], node)
    from lakemill.lakesql.dialects.coercion import text_name

    of, sql = values[0].type.element, values[0].sql
    keys = f"list_transform({sql}, LAMBDA e_ : struct_extract(e_, {text_name(of, 0)}))"
    items = f"list_transform({sql}, LAMBDA e_ : struct_extract(e_, {text_name(of, 1)}))"
    return Typed(_of_lists(keys, items), mapping(of.fields[0][1], of.fields[1][1]))


def _entries(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    value = _map_of(c, "map_entries", args, node, 1)
    made = f"list_transform(map_entries({value.sql}), LAMBDA e_ : {{'field0': e_.key, 'field1': e_.value}})"
    return Typed(made, array(row((None, value.type.args[0]), (None, value.type.args[1]))))


def _map_of(c: "Compiler", name: str, args: list[exp.Expr], node: exp.Expr, count: int) -> Typed:
    if len(args) != count:
        raise failed("FUNCTION_NOT_FOUND", f"Unexpected number of parameters ({len(args)}) for function {name}", node)
    value = c.expression(args[0])
    if value.type.name != "map":
        raise unexpected(name, [value.type], [f"{name}(map(K,V))"], node)
    return value


def _both(c: "Compiler", name: str, args: list[exp.Expr], node: exp.Expr) -> tuple[Typed, Typed, str]:
    """The map, the lambda's body for an entry, and the entry's name."""
    value, entry = _map_of(c, name, args, node, 2), c.local(node)
    body = c.lambda_with(args[1], [(f"{entry}.key", value.type.args[0]), (f"{entry}.value", value.type.args[1])])
    return value, coerce(body, body.type), entry


def _filter(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    value, body, entry = _both(c, "map_filter", args, node)
    if cost(body.type, BOOLEAN) is None:
        raise failed("TYPE_MISMATCH", "Expected a lambda that returns boolean", args[1])
    kept = f"list_filter(map_entries({value.sql}), LAMBDA {entry} : coalesce({body.sql}, false))"
    return Typed(f"map_from_entries({kept})", value.type)


def _values(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    value, body, entry = _both(c, "transform_values", args, node)
    items = f"list_transform(map_entries({value.sql}), LAMBDA {entry} : {body.sql})"
    return Typed(f"map(map_keys({value.sql}), {items})", mapping(value.type.args[0], body.type))


def _keys(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    value, body, entry = _both(c, "transform_keys", args, node)
    keys = f"list_transform(map_entries({value.sql}), LAMBDA {entry} : {body.sql})"
    return Typed(_of_lists(keys, f"map_values({value.sql})"), mapping(body.type, value.type.args[1]))


def _concat(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    values = [c.expression(a) for a in args]
    if len(values) < 2 or any(v.type != values[0].type or v.type.name != "map" for v in values):
        raise unexpected("map_concat", [v.type for v in values], ["map_concat(map(K,V))"], node)
    nulls = " OR ".join(f"{v.sql} IS NULL" for v in values)
    made = f"map_concat({', '.join(v.sql for v in values)})"
    return Typed(f"CASE WHEN {nulls} THEN NULL ELSE {made} END", values[0].type)


def _zip_with(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    a = _map_of(c, "map_zip_with", args, node, 3)
    b = c.expression(args[1])
    if b.type.name != "map" or b.type.args[0] != a.type.args[0]:
        raise unexpected(
            "map_zip_with", [a.type, b.type], ["map_zip_with(map(K,V1), map(K,V2), function(K,V1,V2,V3))"], node
        )
    key = c.local(node)
    sides = [(key, a.type.args[0]), (f"{a.sql}[{key}]", a.type.args[1]), (f"{b.sql}[{key}]", b.type.args[1])]
    body = c.lambda_with(args[2], sides)
    keys = f"list_distinct_all(list_both(map_keys({a.sql}), map_keys({b.sql})))"
    made = f"map({keys}, list_transform({keys}, LAMBDA {key} : {body.sql}))"
    return Typed(made, mapping(a.type.args[0], body.type))


RULES = {
    "map": _map,
    "map_from_entries": _from_entries,
    "map_entries": _entries,
    "map_filter": _filter,
    "transform_values": _values,
    "transform_keys": _keys,
    "map_concat": _concat,
    "map_zip_with": _zip_with,
}
