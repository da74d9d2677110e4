"""Fields of a load, which are texts, as values of a column's type; and what is wrong with those that are none.

Codes and reasons are those of STL_LOAD_ERRORS. Source: Amazon Redshift, "Load error reference".
"""

import dataclasses

from lakemill.lakesql.dialects.redshift import names
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.scans import sql
from lakemill.lakesql.types import Type
from lakemill.warehouse.loading import dates
from lakemill.warehouse.loading.statement import Copy

_WHOLE = "'[+-]?[0-9]+'"
_DECIMAL = r"'[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?'"
_TOLD = {"smallint": "Short", "integer": "Integer", "bigint": "Long", "real": "Float", "double": "Double",
         "decimal": "Decimal"}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Problem:
    """condition: holds for a field that is wrong. reason: an expression of its text."""

    condition: str
    code: int
    reason: str


@dataclasses.dataclass(frozen=True)
class Value:
    """sql: the value, where there is no problem; nothing in it raises."""

    sql: str
    problems: tuple[Problem, ...] = ()

    def strict(self) -> str:
        """The value; where there is a problem, the statement fails."""
        if not self.problems:
            return self.sql
        wrong = " OR ".join(one.condition for one in self.problems)
        return f"CASE WHEN {wrong} THEN error('load') ELSE {self.sql} END"


def value(field: str, type: Type, copy: Copy, not_null: bool = False) -> Value:
    """Of a field, which is an expression of text. Raises SqlFailed for a type that cannot be loaded.

    >>> value("c", Type("boolean"), Copy(("t",))).problems[0].code
    1210
    """
    if type.name in ("varchar", "char"):
        found = _text(_as_given(field, copy, type.name), type, copy)
    else:
        found = _TYPES.get(type.name, _unknown)(f"nullif(trim({field}, ' \t'), '')", type, copy)
    if not not_null:
        return found
    missing = Problem(f"({found.sql}) IS NULL", 1213, "'Missing data for not-null field'")
    return Value(found.sql, (*found.problems, missing))


def guessed(field: str, guess: str, type: Type, copy: Copy) -> str | None:
    """A condition for DuckDB's own reading of a field being the value beyond doubt; None where it never is.

    What is written as DuckDB itself writes it, costs one cast; what is not, all that `value` looks at.
    """
    if type.name in ("real", "double"):
        return f"{guess} IS NOT NULL"
    dates = copy.date_format.upper() in ("YYYY-MM-DD", "AUTO")
    moments = copy.time_format.upper() in ("YYYY-MM-DD HH:MI:SS", "YYYY-MM-DD HH24:MI:SS", "AUTO")
    exact = type.name in ("smallint", "integer", "bigint", "decimal")
    if exact or (type.name == "date" and dates) or (type.name == "timestamp" and moments):
        return f"CAST({guess} AS VARCHAR) = {field}"
    return None


def _as_given(field: str, copy: Copy, name: str) -> str:
    if "TRIMBLANKS" in copy.given and name == "varchar":
        field = f"rtrim({field}, ' ')"
    if "BLANKSASNULL" in copy.given:
        field = f"CASE WHEN {field} = '' OR trim({field}, ' \t') <> '' THEN {field} END"
    return f"nullif({field}, '')" if "EMPTYASNULL" in copy.given else field


def _text(field: str, type: Type, copy: Copy) -> Value:
    length = type.args[0] if type.args else names.VARCHAR_MAX
    kept = field if type.name == "varchar" else f"rtrim({field}, ' ')"
    problems = []
    if type.name == "char":
        problems.append(Problem(f"strlen({field}) <> length({field})", 1215, _multibyte(field)))
    if "TRUNCATECOLUMNS" in copy.given:
        kept = _truncated(kept, length)
    else:
        said = "'String length exceeds DDL length'" if type.name == "varchar" else "'Char length exceeds DDL length'"
        problems.append(Problem(f"strlen({kept}) > {length}", 1204, said))
    return Value(kept, tuple(problems))


def _multibyte(field: str) -> str:
    sign = f"lower(hex(regexp_extract({field}, '[^\\x00-\\x7f]')))"
    said = "'Multibyte character not supported for CHAR (Hint: try using VARCHAR). Invalid char: '"
    return f"{said} || {sign}"


def _truncated(field: str, length: int) -> str:
    """The first characters that have so many bytes together."""
    fitting = f"list_filter(range({length // 4}, {length + 1}), lambda n: strlen(left({field}, n)) <= {length})"
    return (
        f"CASE WHEN strlen({field}) <= {length} THEN {field} WHEN strlen({field}) = length({field}) "
        f"THEN left({field}, {length}) ELSE left({field}, CAST(list_max({fitting}) AS BIGINT)) END"
    )


def _whole(field: str, type: Type, copy: Copy) -> Value:
    found = f"CASE WHEN regexp_full_match({field}, {_WHOLE}) THEN TRY_CAST({field} AS {type.duckdb()}) END"
    digits = f"regexp_full_match({field}, {_WHOLE})"
    wrong = f"({field} IS NOT NULL AND ({found}) IS NULL)"
    return Value(
        found,
        (
            Problem(f"({wrong} AND NOT {digits})", 1207, _digit(field, r"'^[+-]?[0-9]*'", type)),
            Problem(wrong, 1204, f"'Overflow, Value ''' || {field} || ''', Type: {_TOLD[type.name]}'"),
        ),
    )


def _digit(field: str, pattern: str, type: Type) -> str:
    place = f"length(regexp_extract({field}, {pattern}))"
    sign = f"substr({field}, {place} + 1, 1)"
    return f"'Invalid digit, Value ''' || {sign} || ''', Pos ' || {place} || ', Type: {_TOLD[type.name]}'"


