"""CAST and ::, and what INSERT makes of a value: of text and of other types.

An explicit cast cuts a text that is too long; an assignment fails.
"""

from lakemill.lakesql.dialects.coercion import INTEGERS, NUMBERS
from lakemill.lakesql.dialects.redshift.coercion import TEXTS, TIMES, Mark, coerce
from lakemill.lakesql.dialects.redshift.names import shown
from lakemill.lakesql.dialects.typed import Typed, guard, once, text
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.types import VARCHAR, Type

_SYNTAX = {
    "real": "type real",
    "double": "type double precision",
    "decimal": "type numeric",
    "boolean": "type boolean",
    "date": "type date",
    "timestamp": "type timestamp",
    "timestamptz": "type timestamp with time zone",
    "time": "type time",
    "timetz": "type time with time zone",
    "interval": "type interval",
}


def cast(value: Typed, to: Type) -> Typed:
    """Raises SqlFailed(42846) where there is no such cast; wrong values fail as the statement runs."""
    of = value.type
    if of.name == "unknown":
        made = coerce(value, to if to.name not in TEXTS else VARCHAR)
        return _cut(made, to) if to.name in TEXTS else made
    if to.name in TEXTS:
        return _cut(Typed(plain_text(value), VARCHAR, value.value if of.name in TEXTS else None), to)
    if of.name in TEXTS:
        return from_text(value, to)
    if of.name == to.name == "varbyte" or of == to:
        return Typed(value.sql, to, value.value)
    if of.name in NUMBERS and to.name in NUMBERS:
        return Typed(f"CAST({value.sql} AS {to.duckdb()})", to, value.value if to.name in INTEGERS else None)
    if to.name == "boolean" and of.name in INTEGERS:
        return Typed(f"({value.sql} <> 0)", to)
    if of.name == "boolean" and to.name in INTEGERS:
        return Typed(f"CAST({value.sql} AS {to.duckdb()})", to)
    if to.name == "super":
        return Typed(to_super(value), to)
    if of.name == "super":
        return _from_super(value, to)
    times = {*TIMES, "time", "timetz"}
    if (
        (of.name in times and to.name in times and not (of.name in {"date", "time", "timetz"} and to.name in TIMES))
        or (of.name == "date" and to.name in TIMES)
        or {of.name, to.name} == {"time", "timetz"}
    ):
        return Typed(f"CAST({value.sql} AS {to.duckdb()})", to)
    if of.name == "interval" and to.name == "time":
        return Typed(f"CAST(TIME '00:00:00' + {value.sql} AS TIME)", to)
    if of.name in INTEGERS and to.name == "varbyte":
        digits = {"smallint": 4, "integer": 8, "bigint": 16}[of.name]
        return Typed(f"unhex(right(printf('%016X', CAST({value.sql} AS BIGINT)), {digits}))", to)
    raise SqlFailed("42846", f"cannot cast type {shown(of, False)} to {shown(to, False)}")


def plain_text(value: Typed) -> str:
    """The text that a value has as varchar."""
    of, sql = value.type, value.sql
    if of.name == "varchar":
        return sql
    if of.name == "char":
        return f"rtrim({sql}, ' ')"
    if of.name == "super":
        return f"super_text({sql})"
    if of.name in {"real", "double"}:
        return f"float_text({sql})"
    if of.name == "decimal" and of.args[0] == of.args[1]:
        return f"decimal_text({sql})"
    if of.name == "varbyte":
        return f"decode({sql})"
    if of.name == "boolean":
        return f"CASE WHEN {sql} THEN 'true' WHEN NOT {sql} THEN 'false' END"
    return f"CAST({sql} AS VARCHAR)"


def _cut(value: Typed, to: Type) -> Typed:
    """As long as the type lets it be; blanks at the end of a CHAR do not count."""
    size = to.args[0] if to.args else None
    if isinstance(value.value, str):
        cut = value.value if size is None else value.value.encode()[:size].decode(errors="ignore")
        cut = cut.rstrip(" ") if to.name == "char" else cut
        return Typed(text(cut), to, cut)
    sql = value.sql if size is None else f"bytes_left({value.sql}, {size})"
    return Typed(f"rtrim({sql}, ' ')" if to.name == "char" else sql, to)


def from_text(value: Typed, to: Type) -> Typed:
    """Of a varchar: numbers, dates and so on, as PostgreSQL reads them."""
    sql = f"rtrim({value.sql}, ' ')" if value.type.name == "char" else value.sql
    if to.name == "super":
        return Typed(f"CAST(to_json({sql}) AS JSON)", to)
    if to.name == "varbyte":
        return Typed(f"encode({sql})", to)
    return Typed(once(sql, lambda s: _read(s, to)), to)


