"""Redshift's types: their names, numbers in the catalogue (OID) and modifiers, and how they are written.

Types are those of `lakesql.types`: smallint, integer, bigint, decimal(p, s), real, double, boolean, char(n), varchar or
varchar(n), date, timestamp, timestamptz, time, timetz, super, varbyte(n), interval.
"""

import re

from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.types import (
    BIGINT,
    BOOLEAN,
    DATE,
    DOUBLE,
    INTEGER,
    INTERVAL,
    REAL,
    SMALLINT,
    SUPER,
    TIMESTAMPTZ,
    TIMETZ,
    Type,
    decimal,
)

VARCHAR_DEFAULT, VARCHAR_MAX, CHAR_MAX = 256, 65535, 4096
VARBYTE_DEFAULT, VARBYTE_MAX = 64000, 1024000
TIME, TIMESTAMP = Type("time"), Type("timestamp")

_KNOWN: dict[str, tuple[str, int, str, int]] = {
    # Type: pg_type's name, OID, the name that SQL has for it, bytes (-1: any).
    "boolean": ("bool", 16, "boolean", 1),
    "varbyte": ("varbyte", 6551, "binary varying", -1),
    "bigint": ("int8", 20, "bigint", 8),
    "smallint": ("int2", 21, "smallint", 2),
    "integer": ("int4", 23, "integer", 4),
    "real": ("float4", 700, "real", 4),
    "double": ("float8", 701, "double precision", 8),
    "char": ("bpchar", 1042, "character", -1),
    "varchar": ("varchar", 1043, "character varying", -1),
    "date": ("date", 1082, "date", 4),
    "time": ("time", 1083, "time without time zone", 8),
    "timestamp": ("timestamp", 1114, "timestamp without time zone", 8),
    "timestamptz": ("timestamptz", 1184, "timestamp with time zone", 8),
    "interval": ("interval", 1186, "interval", 16),
    "timetz": ("timetz", 1266, "time with time zone", 12),
    "decimal": ("numeric", 1700, "numeric", -1),
    "super": ("super", 4000, "super", -1),
    "unknown": ("unknown", 705, "unknown", -1),
}


def pg_name(kind: Type) -> str:
    """As pg_type and the Data API name it: int4, varchar, bpchar, numeric.

    >>> pg_name(Type("varchar", (10,)))
    'varchar'
    """
    return _KNOWN[kind.name][0]


def oid(kind: Type) -> int:
    return _KNOWN[kind.name][1]


def size(kind: Type) -> int:
    """Bytes of a value; -1 where they differ."""
    return _KNOWN[kind.name][3]


def typmod(kind: Type) -> int:
    """The type modifier; -1 without one.

    >>> typmod(decimal(10, 2))
    655366
    """
    if kind.name == "decimal":
        return (kind.args[0] << 16 | kind.args[1]) + 4
    if kind.name in {"varchar", "char", "varbyte"} and kind.args:
        return kind.args[0] + 4
    return -1


def shown(kind: Type, arguments: bool = True) -> str:
    """As messages and format_type write it.

    >>> shown(Type("varchar", (10,))), shown(decimal(10, 2)), shown(Type("timestamp"))
    ('character varying(10)', 'numeric(10,2)', 'timestamp without time zone')
    """
    name = _KNOWN[kind.name][2] if kind.name in _KNOWN else kind.name
    if arguments and kind.name in {"varchar", "char", "decimal", "varbyte"} and kind.args:
        return f"{name}({','.join(map(str, kind.args))})"
    return name


def of_oid(number: int, modifier: int = -1) -> Type | None:
    """The type of a parameter; None for unknown (0, 705) and what there is not."""
    for name, (_, known, _, _) in _KNOWN.items():
        if known == number and name != "unknown":
            if name == "decimal":
                at = modifier - 4
                return decimal(at >> 16, at & 0xFFFF) if modifier >= 4 else decimal(38, 10)
            return Type(name, (modifier - 4,) if modifier >= 4 and name in {"varchar", "char", "varbyte"} else ())
    return Type("varchar") if number in {18, 19, 25} else None


