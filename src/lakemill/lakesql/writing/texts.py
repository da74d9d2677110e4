"""Rows as lines, as expressions of DuckDB: JSON objects, or fields between delimiters."""

from collections.abc import Sequence

from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.scans import sql
from lakemill.lakesql.scans.lazy import Lazy
from lakemill.lakesql.types import Type


def json(columns: Sequence[tuple[str, str, Type]]) -> str:
    """An object of columns, each (expression, name, type); with the line's end."""
    pairs = ", ".join(f"{sql.name(name)} := {_json(value, type)}" for value, name, type in columns)
    return f"CAST(to_json(struct_pack({pairs})) AS VARCHAR) || chr(10)"


def delimited(columns: Sequence[tuple[str, str, Type]], form: Lazy) -> str:
    """The fields, with the line's end."""
    fields = [_null(field(value, type, form, 1), form) for value, _, type in columns]
    return f" || {sql.text(form.separators[0])} || ".join(fields) + " || chr(10)"


def field(value: str, type: Type, form: Lazy, level: int, depth: int = 0) -> str:
    """The text of a value, or NULL. level: of the separator between its parts."""
    one = f"e{depth}"
    if type.name in ("array", "map", "row") and level + 1 >= len(form.separators):
        raise SqlFailed("NOT_SUPPORTED", f"{type.trino()} is nested too deeply for TEXTFILE")
    if type.name == "array":
        inside = _null(field(one, type.element, form, level + 1, depth + 1), form)
        return f"array_to_string(list_transform({value}, lambda {one}: {inside}), {sql.text(form.separators[level])})"
    if type.name == "map":
        key = _null(field(f"{one}.key", type.args[0], form, level + 2, depth + 1), form)
        item = _null(field(f"{one}.value", type.args[1], form, level + 2, depth + 1), form)
        pair = f"{key} || {sql.text(form.separators[level + 1])} || {item}"
        pairs = f"list_transform(map_entries({value}), lambda {one}: {pair})"
        return f"array_to_string({pairs}, {sql.text(form.separators[level])})"
    if type.name == "row":
        parts = [
            _null(field(f"({value}).{sql.name(name or '')}", part, form, level + 1, depth + 1), form)
            for name, part in type.fields
        ]
        joined = f" || {sql.text(form.separators[level])} || ".join(parts)
        return f"CASE WHEN {value} IS NOT NULL THEN {joined} END"
    if type.name == "varbinary":
        return f"to_base64({value})"
    text = f"CAST({value} AS VARCHAR)"
    return _escaped(text, form) if type.name in ("varchar", "char") else text


def _null(text: str, form: Lazy) -> str:
    null = form.text.escaped_null or form.null
    return f"coalesce({text}, {sql.text(null)})"


def _escaped(text: str, form: Lazy) -> str:
    escape = form.text.escape
    if not escape:
        return text
    for sign in (escape, *form.separators[:3], "\n"):
        text = f"replace({text}, {sql.text(sign)}, {sql.text(escape + sign)})"
    return text


def _json(value: str, type: Type) -> str:
    return f"to_base64({value})" if type.name == "varbinary" else value
