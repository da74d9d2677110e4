"""How rows are laid out in files: what the properties of a statement, or of a table, say."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.scans.lazy import Lazy, of_options
from lakemill.lakesql.scans.table import Table
from lakemill.lakesql.types import Type

WRITERS_MAX = 100
FORMATS = ("PARQUET", "ORC", "AVRO", "JSON", "TEXTFILE")
_DEFAULTS = {"PARQUET": "GZIP", "ORC": "ZLIB", "AVRO": "NONE", "JSON": "GZIP", "TEXTFILE": "GZIP"}
_TEXT_ENDS = {"GZIP": ".gz", "NONE": "", "ZSTD": ".zst", "BZIP2": ".bz2", "SNAPPY": ".snappy"}
COMPRESSIONS = {
    "PARQUET": {"GZIP": "gzip", "SNAPPY": "snappy", "ZSTD": "zstd", "LZ4": "lz4_raw", "NONE": "uncompressed"},
    "ORC": {"ZLIB": "zlib", "SNAPPY": "snappy", "ZSTD": "zstd", "LZ4": "lz4", "NONE": "uncompressed"},
    "AVRO": {"NONE": "null"},
    "JSON": _TEXT_ENDS,
    "TEXTFILE": _TEXT_ENDS,
}
"""What each format may be packed with: the writer's word for it, or the end of an object's name."""
_STATEMENT = {"format", "write_compression", "compression", "partitioned_by", "field_delimiter"}
_CTAS = _STATEMENT | {
    *("external_location", "bucketed_by", "bucket_count", "table_type", "is_external"),
    *("parquet_compression", "orc_compression"),
}


@dataclasses.dataclass(frozen=True)
class Layout:
    """format: one of FORMATS. keys: columns whose values are in the location. text: separators, for TEXTFILE."""

    format: str
    compression: str
    keys: tuple[str, ...] = ()
    bucket_columns: tuple[str, ...] = ()
    bucket_count: int = 0
    text: Lazy = dataclasses.field(default_factory=lambda: of_options({}))

    @property
    def packing(self) -> str:
        """What the writer is told, or the end of the name."""
        return COMPRESSIONS[self.format][self.compression]


def of_properties(properties: Mapping[str, Any], *, ctas: bool) -> Layout:
    """Of WITH (...). Raises SqlFailed with INVALID_TABLE_PROPERTY for what is not known or cannot be honoured."""
    known = _CTAS if ctas else _STATEMENT
    for name in properties:
        if name not in known:
            raise _wrong(f"Catalog 'awsdatacatalog' table property '{name}' does not exist")
    if str(properties.get("table_type", "HIVE")).upper() != "HIVE":
        raise SqlFailed("NOT_SUPPORTED", f"table_type {properties['table_type']} is not supported")
    if str(properties.get("is_external", "true")).lower() != "true":
        raise SqlFailed("NOT_SUPPORTED", "is_external must be true: there are no managed tables")
    format = str(properties.get("format", "PARQUET")).upper()
    if format not in FORMATS:
        raise _wrong(f"Unable to set table property 'format' to ['{properties['format']}']: Invalid value")
    given = [
        properties.get(name)
        for name in ("write_compression", "compression", f"{format.lower()}_compression")
        if properties.get(name)
    ]
    buckets, count = _names(properties.get("bucketed_by", ())), int(properties.get("bucket_count", 0))
    if bool(buckets) != (count > 0):
        raise _wrong("bucketed_by and bucket_count must be given together")
    delimiter = str(properties.get("field_delimiter", "\x01"))
    return Layout(
        format,
        compression(format, str(given[0]) if given else _DEFAULTS[format]),
        _names(properties.get("partitioned_by", ())),
        buckets,
        count,
        of_options({"field.delim": delimiter}),
    )


def of_table(table: Table) -> Layout:
    """As the files of a table are. Raises SqlFailed for a SerDe that rows cannot be written with."""
    formats = {"parquet": "PARQUET", "orc": "ORC", "json": "JSON", "lazy": "TEXTFILE", "avro": "AVRO"}
    format = formats.get(table.storage.format)
    if format is None:
        raise SqlFailed("NOT_SUPPORTED", f"Inserting into a table of {table.storage.serde} is not supported")
    options = table.storage.options
    names = ("write.compression", f"{format.lower()}.compression", f"{format.lower()}.compress")
    given = next((options[name] for name in names if options.get(name)), _DEFAULTS[format])
    return Layout(
        format,
        compression(format, given),
        tuple(key.name for key in table.keys),
        text=of_options(options if format == "TEXTFILE" else {}),
    )


def compression(format: str, value: str) -> str:
    """The name of a compression. Raises SqlFailed."""
    name = {"UNCOMPRESSED": "NONE", "DEFLATE": "ZLIB" if format == "ORC" else "DEFLATE"}.get(
        value.upper(), value.upper()
    )
    if name not in COMPRESSIONS[format]:
        allowed = ", ".join(COMPRESSIONS[format])
        raise _wrong(f"Compression {value} is not supported for {format}; it may be one of {allowed}")
    return name


def check_names(columns: Sequence[tuple[str, Type]]) -> None:
    """Raises SqlFailed where the columns of a query cannot be those of a view."""
    names = [name for name, _ in columns]
    for place, (name, type) in enumerate(columns, 1):
        if not name:
            raise SqlFailed("MISSING_COLUMN_NAME", f"Column name not specified at position {place}", 1, 1)
        if name in names[: place - 1]:
            raise SqlFailed("DUPLICATE_COLUMN_NAME", f"Column name '{name}' specified more than once", 1, 1)
        if type.name == "unknown":
            raise SqlFailed("COLUMN_TYPE_UNKNOWN", f"Column type is unknown at position {place}", 1, 1)


def check_columns(layout: Layout, columns: Sequence[tuple[str, Type]]) -> None:
    """Raises SqlFailed where the columns of a query cannot be those of a table. Names are in lower case."""
    check_names(columns)
    names = [name for name, _ in columns]
    for _, type in columns:
        type.hive()
    for name in (*layout.keys, *layout.bucket_columns):
        if name not in names:
            raise _wrong(f"Column '{name}' of partitioned_by or bucketed_by is not in the query: {names}")
    if layout.keys and tuple(names[-len(layout.keys) :]) != layout.keys:
        raise SqlFailed(
            "HIVE_COLUMN_ORDER_MISMATCH",
            "Partition keys must be the last columns in the table and in the same order as the table properties: "
            f"[{', '.join(layout.keys)}]",
        )
    if len(layout.keys) == len(names):
        raise SqlFailed("INVALID_TABLE_PROPERTY", "A table must have a column that is no partition key")


def _names(value: Any) -> tuple[str, ...]:
    return tuple(str(one).lower() for one in ([value] if isinstance(value, str) else value))


def _wrong(message: str) -> SqlFailed:
    return SqlFailed("INVALID_TABLE_PROPERTY", message)
