"""What a statement fails with: SQLSTATEs, and what the shared rules and DuckDB say in Redshift's words."""

import re
from collections.abc import Callable

from lakemill.lakesql.errors import MARK, SqlFailed

_Told = tuple[str, str] | Callable[[re.Match[str]], tuple[str, str]]
_CLAUSES = {
    "WHERE clause": "WHERE",
    "HAVING clause": "HAVING",
    "JOIN ON clause": "JOIN/ON",
    "CASE WHEN clause": "CASE/WHEN",
    "QUALIFY clause": "QUALIFY",
    "Value of logical NOT expression": "NOT",
    "Logical expression term": "AND/OR",
}
# (code of the shared rules, its message, what Redshift says). The first that fits counts.
_SHARED: list[tuple[str, str, _Told]] = [
    (
        "COLUMN_NOT_FOUND",
        r"Column '([^'.]*)' cannot be resolved",
        lambda m: ("42703", f'column "{m[1]}" does not exist'),
    ),
    ("COLUMN_NOT_FOUND", r"Column '(.*)' cannot be resolved", lambda m: ("42703", f"column {m[1]} does not exist")),
    (
        "COLUMN_NOT_FOUND",
        r"Column '(.*)' is (missing from|ambiguous on) (left|right) side of join",
        lambda m: (
            ("42703", f'column "{m[1]}" specified in USING clause does not exist in {m[3]} table')
            if m[2].startswith("missing")
            else ("42702", f'common column name "{m[1]}" appears more than once in {m[3]} table')
        ),
    ),
    ("COLUMN_NOT_FOUND", r"SELECT \*", ("42601", "SELECT * with no tables specified is not valid")),
    ("AMBIGUOUS_NAME", r"Column '(.*)' is ambiguous", lambda m: ("42702", f'column reference "{m[1]}" is ambiguous')),
    (
        "TABLE_NOT_FOUND",
        r"Unable to resolve reference (.*)",
        lambda m: ("42P01", f'relation "{m[1]}" does not exist'),
    ),
    (
        "FUNCTION_NOT_FOUND",
        r"Unexpected parameters \((.*)\) for function (\w+)\. .*",
        lambda m: ("42883", f"function {m[2]}({m[1]}) does not exist"),
    ),
    ("FUNCTION_NOT_FOUND", r"Function '(.*)' not registered", lambda m: ("42883", f"function {m[1]}() does not exist")),
    (
        "FUNCTION_NOT_FOUND",
        r"'(.*)' is not an aggregate.*",
        ("42601", "OVER specified, but it is not a window function"),
    ),
    (
        "FUNCTION_NOT_WINDOW",
        r".* (\w+)",
        lambda m: ("42809", f"OVER specified, but {m[1]} is not a window function nor an aggregate function"),
    ),
    (
        "TYPE_MISMATCH",
        r"(.*) must evaluate to a boolean: actual type (.*)",
        lambda m: ("42804", f"argument of {_CLAUSES.get(m[1], m[1])} must be type boolean, not type {m[2]}"),
    ),
    (
        "TYPE_MISMATCH",
        r"All CASE results .* between (.*) and (.*)",
        lambda m: ("42804", f"CASE types {m[1]} and {m[2]} cannot be matched"),
    ),
    (
        "TYPE_MISMATCH",
        r"column \d+ in (\w+) query has incompatible types: (.*), (.*)",
        lambda m: ("42804", f"{m[1]} types {m[2]} and {m[3]} cannot be matched"),
    ),
    (
        "TYPE_MISMATCH",
        r"(\w+) query has different number of fields.*",
        lambda m: ("42601", f"each {m[1]} query must have the same number of columns"),
    ),
    ("TYPE_MISMATCH", r"Multiple columns returned.*", ("42601", "subquery must return only one column")),
    (
        "TYPE_MISMATCH",
        r"Value expression and result of subquery must be of the same type: (.*) vs (.*)",
        lambda m: ("42883", f"operator does not exist: {m[1]} = {m[2]}"),
    ),
    (
        "EXPRESSION_NOT_AGGREGATE",
        r"'(.*)' must be .*",
        lambda m: (
            "42803",
            f'column "{m[1].lower()}" must appear in the GROUP BY clause or be used in an aggregate function',
        ),
    ),
    ("INVALID_COLUMN_REFERENCE", r"(.*)", lambda m: ("42P10", m[1])),
    ("EXPRESSION_NOT_SCALAR", r"GROUP BY clause.*", ("42803", "aggregates not allowed in GROUP BY clause")),
    ("EXPRESSION_NOT_SCALAR", r".*", ("42803", "aggregates not allowed in WHERE clause")),
    ("NESTED_AGGREGATION", r".*", ("42803", "aggregate function calls may not be nested")),
    ("NESTED_WINDOW", r".*", ("42P20", "window functions not allowed in this clause")),
    (
        "EXPRESSION_NOT_IN_DISTINCT",
        r".*",
        ("42P10", "for SELECT DISTINCT, ORDER BY expressions must appear in select list"),
    ),
    (
        "MISMATCHED_COLUMN_ALIASES",
        r"Column alias list has (\d+) entries but '(.*)' has (\d+) columns available",
        lambda m: ("42P10", f'table "{m[2]}" has {m[3]} columns available but {m[1]} columns specified'),
    ),
    ("MISMATCHED_COLUMN_ALIASES", r"(.*)", lambda m: ("42P10", m[1])),
    ("DUPLICATE_NAMED_QUERY", r".*'(.*)'.*", lambda m: ("42712", f'WITH query name "{m[1]}" specified more than once')),
    (
        "MISSING_OVER",
        r"Window function (\w+) .*",
        lambda m: ("42P20", f"window function {m[1]} requires an OVER clause"),
    ),
    ("INVALID_WINDOW_REFERENCE", r".* (\w+)", lambda m: ("42704", f'window "{m[1]}" does not exist')),
    ("SYNTAX_ERROR", r"mismatched input '<EOF>'.*", ("42601", "syntax error at end of input")),
    ("SYNTAX_ERROR", r"mismatched input '(\w+|.).*", lambda m: ("42601", f'syntax error at or near "{m[1].lower()}"')),
    ("SYNTAX_ERROR", r"(.*)", lambda m: ("42601", m[1])),
    ("NOT_SUPPORTED", r"Sub-query with .*", ("42601", "subquery must return only one column")),
    ("NOT_SUPPORTED", r"(.*)", lambda m: ("0A000", m[1])),
    ("STACK_OVERFLOW", r".*", ("54001", "stack depth limit exceeded")),
    ("EXCEEDED_LOCAL_MEMORY_LIMIT", r".*", ("53200", "out of memory")),
]


