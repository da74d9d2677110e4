"""JSON, as text. Paths are those of json_extract: $.name, $["name"], $[0]."""

import re
from typing import TYPE_CHECKING

from sqlglot import exp

from lakemill.lakesql.dialects.coercion import NUMBERS, coerce, cost
from lakemill.lakesql.dialects.functions.registry import table, unexpected
from lakemill.lakesql.dialects.typed import Typed, failed, guard, not_supported, once, text
from lakemill.lakesql.types import BIGINT, BOOLEAN, JSON, VARCHAR

if TYPE_CHECKING:
    from lakemill.lakesql.dialects.compiler import Compiler

TABLE = table(
    """
json_format(json) -> varchar : {0}
is_json_scalar(json) -> boolean : (json_type({0}) NOT IN ('ARRAY', 'OBJECT'))
is_json_scalar(varchar) -> boolean : (json_type({0}) NOT IN ('ARRAY', 'OBJECT'))
json_array_length(json) -> bigint : json_length({0})
json_array_length(varchar) -> bigint : json_length({0})
"""
)
_STEP = re.compile(
    r"""\.([A-Za-z0-9_:-]+|"(?:[^"\\]|\\.)*")|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]|\['([^']*)'\]|\.?\[?\*\]?|\.\."""
)


def path(written: str, node: exp.Expr) -> str:
    """The path for DuckDB. Raises SqlFailed for one that is wrong, or not supported (wildcards).

    >>> path('$.a["b c"][0]', None)
    '$."a"."b c"[0]'
    """
    if not written.startswith("$"):
        raise failed("INVALID_FUNCTION_ARGUMENT", f"Invalid JSON path: '{written}'", node)
    made, at = "$", 1
    while at < len(written):
        found = _STEP.match(written, at)
        if found is None:
            raise failed("INVALID_FUNCTION_ARGUMENT", f"Invalid JSON path: '{written}'", node)
        name = found[1] or found[3] or (f'"{found[4]}"' if found[4] is not None else None)
        if name is not None:
            made += "." + (name if name.startswith('"') else f'"{name}"')
        elif found[2] is not None:
            made += f"[{found[2]}]"
        else:
            raise not_supported(f"JSON path with wildcards ({written})", node)
        at = found.end()
    return made


def _json(c: "Compiler", name: str, args: list[exp.Expr], node: exp.Expr, *counts: int) -> list[Typed]:
    values = [c.expression(a) for a in args]
    if len(values) not in counts or values[0].type.name not in {"json", "varchar", "unknown"}:
        raise unexpected(name, [v.type for v in values], [f"{name}(json, varchar)"], node)
    return [coerce(values[0], VARCHAR) if values[0].type.name == "unknown" else values[0], *values[1:]]


def _path_of(value: Typed, node: exp.Expr) -> str:
    if not isinstance(value.value, str):
        raise not_supported("A JSON path that is not a literal", node)
    return text(path(value.value, node))


def _part(value: Typed, where: str) -> str:
    """What is at the path; text that is no JSON gives NULL."""
    found = f"CAST(json_extract({value.sql}, {where}) AS VARCHAR)"
    return found if value.type == JSON else f"CASE WHEN json_valid({value.sql}) THEN {found} END"


def _extract(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    values = _json(c, "json_extract", args, node, 2)
    return Typed(_part(values[0], _path_of(values[1], node)), JSON)


def _scalar(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    values = _json(c, "json_extract_scalar", args, node, 2)
    where, sql = _path_of(values[1], node), values[0].sql
    scalar = f"json_type({sql}, {where}) NOT IN ('ARRAY', 'OBJECT', 'NULL')"
    made = f"CASE WHEN {scalar} THEN json_extract_string({sql}, {where}) END"
    return Typed(made if values[0].type == JSON else f"CASE WHEN json_valid({sql}) THEN {made} END", VARCHAR)


def _parse(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    values = [c.expression(a) for a in args]
    if len(values) != 1 or cost(values[0].type, VARCHAR) is None:
        raise unexpected("json_parse", [v.type for v in values], ["json_parse(varchar)"], node)
    sql = coerce(values[0], VARCHAR).sql
    return Typed(once(sql, _parsed), JSON)


def _parsed(sql: str) -> str:
    message = f"'Cannot convert value to JSON: ''' || {sql} || ''''"
    return guard(f"NOT json_valid({sql})", "INVALID_FUNCTION_ARGUMENT", message, f"json_sorted({sql})")


def _size(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    values = _json(c, "json_size", args, node, 2)
    found = _part(values[0], _path_of(values[1], node))
    return Typed(f"json_count({found})", BIGINT)


def _contains(c: "Compiler", args: list[exp.Expr], node: exp.Expr) -> Typed:
    values = _json(c, "json_array_contains", args, node, 2)
    sql, wanted = values[0].sql, values[1]
    name = c.local(node)
    if wanted.type.name == "varchar":
        hit = f"json_type({name}) = 'VARCHAR' AND json_extract_string({name}, '$') = {wanted.sql}"
    elif wanted.type.name == "boolean":
        hit = f"CAST({name} AS VARCHAR) = CAST({wanted.sql} AS VARCHAR)"
    elif wanted.type.name in NUMBERS:
        number = f"json_type({name}) IN ('BIGINT', 'UBIGINT', 'DOUBLE')"
        hit = f"{number} AND TRY_CAST(CAST({name} AS VARCHAR) AS DOUBLE) = {wanted.sql}"
    else:
        raise unexpected("json_array_contains", [v.type for v in values], ["json_array_contains(json, bigint)"], node)
    items = f"list_filter(json_extract({sql}, '$[*]'), LAMBDA {name} : {hit})"
    return Typed(f"CASE WHEN json_valid({sql}) AND json_type({sql}) = 'ARRAY' THEN len({items}) > 0 END", BOOLEAN)


RULES = {
    "json_extract": _extract,
    "json_extract_scalar": _scalar,
    "json_parse": _parse,
    "json_size": _size,
    "json_array_contains": _contains,
}
