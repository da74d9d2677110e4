"""CAST and TRY_CAST: what Trino makes of a value of one type as another."""

from lakemill.lakesql.dialects.coercion import INTEGERS, NUMBERS, coerce, cost, field_of, pack
from lakemill.lakesql.dialects.typed import Typed, guard, once, text
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.types import JSON, VARCHAR, Type

_TEMPORAL = {"date", "time", "timestamp", "timestamp with time zone"}


def cast(value: Typed, to: Type, depth: int = 0) -> Typed:
    """Raises SqlFailed(TYPE_MISMATCH) where Trino has no such cast; wrong values fail as the statement runs."""
    of = value.type
    if of.name == "unknown" or (
        of.name == to.name and of.name not in {"array", "map", "row", "decimal", "varchar", "char"}
    ):
        return coerce(value, to)
    if of.name in {"timestamp", "time"} and of.name == to.name:
        return Typed(value.sql, to)
    if to.name == "json":
        return Typed(to_json(value, depth), JSON)
    if of.name == "json":
        return _from_json(value, to)
    if to.name in {"varchar", "char"}:
        return _to_text(value, to)
    if of.name == "char":
        return cast(Typed(f"rtrim({value.sql}, ' ')", VARCHAR), to, depth)
    if of.name == "varchar":
        return _from_text(value, to)
    if to.name in NUMBERS and of.name in NUMBERS | {"boolean"}:
        return _number(value, to)
    if to.name == "boolean" and of.name in NUMBERS:
        return Typed(f"({value.sql} <> 0)", to)
    if of.name in _TEMPORAL and to.name in _TEMPORAL:
        return _temporal(value, to)
    if of.name == to.name:
        return _nested(value, to, depth)
    raise SqlFailed("TYPE_MISMATCH", f"Cannot cast {of.trino()} to {to.trino()}")


def _nested(value: Typed, to: Type, depth: int) -> Typed:
    name = f"c{depth}_"
    if to.name == "array":
        item = cast(Typed(name, value.type.element), to.element, depth + 1)
        return Typed(f"list_transform({value.sql}, LAMBDA {name} : {item.sql})", to)
    if to.name == "map":
        key = cast(Typed(name, value.type.args[0]), to.args[0], depth + 1).sql
        inner = cast(Typed(name, value.type.args[1]), to.args[1], depth + 1).sql
        keys = f"list_transform(map_keys({value.sql}), LAMBDA {name} : {key})"
        return Typed(f"map({keys}, list_transform(map_values({value.sql}), LAMBDA {name} : {inner}))", to)
    if len(value.type.fields) != len(to.fields):
        raise SqlFailed("TYPE_MISMATCH", f"Cannot cast {value.type.trino()} to {to.trino()}")
    fields = [
        cast(Typed(field_of(value, i), inner), wanted, depth + 1).sql
        for i, ((_, inner), (_, wanted)) in enumerate(zip(value.type.fields, to.fields, strict=True))
    ]
    return Typed(f"CASE WHEN {value.sql} IS NOT NULL THEN {pack(fields, to)} END", to)


def _number(value: Typed, to: Type) -> Typed:
    if to.name not in INTEGERS | {"decimal": 0} or value.type.name == "boolean":
        return Typed(f"CAST({value.sql} AS {to.duckdb()})", to)
    return Typed(once(value.sql, lambda sql: _checked_number(Typed(sql, value.type), to).sql), to)


