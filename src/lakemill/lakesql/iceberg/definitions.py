"""CREATE TABLE and DROP TABLE."""

from lakemill.lakesql.ddl import errors
from lakemill.lakesql.ddl.context import Context, told
from lakemill.lakesql.ddl.locations import checked
from lakemill.lakesql.ddl.result import Result
from lakemill.lakesql.ddl.tables import column_list, duplicated
from lakemill.lakesql.ddl.tokens import Tokens
from lakemill.lakesql.iceberg import partitioning, properties, schemas
from lakemill.lakesql.iceberg.catalog import Tables
from lakemill.lakesql.interface import Document
from lakemill.lakesql.scans.objects import prefix_of


def create(tokens: Tokens, context: Context, database: str, name: str, lenient: bool) -> Result:
    """After CREATE TABLE [IF NOT EXISTS] name. Raises DdlFailed, SqlFailed."""
    columns = column_list(tokens)
    parts: list[str] = []
    location, given = "", {}
    comment = ""
    while not tokens.ended():
        if tokens.take("COMMENT"):
            comment = tokens.string()
        elif tokens.take("PARTITIONED", "BY"):
            parts = _parts(tokens)
        elif tokens.take("LOCATION"):
            location = checked(tokens.string())
        elif tokens.take("TBLPROPERTIES"):
            given = tokens.properties()
        else:
            raise tokens.wrong("<EOF>")
    if given.get("table_type", "").upper() != "ICEBERG":
        raise tokens.wrong("EXTERNAL TABLE, or TBLPROPERTIES ('table_type'='ICEBERG')")
    if not location:
        raise errors.execution("Table location is required: an Iceberg table needs LOCATION 's3://bucket/folder/'")
    if twice := duplicated(columns):
        raise errors.semantic(f"[Error 10036]: Duplicate column name: {twice}")
    kept = {properties.FORMAT: "parquet", **properties.of_statement(given)}
    kept |= {"comment": comment} if comment else {}
    context.require_database(database)
    with told():
        if context.find_table(database, name) is not None:
            if lenient:
                return Result("CREATE_TABLE")
            raise errors.execution(f"Table {name} already exists", "AlreadyExistsException")
        _create(context, database, name, columns, parts, prefix_of(location), kept)
    return Result("CREATE_TABLE")


def _create(
    context: Context, database: str, name: str, columns: list[Document], parts: list[str], location: str,
    kept: dict[str, str],
) -> None:  # fmt: skip
    numbers = schemas.inside(len(columns))
    typed = [(one["Name"], schemas.of_hive(one["Type"], numbers), one.get("Comment") or "") for one in columns]
    schema = schemas.schema(typed)
    tables = Tables(context.lake, context.folder)
    table = tables.staged(database, name, schema, partitioning.spec_of(parts, schema), location, kept)
    tables.create(table, table.metadata)


def _parts(tokens: Tokens) -> list[str]:
    """(column, transform(...), ...)"""
    found = []
    tokens.expect("(")
    while True:
        part = tokens.name()
        if tokens.take("("):
            arguments = []
            while True:
                arguments.append(str(tokens.number()) if tokens.peek().isdecimal() else tokens.name())
                if not tokens.take(","):
                    break
            tokens.expect(")")
            part += f"({', '.join(arguments)})"
        found.append(part)
        if not tokens.take(","):
            tokens.expect(")")
            return found


def drop(context: Context, database: str, document: Document) -> None:
    """The table, and what is below its location. Raises LakeRefused."""
    location = (document.get("StorageDescriptor") or {}).get("Location") or ""
    context.lake.drop_table(database, document["Name"], prefix_of(location) if location else None)
