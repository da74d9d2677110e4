"""Strings: characters are code points, positions count from 1."""

from typing import TYPE_CHECKING

from sqlglot import exp

from lakemill.lakesql.dialects.coercion import coerce, common, cost
from lakemill.lakesql.dialects.functions.registry import table, unexpected
from lakemill.lakesql.dialects.typed import Typed, failed, guard
from lakemill.lakesql.types import UNKNOWN, VARBINARY, VARCHAR, Type, array

if TYPE_CHECKING:
    from lakemill.lakesql.dialects.compiler import Compiler

TABLE = table(
    """
lower(varchar) -> varchar : lower({0})
upper(varchar) -> varchar : upper({0})
length(varchar) -> bigint : length({0})
length(varbinary) -> bigint : octet_length({0})
reverse(varchar) -> varchar : reverse({0})
reverse(array(T)) -> array(T) : list_reverse({0})
chr(bigint) -> varchar : chr(CAST({0} AS INTEGER))
codepoint(varchar) -> integer : unicode({0})
trim(varchar) -> varchar : trim({0}, blanks())
trim(varchar, varchar) -> varchar : trim({0}, {1})
ltrim(varchar) -> varchar : ltrim({0}, blanks())
ltrim(varchar, varchar) -> varchar : ltrim({0}, {1})
rtrim(varchar) -> varchar : rtrim({0}, blanks())
rtrim(varchar, varchar) -> varchar : rtrim({0}, {1})
replace(varchar, varchar) -> varchar : replace({0}, {1}, '')
replace(varchar, varchar, varchar) -> varchar : replace({0}, {1}, {2})
strpos(varchar, varchar) -> bigint : strpos({0}, {1})
starts_with(varchar, varchar) -> boolean : starts_with({0}, {1})
substr(varchar, bigint) -> varchar : text_part({0}, {1}, length({0}))
substr(varchar, bigint, bigint) -> varchar : text_part({0}, {1}, {2})
substr(varbinary, bigint) -> varbinary : unhex(text_part_hex(hex({0}), {1}, octet_length({0})))
substr(varbinary, bigint, bigint) -> varbinary : unhex(text_part_hex(hex({0}), {1}, {2}))
split_part(varchar, varchar, bigint) -> varchar : split_place({0}, {1}, {2})
split(varchar, varchar) -> array(varchar) : split_all({0}, {1})
split(varchar, varchar, bigint) -> array(varchar) : split_limit({0}, {1}, {2})
split_to_map(varchar, varchar, varchar) -> map(varchar,varchar) : split_map({0}, {1}, {2})
translate(varchar, varchar, varchar) -> varchar : translate({0}, {1}, {2})
levenshtein_distance(varchar, varchar) -> bigint : levenshtein({0}, {1})
to_utf8(varchar) -> varbinary : encode({0})
from_utf8(varbinary) -> varchar : decode({0})
"""
)
TABLE["substring"] = TABLE["substr"]


def _pad(side: str):  # type: ignore[no-untyped-def]
    def rule(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
        values = [c.expression(a) for a in args]
        if len(values) != 3 or any(cost(v.type, t) is None for v, t in zip(values, _PAD_TYPES, strict=True)):
            raise unexpected(f"{side}pad", [v.type for v in values], [f"{side}pad(varchar, bigint, varchar)"], node)
        text, size, fill = (coerce(v, t).sql for v, t in zip(values, _PAD_TYPES, strict=True))
        made = f"{side}pad({text}, CAST({size} AS INTEGER), {fill})"
        checked = guard(f"{fill} = ''", "INVALID_FUNCTION_ARGUMENT", "'Padding string must not be empty'", made)
        message = "'Target length must be in the range [0..2147483647]'"
        return Typed(guard(f"{size} < 0", "INVALID_FUNCTION_ARGUMENT", message, checked), VARCHAR)

    return rule


_PAD_TYPES = [VARCHAR, Type("bigint"), VARCHAR]


def _concat(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    """Of texts, bytes, or arrays (and then single elements too). NULL makes NULL."""
    values = [c.expression(a) for a in args]
    kinds = [v.type for v in values]
    if any(k.name == "array" for k in kinds):
        return _concat_arrays(values, node)
    if len(values) < 2:
        raise failed("INVALID_ARGUMENTS", "There must be two or more concatenation arguments", node)
    for to in (VARCHAR, VARBINARY):
        if all(cost(k, to) is not None for k in kinds):
            return Typed("(" + " || ".join(coerce(v, to).sql for v in values) + ")", to)
    raise unexpected("concat", kinds, ["concat(varchar)", "concat(varbinary)", "concat(array(E), E)"], node)


def _concat_arrays(values: list[Typed], node: exp.Expr) -> Typed:
    kind: Type | None = UNKNOWN
    for v in values:
        kind = common(kind or UNKNOWN, v.type.element if v.type.name == "array" else v.type)
        if kind is None:
            raise unexpected("concat", [v.type for v in values], ["concat(array(E), E)", "concat(E, array(E))"], node)
    to = kind or UNKNOWN
    parts = [coerce(v, array(to)).sql if v.type.name == "array" else f"[{coerce(v, to).sql}]" for v in values]
    made = parts[0]
    for part in parts[1:]:
        made = f"list_concat({made}, {part})"
    lists = [p for p, v in zip(parts, values, strict=True) if v.type.name == "array"]
    nulls = " OR ".join(f"{p} IS NULL" for p in lists)
    return Typed(f"CASE WHEN {nulls} THEN NULL ELSE {made} END", array(kind or UNKNOWN))


def _concat_ws(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    values = [c.expression(a) for a in args]
    if (len(values) == 2 and values[1].type == array(VARCHAR)) or (len(values) == 2 and values[1].type.name == "array"):
        return Typed(f"array_to_string({values[1].sql}, {values[0].sql})", VARCHAR)
    if len(values) < 2 or any(cost(v.type, VARCHAR) is None for v in values):
        raise unexpected("concat_ws", [v.type for v in values], ["concat_ws(varchar, varchar...)"], node)
    return Typed(f"concat_ws({', '.join(coerce(v, VARCHAR).sql for v in values)})", VARCHAR)


def _hamming(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    values = [c.expression(a) for a in args]
    if len(values) != 2 or any(cost(v.type, VARCHAR) is None for v in values):
        raise unexpected("hamming_distance", [v.type for v in values], ["hamming_distance(varchar, varchar)"], node)
    a, b = (coerce(v, VARCHAR).sql for v in values)
    message = "'The input strings to hamming_distance function must have the same length'"
    made = f"CASE WHEN length({a}) = 0 THEN 0 ELSE hamming({a}, {b}) END"
    return Typed(guard(f"length({a}) <> length({b})", "INVALID_FUNCTION_ARGUMENT", message, made), Type("bigint"))


RULES = {
    "lpad": _pad("l"),
    "rpad": _pad("r"),
    "concat": _concat,
    "concat_ws": _concat_ws,
    "hamming_distance": _hamming,
}
