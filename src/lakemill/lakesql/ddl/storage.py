"""ROW FORMAT and STORED AS, and what the catalog holds of them."""

import dataclasses
from typing import Any

from lakemill.lakesql.ddl.errors import semantic
from lakemill.lakesql.ddl.tokens import Tokens
from lakemill.lakesql.scans import table

_IO = "org.apache.hadoop.hive.ql.io"
TEXT_INPUT = "org.apache.hadoop.mapred.TextInputFormat"
TEXT_OUTPUT = f"{_IO}.HiveIgnoreKeyTextOutputFormat"
PARQUET_IO = (f"{_IO}.parquet.MapredParquetInputFormat", f"{_IO}.parquet.MapredParquetOutputFormat")
ORC_IO = (f"{_IO}.orc.OrcInputFormat", f"{_IO}.orc.OrcOutputFormat")
AVRO_IO = (f"{_IO}.avro.AvroContainerInputFormat", f"{_IO}.avro.AvroContainerOutputFormat")
FORMATS = {
    "TEXTFILE": (TEXT_INPUT, TEXT_OUTPUT, table.LAZY),
    "JSON": (TEXT_INPUT, TEXT_OUTPUT, table.OPENX),
    "PARQUET": (*PARQUET_IO, table.PARQUET),
    "ORC": (*ORC_IO, table.ORC),
    "AVRO": (*AVRO_IO, table.AVRO),
}
"""Of STORED AS: input format, output format, SerDe."""
_KNOWN = {serde.lower(): serde for serde in table.FORMATS}
_IO_OF = {table.PARQUET: PARQUET_IO, table.ORC: ORC_IO, table.AVRO: AVRO_IO}


@dataclasses.dataclass
class Storage:
    """What a statement has said so far; None where it has not."""

    serde: str | None = None
    options: dict[str, str] = dataclasses.field(default_factory=dict)
    formats: tuple[str, str] | None = None
    stored_as: str | None = None

    def descriptor(self) -> dict[str, Any]:
        """Its part of a storage descriptor."""
        source, target, serde = FORMATS[self.stored_as or "TEXTFILE"]
        if self.serde:
            serde = self.serde
            if not self.stored_as:
                source, target = _IO_OF.get(serde, (TEXT_INPUT, TEXT_OUTPUT))
        if self.formats:
            source, target = self.formats
        options = {"serialization.format": self.options.get("field.delim", "1"), **self.options}
        return {
            "InputFormat": source,
            "OutputFormat": target,
            "SerdeInfo": {"SerializationLibrary": serde, "Parameters": options},
        }


def row_format(tokens: Tokens, storage: Storage) -> None:
    """After ROW FORMAT."""
    if tokens.take("SERDE"):
        serde = tokens.string()
        storage.serde = _KNOWN.get(serde.lower())
        if storage.serde is None:
            raise semantic(f"Cannot validate serde: {serde}")
        if tokens.take("WITH", "SERDEPROPERTIES"):
            storage.options.update(tokens.properties())
        return
    tokens.expect("DELIMITED")
    clauses = {
        ("FIELDS", "TERMINATED", "BY"): "field.delim",
        ("ESCAPED", "BY"): "escape.delim",
        ("COLLECTION", "ITEMS", "TERMINATED", "BY"): "collection.delim",
        ("MAP", "KEYS", "TERMINATED", "BY"): "mapkey.delim",
        ("LINES", "TERMINATED", "BY"): "line.delim",
        ("NULL", "DEFINED", "AS"): "serialization.null.format",
    }
    while (words := next((words for words in clauses if tokens.take(*words)), None)) is not None:
        storage.options[clauses[words]] = tokens.string()
    if storage.options.get("line.delim", "\n") != "\n":
        raise semantic("LINES TERMINATED BY only supports newline '\\n' right now")


def stored_as(tokens: Tokens, storage: Storage) -> None:
    """After STORED AS."""
    if tokens.take("INPUTFORMAT"):
        source = tokens.string()
        tokens.expect("OUTPUTFORMAT")
        storage.formats = (source, tokens.string())
        if not storage.serde:
            storage.stored_as = next((one for one, io in FORMATS.items() if io[0] == source), None)
        return
    name = tokens.name().upper()
    name = {"PARQUETFILE": "PARQUET", "ORCFILE": "ORC", "AVROFILE": "AVRO", "JSONFILE": "JSON"}.get(name, name)
    if name not in FORMATS:
        raise semantic(f"Unrecognized file format in STORED AS clause: '{name}'")
    storage.stored_as = name