_WORDS: dict[str, Type] = {
    **dict.fromkeys(("smallint", "int2"), SMALLINT),
    **dict.fromkeys(("integer", "int", "int4"), INTEGER),
    **dict.fromkeys(("bigint", "int8"), BIGINT),
    **dict.fromkeys(("real", "float4"), REAL),
    **dict.fromkeys(("double precision", "float8", "float", "double"), DOUBLE),
    **dict.fromkeys(("boolean", "bool"), BOOLEAN),
    **dict.fromkeys(("timestamp", "timestamp without time zone"), TIMESTAMP),
    **dict.fromkeys(("timestamptz", "timestamp with time zone"), TIMESTAMPTZ),
    **dict.fromkeys(("time", "time without time zone"), TIME),
    **dict.fromkeys(("timetz", "time with time zone"), TIMETZ),
    **dict.fromkeys(("interval", "interval day to second", "interval year to month"), INTERVAL),
    "date": DATE,
    "super": SUPER,
}
_LENGTHS = {
    **dict.fromkeys(("char", "character", "nchar", "bpchar"), ("char", 1, CHAR_MAX)),
    **dict.fromkeys(("varchar", "character varying", "nvarchar", "text"), ("varchar", VARCHAR_DEFAULT, VARCHAR_MAX)),
    **dict.fromkeys(("varbyte", "varbinary", "binary varying"), ("varbyte", VARBYTE_DEFAULT, VARBYTE_MAX)),
}


def of_text(written: str) -> Type:
    """The type that a statement writes.

    VARCHAR is VARCHAR(256), CHAR is CHAR(1), BPCHAR is CHAR(256), DECIMAL is DECIMAL(18,0).
    Raises SqlFailed: 42704 for one that there is not, 22023 for a length that cannot be.

    >>> of_text("character varying (10)"), of_text("numeric")
    (Type(name='varchar', args=(10,)), Type(name='decimal', args=(18, 0)))
    """
    found = re.fullmatch(
        r"\s*([a-z][a-z0-9_]*(?: +[a-z]+)*)\s*(?:\(\s*(\w+)\s*(?:,\s*(\d+)\s*)?\))?\s*([a-z ]*)", written.lower()
    )
    if found is None:
        raise SqlFailed("42704", f'type "{written.strip().lower()}" does not exist')
    name = re.sub(r"\s+", " ", f"{found[1]} {found[4] or ''}".strip())
    numbers = [n for n in (found[2], found[3]) if n is not None]
    if any(not n.isdigit() and n != "max" for n in numbers) or (numbers[:1] == ["max"] and name not in _LENGTHS):
        raise SqlFailed("42601", f'syntax error at or near "{found[2]}"')
    if name in _LENGTHS:
        kind, default, most = _LENGTHS[name]
        default = 256 if name == "bpchar" else default
        length = most if numbers == ["max"] else int(numbers[0]) if numbers and numbers[0].isdigit() else default
        if not 1 <= length <= most:
            problem = "must be at least 1" if length < 1 else f"cannot exceed {most}"
            raise SqlFailed("22023", f"length for type {shown(Type(kind))} {problem}")
        return Type(kind, (length,))
    if name in {"decimal", "numeric"}:
        precision, scale = [*(int(n) for n in numbers), 0][:2] if numbers else (18, 0)
        if not 1 <= precision <= 38:
            raise SqlFailed("22023", f"DECIMAL precision {precision} must be between 1 and 38")
        if not 0 <= scale <= min(precision, 37):
            raise SqlFailed("22023", f"DECIMAL scale {scale} must be between 0 and precision {precision}")
        return decimal(precision, scale)
    if name == "float" and numbers:
        return REAL if int(numbers[0]) < 25 else DOUBLE
    if name in _WORDS and (not numbers or name.startswith(("time", "interval"))):
        return _WORDS[name]
    raise SqlFailed("42704", f'type "{name}" does not exist')
