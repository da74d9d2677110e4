"""Databases, schemas, tables and columns, asked of the warehouse while the caller waits."""

import asyncio
from typing import Any

from lakemill.engines.warehouses import SqlFailed, Warehouses
from lakemill.services.base import Call, ServiceError, operation
from lakemill.services.redshift_data.errors import invalid
from lakemill.services.redshift_data.paging import opened, sealed
from lakemill.services.redshift_data.targets import NO_SECRETS, Target, Targets

TIMEOUT_S = 60.0
PAGE = 1000
DATABASES = "SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY datname"
SCHEMAS = (
    "SELECT schema_name FROM svv_all_schemas WHERE database_name = :database AND schema_name LIKE :schema ORDER BY 1"
)
TABLES = (
    "SELECT table_name, table_type, schema_name FROM svv_all_tables WHERE database_name = :database "
    "AND schema_name LIKE :schema AND table_name LIKE :name ORDER BY 3, 1"
)
COLUMNS = (
    "SELECT schema_name, table_name, column_name, data_type, character_maximum_length, numeric_precision, "
    "numeric_scale, is_nullable, column_default FROM svv_all_columns WHERE database_name = :database "
    "AND schema_name LIKE :schema AND table_name LIKE :name ORDER BY schema_name, table_name, ordinal_position"
)
TYPES = {
    "smallint": ("int2", 5),
    "integer": ("int4", 10),
    "bigint": ("int8", 19),
    "real": ("float4", 8),
    "double precision": ("float8", 17),
    "boolean": ("bool", 1),
    "character": ("bpchar", 0),
    "character varying": ("varchar", 0),
    "date": ("date", 13),
    "time without time zone": ("time", 15),
    "time with time zone": ("timetz", 21),
    "timestamp without time zone": ("timestamp", 29),
    "timestamp with time zone": ("timestamptz", 35),
}
"""Short names of types, and decimal digits or characters of a value where its column does not say."""
SIGNED = ("int2", "int4", "int8", "float4", "float8", "numeric")
Document = dict[str, Any]


class MetadataOperations:
    """Mixed into the service."""

    warehouses: Warehouses
    targets: Targets

    @operation("ListDatabases", refuses=NO_SECRETS)
    async def list_databases(self, call: Call, request: Document) -> Document:
        rows = await self._asked(self.targets.of(call, request), DATABASES, {})
        return _page("Databases", [row[0] for row in rows], request)

    @operation("ListSchemas", refuses=NO_SECRETS)
    async def list_schemas(self, call: Call, request: Document) -> Document:
        asked = {"database": request["Database"], "schema": request.get("SchemaPattern") or "%"}
        rows = await self._asked(self.targets.of(call, request), SCHEMAS, asked)
        return _page("Schemas", [row[0] for row in rows], request)

    @operation("ListTables", refuses=NO_SECRETS)
    async def list_tables(self, call: Call, request: Document) -> Document:
        asked = {
            "database": request["Database"],
            "schema": request.get("SchemaPattern") or "%",
            "name": request.get("TablePattern") or "%",
        }
        rows = await self._asked(self.targets.of(call, request), TABLES, asked)
        shown = [{"name": name, "type": kind, "schema": schema} for name, kind, schema in rows]
        return _page("Tables", shown, request)

    @operation("DescribeTable", refuses=NO_SECRETS)
    async def describe_table(self, call: Call, request: Document) -> Document:
        asked = {
            "database": request["Database"],
            "schema": _escaped(request["Schema"]) if request.get("Schema") else "%",
            "name": _escaped(request["Table"]) if request.get("Table") else "%",
        }
        rows = await self._asked(self.targets.of(call, request), COLUMNS, asked)
        answer = _page("ColumnList", [_column(row) for row in rows], request)
        return answer | ({"TableName": request["Table"]} if request.get("Table") else {})

    async def _asked(self, target: Target, sql: str, parameters: dict[str, str]) -> list[list[Any]]:
        statements = self.warehouses.statements
        try:
            async with asyncio.timeout(TIMEOUT_S):
                return await statements.ask(
                    target.warehouse["id"],
                    target.database,
                    target.user,
                    sql,
                    parameters,
                    auto_create=target.auto_create,
                )
        except TimeoutError:
            raise ServiceError("QueryTimeoutException", f"No answer came within {TIMEOUT_S:g} seconds.") from None
        except SqlFailed as failed:
            raise ServiceError("DatabaseConnectionException", str(failed)) from None


def _escaped(name: str) -> str:
    """A name as a pattern that only it is like."""
    return name.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _column(row: list[Any]) -> Document:
    schema, table, name, kind, length, precision, scale, nullable, default = row
    short, known = TYPES.get(kind, (kind, 0))
    shown = {
        "schemaName": schema,
        "tableName": table,
        "name": name,
        "label": name,
        "typeName": short,
        "length": length or 0,
        "precision": known or precision or length or 0,
        "scale": scale or 0,
        "nullable": 0 if nullable == "NO" else 1,
        "isCaseSensitive": short in ("varchar", "bpchar"),
        "isCurrency": False,
        "isSigned": short in SIGNED,
    }
    return shown | ({"columnDefault": default} if default else {})


def _page(member: str, found: list[Any], request: Document) -> Document:
    limit = request.get("MaxResults") or PAGE
    token = opened(request.get("NextToken"))
    if token and not token.isdigit():
        raise invalid("NextToken is malformed.")
    first = int(token or 0)
    more = {"NextToken": sealed(str(first + limit))} if len(found) > first + limit else {}
    return {member: found[first : first + limit]} | more