def _checked_number(value: Typed, to: Type) -> Typed:
    of, sql = value.type, value.sql
    if of.name in {"real", "double"} and to.name in INTEGERS:
        shown = to.name
        bad = f"({sql} IS NOT NULL AND TRY_CAST(round({sql}) AS {to.duckdb()}) IS NULL)"
        message = f"'Cannot cast ' || java_double(CAST({sql} AS DOUBLE)) || {text(' to ' + shown)}"
        whole = f"TRY_CAST(round({sql}) AS {to.duckdb()})"
        return Typed(guard(bad, "INVALID_CAST_ARGUMENT", message, whole), to)
    if of.name in INTEGERS and to.name in INTEGERS:
        if INTEGERS[of.name] <= INTEGERS[to.name]:
            return coerce(value, to)
        bad = f"({sql} IS NOT NULL AND TRY_CAST({sql} AS {to.duckdb()}) IS NULL)"
        message = f"'Out of range for {to.name}: ' || CAST({sql} AS VARCHAR)"
        return Typed(guard(bad, "NUMERIC_VALUE_OUT_OF_RANGE", message, f"TRY_CAST({sql} AS {to.duckdb()})"), to)
    if to.name == "decimal" or (of.name == "decimal" and to.name in INTEGERS):
        bad = f"({sql} IS NOT NULL AND TRY_CAST({sql} AS {to.duckdb()}) IS NULL)"
        wanted = to.trino().upper().replace(",", ", ")
        shown = f"sql_double(CAST({sql} AS DOUBLE))" if of.name in {"real", "double"} else f"CAST({sql} AS VARCHAR)"
        message = f"'Cannot cast {of.name.upper()} ''' || {shown} || ''' to {wanted}'"
        return Typed(guard(bad, "INVALID_CAST_ARGUMENT", message, f"TRY_CAST({sql} AS {to.duckdb()})"), to)
    return Typed(f"CAST({sql} AS {to.duckdb()})", to)


_TEXT_OF = {
    "boolean": "CAST({0} AS VARCHAR)",
    "real": "sql_real({0})",
    "double": "sql_double({0})",
    "date": "strftime({0}, '%Y-%m-%d')",
    "timestamp with time zone": "tz_text({0}, {1})",
    "interval day to second": "interval_text({0})",
    "interval year to month": "interval_year_text({0})",
}


def plain_text(value: Typed) -> str:
    """The text that a value has as varchar."""
    of = value.type
    if of.name in INTEGERS or of.name in {"decimal", "varchar", "char"}:
        if of.name == "decimal" and of.args[0] == of.args[1]:
            return f"decimal_text({value.sql})"
        return value.sql if of.name in {"varchar", "char"} else f"CAST({value.sql} AS VARCHAR)"
    if of.name == "timestamp":
        return f"ts_text({value.sql}, {of.args[0]})"
    if of.name == "time":
        return f"time_text({value.sql}, {of.args[0]})"
    if of.name not in _TEXT_OF:
        raise SqlFailed("TYPE_MISMATCH", f"Cannot cast {of.trino()} to varchar")
    return _TEXT_OF[of.name].format(value.sql, of.args[0] if of.args else 0)


def _to_text(value: Typed, to: Type) -> Typed:
    of, sql = value.type, plain_text(value)
    if to.name == "char":
        length = to.args[0] if to.args else 1
        return Typed(f"rpad(left({sql}, {length}), {length}, ' ')", Type("char", (length,)))
    if not to.args or (of.name == "varchar" and of.args and of.args[0] <= to.args[0]):
        return Typed(sql, to, value.value if of.name == "varchar" else None)
    length = to.args[0]
    if of.name in {"varchar", "char"}:
        return Typed(f"left({sql}, {length})", to)
    message = f"'Value ' || {sql} || {text(f' cannot be represented as varchar({length})')}"
    return Typed(guard(f"length({sql}) > {length}", "INVALID_CAST_ARGUMENT", message, sql), to)


_SHOWN = {"integer": "INT", "timestamp": "timestamp", "date": "date"}


def _from_text(value: Typed, to: Type) -> Typed:
    return Typed(once(value.sql, lambda sql: _checked_text(Typed(sql, value.type), to).sql), to)


