"""Values as text, as Athena writes them into results."""

from lakemill.lakesql.dialects.casts import plain_text
from lakemill.lakesql.dialects.coercion import field_of
from lakemill.lakesql.dialects.typed import Typed
from lakemill.lakesql.types import Type


def shown(value: Typed, depth: int = 0) -> str:
    """An expression of DuckDB for the text of a value; NULL stays NULL, but is `null` inside of others.

    [1, 2], {a=1, b=x}, {k=v}, 1.0E10, 2020-01-01 00:00:00.000, 66 6f
    """
    of, sql, name = value.type, value.sql, f"t{depth}_"
    if of.name in {"varchar", "char", "json"}:
        return sql
    if of.name == "decimal":
        return plain_text(value)
    if of.name in _BY_TYPE:
        return _BY_TYPE[of.name].format(sql, max(3, *of.args) if of.args else 3)
    if of.name == "array":
        inner = _or_null(Typed(name, of.element), depth)
        return f"('[' || list_text(list_transform({sql}, LAMBDA {name} : {inner}), ', ') || ']')"
    if of.name == "map":
        key = _or_null(Typed(f"{name}.key", of.args[0]), depth)
        inner = _or_null(Typed(f"{name}.value", of.args[1]), depth)
        pairs = f"list_transform(map_entries({sql}), LAMBDA {name} : {key} || '=' || {inner})"
        return f"('{{' || list_text({pairs}, ', ') || '}}')"
    if of.name == "row":
        return _row(value, depth)
    return f"CAST({sql} AS VARCHAR)"


def _row(value: Typed, depth: int) -> str:
    parts = []
    for i, (field, inner) in enumerate(value.type.fields):
        key = (field or f"field{i}").replace("'", "''")
        parts.append(f"'{key}=' || {_or_null(Typed(field_of(value, i), inner), depth)}")
    return f"CASE WHEN {value.sql} IS NOT NULL THEN '{{' || {(' || ' + repr(', ') + ' || ').join(parts)} || '}}' END"


def _or_null(value: Typed, depth: int) -> str:
    return f"coalesce({shown(value, depth + 1)}, 'null')"


_BY_TYPE: dict[str, str] = {
    "double": "java_double({0})",
    "real": "java_real({0})",
    "date": "strftime({0}, '%Y-%m-%d')",
    "timestamp": "ts_text({0}, {1})",
    "timestamp with time zone": "tz_text({0}, {1})",
    "time": "left(strftime(DATE '2000-01-01' + {0}, '%H:%M:%S.%f'), 12)",
    "varbinary": "trim(regexp_replace(lower(hex({0})), '(..)', '\\1 ', 'g'))",
    "interval day to second": "interval_text({0})",
    "interval year to month": "interval_year_text({0})",
}


def of_type(sql: str, kind: Type) -> str:
    """The text of a column."""
    return shown(Typed(sql, kind))
