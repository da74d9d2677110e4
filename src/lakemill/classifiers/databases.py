"""What tables a database has, and their columns as Hive has them.

PostgreSQL and SQLite, by SQLAlchemy. A pattern is that of a crawler's include path, `schema/table`, or `table` where
the engine has no schemas; `%` in it is any text.
"""

import re
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import msgspec
import sqlalchemy
from sqlalchemy import types

CONNECT_S = 10
TABLES_MAX = 20_000
SYSTEM = ("information_schema", "pg_catalog", "pg_toast")


class Table(msgspec.Struct):
    """path: schema and name, or name. kind: `table` or `view`. columns: names in lower case, and Hive types."""

    path: list[str]
    kind: str
    columns: list[tuple[str, str]]


class DatabaseFailed(ValueError):
    """It cannot be entered or read; the sentence says why."""


def tables(engine: str, place: str, user: str, password: str, ssl: bool, pattern: list[str]) -> list[Table]:
    """The tables and views that match. engine: postgresql or sqlite. place: what the JDBC URL says after that.

    Raises DatabaseFailed.
    """
    made = sqlalchemy.create_engine(_url(engine, place, user, password), connect_args=_options(engine, place, ssl))
    try:
        with made.connect() as connection:
            return _tables(sqlalchemy.inspect(connection), engine, [_matcher(part) for part in pattern])
    except sqlalchemy.exc.SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        raise DatabaseFailed(f"{engine} cannot be read: {' '.join(str(cause).split())}") from None
    finally:
        made.dispose()


def _tables(inspector: Any, engine: str, pattern: list["re.Pattern[str]"]) -> list[Table]:
    found: list[Table] = []
    schemas = [None] if engine == "sqlite" else [one for one in inspector.get_schema_names() if one not in SYSTEM]
    for schema in schemas:
        if schema is not None and not pattern[0].fullmatch(schema):
            continue
        for kind, names in (("table", inspector.get_table_names), ("view", inspector.get_view_names)):
            for name in sorted(names(schema=schema)):
                if pattern[-1].fullmatch(name):
                    columns = _columns(inspector.get_columns(name, schema), engine)
                    found.append(Table([name] if schema is None else [schema, name], kind, columns))
                if len(found) > TABLES_MAX:
                    raise DatabaseFailed(f"the database has more than {TABLES_MAX:,} tables; name some of them")
    return found


def _columns(described: Any, engine: str) -> list[tuple[str, str]]:
    return [(one["name"].lower(), hive_type(one["type"], engine)) for one in described]


def hive_type(type: Any, engine: str = "postgresql") -> str:
    """Of a type of SQLAlchemy; what Hive has not is a string. SQLite's numbers all have eight bytes.

    >>> hive_type(types.Numeric(10, 2)), hive_type(types.Text()), hive_type(types.ARRAY(types.Integer))
    ('decimal(10,2)', 'string', 'array<int>')
    """
    if engine == "sqlite" and isinstance(type, types.Integer | types.Float):
        return "double" if isinstance(type, types.Float) else "bigint"
    if isinstance(type, types.ARRAY):
        return f"array<{hive_type(type.item_type)}>"
    if isinstance(type, types.Float):  # SQLAlchemy's floats are numbers with a fraction, too.
        return "float" if isinstance(type, types.REAL) else "double"
    if isinstance(type, types.Numeric):
        precision, scale = (38, 18) if type.precision is None else (type.precision, type.scale or 0)
        return f"decimal({min(precision, 38)},{min(scale, 38)})"
    for known, name in _TYPES:
        if isinstance(type, known):
            return name
    return "string"


_TYPES: tuple[tuple[Any, str], ...] = (
    (types.BigInteger, "bigint"),
    (types.SmallInteger, "smallint"),
    (types.Integer, "int"),
    (types.Boolean, "boolean"),
    (types.DateTime, "timestamp"),
    (types.Date, "date"),
    (types.LargeBinary, "binary"),
)


def _matcher(pattern: str) -> "re.Pattern[str]":
    return re.compile(".*".join(map(re.escape, pattern.split("%"))), re.DOTALL)


def _url(engine: str, place: str, user: str, password: str) -> Any:
    if engine == "sqlite":
        return sqlalchemy.URL.create("sqlite", database=f"file:{quote(place)}?mode=ro", query={"uri": "true"})
    parts = urlsplit(place)
    return sqlalchemy.URL.create(
        "postgresql+psycopg", user or None, password or None, parts.hostname, parts.port, parts.path.lstrip("/")
    )


def _options(engine: str, place: str, ssl: bool) -> dict[str, Any]:
    if engine == "sqlite":
        return {}
    given = dict(parse_qsl(urlsplit(place).query))
    mode = "require" if ssl else given.get("sslmode", "prefer")
    return {"connect_timeout": CONNECT_S, "sslmode": mode, "options": "-c default_transaction_read_only=on"}