def reworded(error: SqlFailed, text: str = "") -> SqlFailed:
    """The same error as Redshift tells it. text: the statement, for the position."""
    position = error.position
    if position is None and error.line is not None and error.column is not None and text:
        lines = text.split("\n")
        position = sum(len(line) + 1 for line in lines[: error.line - 1]) + error.column
    code, message = _of_shared(error)
    return SqlFailed(code, message, position=position, detail=error.detail, hint=error.hint)


def _of_shared(error: SqlFailed) -> tuple[str, str]:
    if re.fullmatch(r"[0-9A-Z]{5}", error.code):
        return error.code, error.message
    for code, pattern, told in _SHARED:
        if code == error.code and (found := re.fullmatch(pattern, error.message, re.S)):
            return told(found) if callable(told) else told
    return "42601" if error.code.startswith("INVALID") else "0A000", error.message


def _range(found: re.Match[str]) -> tuple[str, str]:
    names = {"INT16": "smallint", "INT32": "integer", "INT64": "bigint", "INT8": "smallint", "HUGEINT": "bigint"}
    return "22003", f"{names.get(found[1].upper(), found[1].lower())} out of range"


# What DuckDB raises, and what it becomes.
_RAISED: list[tuple[str, _Told]] = [
    (f"{MARK}(\\w+){MARK}([^{MARK}]*){MARK}", lambda m: (m[1], m[2])),
    (r"Overflow in (?:addition|subtraction|multiplication|negation) of (INT\d+)", _range),
    (r"Overflow in \w+ of DECIMAL", ("22003", "Numeric data overflow (result precision)")),
    (r"Could not cast value \S+ to DECIMAL", ("22003", "Numeric data overflow (result precision)")),
    (r"Casting value \"?[^ ]*\"? to type DECIMAL", ("22003", "Numeric data overflow (result precision)")),
    (r"out of range for the destination type (\w+)", _range),
    (r"Type \w+ with value \S+ can't be cast .* type (\w+)", _range),
    (r"Failed to cast .*HUGEINT", ("22003", "Numeric data overflow (result precision)")),
    (
        r"More than one row returned by a subquery",
        ("21000", "more than one row returned by a subquery used as an expression"),
    ),
    (
        r"NOT NULL constraint failed: (?:\S*\.)?(\S+)",
        lambda m: ("23502", f"Cannot insert a NULL value into column {m[1]}"),
    ),
    (
        r"Could not convert string ['\"](.*?)['\"] to (\w+)",
        lambda m: ("22P02", f'invalid input syntax for type {m[2].lower()}: "{m[1]}"'),
    ),
    (r"(?:TransactionContext|Transaction) Error:.*[Cc]onflict", ("40001", "1023")),
    (r"Catalog write-write conflict|Conflict on (?:tuple|update)", ("40001", "1023")),
    (r"Unknown TimeZone '([^']*)'", lambda m: ("22023", f'time zone "{m[1]}" not recognized')),
    (r"Malformed JSON.*", ("22P02", "invalid input syntax for type json")),
    (
        r"(?:invalid|bad|missing|no argument for) "
        r"(?:perl operator|escape sequence|.*regex|repetition|\)|\]|character class)[^\n]*",
        ("2201B", "Invalid regular expression"),
    ),
    (r"Out of Memory Error", ("53200", "out of memory")),
    (r"INTERRUPT", ("57014", "Query cancelled on user's request")),
    (
        r"(?:Date|Timestamp|timestamp|Cannot|Interval)[^\n]*out of range|Out of Range Error: (?:Date|Timestamp|Inter)",
        ("22008", "timestamp out of range"),
    ),
    (r"Out of Range Error: ([^\n]*)", lambda m: ("22003", m[1])),
    (r"Conversion Error: ([^\n]*)", lambda m: ("22P02", m[1])),
    (r"Table with name (\S+) does not exist", lambda m: ("42P01", f'relation "{m[1]}" does not exist')),
    (r"Invalid Input Error: ([^\n]*)", lambda m: ("22023", m[1])),
]
_COMPILED = [(re.compile(pattern, re.S), told) for pattern, told in _RAISED]


def of_duckdb(error: Exception) -> SqlFailed:
    """What Redshift would say where DuckDB raises this.

    >>> import duckdb
    >>> of_duckdb(duckdb.OutOfRangeException("Out of Range Error: Overflow in addition of INT32 (1 + 2)!")).message
    'integer out of range'
    """
    if isinstance(error, SqlFailed):
        return reworded(error)
    text = str(error)
    for pattern, told in _COMPILED:
        found = pattern.search(text)
        if found:
            code, message = told(found) if callable(told) else told
            if code == "40001":
                return SqlFailed(code, "1023", detail="Serializable isolation violation on table")
            return SqlFailed(code, message)
    return SqlFailed("XX000", text.splitlines()[0] if text else type(error).__name__)