def _read(sql: str, to: Type) -> str:
    name, kind = to.name, to.duckdb()
    if name in INTEGERS:
        digits = rf"regexp_full_match({sql}, '\s*[+-]?[0-9]+\s*')"
        wrong = guard(f"NOT {digits}", "22P02", f"'invalid input syntax for integer: \"' || {sql} || '\"'", sql)
        message = f"'value \"' || {sql} || '\" is out of range for type {name}'"
        bad = f"({sql} IS NOT NULL AND TRY_CAST(trim({wrong}) AS {kind}) IS NULL)"
        return guard(bad, "22003", message, f"TRY_CAST(trim({sql}) AS {kind})")
    forms = {
        "real": f"CAST(text_float(trim({sql})) AS FLOAT)",
        "double": f"text_float(trim({sql}))",
        "boolean": f"text_bool(lower(trim({sql})))",
        "date": f"text_day(trim({sql}))",
        "timestamp": f"text_stamp(trim({sql}))",
        "timestamptz": f"text_moment(trim({sql}))",
        "time": f"text_time(trim({sql}))",
        "timetz": f"TRY_CAST(trim({sql}) AS TIME WITH TIME ZONE)",
        "interval": f"TRY_CAST(trim({sql}) AS INTERVAL)",
    }
    if name == "decimal":
        number = r"'\s*[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?\s*'"
        wrong = guard(
            f"NOT regexp_full_match({sql}, {number})",
            *("22P02", f"'invalid input syntax for type numeric: \"' || {sql} || '\"'", sql),
        )
        bad = f"({sql} IS NOT NULL AND TRY_CAST(trim({wrong}) AS {kind}) IS NULL)"
        return guard(bad, "22003", "'Numeric data overflow (result precision)'", f"TRY_CAST(trim({sql}) AS {kind})")
    if name not in forms:
        raise SqlFailed("42846", f"cannot cast type character varying to {shown(to, False)}")
    code = "22P02" if name in {"real", "double", "boolean"} else "22007"
    message = f"{text(f'invalid input syntax for {_SYNTAX[name]}: ' + chr(34))} || {sql} || '\"'"
    return once(forms[name], lambda x: guard(f"({sql} IS NOT NULL AND {x} IS NULL)", code, message, x))


def to_super(value: Typed) -> str:
    """A value as JSON."""
    of = value.type
    if of.name == "super":
        return value.sql
    if of.name in TEXTS or of.name in {"date", "timestamp", "timestamptz", "time", "timetz", "interval"}:
        return f"CAST(to_json({plain_text(value)}) AS JSON)"
    if of.name == "decimal":
        return f"CAST({plain_text(value)} AS JSON)"
    if of.name == "varbyte":
        return f"CAST(to_json(lower(hex({value.sql}))) AS JSON)"
    return f"CAST(to_json({value.sql}) AS JSON)"


def _from_super(value: Typed, to: Type) -> Typed:
    """Of a scalar; an array or object cannot be cast, null is NULL."""

    def body(sql: str) -> str:
        scalar = (
            f"CASE WHEN json_type({sql}) NOT IN ('ARRAY', 'OBJECT', 'NULL') THEN json_extract_string({sql}, '$') END"
        )
        if to.name in INTEGERS:
            read = f"CAST(TRY_CAST({scalar} AS DECIMAL(38,10)) AS {to.duckdb()})"
        else:
            read = from_text(Typed(scalar, VARCHAR), to).sql
        bad = f"json_type({sql}) IN ('ARRAY', 'OBJECT')"
        return guard(bad, "22023", "'Invalid input: a SUPER array or object cannot be cast to a scalar type'", read)

    return Typed(once(value.sql, body), to)


def assigned(value: Typed, to: Type, column: str = "") -> Typed:
    """The value as INSERT stores it in a column; a varchar is read as the type.

    Fails with 22001 where it is too long, 22003 where it is out of range; raises SqlFailed(42804) for another type.
    """
    of = value.type
    if of.name == "unknown" and (value.value is None or isinstance(value.value, Mark)):
        return coerce(value, to)
    if to.name in TEXTS:
        made = value if of.name in TEXTS else Typed(plain_text(value), VARCHAR)
        if of.name == "unknown":
            made = Typed(value.sql, VARCHAR, value.value)
        return _fitting(made, to)
    if of.name in {"unknown", *TEXTS}:
        return cast(value, to)
    try:
        return cast(value, to)
    except SqlFailed:
        raise type_mismatch(column, to, of) from None


def type_mismatch(column: str, to: Type, of: Type) -> SqlFailed:
    message = f'column "{column}" is of type {shown(to, False)} but expression is of type {shown(of, False)}'
    return SqlFailed("42804", message, hint="You will need to rewrite or cast the expression.")


def _fitting(value: Typed, to: Type) -> Typed:
    size = to.args[0] if to.args else None
    of = value.type
    sql = f"rtrim({value.sql}, ' ')" if "char" in {of.name, to.name} else value.sql
    if size is None or (of.name in TEXTS and of.args and of.args[0] <= size and value.value is None):
        return Typed(sql, to)
    if isinstance(value.value, str):
        kept = value.value.rstrip(" ") if to.name == "char" else value.value
        if len(kept.encode()) <= size:
            return Typed(text(kept), to, kept)
    message = text(f"value too long for type {shown(to)}")

    def body(s: str) -> str:
        return guard(f"strlen(rtrim({s}, ' ')) > {size}", "22001", message, f"bytes_left({s}, {size})")

    return Typed(once(sql, body), to)
