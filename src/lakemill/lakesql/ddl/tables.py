"""CREATE EXTERNAL TABLE, DROP TABLE and DROP VIEW."""

from typing import Any

from lakemill.lakesql.ddl import errors, storage
from lakemill.lakesql.ddl.context import Context, now, told
from lakemill.lakesql.ddl.locations import checked
from lakemill.lakesql.ddl.result import Result
from lakemill.lakesql.ddl.tokens import Tokens
from lakemill.lakesql.interface import Document
from lakemill.lakesql.scans.table import is_iceberg


def create(tokens: Tokens, context: Context) -> Result:
    """After CREATE EXTERNAL TABLE."""
    lenient = tokens.take("IF", "NOT", "EXISTS")
    database, name = tokens.qualified(context.database)
    columns = column_list(tokens) if tokens.peek() == "(" else []
    document = _clauses(tokens, name, columns)
    tokens.end()
    _check(document)
    context.require_database(database)
    with told():
        if context.find_table(database, name) is None:
            context.lake.create_table(database, document)
        elif not lenient:
            raise errors.execution(f"Table {name} already exists", "AlreadyExistsException")
    return Result("CREATE_TABLE")


def drop(tokens: Tokens, context: Context) -> Result:
    """After DROP TABLE: [IF EXISTS] name. What is in S3 stays, but for an Iceberg table."""
    lenient = tokens.take("IF", "EXISTS")
    database, name = tokens.qualified(context.database)
    tokens.take("PURGE")
    tokens.end()
    with told():
        found = context.find_table(database, name)
        if found is None:
            if lenient:
                return Result("DROP_TABLE")
            raise errors.semantic(f"[Error 10001]: Table not found {database}.{name}")
        if found.get("TableType") == "VIRTUAL_VIEW":
            raise errors.semantic(f"Cannot drop a view with DROP TABLE: {database}.{name}")
        if is_iceberg(found):
            from lakemill.lakesql.iceberg import definitions

            definitions.drop(context, database, found)
        else:
            context.lake.drop_table(database, name)
    return Result("DROP_TABLE")


def drop_view(tokens: Tokens, context: Context) -> Result:
    """After DROP VIEW: [IF EXISTS] name"""
    lenient = tokens.take("IF", "EXISTS")
    database, name = tokens.qualified(context.database)
    tokens.end()
    with told():
        found = context.find_table(database, name)
        if found is not None and found.get("TableType") == "VIRTUAL_VIEW":
            context.lake.drop_table(database, name)
        elif found is not None or not lenient:
            raise errors.semantic(f"[Error 10001]: View not found {database}.{name}")
    return Result("DROP_VIEW")


def managed(tokens: Tokens, context: Context) -> Result:
    """After CREATE TABLE, which is not followed by a query: an Iceberg table."""
    lenient = tokens.take("IF", "NOT", "EXISTS")
    database, name = tokens.qualified(context.database)
    if "iceberg" not in tokens.text.lower() or tokens.peek() != "(":
        raise tokens.wrong("EXTERNAL TABLE, or a query after AS")
    from lakemill.lakesql.iceberg import definitions

    return definitions.create(tokens, context, database, name, lenient)


def column_list(tokens: Tokens) -> list[Document]:
    """(name type [COMMENT ''], ...)"""
    found: list[Document] = []
    tokens.expect("(")
    while True:
        found.append(column(tokens))
        if not tokens.take(","):
            tokens.expect(")")
            return found


def column(tokens: Tokens) -> Document:
    """name type [COMMENT '']"""
    one: Document = {"Name": tokens.name(), "Type": tokens.type()}
    if tokens.take("COMMENT"):
        one["Comment"] = tokens.string()
    return one


def duplicated(columns: list[Document]) -> str | None:
    """The first name that comes twice."""
    names = [column["Name"] for column in columns]
    return next((name for place, name in enumerate(names) if name in names[:place]), None)


def _clauses(tokens: Tokens, name: str, columns: list[Document]) -> Document:
    stored, document = storage.Storage(), _empty(name)
    descriptor = document["StorageDescriptor"]
    descriptor["Columns"] = columns
    while not tokens.ended():
        if tokens.take("COMMENT"):
            document["Description"] = document["Parameters"]["comment"] = tokens.string()
        elif tokens.take("PARTITIONED", "BY"):
            document["PartitionKeys"] = column_list(tokens)
        elif tokens.take("CLUSTERED", "BY"):
            _clustered(tokens, descriptor)
        elif tokens.take("ROW", "FORMAT"):
            storage.row_format(tokens, stored)
        elif tokens.take("STORED", "AS"):
            storage.stored_as(tokens, stored)
        elif tokens.take("WITH", "SERDEPROPERTIES"):
            stored.options.update(tokens.properties())
        elif tokens.take("LOCATION"):
            descriptor["Location"] = checked(tokens.string())
        elif tokens.take("TBLPROPERTIES"):
            document["Parameters"].update(tokens.properties())
        else:
            raise tokens.wrong("<EOF>")
    descriptor.update(stored.descriptor())
    return document


def _empty(name: str) -> Document:
    return {
        "Name": name,
        "Owner": "hadoop",
        "Retention": 0,
        "TableType": "EXTERNAL_TABLE",
        "PartitionKeys": [],
        "Parameters": {"EXTERNAL": "TRUE", "transient_lastDdlTime": now()},
        "StorageDescriptor": {
            "Compressed": False,
            "NumberOfBuckets": -1,
            "BucketColumns": [],
            "SortColumns": [],
            "Parameters": {},
            "StoredAsSubDirectories": False,
        },
    }


def _clustered(tokens: Tokens, descriptor: dict[str, Any]) -> None:
    tokens.expect("(")
    names = [tokens.name()]
    while tokens.take(","):
        names.append(tokens.name())
    tokens.expect(")", "INTO")
    descriptor["NumberOfBuckets"], descriptor["BucketColumns"] = tokens.number(), names
    tokens.expect("BUCKETS")


def _check(document: Document) -> None:
    descriptor = document["StorageDescriptor"]
    if not descriptor.get("Location"):
        raise errors.execution("Table location is required: CREATE EXTERNAL TABLE needs LOCATION 's3://bucket/folder/'")
    columns, keys = descriptor["Columns"], document["PartitionKeys"]
    if twice := duplicated(columns):
        raise errors.semantic(f"[Error 10036]: Duplicate column name: {twice}")
    if twice := duplicated([*columns, *keys]):
        raise errors.semantic(f"[Error 10035]: Column repeated in partitioning columns: {twice}")
    serde = descriptor["SerdeInfo"]
    if not columns and "avro.schema.literal" not in serde["Parameters"]:
        raise errors.semantic("[Error 10043]: Either list of columns or a custom serializer should be specified")
    missing = [name for name in descriptor["BucketColumns"] if name not in {one["Name"] for one in columns}]
    if missing:
        raise errors.semantic(f"[Error 10002]: Invalid column reference {missing[0]}")