def _checked_text(value: Typed, to: Type) -> Typed:
    sql, name = value.sql, to.name
    if name == "varbinary":
        return Typed(f"encode({sql})", to)
    if name in INTEGERS:
        form = f"CASE WHEN regexp_full_match({sql}, '[+-]?[0-9]+') THEN TRY_CAST({sql} AS {to.duckdb()}) END"
    elif name in {"real", "double"}:
        form = f"text_double(trim({sql}))"
        form = f"CAST({form} AS FLOAT)" if name == "real" else form
    elif name == "decimal":
        number = "'[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?'"
        form = f"CASE WHEN regexp_full_match(trim({sql}), {number}) THEN TRY_CAST(trim({sql}) AS {to.duckdb()}) END"
    elif name == "boolean":
        form = f"text_boolean(lower({sql}))"
    elif name == "date":
        form = f"text_date({sql})"
    elif name == "timestamp":
        form = f"text_timestamp({sql})"
    elif name == "timestamp with time zone":
        form = f"text_zoned({sql})"
    elif name == "time":
        full = "'[0-9]{1,2}:[0-9]{1,2}(:[0-9]{1,2}([.][0-9]+)?)?'"
        form = f"CASE WHEN regexp_full_match(trim({sql}), {full}) THEN TRY_CAST(trim({sql}) AS TIME) END"
    else:
        raise SqlFailed("TYPE_MISMATCH", f"Cannot cast {value.type.trino()} to {to.trino()}")
    shown = _SHOWN.get(name, to.trino().upper().replace(",", ", ") if name == "decimal" else name.upper())
    if name == "decimal":
        message = f"'Cannot cast VARCHAR ''' || {sql} || {text(chr(39) + ' to ' + shown)}"
    elif name in _TEMPORAL:
        message = f"{text('Value cannot be cast to ' + name + ': ')} || {sql}"
    else:
        message = f"'Cannot cast ''' || {sql} || {text(chr(39) + ' to ' + shown)}"
    made = once(form, lambda x: guard(f"({sql} IS NOT NULL AND {x} IS NULL)", "INVALID_CAST_ARGUMENT", message, x))
    return Typed(made, to)


def _temporal(value: Typed, to: Type) -> Typed:
    of, sql = value.type.name, value.sql
    if of == "timestamp with time zone":
        local = f"tz_local({sql})"
        return Typed(f"CAST({local} AS {to.duckdb()})", to)
    if to.name == "timestamp with time zone":
        if of == "time":
            raise SqlFailed("NOT_SUPPORTED", "Cast from time to timestamp with time zone is not supported")
        return coerce(value, to)
    if of == "time" or (of == "date" and to.name == "time"):
        raise SqlFailed("TYPE_MISMATCH", f"Cannot cast {value.type.trino()} to {to.trino()}")
    return Typed(f"CAST({sql} AS {to.duckdb()})", to)


def to_json(value: Typed, depth: int = 0) -> str:
    """JSON text of a value; NULL stays NULL outside and is `null` inside."""
    of, sql, name = value.type, value.sql, f"j{depth}_"
    if of.name == "row":
        return _row_json(value, depth)
    if of.name == "json":
        return sql
    if of.name in INTEGERS or of.name in {"boolean", "decimal"}:
        return plain_text(value)
    if of.name in {"real", "double"}:
        return f"java_double(CAST({sql} AS DOUBLE))" if of.name == "double" else f"java_real({sql})"
    if of.name in {"varchar", "char", "date", "timestamp"}:
        return f"CAST(to_json({plain_text(value)}) AS VARCHAR)"
    if of.name == "array":
        inner = to_json(Typed(name, of.element), depth + 1)
        inside = f"list_text(list_transform({sql}, LAMBDA {name} : coalesce({inner}, 'null')), ',')"
        return f"('[' || {inside} || ']')"
    if of.name == "map":
        key = Typed(f"{name}.key", of.args[0])
        shown = f"CAST(to_json({plain_text(key)}) AS VARCHAR)"
        inner = to_json(Typed(f"{name}.value", of.args[1]), depth + 1)
        pair = f"{shown} || ':' || coalesce({inner}, 'null')"
        pairs = f"list_transform(list_sort(map_entries({sql})), LAMBDA {name} : {pair})"
        return f"('{{' || list_text({pairs}, ',') || '}}')"
    raise SqlFailed("TYPE_MISMATCH", f"Cannot cast {of.trino()} to json")


