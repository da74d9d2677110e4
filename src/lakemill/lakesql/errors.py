"""What a statement fails with, in the words of Athena's engine."""

import re
from collections.abc import Callable

# Errors that our own rewrites raise inside DuckDB carry their code between these marks.
MARK = "\u2502"


class SqlFailed(Exception):
    """A statement that cannot be carried out.

    Parameters
    ----------
    code : str
        As Trino names it: TABLE_NOT_FOUND, SYNTAX_ERROR ...; for Redshift its SQLSTATE.
    message : str
        Without code and place.
    line, column : int or None
        Where in the statement, from 1.
    position : int or None
        The same as a number of characters from 1, as Redshift tells it.
    detail, hint : str
        What Redshift adds to a message.
    """

    def __init__(
        self,
        code: str,
        message: str,
        line: int | None = None,
        column: int | None = None,
        *,
        position: int | None = None,
        detail: str = "",
        hint: str = "",
    ) -> None:
        self.code, self.message, self.line, self.column = code, message, line, column
        self.position, self.detail, self.hint = position, detail, hint
        self.context = ""
        """Where in stored procedures it happened, from inside out, a line each."""
        super().__init__(str(self))

    def __str__(self) -> str:
        """As the caller sees it: `COLUMN_NOT_FOUND: line 1:8: Column 'x' cannot be resolved`."""
        place = f"line {self.line}:{self.column}: " if self.line is not None else ""
        return f"{self.code}: {place}{self.message}"


def _overflow(found: re.Match[str]) -> tuple[str, str]:
    names = {"INT8": "tinyint", "INT16": "smallint", "INT32": "integer", "INT64": "bigint"}
    signs = {"addition": "+", "subtraction": "-", "multiplication": "*"}
    kind, name, inside = found[1], names.get(found[2], found[2].lower()), found[3]
    sign = signs[kind]
    inside = re.sub(r"(?<=\d) \D (?=-?\d)", f" {sign} ", inside)
    return "NUMERIC_VALUE_OUT_OF_RANGE", f"{name} {kind} overflow: {inside}"


# DuckDB's wording, and what it becomes: (code, message) or a function of the match. The first that is found counts.
_WORDINGS: list[tuple[re.Pattern[str], Callable[[re.Match[str]], tuple[str, str]]]] = [
    (re.compile(f"{MARK}(\\w+){MARK}([^{MARK}]*){MARK}", re.S), lambda m: (m[1], m[2])),
    (re.compile(r"Overflow in (addition|subtraction|multiplication) of (INT\d+) \(([^)]*)\)"), _overflow),
    (
        re.compile(r"Overflow in (?:addition|subtraction|multiplication) of DECIMAL"),
        lambda m: ("NUMERIC_VALUE_OUT_OF_RANGE", "Decimal overflow"),
    ),
    (
        re.compile(r"Could not cast value (\S+) to DECIMAL\((\d+),(\d+)\)"),
        lambda m: ("INVALID_CAST_ARGUMENT", f"Cannot cast {m[1]} to DECIMAL({m[2]}, {m[3]})"),
    ),
    (
        re.compile(r"Out of Range Error: (.*)", re.S),
        lambda m: ("NUMERIC_VALUE_OUT_OF_RANGE", m[1].splitlines()[0]),
    ),
    (
        re.compile(r"Conversion Error: (.*)", re.S),
        lambda m: ("INVALID_CAST_ARGUMENT", m[1].splitlines()[0]),
    ),
    (
        re.compile(r"More than one row returned by a subquery"),
        lambda m: ("SUBQUERY_MULTIPLE_ROWS", "Scalar sub-query has returned multiple rows"),
    ),
    (
        re.compile(r"(?:Invalid Input Error: )?(?:invalid|bad) (?:perl operator|escape sequence|.*regex)[^\n]*", re.I),
        lambda m: ("INVALID_FUNCTION_ARGUMENT", f"Invalid regular expression: {m[0].split(': ')[-1]}"),
    ),
    (
        re.compile(r"Out of Memory Error"),
        lambda m: ("EXCEEDED_LOCAL_MEMORY_LIMIT", "Query exceeded per-node memory limit"),
    ),
    (re.compile(r"Invalid Input Error: (.*)", re.S), lambda m: ("INVALID_FUNCTION_ARGUMENT", m[1].splitlines()[0])),
    (
        re.compile(r"INTERRUPT", re.I),
        lambda m: ("USER_CANCELED", "Query was canceled"),
    ),
]


def too_narrow(error: Exception) -> bool:
    """Whether a statement of DuckDB failed because a product of decimals does not fit into 64 bits.

    >>> too_narrow(ValueError("Overflow in multiplication of DECIMAL(18) (9 * 9)."))
    True
    """
    return "Overflow in multiplication of DECIMAL(18)" in str(error)


def of_duckdb(error: Exception) -> SqlFailed:
    """What Athena would say where DuckDB raises this.

    >>> import duckdb
    >>> str(of_duckdb(duckdb.ConversionException("Conversion Error: no number")))
    'INVALID_CAST_ARGUMENT: no number'
    """
    if isinstance(error, SqlFailed):
        return error
    text = str(error)
    for pattern, told in _WORDINGS:
        found = pattern.search(text)
        if found:
            return SqlFailed(*told(found))
    return SqlFailed("GENERIC_INTERNAL_ERROR", text.splitlines()[0] if text else type(error).__name__)