def _decimal(field: str, type: Type, copy: Copy) -> Value:
    scale = type.args[1]
    text = field
    if "ROUNDEC" not in copy.given:
        point = f"strpos({field}, '.')"
        plain = f"{point} > 0 AND NOT contains(lower({field}), 'e')"
        text = f"CASE WHEN {plain} THEN left({field}, {point} + {scale}) ELSE {field} END"
    found = f"CASE WHEN regexp_full_match({field}, {_DECIMAL}) THEN TRY_CAST({text} AS {type.duckdb()}) END"
    wrong = f"({field} IS NOT NULL AND ({found}) IS NULL)"
    form = f"({wrong} AND NOT regexp_full_match({field}, {_DECIMAL}))"
    overflow = f"'Overflow for NUMERIC({type.args[0]},{scale})'"
    return Value(
        found,
        (Problem(form, 1209, _digit(field, r"'^[+-]?[0-9]*\.?[0-9]*'", type)), Problem(wrong, 1204, overflow)),
    )


def _float(field: str, type: Type, copy: Copy) -> Value:
    found = f"TRY_CAST({field} AS {type.duckdb()})"
    wrong = f"({field} IS NOT NULL AND {found} IS NULL)"
    return Value(found, (Problem(wrong, 1208, _digit(field, r"'^[+-]?[0-9]*\.?[0-9]*(?:[eE][+-]?[0-9]+)?'", type)),))


def _boolean(field: str, type: Type, copy: Copy) -> Value:
    found = (
        f"CASE WHEN lower({field}) IN ('t', 'true', 'y', 'yes', '1') THEN true "
        f"WHEN lower({field}) IN ('f', 'false', 'n', 'no', '0') THEN false END"
    )
    return Value(found, (_unless(field, found, 1210, "'Unknown boolean format'"),))


def _date(field: str, type: Type, copy: Copy) -> Value:
    found = dates.date(field, copy.date_format)
    if "ACCEPTANYDATE" in copy.given:
        return Value(found)
    short = "CASE WHEN length({0}) < 10 THEN 'Invalid Date Format - length must be 10 or more' ELSE {1} END"
    told = f"'Invalid date format or value [{copy.date_format.replace(chr(39), '')}]'"
    reason = short.format(field, told) if copy.date_format.upper() == "YYYY-MM-DD" else told
    return Value(found, (_unless(field, found, 1205, reason),))


def _moment(field: str, type: Type, copy: Copy) -> Value:
    found = dates.moment(field, copy.time_format, type.name == "timestamptz")
    if "ACCEPTANYDATE" in copy.given:
        return Value(found)
    form = copy.time_format.replace("'", "").replace("HH:MI", "HH24:MI")
    return Value(found, (_unless(field, found, 1206, f"'Invalid timestamp format or value [{form}]'"),))


def _time(field: str, type: Type, copy: Copy) -> Value:
    found = f"TRY_CAST({field} AS {type.duckdb()})"
    return Value(found, (_unless(field, found, 1206, "'Invalid time format or value'"),))


def _super(field: str, type: Type, copy: Copy) -> Value:
    found = f"TRY_CAST({field} AS JSON)"
    return Value(found, (_unless(field, found, 1224, "'Invalid JSON for SUPER'"),))


def _bytes(field: str, type: Type, copy: Copy) -> Value:
    digits = f"regexp_full_match({field}, '(?:[0-9a-fA-F]{{2}})*')"
    found = f"CASE WHEN {digits} THEN unhex({field}) END"
    problems = [_unless(field, found, 1219, "'Invalid hex digit for VARBYTE'")]
    if type.args:
        problems.append(Problem(f"strlen({field}) > {2 * type.args[0]}", 1204, "'Varbyte length exceeds DDL length'"))
    return Value(found, tuple(problems))


def _unless(field: str, found: str, code: int, reason: str) -> Problem:
    return Problem(f"({field} IS NOT NULL AND ({found}) IS NULL)", code, reason)


def _unknown(field: str, type: Type, copy: Copy) -> Value:
    raise SqlFailed("0A000", f"COPY into a column of type {names.shown(type)} is not supported")


_TYPES = {
    **dict.fromkeys(("smallint", "integer", "bigint"), _whole),
    **dict.fromkeys(("real", "double"), _float),
    **dict.fromkeys(("timestamp", "timestamptz"), _moment),
    **dict.fromkeys(("time", "timetz"), _time),
    "decimal": _decimal, "boolean": _boolean, "date": _date, "super": _super, "varbyte": _bytes,
}  # fmt: skip


def first_problem(values: list[tuple[str, Value]]) -> tuple[str, str, str]:
    """Expressions of the first problem of a row: the column's number from 0, the code, and the reason; NULL without.

    values: name and value of each column.
    """
    cases = [(place, problem) for place, (_, one) in enumerate(values) for problem in one.problems]
    if not cases:
        return "NULL::INTEGER", "NULL::INTEGER", "NULL::VARCHAR"
    columns = " ".join(f"WHEN {one.condition} THEN {place}" for place, one in cases)
    codes = " ".join(f"WHEN {one.condition} THEN {one.code}" for _, one in cases)
    reasons = " ".join(f"WHEN {one.condition} THEN {one.reason}" for _, one in cases)
    return f"CASE {columns} END", f"CASE {codes} END", f"CASE {reasons} END"


def text(value: str) -> str:
    """A constant of text."""
    return sql.text(value)
