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
    """A value of VARCHAR, or NULL."""
    return "NULL" if value is None else "'" + value.replace("'", "''") + "'"


def texts(values: Sequence[str | None]) -> str:
    """A list of VARCHAR."""
    return f"[{', '.join(map(text, values))}]::VARCHAR[]"


def failure(code: str, message: str) -> str:
    """An expression that fails. message: an expression of VARCHAR."""
    return f"error({text(MARK + code + MARK)} || {message} || {text(MARK)})"
