"""information_schema: what the catalog holds, as relations."""

from collections.abc import Iterable
from typing import Protocol

from lakemill.lakesql.dialects.model import TableUse
from lakemill.lakesql.dialects.typed import text
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.types import BIGINT, VARCHAR, Type, of_hive

NAME = "information_schema"
CATALOG = "awsdatacatalog"
RELATIONS: dict[str, list[tuple[str, Type]]] = {
    "schemata": [("catalog_name", VARCHAR), ("schema_name", VARCHAR)],
    "tables": [(n, VARCHAR) for n in ("table_catalog", "table_schema", "table_name", "table_type")],
    "views": [(n, VARCHAR) for n in ("table_catalog", "table_schema", "table_name")],
    "columns": [
        *((n, VARCHAR) for n in ("table_catalog", "table_schema", "table_name", "column_name")),
        ("ordinal_position", BIGINT),
        *((n, VARCHAR) for n in ("column_default", "is_nullable", "data_type")),
    ],
}


class Catalog(Protocol):
    """What there is to tell about."""

    def databases(self) -> list[str]: ...

    def tables(self, database: str) -> list[tuple[str, bool, list[tuple[str, str]]]]:
        """Name, whether it is a view, and columns with their Hive types. Nothing for a database that is not there."""
        ...


def rows(use: TableUse, catalog: Catalog) -> str:
    """The relation's rows as a query. Conditions on schema and table narrow what is asked of the catalog."""
    found = list(_rows(use, catalog))
    columns = RELATIONS[use.name]
    names = ", ".join(name for name, _ in columns)
    if not found:
        empty = ", ".join(f"CAST(NULL AS {kind.duckdb()}) AS {name}" for name, kind in columns)
        return f"SELECT {empty} WHERE false"
    shown = ", ".join("(" + ", ".join(_cell(cell) for cell in row) + ")" for row in found)
    return f"SELECT * FROM (VALUES {shown}) AS i({names})"


def _cell(cell: str | int | None) -> str:
    if cell is None:
        return "CAST(NULL AS VARCHAR)"
    return text(cell) if isinstance(cell, str) else f"CAST({cell} AS BIGINT)"


def _rows(use: TableUse, catalog: Catalog) -> Iterable[tuple[str | int | None, ...]]:
    schemas, tables = _wanted(use, "table_schema"), _wanted(use, "table_name")
    for database in catalog.databases():
        if use.name == "schemata":
            yield CATALOG, database
            continue
        if schemas is not None and database not in schemas:
            continue
        for table, is_view, columns in catalog.tables(database):
            if tables is not None and table not in tables:
                continue
            if use.name == "tables":
                yield CATALOG, database, table, "VIEW" if is_view else "BASE TABLE"
            elif use.name == "views" and is_view:
                yield CATALOG, database, table
            elif use.name == "columns":
                for place, (column, kind) in enumerate(columns, start=1):
                    yield CATALOG, database, table, column, place, None, "YES", _named(kind)


def _named(hive: str) -> str:
    try:
        return of_hive(hive).trino()
    except SqlFailed:
        return hive


def _wanted(use: TableUse, column: str) -> set[str] | None:
    """The values that a column can have, or None for any."""
    allowed: set[str] | None = None
    for condition in use.predicates:
        if condition.column == column and condition.operator in {"=", "in"}:
            allowed = set(condition.values) if allowed is None else allowed & set(condition.values)
    return allowed
