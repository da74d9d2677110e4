"""JSON in a text, and SUPER: kept as JSON."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlglot import exp

from lakemill.lakesql.dialects.functions.registry import table, unexpected
from lakemill.lakesql.dialects.redshift.casts import to_super
from lakemill.lakesql.dialects.redshift.coercion import coerce
from lakemill.lakesql.dialects.typed import Typed, failed, guard, once
from lakemill.lakesql.types import BOOLEAN, INTEGER, SUPER, UNKNOWN, VARCHAR

if TYPE_CHECKING:
    from lakemill.lakesql.dialects.compiler import Compiler

Rule = Callable[["Compiler", list[exp.Expr], exp.Expr], Typed]
_PARSED = "'JSON parsing error'"
TABLE = table(
    """
is_valid_json(varchar) -> boolean : CASE WHEN json_valid({0}) THEN json_type({0}) = 'OBJECT' ELSE false END
is_valid_json_array(varchar) -> boolean : CASE WHEN json_valid({0}) THEN json_type({0}) = 'ARRAY' ELSE false END
can_json_parse(varchar) -> boolean : json_valid({0})
json_serialize(super) -> varchar : CAST({0} AS VARCHAR)
json_size(super) -> integer : CAST(strlen(CAST({0} AS VARCHAR)) AS INTEGER)
json_typeof(super) -> varchar : super_type({0})
is_array(super) -> boolean : (super_type({0}) = 'array')
is_object(super) -> boolean : (super_type({0}) = 'object')
is_scalar(super) -> boolean : (super_type({0}) NOT IN ('array', 'object'))
is_boolean(super) -> boolean : (super_type({0}) = 'boolean')
is_varchar(super) -> boolean : (super_type({0}) = 'string')
is_char(super) -> boolean : (super_type({0}) = 'string')
is_bigint(super) -> boolean : (json_type({0}) IN ('UBIGINT', 'BIGINT'))
is_integer(super) -> boolean : (json_type({0}) IN ('UBIGINT', 'BIGINT') AND abs(super_number({0})) <= 2147483647)
is_smallint(super) -> boolean : (json_type({0}) IN ('UBIGINT', 'BIGINT') AND abs(super_number({0})) <= 32767)
is_decimal(super) -> boolean : (super_type({0}) = 'number')
is_float(super) -> boolean : (json_type({0}) = 'DOUBLE')
get_array_length(super) -> integer : CASE WHEN json_type({0}) = 'ARRAY' THEN CAST(json_array_length({0}) AS INTEGER) END
split_to_array(varchar) -> super : CAST(to_json(string_split({0}, ',')) AS JSON)
split_to_array(varchar, varchar) -> super : CAST(to_json(string_split({0}, {1})) AS JSON)
subarray(super, integer) -> super : super_part({0}, {1}, 2147483647)
subarray(super, integer, integer) -> super : super_part({0}, {1}, {2})
array_flatten(super) -> super : super_flat({0})
array_concat(super, super) -> super : super_joined({0}, {1})
array_contains(super, super) -> boolean : list_contains(CAST(super_items({0}) AS VARCHAR[]), CAST({1} AS VARCHAR))
array_distinct(super) -> super : CAST(to_json(list_distinct(json_extract({0}, '$[*]'))) AS JSON)
"""
)


def _options(c: "Compiler", args: list[exp.Expr], least: int) -> tuple[list[Typed], bool]:
    """The arguments without the boolean at the end that makes NULL of what is invalid."""
    values = [c.expression(a) for a in args]
    lax = len(values) > least and values[-1].type == BOOLEAN
    if lax and values[-1].sql not in {"true", "false"}:
        raise failed("0A000", "null_if_invalid must be a literal", args[-1])
    return (values[:-1], values[-1].sql == "true") if lax else (values, False)


def _checked(sql: str, kind: str, lax: bool, body: Callable[[str], str]) -> str:
    """What is made of a JSON text that is an object or array."""

    def inner(s: str) -> str:
        fits = f"CASE WHEN json_valid({s}) THEN json_type({s}) = '{kind}' ELSE false END"
        if lax:
            return f"CASE WHEN {fits} THEN {body(s)} END"
        made = f"CASE WHEN {fits} THEN {body(s)} END"
        return guard(
            f"({s} IS NOT NULL AND NOT coalesce({fits}, false))", "22P02", f"{_PARSED} || ': ' || left({s}, 200)", made
        )

    return once(sql, inner)


def _extract_path(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    """The text at a path of names; empty where there is nothing."""
    values, lax = _options(c, args, 2)
    if len(values) < 2 or any(c.dialect.cost(v.type, VARCHAR) is None for v in values):
        raise unexpected("json_extract_path_text", [v.type for v in values], ["(varchar, varchar...)"], node, c.dialect)
    steps = " || ".join(f"'.\"' || replace({coerce(v, VARCHAR).sql}, '\"', '\\\"') || '\"'" for v in values[1:])

    def body(s: str) -> str:
        return f"coalesce(json_extract_string({s}, '$' || {steps}), '')"

    return Typed(_checked(coerce(values[0], VARCHAR).sql, "OBJECT", lax, body), VARCHAR)


def _array_element(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    values, lax = _options(c, args, 2)
    if len(values) != 2 or c.dialect.cost(values[1].type, INTEGER) is None:
        raise unexpected(
            "json_extract_array_element_text", [v.type for v in values], ["(varchar, int)"], node, c.dialect
        )
    index = coerce(values[1], INTEGER).sql

    def body(s: str) -> str:
        return f"CASE WHEN {index} >= 0 THEN json_extract_string({s}, '$[' || {index} || ']') END"

    return Typed(_checked(coerce(values[0], VARCHAR).sql, "ARRAY", lax, body), VARCHAR)


def _array_length(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    values, lax = _options(c, args, 1)
    if len(values) != 1:
        raise unexpected("json_array_length", [v.type for v in values], ["(varchar)"], node, c.dialect)
    sql = coerce(values[0], VARCHAR).sql
    return Typed(_checked(sql, "ARRAY", lax, lambda s: f"CAST(json_array_length({s}) AS INTEGER)"), INTEGER)


def _parse(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    values = [c.expression(a) for a in args]
    if len(values) != 1 or c.dialect.cost(values[0].type, VARCHAR) is None:
        raise unexpected("json_parse", [v.type for v in values], ["json_parse(varchar)"], node, c.dialect)

    def body(s: str) -> str:
        message = f"{_PARSED} || ': ' || left({s}, 200)"
        return guard(f"({s} IS NOT NULL AND NOT json_valid({s}))", "22P02", message, f"json({s})")

    return Typed(once(coerce(values[0], VARCHAR).sql, body), SUPER)


def _item(value: Typed) -> str:
    """A value in an array or object: NULL is null."""
    if value.type == UNKNOWN and value.value is None:
        return "CAST('null' AS JSON)"
    made = to_super(coerce(value, VARCHAR) if value.type == UNKNOWN else value)
    return f"coalesce({made}, CAST('null' AS JSON))"


def _array(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    inside = ", ".join(_item(c.expression(a)) for a in args)
    return Typed(f"CAST(to_json(CAST([{inside}] AS JSON[])) AS JSON)", SUPER)


def _object(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    values = [c.expression(a) for a in args]
    if len(values) % 2:
        raise failed("22023", "object takes names and values in turn", node)
    pairs = []
    for name, value in zip(values[::2], values[1::2], strict=True):
        if c.dialect.cost(name.type, VARCHAR) is None:
            raise unexpected("object", [v.type for v in values], ["object(varchar, any...)"], node, c.dialect)
        pairs += [coerce(name, VARCHAR).sql, _item(value)]
    return Typed(f"CAST(json_object({', '.join(pairs)}) AS JSON)", SUPER)


RULES: dict[str, Rule] = {
    "json_extract_path_text": _extract_path,
    "json_extract_array_element_text": _array_element,
    "json_array_length": _array_length,
    "json_parse": _parse,
    "array": _array,
    "object": _object,
}
