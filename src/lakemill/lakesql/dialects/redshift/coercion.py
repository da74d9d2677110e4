"""Which types are taken for which without being asked, and how.

A string in quotes is `unknown` until something asks for a type, as NULL is. Numbers and dates are taken for texts where
a function or a comparison needs them; CHAR loses its blanks on the way to VARCHAR.
"""

from dataclasses import dataclass
from typing import Any

from lakemill.lakesql.dialects.coercion import INTEGERS, NUMBERS, as_decimal
from lakemill.lakesql.dialects.typed import Typed, text
from lakemill.lakesql.types import (
    BIGINT,
    DOUBLE,
    INTEGER,
    REAL,
    SMALLINT,
    SUPER,
    UNKNOWN,
    VARCHAR,
    Type,
    decimal,
)

LADDER = ["smallint", "integer", "bigint", "decimal", "real", "double"]
TIMES = ["date", "timestamp", "timestamptz"]
TEXTS = {"char", "varchar"}
_BY_NAME = {t.name: t for t in (SMALLINT, INTEGER, BIGINT, REAL, DOUBLE)}
# What is taken for a text where one is needed.
AS_TEXT = {*LADDER, *TIMES, "time", "timetz", "interval"}


@dataclass(frozen=True)
class Mark:
    """The value of a parameter that is not known yet; its type is noted in `types` when something asks for one."""

    number: int
    types: dict[int, Type]


def common(a: Type, b: Type) -> Type | None:
    """The type of CASE, COALESCE, UNION of both, or None."""
    if a == b:
        return a
    if a.name == "unknown" or b.name == "unknown":
        return b if a.name == "unknown" else a
    if a.name in NUMBERS and b.name in NUMBERS:
        return _common_number(a, b)
    if a.name in TEXTS and b.name in TEXTS:
        lengths = (max(a.args[0], b.args[0]),) if a.args and b.args else ()
        return Type("char" if a.name == b.name == "char" else "varchar", lengths)
    if a.name in TIMES and b.name in TIMES:
        return max(a, b, key=lambda t: TIMES.index(t.name))
    if {a.name, b.name} == {"time", "timetz"}:
        return Type("timetz")
    if a.name == b.name == "varbyte":
        return Type("varbyte", (max(a.args[0], b.args[0]),) if a.args and b.args else ())
    if "super" in {a.name, b.name}:
        return SUPER
    return None


def _common_number(a: Type, b: Type) -> Type:
    higher = max(a.name, b.name, key=LADDER.index)
    if higher != "decimal":
        # An exact number and a REAL meet in DOUBLE PRECISION.
        return DOUBLE if higher == "real" and a.name != b.name else _BY_NAME[higher]
    x, y = as_decimal(a), as_decimal(b)
    scale = max(x.args[1], y.args[1])
    return decimal(max(x.args[0] - x.args[1], y.args[0] - y.args[1]) + scale, scale)


def cost(of: Type, to: Type) -> int | None:
    """How far a type must be stretched to be another: 0 is the same; None where it cannot."""
    if of == to or (of.name == to.name and of.name not in {"decimal"}):
        return 0
    if of.name == "unknown":
        return 1 if to.name == "varchar" else 2
    if of.name in NUMBERS and to.name in NUMBERS:
        if of.name == to.name:
            return 1
        distance = LADDER.index(to.name) - LADDER.index(of.name)
        return distance if distance >= 0 else None
    if of.name in TIMES and to.name in TIMES:
        distance = TIMES.index(to.name) - TIMES.index(of.name)
        return distance if distance >= 0 else None
    if of.name in TEXTS and to.name in TEXTS:
        return 1
    if to.name == "varchar" and of.name in AS_TEXT | {"super"}:
        return 20
    if to.name == "timetz" and of.name == "time":
        return 1
    return 30 if to.name == "super" else None


def coerce(value: Typed, to: Type) -> Typed:
    """The same value as another type; the caller knows that it can be (`cost`), or that it is assigned."""
    from lakemill.lakesql.dialects.redshift.casts import plain_text, to_super
    from lakemill.lakesql.dialects.redshift.quoted import of_literal

    of = value.type
    if of.name == "unknown":
        if isinstance(value.value, Mark):
            value.value.types.setdefault(value.value.number, to if to != UNKNOWN else VARCHAR)
            return Typed(f"CAST(NULL AS {to.duckdb()})", to)
        if isinstance(value.value, str):
            return of_literal(value, to)
        return Typed(f"CAST(NULL AS {to.duckdb()})", to)
    if of == to:
        return value
    if to.name in TEXTS:
        if of.name == "char" and to.name == "varchar":
            return Typed(f"rtrim({value.sql}, ' ')", to, value.value)
        return Typed(
            value.sql if of.name in TEXTS else plain_text(value), to, value.value if of.name in TEXTS else None
        )
    if to.name == "super":
        return Typed(to_super(value), to)
    if of.name in INTEGERS and to.name in INTEGERS and INTEGERS[of.name] < INTEGERS[to.name]:
        return Typed(value.sql if value.value is None else f"CAST({value.sql} AS {to.duckdb()})", to, value.value)
    if of.duckdb() == to.duckdb():
        return Typed(value.sql, to, value.value)
    return Typed(f"CAST({value.sql} AS {to.duckdb()})", to, _same(value, to))


def _same(value: Typed, to: Type) -> Any:
    return value.value if to.name in NUMBERS and isinstance(value.value, int | float) else None


def output(value: Typed) -> Typed:
    """As a column of a result: what is unknown is VARCHAR."""
    return coerce(value, VARCHAR) if value.type == UNKNOWN else value


def literal(shown: str) -> Typed:
    """A string in quotes."""
    return Typed(text(shown), UNKNOWN, shown)
