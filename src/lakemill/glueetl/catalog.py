"""Tables of the Data Catalog: how they are read, their partitions, and what a sink changes of them."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from lakemill.glueetl import gluetypes, objects
from lakemill.glueetl.gluetypes import DataType, Field, StructType

_HIVE = "org.apache.hadoop.hive"
_TEXT_IN, _TEXT_OUT = "org.apache.hadoop.mapred.TextInputFormat", f"{_HIVE}.ql.io.HiveIgnoreKeyTextOutputFormat"
STORAGE: dict[str, tuple[str, str, str, dict[str, str]]] = {
    "parquet": (
        f"{_HIVE}.ql.io.parquet.MapredParquetInputFormat",
        f"{_HIVE}.ql.io.parquet.MapredParquetOutputFormat",
        f"{_HIVE}.ql.io.parquet.serde.ParquetHiveSerDe",
        {"serialization.format": "1"},
    ),
    "orc": (
        f"{_HIVE}.ql.io.orc.OrcInputFormat",
        f"{_HIVE}.ql.io.orc.OrcOutputFormat",
        f"{_HIVE}.ql.io.orc.OrcSerde",
        {},
    ),
    "json": (_TEXT_IN, _TEXT_OUT, "org.openx.data.jsonserde.JsonSerDe", {}),
    "csv": (_TEXT_IN, _TEXT_OUT, f"{_HIVE}.serde2.lazy.LazySimpleSerDe", {"field.delim": ","}),
}
"""Input format, output format, SerDe and its parameters, by the format of a sink."""
_SERDES = {
    "ParquetHiveSerDe": "parquet",
    "OrcSerde": "orc",
    "AvroSerDe": "avro",
    "JsonSerDe": "json",
    "LazySimpleSerDe": "csv",
    "OpenCSVSerde": "csv",
    "GrokSerDe": "grokLog",
}
BATCH = 100


@dataclasses.dataclass(frozen=True)
class Table:
    """schema: columns, then partition keys. typed: whether the files have only text, whose types the catalog knows."""

    database: str
    name: str
    document: Mapping[str, Any]
    schema: StructType
    keys: tuple[Field, ...]
    location: str
    format: str
    options: Mapping[str, Any]
    skipped_lines: int
    typed: bool

    @property
    def columns(self) -> list[Field]:
        """Those in the files."""
        return self.schema.fields[: len(self.schema.fields) - len(self.keys)]

    @property
    def exclusions(self) -> list[str]:
        """Globs of objects that are not the table's."""
        text = (self.document.get("Parameters") or {}).get("exclusions")
        return [one for one in json.loads(text)] if text else []


class TableWrong(ValueError):
    """A table is missing, or one that cannot be read."""


def find(database: str, name: str, catalog_id: str | None = None) -> Mapping[str, Any] | None:
    """A table's document, or None."""
    glue = objects.client("glue")
    where = {"CatalogId": catalog_id} if catalog_id else {}
    try:
        return glue.get_table(DatabaseName=database, Name=name, **where)["Table"]
    except glue.exceptions.EntityNotFoundException:
        return None


def table(database: str, name: str, catalog_id: str | None = None) -> Table:
    """Raises TableWrong."""
    document = find(database, name, catalog_id)
    if document is None:
        raise TableWrong(f"Table {database}.{name} does not exist.")
    return of_document(database, document)


def of_document(database: str, document: Mapping[str, Any]) -> Table:
    """Raises TableWrong for one that is no table of files."""
    name = document["Name"]
    descriptor = document.get("StorageDescriptor") or {}
    parameters = document.get("Parameters") or {}
    if document.get("TableType") == "VIRTUAL_VIEW" or not descriptor.get("Location"):
        raise TableWrong(f"{database}.{name} is no table of files.")
    if parameters.get("table_type", "").upper() == "ICEBERG":
        raise TableWrong(f"{database}.{name} is an Iceberg table: read it with spark.read.format('iceberg').")
    keys = tuple(_fields(document.get("PartitionKeys") or []))
    format, options, skipped = _how(database, name, descriptor, parameters)
    return Table(
        **{"database": database, "name": name, "document": document, "keys": keys, "format": format},
        schema=StructType([*_fields(descriptor.get("Columns") or []), *keys]),
        location=descriptor["Location"],
        options=options,
        skipped_lines=skipped,
        typed=format == "csv",
    )


def partitions(found: Table, expression: str | None = None) -> list[Mapping[str, Any]]:
    """A table's partitions; expression: as GetPartitions takes one."""
    pages = objects.client("glue").get_paginator("get_partitions")
    where = {"Expression": expression} if expression else {}
    answers = pages.paginate(DatabaseName=found.database, TableName=found.name, **where)
    return [one for page in answers for one in page["Partitions"]]


