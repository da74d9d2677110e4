"""SVV_EXTERNAL_SCHEMAS and the other views of what external schemas hold."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lakemill.lakesql.interface import Document
from lakemill.warehouse.spectrum.errors import told
from lakemill.warehouse.spectrum.lakes import opened
from lakemill.warehouse.spectrum.schemas import options

if TYPE_CHECKING:
    from lakemill.warehouse.session import Session

_STORED = "location input_format output_format serialization_lib serde_parameters compressed:int4 parameters"
VIEWS: dict[str, str] = {
    "svv_external_schemas": "esoid:oid eskind:int2 schemaname esowner:int4 databasename esoptions",
    "svv_external_databases": "eskind:int4 esoptions databasename",
    "svv_external_tables": f"redshift_database_name schemaname tablename tabletype {_STORED}",
    "svv_external_columns": (
        "redshift_database_name schemaname tablename columnname external_type columnnum:int4 part_key:int4 is_nullable"
    ),
    "svv_external_partitions": f"schemaname tablename values {_STORED}",
}
"""Columns of each, as `tabular.columns` takes them."""


def rows(session: "Session", view: str) -> Iterator[tuple[Any, ...]]:
    """The rows of a view. Raises SqlFailed."""
    yield from _ROWS[view](session)


def _schemas(session: "Session") -> Iterator[tuple[str, Any]]:
    for name, schema in session.store.all("schema", session.database).items():
        if schema.external is not None:
            yield name, schema


def _schema_rows(session: "Session") -> Iterator[tuple[Any, ...]]:
    for name, schema in _schemas(session):
        owner = session.store.get("user", schema.owner)
        database = schema.external["database"]
        yield schema.oid, 1, name, owner.id if owner is not None else 1, database, options(schema.external)


def _database_rows(session: "Session") -> Iterator[tuple[Any, ...]]:
    told_of = {}
    for _, schema in _schemas(session):
        told_of[schema.external["database"]] = options(schema.external)
    for database, text in told_of.items():
        yield 1, text, database


def _tables(session: "Session") -> Iterator[tuple[str, Document, Any]]:
    for name, schema in _schemas(session):
        with told(f'schema "{name}"'), opened(session, schema.external) as lake:
            for table in lake.tables(schema.external["database"]):
                yield name, table, lake


def _table_rows(session: "Session") -> Iterator[tuple[Any, ...]]:
    for schema, table, _ in _tables(session):
        kind = "VIEW" if table.get("TableType") == "VIRTUAL_VIEW" else "TABLE"
        yield session.database, schema, table["Name"], kind, *_stored(table)


def _column_rows(session: "Session") -> Iterator[tuple[Any, ...]]:
    for schema, table, _ in _tables(session):
        plain = (table.get("StorageDescriptor") or {}).get("Columns") or []
        keys = table.get("PartitionKeys") or []
        for number, column in enumerate([*plain, *keys], 1):
            part = max(0, number - len(plain))
            shown = (column["Name"].lower(), column.get("Type", "string"))
            yield session.database, schema, table["Name"], *shown, number, part, ""


def _partition_rows(session: "Session") -> Iterator[tuple[Any, ...]]:
    for schema, table, lake in _tables(session):
        if not table.get("PartitionKeys"):
            continue
        for partition in lake.partitions(table.get("DatabaseName") or "", table["Name"], None):
            yield schema, table["Name"], json.dumps(partition["Values"], separators=(",", ":")), *_stored(partition)


def _stored(document: Document) -> tuple[Any, ...]:
    descriptor = document.get("StorageDescriptor") or {}
    serde = descriptor.get("SerdeInfo") or {}
    return (
        descriptor.get("Location") or "",
        descriptor.get("InputFormat") or "",
        descriptor.get("OutputFormat") or "",
        serde.get("SerializationLibrary") or "",
        json.dumps(serde.get("Parameters") or {}, separators=(",", ":")),
        int(bool(descriptor.get("Compressed"))),
        json.dumps(document.get("Parameters") or {}, separators=(",", ":")),
    )


_ROWS = {
    "svv_external_schemas": _schema_rows,
    "svv_external_databases": _database_rows,
    "svv_external_tables": _table_rows,
    "svv_external_columns": _column_rows,
    "svv_external_partitions": _partition_rows,
}
