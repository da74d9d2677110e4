"""A table of the catalog as a scan sees it."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from lakemill.lakesql.errors import SqlFailed

PARQUET = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
ORC = "org.apache.hadoop.hive.ql.io.orc.OrcSerde"
LAZY = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
OPENCSV = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
OPENX = "org.openx.data.jsonserde.JsonSerDe"
HIVE_JSON = "org.apache.hive.hcatalog.data.JsonSerDe"
AVRO = "org.apache.hadoop.hive.serde2.avro.AvroSerDe"
REGEX = "org.apache.hadoop.hive.serde2.RegexSerDe"
GROK = "com.amazonaws.glue.serde.GrokSerDe"

FORMATS = {
    PARQUET: "parquet",
    ORC: "orc",
    LAZY: "lazy",
    OPENCSV: "opencsv",
    OPENX: "json",
    HIVE_JSON: "json",
    "org.apache.hadoop.hive.serde2.JsonSerDe": "json",
    AVRO: "avro",
    REGEX: "regex",
    "org.apache.hadoop.hive.contrib.serde2.RegexSerDe": "regex",
    GROK: "grok",
}
HIDDEN = ("$path", "$file_size", "$file_modified_time")
"""Columns that every table has beside its own."""
HIDDEN_TYPES = ("string", "bigint", "timestamp")


_TOLD = {
    *("recordCount", "averageRecordSize", "objectCount", "sizeKey", "UPDATED_BY_CRAWLER", "exclusions"),
    *("CrawlerSchemaSerializerVersion", "CrawlerSchemaDeserializerVersion", "compressionType", "typeOfData"),
    *("numFiles", "numRows", "rawDataSize", "totalSize", "COLUMN_STATS_ACCURATE", "transient_lastDdlTime"),
}
"""Parameters that tell about data, and differ between partitions that are read alike."""


@dataclasses.dataclass(frozen=True)
class Column:
    """name: in lower case. type: as Hive writes it."""

    name: str
    type: str
    comment: str = ""


@dataclasses.dataclass(frozen=True)
class Storage:
    """Where rows are and how they are read: of a table, or of one of its partitions."""

    location: str
    columns: tuple[Column, ...]
    serde: str
    options: Mapping[str, str]

    @property
    def format(self) -> str:
        """parquet, orc, lazy, opencsv, json, avro, regex or grok. Raises SqlFailed for what is not known."""
        found = FORMATS.get(self.serde)
        if found is None:
            raise SqlFailed("HIVE_UNSUPPORTED_FORMAT", f"Unable to create input format: the SerDe {self.serde!r}")
        return found


@dataclasses.dataclass(frozen=True)
class Table:
    """database, name: in lower case. keys: its partition keys. parameters: the table's properties."""

    database: str
    name: str
    storage: Storage
    keys: tuple[Column, ...]
    parameters: Mapping[str, str]
    document: Mapping[str, Any]

    @property
    def columns(self) -> tuple[Column, ...]:
        """All that `SELECT *` gives: those in the files, then the partition keys."""
        return (*self.storage.columns, *self.keys)

    @property
    def is_view(self) -> bool:
        return self.document.get("TableType") == "VIRTUAL_VIEW"


def of_document(database: str, document: Mapping[str, Any]) -> Table:
    """What a table's document in the catalog says."""
    parameters = dict(document.get("Parameters") or {})
    descriptor = document.get("StorageDescriptor") or {}
    return Table(
        database,
        document["Name"],
        storage_of(descriptor, parameters),
        columns_of(document.get("PartitionKeys")),
        parameters,
        document,
    )


def is_iceberg(document: Mapping[str, Any]) -> bool:
    """Whether a document of the catalog is that of an Iceberg table."""
    return str((document.get("Parameters") or {}).get("table_type", "")).upper() == "ICEBERG"


def storage_of(descriptor: Mapping[str, Any], parameters: Mapping[str, str]) -> Storage:
    """What a storage descriptor says; a table's parameters count where the SerDe has none of that name."""
    serde = descriptor.get("SerdeInfo") or {}
    options = {**parameters, **(descriptor.get("Parameters") or {}), **(serde.get("Parameters") or {})}
    return Storage(
        descriptor.get("Location") or "",
        columns_of(descriptor.get("Columns")),
        serde.get("SerializationLibrary") or "",
        {name: value for name, value in options.items() if name not in _TOLD},
    )


def columns_of(documents: Any) -> tuple[Column, ...]:
    """Columns of a document."""
    return tuple(
        Column(one["Name"].lower(), one.get("Type") or "string", one.get("Comment") or "") for one in documents or ()
    )
