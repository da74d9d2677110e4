"""Parquet and ORC: both say their schema at the end of the file."""

from typing import Any

from lakemill.classifiers.findings import Finding, MoreNeeded
from lakemill.classifiers.samples import Sample

_HIVE = "org.apache.hadoop.hive.ql.io."
_PARQUET_END = b"PAR1"
_FOOTER_BYTES_MAX = 64 << 20


def parquet(sample: Sample) -> Finding | None:
    """By the bytes `PAR1` at both ends."""
    end = sample.tail or sample.head
    if not sample.head.startswith(_PARQUET_END) or not end.endswith(_PARQUET_END) or sample.size < 12:
        return None
    footer = int.from_bytes(end[-8:-4], "little") + 8
    if footer > min(sample.size, _FOOTER_BYTES_MAX):
        return None
    if footer > len(end):
        raise MoreNeeded(tail=footer)
    import pyarrow.parquet as pq

    file = pq.ParquetFile(sample.opened())
    rows = file.metadata.num_rows
    return Finding(
        classification="parquet",
        columns=columns_of(file.schema_arrow),
        serde=_HIVE + "parquet.serde.ParquetHiveSerDe",
        serde_parameters={"serialization.format": "1"},
        input_format=_HIVE + "parquet.MapredParquetInputFormat",
        output_format=_HIVE + "parquet.MapredParquetOutputFormat",
        records=rows,
        bytes=sample.size,
        record_bytes=sample.size / max(1, rows),
    )


def orc(sample: Sample) -> Finding | None:
    """By the bytes `ORC` at the beginning."""
    if not sample.head.startswith(b"ORC") or sample.size < 16:
        return None
    import pyarrow.orc

    file = pyarrow.orc.ORCFile(sample.opened())
    return Finding(
        classification="orc",
        columns=columns_of(file.schema),
        serde=_HIVE + "orc.OrcSerde",
        input_format=_HIVE + "orc.OrcInputFormat",
        output_format=_HIVE + "orc.OrcOutputFormat",
        records=file.nrows,
        bytes=sample.size,
        record_bytes=sample.size / max(1, file.nrows),
    )


def columns_of(schema: Any) -> list[tuple[str, str]]:
    """Columns of an Arrow schema. A name that comes again in another case is left out: Hive has one of them only."""
    found: dict[str, str] = {}
    for field in schema:
        found.setdefault(field.name.lower(), hive_type(field.type))
    return list(found.items())


def hive_type(type: Any) -> str:
    """The Hive type that holds the values of an Arrow type.

    >>> import pyarrow as pa
    >>> hive_type(pa.list_(pa.struct([("a", pa.uint16()), ("b", pa.timestamp("us", "UTC"))])))
    'array<struct<a:int,b:timestamp>>'
    """
    import pyarrow.types as pt

    if pt.is_dictionary(type):
        return hive_type(type.value_type)
    if pt.is_list(type) or pt.is_large_list(type) or pt.is_fixed_size_list(type):
        return f"array<{hive_type(type.value_type)}>"
    if pt.is_map(type):
        return f"map<{hive_type(type.key_type)},{hive_type(type.item_type)}>"
    if pt.is_struct(type):
        return "struct<" + ",".join(f"{one.name.lower()}:{hive_type(one.type)}" for one in type) + ">"
    if pt.is_decimal(type):
        return f"decimal({type.precision},{type.scale})" if type.precision <= 38 else "string"
    if pt.is_timestamp(type):
        return "timestamp"
    return _SIMPLE.get(str(type), "string")


_SIMPLE = {
    "bool": "boolean",
    "int8": "tinyint",
    "uint8": "smallint",
    "int16": "smallint",
    "uint16": "int",
    "int32": "int",
    "uint32": "bigint",
    "int64": "bigint",
    "uint64": "bigint",
    "halffloat": "float",
    "float": "float",
    "double": "double",
    "date32[day]": "date",
    "date64[ms]": "date",
    "time32[ms]": "int",
    "time64[us]": "bigint",
    "time64[ns]": "bigint",
    "duration[ns]": "bigint",
    "binary": "binary",
    "large_binary": "binary",
}
