"""Pieces of DuckDB's SQL."""

from collections.abc import Sequence

from lakemill.lakesql.errors import MARK


def name(text: str) -> str:
    """An identifier.

    >>> name('a"b')
    '"a""b"'
    """
    return '"' + text.replace('"', '""') + '"'


def text(value: str | None) -> str:
    """A value of VARCHAR, or NULL. DuckDB's texts end where a zero byte is, so these stand apart."""
    if value is None:
        return "NULL"
    quoted = "'" + value.replace("'", "''") + "'"
    return quoted if "\0" not in value else "(" + quoted.replace("\0", "' || chr(0) || '") + ")"


def texts(values: Sequence[str | None]) -> str:
    """A list of VARCHAR."""
    return f"[{', '.join(map(text, values))}]::VARCHAR[]"


def failure(code: str, message: str) -> str:
    """An expression that fails. message: an expression of VARCHAR."""
    return f"error({text(MARK + code + MARK)} || {message} || {text(MARK)})"
