"""Types of columns and values as Hive (catalog), Trino (queries), DuckDB (execution) and Athena (results) call them.

A `Type` is Trino's: a base name and its arguments.

>>> of_hive("array<struct<a:int,b:decimal(10,2)>>").trino()
'array(row(a integer, b decimal(10,2)))'
>>> of_hive("map<string,float>").duckdb()
'MAP(VARCHAR, FLOAT)'
"""

import functools
import re
from dataclasses import dataclass
from typing import Any

from lakemill.lakesql.errors import SqlFailed

VARCHAR_MAX = 2147483647
DECIMAL_MAX = 38


@dataclass(frozen=True)
class Type:
    """A type of Trino.

    args: decimal (precision, scale), varchar and char (length) or none, timestamp (digits), array (Type,),
    map (Type, Type), row ((name or None, Type), ...).
    """

    name: str
    args: tuple[Any, ...] = ()

    @property
    def element(self) -> "Type":
        """Of an array; of a map, its key."""
        return self.args[0]

    @property
    def fields(self) -> tuple[tuple[str | None, "Type"], ...]:
        return self.args

    def trino(self) -> str:
        """As Trino's messages write it."""
        if self.name == "row":
            inside = ", ".join(f"{n} {t.trino()}" if n else t.trino() for n, t in self.args)
            return f"row({inside})"
        if self.name in {"array", "map"}:
            return f"{self.name}({', '.join(t.trino() for t in self.args)})"
        if self.name == "timestamp with time zone":
            return f"timestamp({self.args[0]}) with time zone"
        if not self.args:
            return self.name
        return f"{self.name}({','.join(map(str, self.args))})"

    def hive(self) -> str:
        """As the catalog writes it, for tables that are made of a query's result."""
        if self.name == "row":
            if any(n is None for n, _ in self.args):
                raise SqlFailed("NOT_SUPPORTED", f"Anonymous row type is not supported in Hive: {self.trino()}")
            return f"struct<{','.join(f'{n}:{t.hive()}' for n, t in self.args)}>"
        if self.name in {"array", "map"}:
            return f"{self.name}<{','.join(t.hive() for t in self.args)}>"
        if self.name not in _HIVE_NAME:
            raise SqlFailed("NOT_SUPPORTED", f"Unsupported Hive type: {self.trino()}")
        if self.name in {"decimal", "char"} or (self.name == "varchar" and self.args):
            return f"{self.name}({','.join(map(str, self.args))})"
        return _HIVE_NAME[self.name]

    def duckdb(self) -> str:
        """What values of it are in DuckDB."""
        if self.name == "row":
            inside = ", ".join(f"{quoted(n or f'field{i}')} {t.duckdb()}" for i, (n, t) in enumerate(self.args))
            return f"STRUCT({inside})"
        if self.name == "array":
            return f"{self.args[0].duckdb()}[]"
        if self.name == "map":
            return f"MAP({self.args[0].duckdb()}, {self.args[1].duckdb()})"
        if self.name == "decimal":
            return f"DECIMAL({self.args[0]},{self.args[1]})"
        return _DUCKDB_NAME[self.name]

    def athena(self) -> tuple[str, int, int]:
        """Name, precision and scale, as GetQueryResults tells them."""
        if self.name == "decimal":
            return "decimal", self.args[0], self.args[1]
        if self.name in {"varchar", "char"} and self.args:
            return self.name, self.args[0], 0
        return _ATHENA.get(self.name, (self.name, 0))[0], _ATHENA.get(self.name, (self.name, 0))[1], 0


def quoted(name: str) -> str:
    """An identifier of DuckDB."""
    return '"' + name.replace('"', '""') + '"'


UNKNOWN, BOOLEAN = Type("unknown"), Type("boolean")
TINYINT, SMALLINT, INTEGER, BIGINT = Type("tinyint"), Type("smallint"), Type("integer"), Type("bigint")
REAL, DOUBLE, VARCHAR, VARBINARY, JSON = Type("real"), Type("double"), Type("varchar"), Type("varbinary"), Type("json")
DATE, TIME, TIMESTAMP = Type("date"), Type("time", (3,)), Type("timestamp", (3,))
TIMESTAMP_TZ = Type("timestamp with time zone", (3,))
# Redshift's own: a moment, JSON, bytes, and one kind of interval. Its varchar(n) counts bytes, without n any number.
TIMESTAMPTZ, TIMETZ, SUPER, VARBYTE, INTERVAL = (
    Type(name) for name in ("timestamptz", "timetz", "super", "varbyte", "interval")
)
INTERVAL_DAY, INTERVAL_YEAR = Type("interval day to second"), Type("interval year to month")


