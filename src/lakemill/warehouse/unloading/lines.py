"""Rows as lines of text, as expressions of DuckDB: with delimiters, CSV, fixed widths, or JSON."""

from collections.abc import Sequence

from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.scans import sql
from lakemill.lakesql.types import Type
from lakemill.warehouse.unloading.statement import Unload

Columns = Sequence[tuple[str, str, Type]]
"""(expression, name, type) of each."""
_NUMBERS = ("smallint", "integer", "bigint", "decimal")


def line(columns: Columns, unload: Unload) -> str:
    """A row's line, with its end. Raises SqlFailed."""
    if unload.format == "JSON":
        return f"{_object(columns)} || chr(10)"
    if unload.widths:
        return f"{_fixed(columns, unload)} || chr(10)"
    fields = [_field(value, type, unload) for value, _, type in columns]
    return f" || {sql.text(unload.delimiter)} || ".join(fields) + " || chr(10)"


def header(columns: Columns, unload: Unload) -> str:
    """The line of HEADER."""
    names = [name for _, name, _ in columns]
    if unload.format == "CSV":
        signs = (unload.delimiter, '"', "\n", "\r")
        names = ['"' + n.replace('"', '""') + '"' if any(sign in n for sign in signs) else n for n in names]
    if "ADDQUOTES" in unload.given:
        names = [f'"{name}"' for name in names]
    return unload.delimiter.join(names) + "\n"


def text(value: str, type: Type) -> str:
    """A value as Redshift writes it."""
    if type.name == "boolean":
        return f"CASE WHEN {value} THEN 't' WHEN NOT {value} THEN 'f' END"
    if type.name in ("real", "double"):
        return f"float_text({value})"
    if type.name == "varbyte":
        return f"lower(hex({value}))"
    if type.name == "char":
        return f"rtrim({value}, ' ')"
    return f"CAST({value} AS VARCHAR)"


def _field(value: str, type: Type, unload: Unload) -> str:
    found = text(value, type)
    null = sql.text(unload.null)
    if unload.format == "CSV":
        return f"coalesce({_quoted(found, unload)}, {null})"
    if "ESCAPE" in unload.given and type.name in ("varchar", "char", "super"):
        signs = ["\\", unload.delimiter, "\n", "\r", *("\"'" if "ADDQUOTES" in unload.given else "")]
        for sign in dict.fromkeys(signs):
            found = f"replace({found}, {sql.text(sign)}, {sql.text(chr(92) + sign)})"
    if "ADDQUOTES" in unload.given:
        found = f"'\"' || {found} || '\"'"
    return f"coalesce({found}, {null})"


def _quoted(found: str, unload: Unload) -> str:
    signs = (unload.delimiter, '"', "\n", "\r")
    special = " OR ".join(f"contains({found}, {sql.text(sign)})" for sign in signs)
    return f"CASE WHEN {special} THEN '\"' || replace({found}, '\"', '\"\"') || '\"' ELSE {found} END"


def _fixed(columns: Columns, unload: Unload) -> str:
    if len(unload.widths) != len(columns):
        raise SqlFailed(
            "XX000", f"Invalid fixedwidth specification: {len(unload.widths)} widths for {len(columns)} columns"
        )
    fields = []
    for place, ((value, name, type), (label, width)) in enumerate(zip(columns, unload.widths, strict=True)):
        if label not in (name, str(place)):
            raise SqlFailed("XX000", f"Invalid fixedwidth specification: column {place} is {name}, not {label}")
        if len(unload.null) > width:
            raise SqlFailed("XX000", f"The null string is longer than the width of column {name}")
        found = f"coalesce({text(value, type)}, {sql.text(unload.null)})"
        fields.append(f"rpad({found}, {width}, ' ')")
    return " || ".join(fields)


def _object(columns: Columns) -> str:
    names = [name for _, name, _ in columns]
    for place, name in enumerate(names):
        if name in names[:place]:
            raise SqlFailed("XX000", f'UNLOAD to JSON needs columns of different names; "{name}" comes twice')
    pairs = [f"{sql.text(_string(name) + ':')} || {_json(value, type)}" for value, name, type in columns]
    return "'{' || " + " || ',' || ".join(pairs) + " || '}'"


def _string(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _json(value: str, type: Type) -> str:
    if type.name in _NUMBERS:
        found = f"CAST({value} AS VARCHAR)"
    elif type.name in ("real", "double"):
        found = f"CASE WHEN isfinite({value}) THEN CAST(to_json({value}) AS VARCHAR) END"
    elif type.name == "super":
        found = f"CAST({value} AS VARCHAR)"
    else:
        found = f"CAST(to_json({text(value, type)}) AS VARCHAR)"
    return f"coalesce({found}, 'null')"
