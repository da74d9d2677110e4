"""DESCRIBE: the columns of a table or view in Hive's layout, which clients read."""

from typing import Any

from lakemill.lakesql.ddl import errors
from lakemill.lakesql.ddl.context import Context, told
from lakemill.lakesql.ddl.partitions import specification
from lakemill.lakesql.ddl.result import Result
from lakemill.lakesql.ddl.tokens import Tokens
from lakemill.lakesql.interface import Document
from lakemill.lakesql.scans.table import is_iceberg

COLUMNS = ["col_name", "data_type", "comment"]
_HEAD = "# col_name            \tdata_type           \tcomment             "


def describe(tokens: Tokens, context: Context) -> Result:
    """After DESCRIBE: [EXTENDED | FORMATTED] name [PARTITION (...)] [column]"""
    extended, formatted = tokens.take("EXTENDED"), tokens.take("FORMATTED")
    tokens.take("TABLE")
    database, name = tokens.qualified(context.database)
    values = specification(tokens) if tokens.peek() == "PARTITION" else None
    column = None if tokens.ended() else tokens.name()
    tokens.end()
    table = context.table(database, name)
    if is_iceberg(table) and values is None and not (extended or formatted):
        return _iceberg(context, database, table, column)
    descriptor: Document = table.get("StorageDescriptor") or {}
    partition = None
    if values is not None:
        partition = _partition(context, database, table, values)
        descriptor = partition["StorageDescriptor"]
    columns = descriptor.get("Columns") or []
    keys = table.get("PartitionKeys") or []
    if column is not None:
        lines = [_line(one) for one in [*columns, *keys] if one["Name"] == column]
        if not lines:
            raise errors.semantic(f"Invalid column reference {column}")
        return Result("DESCRIBE_TABLE", COLUMNS, lines, "UTILITY")
    lines = [_HEAD, " \t \t "] if formatted else []
    lines += [_line(one) for one in [*columns, *([] if formatted else keys)]]
    if keys:
        lines += [" \t \t ", "# Partition Information\t \t ", _HEAD, " \t \t ", *map(_line, keys)]
    if formatted:
        lines += _details(database, table, descriptor, partition)
    if extended:
        lines += [" \t \t ", f"Detailed Table Information\t{_all(partition or table)}\t "]
    return Result("DESCRIBE_TABLE", COLUMNS, lines, "UTILITY")


def _iceberg(context: Context, database: str, table: Document, column: str | None) -> Result:
    from lakemill.lakesql.iceberg import showing

    if column is None:
        return Result("DESCRIBE_TABLE", COLUMNS, showing.described(context, database, table), "UTILITY")
    found = [_line(one) for one in showing.columns(context, database, table) if one["Name"].lower() == column]
    if not found:
        raise errors.semantic(f"Invalid column reference {column}")
    return Result("DESCRIBE_TABLE", COLUMNS, found, "UTILITY")


def _line(column: Document) -> str:
    comment = (column.get("Comment") or "").replace("\t", " ").replace("\n", " ")
    return f"{column['Name']:<20}\t{column.get('Type') or 'string':<20}\t{comment:<20}"


def _details(database: str, table: Document, descriptor: Document, partition: Document | None) -> list[str]:
    serde = descriptor.get("SerdeInfo") or {}
    kind = "VIRTUAL_VIEW" if table.get("TableType") == "VIRTUAL_VIEW" else "EXTERNAL_TABLE"
    parameters = (partition or table).get("Parameters") or {}
    head = "# Detailed Partition Information" if partition else "# Detailed Table Information"
    return [
        " \t \t ",
        f"{head}\t \t ",
        _pair("Database:", database),
        _pair("Owner:", table.get("Owner") or ""),
        _pair("CreateTime:", str(table.get("CreateTime") or "")),
        _pair("Location:", descriptor.get("Location") or ""),
        _pair("Table Type:", kind),
        "Table Parameters:\t \t ",
        *(f"\t{key:<20}\t{value:<20}" for key, value in sorted(parameters.items())),
        " \t \t ",
        "# Storage Information\t \t ",
        _pair("SerDe Library:", serde.get("SerializationLibrary") or ""),
        _pair("InputFormat:", descriptor.get("InputFormat") or ""),
        _pair("OutputFormat:", descriptor.get("OutputFormat") or ""),
        _pair("Compressed:", "Yes" if descriptor.get("Compressed") else "No"),
        _pair("Num Buckets:", str(descriptor.get("NumberOfBuckets", -1))),
        _pair("Bucket Columns:", str(descriptor.get("BucketColumns") or [])),
        "Storage Desc Params:\t \t ",
        *(f"\t{key:<20}\t{value:<20}" for key, value in sorted((serde.get("Parameters") or {}).items())),
    ]


def _pair(name: str, value: str) -> str:
    return f"{name:<20}\t{value:<20}\t "


def _all(document: Any) -> str:
    if isinstance(document, dict):
        return "{" + ", ".join(f"{key}:{_all(value)}" for key, value in document.items()) + "}"
    if isinstance(document, list):
        return "[" + ", ".join(map(_all, document)) + "]"
    return str(document).replace("\t", " ").replace("\n", " ")


def _partition(context: Context, database: str, table: Document, values: dict[str, str]) -> Document:
    keys = [key["Name"] for key in table.get("PartitionKeys") or []]
    with told():
        there = context.lake.partitions(database, table["Name"], None) if keys else []
    for one in there:
        if dict(zip(keys, one["Values"], strict=True)) == values:
            return one
    raise errors.semantic(f"[Error 10006]: Partition not found {values}")
