"""The types of the dialect and the Arrow types that carry them.

| SQL | Arrow |
|---|---|
| TINYINT, SMALLINT, INTEGER, BIGINT | int8, int16, int32, int64 |
| REAL | float32 |
| FLOAT, DOUBLE | float64 |
| DECIMAL(p, s), NUMERIC | decimal128 |
| CHAR(n), VARCHAR(n) | string; longer values are cut at n characters, CHAR is not padded |
| BINARY(n), VARBINARY(n) | binary |
| BOOLEAN, DATE, TIME, TIMESTAMP | bool, date32, time32(ms), timestamp(ms) |
| INTERVAL, day to second | duration(ms) |

A limit on length travels in the field's metadata under `length`.
"""

from dataclasses import dataclass

import pyarrow as pa

TIMESTAMP = pa.timestamp("ms")
TIME = pa.time32("ms")
DURATION = pa.duration("ms")
# The type of a bare NULL until something else says what it is.
NULL = pa.null()

_PLAIN = {
    "TINYINT": pa.int8(),
    "SMALLINT": pa.int16(),
    "INTEGER": pa.int32(),
    "INT": pa.int32(),
    "BIGINT": pa.int64(),
    "REAL": pa.float32(),
    "FLOAT": pa.float64(),
    "DOUBLE": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
    "TIME": TIME,
    "TIMESTAMP": TIMESTAMP,
    "INTERVAL": DURATION,
}
_SIZED = {
    "CHAR": pa.string(),
    "CHARACTER": pa.string(),
    "VARCHAR": pa.string(),
    "BINARY": pa.binary(),
    "VARBINARY": pa.binary(),
}
_DECIMALS = {"DECIMAL", "DEC", "NUMERIC"}


@dataclass(frozen=True)
class SqlType:
    """An Arrow type, and how many characters or bytes a value may have (None: any)."""

    arrow: pa.DataType
    length: int | None = None


def named(name: str, parameters: list[int]) -> SqlType:
    """The type called `name` (upper case) with what stands in its parentheses; ValueError if there is none such."""
    if name in _DECIMALS:
        precision, scale = [*parameters, *([18, 0][len(parameters) :])] if parameters else (18, 0)
        if not (0 < precision <= 38 and 0 <= scale <= precision):
            raise ValueError(f"{name}({precision}, {scale}) is not possible: at most 38 digits")
        return SqlType(pa.decimal128(precision, scale))
    if name in _SIZED:
        if len(parameters) > 1 or any(p < 1 for p in parameters):
            raise ValueError(f"{name} takes one length, at least 1")
        default = 1 if name in ("CHAR", "CHARACTER", "BINARY") else None
        return SqlType(_SIZED[name], parameters[0] if parameters else default)
    if name in _PLAIN:
        return SqlType(_PLAIN[name])
    raise ValueError(f"There is no type {name}")


def field(name: str, kind: SqlType, nullable: bool = True) -> pa.Field:
    """The Arrow field of a column."""
    metadata = {"length": str(kind.length)} if kind.length is not None else None
    return pa.field(name, kind.arrow, nullable, metadata)


def length_of(column: pa.Field) -> int | None:
    """The limit that the field carries."""
    length = (column.metadata or {}).get(b"length")
    return int(length) if length is not None else None


def is_hidden(column: pa.Field) -> bool:
    """Whether `SELECT *` leaves the column out."""
    return b"hidden" in (column.metadata or {})


def is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)


def is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def is_time(kind: pa.DataType) -> bool:
    """DATE, TIME or TIMESTAMP."""
    return pa.types.is_timestamp(kind) or pa.types.is_date(kind) or pa.types.is_time(kind)


def sql_name(kind: pa.DataType) -> str:
    """What to call an Arrow type in a message."""
    for name, arrow in _PLAIN.items():
        if arrow == kind and name not in ("INT", "FLOAT"):
            return name
    if pa.types.is_decimal(kind):
        return f"DECIMAL({kind.precision}, {kind.scale})"
    if is_text(kind):
        return "VARCHAR"
    if pa.types.is_binary(kind):
        return "VARBINARY"
    if pa.types.is_struct(kind):
        return "ROW"
    return "NULL" if kind == NULL else str(kind).upper()


def common(kinds: list[pa.DataType]) -> pa.DataType | None:
    """The type that values of all these types can take without loss of range, or None."""
    kinds = [kind for kind in kinds if kind != NULL]
    if not kinds:
        return NULL
    if all(kind == kinds[0] for kind in kinds):
        return kinds[0]
    if not all(is_number(kind) for kind in kinds):
        return None
    if any(pa.types.is_floating(kind) for kind in kinds):
        return pa.float64()
    if any(pa.types.is_decimal(kind) for kind in kinds):
        digits = [decimal_of(kind) for kind in kinds]
        scale = max(d.scale for d in digits)
        whole = max(d.precision - d.scale for d in digits)
        return pa.decimal128(min(38, whole + scale), scale)
    return max(kinds, key=lambda kind: kind.bit_width)


def decimal_of(kind: pa.DataType) -> pa.Decimal128Type:
    """The decimal that holds every value of an exact type."""
    if pa.types.is_decimal(kind):
        return kind
    return pa.decimal128({8: 3, 16: 5, 32: 10, 64: 19}[kind.bit_width], 0)