def array(of: Type) -> Type:
    return Type("array", (of,))


def mapping(key: Type, value: Type) -> Type:
    return Type("map", (key, value))


def row(*fields: tuple[str | None, Type]) -> Type:
    return Type("row", fields)


def decimal(precision: int, scale: int = 0) -> Type:
    return Type("decimal", (min(precision, DECIMAL_MAX), scale))


_HIVE_NAME = {
    "boolean": "boolean",
    "tinyint": "tinyint",
    "smallint": "smallint",
    "integer": "int",
    "bigint": "bigint",
    "real": "float",
    "double": "double",
    "decimal": "decimal",
    "varchar": "string",
    "char": "char",
    "varbinary": "binary",
    "date": "date",
    "timestamp": "timestamp",
}
# A timestamp with time zone is the moment in UTC and the zone it is shown in.
_DUCKDB_NAME = {
    "unknown": "INTEGER",
    "boolean": "BOOLEAN",
    "tinyint": "TINYINT",
    "smallint": "SMALLINT",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "real": "FLOAT",
    "double": "DOUBLE",
    "varchar": "VARCHAR",
    "char": "VARCHAR",
    "varbinary": "BLOB",
    "json": "VARCHAR",
    "date": "DATE",
    "time": "TIME",
    "timestamp": "TIMESTAMP",
    "timestamp with time zone": "STRUCT(t TIMESTAMP, z VARCHAR)",
    "interval day to second": "INTERVAL",
    "interval year to month": "INTERVAL",
    "interval": "INTERVAL",
    "timestamptz": "TIMESTAMP WITH TIME ZONE",
    "timetz": "TIME WITH TIME ZONE",
    "super": "JSON",
    "varbyte": "BLOB",
}
_ATHENA = {
    "tinyint": ("tinyint", 3),
    "smallint": ("smallint", 5),
    "integer": ("integer", 10),
    "bigint": ("bigint", 19),
    "real": ("float", 17),
    "double": ("double", 17),
    "varchar": ("varchar", VARCHAR_MAX),
    "varbinary": ("varbinary", 1073741824),
    "timestamp": ("timestamp", 3),
    "timestamp with time zone": ("timestamp with time zone", 3),
    "time": ("time", 3),
}
_OF_HIVE = {
    **{hive: Type(name) for name, hive in _HIVE_NAME.items() if name not in {"char", "decimal"}},
    "timestamp": TIMESTAMP,
    "integer": INTEGER,
    "decimal": decimal(10, 0),
    "varchar": VARCHAR,
}
_TOKEN = re.compile(r"\s*([<>(),:]|`(?:[^`])*`|[^\s<>(),:`]+)")


@functools.lru_cache(maxsize=4096)
def of_hive(text: str) -> Type:
    """The type that a column of the catalog has.

    Raises SqlFailed(HIVE_INVALID_METADATA) where the text is not a type.
    """
    tokens = _TOKEN.findall(text)
    try:
        found, end = _hive(tokens, 0)
    except (IndexError, ValueError, KeyError):
        end, found = -1, UNKNOWN
    if end != len(tokens) or re.sub(r"\s+", "", "".join(tokens)) != re.sub(r"\s+", "", text):
        raise SqlFailed("HIVE_INVALID_METADATA", f"Column type is unknown: {text}")
    return found


def _hive(tokens: list[str], at: int) -> tuple[Type, int]:
    name = tokens[at].lower()
    opening = tokens[at + 1] if at + 1 < len(tokens) else ""
    if name == "struct":
        fields, at = [], at + 1
        while tokens[at] != ">":
            if tokens[at + 2] != ":":
                raise ValueError
            inner, end = _hive(tokens, at + 3)
            fields.append((tokens[at + 1].strip("`").lower(), inner))
            at = end
            if tokens[at] not in {",", ">"}:
                raise ValueError
        return row(*fields), at + 1
    if name in {"array", "map"}:
        first, end = _hive(tokens, at + 2)
        if name == "array" and tokens[end] == ">":
            return array(first), end + 1
        if name == "map" and tokens[end] == ",":
            second, end = _hive(tokens, end + 1)
            if tokens[end] == ">":
                return mapping(first, second), end + 1
        raise ValueError
    if opening == "(":
        close = tokens.index(")", at)
        numbers = tuple(int(t) for t in tokens[at + 2 : close] if t != ",")
        if name not in {"decimal", "char", "varchar"}:
            raise ValueError
        if name == "decimal" and len(numbers) == 1:
            numbers = (numbers[0], 0)
        return Type(name, numbers), close + 1
    return _OF_HIVE[name], at + 1