def _row_json(value: Typed, depth: int) -> str:
    parts = []
    for i, (field, inner) in enumerate(value.type.fields):
        shown = to_json(Typed(field_of(value, i), inner), depth + 1)
        parts.append(f"{text(quote(field or '') + ':')} || coalesce({shown}, 'null')")
    inside = " || ',' || ".join(parts)
    return f"CASE WHEN {value.sql} IS NOT NULL THEN '{{' || {inside} || '}}' END"


def _from_json(value: Typed, to: Type) -> Typed:
    return Typed(once(value.sql, lambda sql: _checked_json(Typed(sql, JSON), to).sql), to)


def _checked_json(value: Typed, to: Type) -> Typed:
    sql = value.sql
    plain = f"CASE WHEN json_type({sql}) NOT IN ('ARRAY', 'OBJECT', 'NULL') THEN json_extract_string({sql}, '$') END"
    shown = to.trino()
    wrong = f"json_type({sql}) IN ('ARRAY', 'OBJECT')"
    message = f"'Cannot cast to {shown}. Unexpected token when cast to {shown}'"
    if to.name == "varchar" or to.name in NUMBERS | {"boolean"}:
        inner = Typed(plain, VARCHAR)
        if to.name in INTEGERS:
            inner = Typed(f"json_whole({sql}, {plain})", VARCHAR)
        made = cast(inner, to) if to.name != "varchar" else _to_text(inner, to)
        return Typed(guard(wrong, "INVALID_CAST_ARGUMENT", message, made.sql), to)
    if to.name in {"array", "map", "row"}:
        return _nested_json(value, to)
    raise SqlFailed("TYPE_MISMATCH", f"Cannot cast json to {shown}")


def _nested_json(value: Typed, to: Type, depth: int = 0) -> Typed:
    sql, name = value.sql, f"n{depth}_"

    def inside(of: Type, part: str) -> str:
        item = Typed(f"CAST({part} AS VARCHAR)", JSON)
        if of.name == "json":
            return item.sql
        return (_nested_json(item, of, depth + 1) if of.name in {"array", "map", "row"} else cast(item, of)).sql

    message = text(f"Cannot cast to {to.trino()}. Expected a json {'array' if to.name == 'array' else 'object'}")
    if to.name == "array":
        made = f"list_transform(json_extract({sql}, '$[*]'), LAMBDA {name} : {inside(to.element, name)})"
        return Typed(_unless(sql, "'ARRAY'", message, made), to)
    if to.name == "map":
        keys = f"json_keys({sql})"
        wanted = cast(Typed(name, VARCHAR), to.args[0]).sql
        part = f"json_extract({sql}, '$.' || to_json({name}))"
        made = (
            f"map(list_transform({keys}, LAMBDA {name} : {wanted}), "
            f"list_transform({keys}, LAMBDA {name} : {inside(to.args[1], part)}))"
        )
        return Typed(_unless(sql, "'OBJECT'", message, made), to)
    by_name = [inside(inner, f"json_extract({sql}, {text('$.' + quote(field or ''))})") for field, inner in to.fields]
    by_place = [inside(inner, f"json_extract({sql}, '$[{i}]')") for i, (_, inner) in enumerate(to.fields)]
    made = f"CASE json_type({sql}) WHEN 'ARRAY' THEN {pack(by_place, to)} ELSE {pack(by_name, to)} END"
    return Typed(_unless(sql, "'OBJECT', 'ARRAY'", message, made), to)


def quote(name: str) -> str:
    return '"' + name.replace('"', '\\"') + '"'


def _unless(sql: str, kinds: str, message: str, made: str) -> str:
    checked = guard(f"json_type({sql}) NOT IN ({kinds}, 'NULL')", "INVALID_CAST_ARGUMENT", message, made)
    return f"CASE WHEN json_type({sql}) IS NULL OR json_type({sql}) = 'NULL' THEN NULL ELSE {checked} END"


def try_cast(value: Typed, to: Type) -> Typed:
    if cost(value.type, to) == 0 and value.type == to:
        return value
    return Typed(f"TRY({cast(value, to).sql})", to)
