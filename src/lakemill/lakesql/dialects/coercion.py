"""Which types are taken for which, without being asked: Trino's implicit coercions."""

from lakemill.lakesql.dialects.typed import Typed
from lakemill.lakesql.types import BIGINT, DOUBLE, INTEGER, REAL, SMALLINT, TINYINT, VARCHAR, Type, decimal

INTEGERS = {"tinyint": 3, "smallint": 5, "integer": 10, "bigint": 19}
_LADDER = ["tinyint", "smallint", "integer", "bigint", "decimal", "real", "double"]
_TIMES = ["date", "timestamp", "timestamp with time zone"]
NUMBERS = set(_LADDER)
_BY_NAME = {t.name: t for t in (TINYINT, SMALLINT, INTEGER, BIGINT, REAL, DOUBLE)}


def as_decimal(of: Type) -> Type:
    """The decimal that holds every integer of a type."""
    return of if of.name == "decimal" else decimal(INTEGERS[of.name], 0)


def common(a: Type, b: Type) -> Type | None:
    """The type both can be taken for, or None."""
    if a == b:
        return a
    if a.name == "unknown":
        return b
    if b.name == "unknown":
        return a
    if a.name in NUMBERS and b.name in NUMBERS:
        return _common_number(a, b)
    if a.name == b.name:
        return _common_inside(a, b)
    if {a.name, b.name} == {"char", "varchar"}:
        return VARCHAR
    if a.name in _TIMES and b.name in _TIMES:
        return a if _TIMES.index(a.name) > _TIMES.index(b.name) else b
    return None


def _common_number(a: Type, b: Type) -> Type:
    higher = max(a.name, b.name, key=_LADDER.index)
    if higher != "decimal":
        return _BY_NAME[higher]
    x, y = as_decimal(a), as_decimal(b)
    scale = max(x.args[1], y.args[1])
    return decimal(max(x.args[0] - x.args[1], y.args[0] - y.args[1]) + scale, scale)


def _common_inside(a: Type, b: Type) -> Type | None:
    if a.name in {"varchar", "char"}:
        if a.args and b.args:
            return Type(a.name, (max(a.args[0], b.args[0]),))
        return Type(a.name)
    if a.name in {"timestamp", "timestamp with time zone", "time"}:
        return Type(a.name, (max(a.args[0], b.args[0]),))
    if a.name in {"array", "map"}:
        inside = [common(x, y) for x, y in zip(a.args, b.args, strict=True)]
        return None if None in inside else Type(a.name, tuple(inside))
    if a.name == "row" and len(a.args) == len(b.args):
        fields = []
        for (name, x), (other, y) in zip(a.args, b.args, strict=True):
            inner = common(x, y)
            if inner is None:
                return None
            fields.append((name if name == other else (name or other), inner))
        return Type("row", tuple(fields))
    return None


def cost(of: Type, to: Type) -> int | None:
    """How far a type must be stretched to be another: 0 is the same; None where it cannot."""
    if of == to or (of.name == to.name and of.name in {"varchar", "timestamp", "timestamp with time zone", "time"}):
        return 0
    if common(of, to) is None:
        return None
    if of.name in NUMBERS:
        if to.name == "decimal":
            return 1 if common(of, to) == to else None
        distance = _LADDER.index(to.name) - _LADDER.index(of.name)
        return distance if distance >= 0 else None
    if of.name in _TIMES:
        distance = _TIMES.index(to.name) - _TIMES.index(of.name)
        return distance if distance >= 0 else None
    if of.name == "varchar" and to.name == "char":
        return None
    return 1


def coerce(value: Typed, to: Type) -> Typed:
    """The same value as another type; the caller knows that it can be (`cost`)."""
    if value.type == to or value.type.duckdb() == to.duckdb():
        if value.type.name == "unknown":
            return Typed(f"CAST({value.sql} AS {to.duckdb()})", to, value.value)
        return Typed(value.sql, to, value.value)
    if value.type.name == "unknown":
        return Typed(f"CAST(NULL AS {to.duckdb()})", to)
    if to.name == "timestamp with time zone":
        return Typed(f"{{'t': CAST({value.sql} AS TIMESTAMP), 'z': 'UTC'}}", to)
    if to.name == "row" and value.type.name == "row":
        # Field names differ: DuckDB would cast by name.
        inside = []
        for i, ((_, inner), (_, wanted)) in enumerate(zip(value.type.fields, to.fields, strict=True)):
            inside.append(coerce(Typed(field_of(value, i), inner), wanted).sql)
        return Typed(f"CASE WHEN {value.sql} IS NOT NULL THEN {pack(inside, to)} END", to)
    if to.name == "array":
        item = coerce(Typed("e_", value.type.element), to.element)
        return Typed(f"list_transform({value.sql}, LAMBDA e_ : {item.sql})", to)
    return Typed(f"CAST({value.sql} AS {to.duckdb()})", to, value.value)


def field_of(value: Typed, index: int) -> str:
    """The field of a row, from 0."""
    return f"struct_extract({value.sql}, {text_name(value.type, index)})"


def text_name(of: Type, index: int) -> str:
    name = of.fields[index][0] or f"field{index}"
    return "'" + name.replace("'", "''") + "'"


def pack(values: list[str], to: Type) -> str:
    """A row of these values."""
    return "{" + ", ".join(f"{text_name(to, i)}: {v}" for i, v in enumerate(values)) + "}"
