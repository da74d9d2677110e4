"""OpenCSVSerde: fields that may be quoted; every one is text, and must then be a value of its column's type.

A whole number, DOUBLE and the like must be one, or the statement fails with HIVE_BAD_DATA. BOOLEAN is true for `true`
in any case. DATE is a number of days since 1970, TIMESTAMP a number of milliseconds.
"""

import re
from collections.abc import Mapping, Sequence

from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.scans import sql
from lakemill.lakesql.scans.delimited import Delimited, one_character
from lakemill.lakesql.scans.lazy import refuse_encoding, skipped_lines
from lakemill.lakesql.scans.objects import File
from lakemill.lakesql.types import Type

_WRONG = re.compile(r"Error parsing field value '(.*)' for field (\d+): .* in (s3://.*)", re.S)


def of_options(options: Mapping[str, str]) -> Delimited:
    """Raises SqlFailed for what cannot be honoured."""
    refuse_encoding(options)
    return Delimited(
        one_character(options.get("separatorChar") or ",", "separatorChar"),
        quote=one_character(options.get("quoteChar") or '"', "quoteChar"),
        escape=one_character(options.get("escapeChar") or "\\", "escapeChar"),
        skipped=skipped_lines(options),
    )


def value(text: str, type: Type, place: int, path: str) -> str:
    """An expression for the value in a text; place: of its field. path: an expression for the name of its file."""
    if type.name in ("varchar", "char"):
        return f"left({text}, {type.args[0]})" if type.args else text
    if type.name == "boolean":
        return f"lower({text}) = 'true'"
    name = type.duckdb()
    cast = f"TRY_CAST({text} AS {name})"
    if type.name == "date":
        cast = f"DATE '1970-01-01' + TRY_CAST({text} AS INTEGER)"
    elif type.name == "timestamp":
        cast = f"make_timestamp(TRY_CAST({text} AS BIGINT) * 1000)"
    said = f"'Error parsing field value ''' || {text} || ''' for field {place}: For input string: \"' || {text} || '\"'"
    wrong = sql.failure("HIVE_BAD_DATA", f"{said} || ' in ' || {path}")
    return f"CAST(CASE WHEN {text} IS NULL THEN NULL WHEN {cast} IS NULL THEN {wrong} ELSE {cast} END AS {name})"


def located(failure: SqlFailed, form: Delimited, files: Sequence[File]) -> SqlFailed:
    """The failure of a value (see `value`) with the line where it stands, if that is in one of these files."""
    found = _WRONG.fullmatch(failure.message)
    for file in files if found else ():
        if found and file.uri == found[3] and file.path:
            line = form.line_of(file, int(found[2]), found[1])
            return SqlFailed(failure.code, f"{failure.message}, line {line}") if line else failure
    return failure