def create(database: str, name: str, location: str, format: str, schema: StructType, keys: Sequence[str]) -> None:
    """Make a table for what a sink writes. Raises ValueError for a format without one."""
    data = {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"classification": format, **({"skip.header.line.count": "1"} if format == "csv" else {})},
        "PartitionKeys": [_column(field) for field in _keys(schema, keys)],
        "StorageDescriptor": descriptor(location, format, [field for field in schema if field.name not in keys]),
    }
    objects.client("glue").create_table(DatabaseName=database, TableInput=data)


def update(found: Table, schema: StructType) -> None:
    """Give a table the columns that a sink wrote: those it had, with their new types, then new ones."""
    names = {field.name.lower() for field in found.keys}
    new = {field.name.lower(): field for field in schema if field.name.lower() not in names}
    columns = [new.pop(field.name.lower(), field) for field in found.columns] + list(new.values())
    document = dict(found.document)
    storage = dict(document["StorageDescriptor"]) | {"Columns": [_column(field) for field in columns]}
    if storage["Columns"] == document["StorageDescriptor"].get("Columns"):
        return
    kept = ("Name", "Description", "Owner", "Retention", "PartitionKeys", "TableType", "Parameters")
    data = {member: document[member] for member in kept if member in document} | {"StorageDescriptor": storage}
    objects.client("glue").update_table(DatabaseName=found.database, TableInput=data)


def add_partitions(found: Table, values: Sequence[tuple[str, ...]], locations: Sequence[str]) -> None:
    """Those that are there already stay. Raises RuntimeError."""
    storage = found.document["StorageDescriptor"]
    those = [
        {"Values": list(one), "StorageDescriptor": {**storage, "Location": location}}
        for one, location in zip(values, locations, strict=True)
    ]
    for at in range(0, len(those), BATCH):
        answer = objects.client("glue").batch_create_partition(
            DatabaseName=found.database, TableName=found.name, PartitionInputList=those[at : at + BATCH]
        )
        for error in answer.get("Errors", []):
            if error["ErrorDetail"]["ErrorCode"] != "AlreadyExistsException":
                raise RuntimeError(f"The partition {error['PartitionValues']} was not made: {error['ErrorDetail']}")


def descriptor(location: str, format: str, fields: Sequence[Field]) -> dict[str, Any]:
    """Raises ValueError for a format without one."""
    if format not in STORAGE:
        raise ValueError(f"The catalog takes tables of the formats {', '.join(STORAGE)}; got {format}.")
    input_format, output_format, serde, parameters = STORAGE[format]
    return {
        "Columns": [_column(field) for field in fields],
        "Location": location,
        "InputFormat": input_format,
        "OutputFormat": output_format,
        "SerdeInfo": {"SerializationLibrary": serde, "Parameters": parameters},
    }


def _how(
    database: str, name: str, storage: Mapping[str, Any], parameters: Mapping[str, str]
) -> tuple[str, dict[str, Any], int]:
    """(format, its options, lines to leave out). Raises TableWrong."""
    serde = storage.get("SerdeInfo") or {}
    given = {**parameters, **(storage.get("Parameters") or {}), **(serde.get("Parameters") or {})}
    kind = (serde.get("SerializationLibrary") or "").rpartition(".")[2]
    format = _SERDES.get(kind) or {"xml": "xml"}.get(parameters.get("classification", ""))
    if format is None:
        raise TableWrong(f"{database}.{name} has a SerDe that is not known: {kind or 'none'}.")
    options: dict[str, Any] = {}
    if kind == "LazySimpleSerDe":
        options = {
            "separator": given.get("field.delim") or given.get("serialization.format") or "\x01",
            "quoteChar": '"',
        }
        if given.get("escape.delim"):
            options["escaper"] = given["escape.delim"]
    elif kind == "OpenCSVSerde":
        options = {"separator": given.get("separatorChar", ","), "quoteChar": given.get("quoteChar", '"')}
        if given.get("escapeChar"):
            options["escaper"] = given["escapeChar"]
    elif kind == "GrokSerDe":
        options = {"logFormat": given.get("input.format"), "customPatterns": given.get("input.grokCustomPatterns", "")}
    elif format == "xml":
        options = {"rowTag": given.get("rowTag")}
    return format, options, int(given.get("skip.header.line.count") or 0) if format == "csv" else 0


def _fields(documents: Sequence[Mapping[str, Any]]) -> list[Field]:
    return [Field(one["Name"], _type(one.get("Type") or "string")) for one in documents]


def _type(text: str) -> DataType:
    return gluetypes.named(text)


def _keys(schema: StructType, keys: Sequence[str]) -> list[Field]:
    return [schema.field_map[name] for name in keys]


def _column(field: Field) -> dict[str, str]:
    return {"Name": field.name.lower(), "Type": gluetypes.hive(field.dataType)}
