"""Frames as objects of S3: Spark writes files of the run, which are then stored under Glue's names."""

import dataclasses
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from pyspark.sql import DataFrame

from lakemill.glueetl import columns, gluetypes, objects, textfiles
from lakemill.glueetl.gluetypes import ChoiceType, DataType, StructType

OPTIONS = {
    "json": set[str](),
    "csv": {"separator", "quoteChar", "escaper", "writeHeader", "withHeader"},
    "parquet": {"compression", "useGlueParquetWriter"},
    "orc": {"compression"},
}
COMPRESSIONS = {
    "json": ("none", "gzip"),
    "csv": ("none", "gzip"),
    "parquet": ("snappy", "gzip", "zstd", "lz4", "none", "uncompressed"),
    "orc": ("snappy", "zlib", "zstd", "lz4", "none", "uncompressed"),
}
_ORC = {"none": "uncompressed"}
_TEXT_ENDING = {"gzip": ".gz", "none": ""}


@dataclasses.dataclass(frozen=True)
class Written:
    """A folder that objects were stored in; values: of its partition keys."""

    location: str
    values: tuple[str, ...]


def format_of(name: str | None) -> str:
    """Raises ValueError for a format that cannot be written."""
    found = "parquet" if name in ("glueparquet", "parquet") else name
    if found not in OPTIONS:
        raise ValueError(f"The format of a sink must be one of {', '.join(OPTIONS)}, glueparquet; got {name}.")
    return str(found)


def write(
    frame: DataFrame,
    schema: StructType,
    location: str,
    format: str,
    options: Mapping[str, Any],
    keys: Sequence[str],
    compression: str | None = None,
) -> list[Written]:
    """Store the rows below an address, in a folder for each combination of the keys' values. Raises ValueError."""
    if not schema.fields:
        return []
    unknown = set(options) - OPTIONS[format]
    if unknown:
        raise ValueError(f"The format {format} has no option {sorted(unknown)[0]}.")
    for name in keys:
        if name not in schema.field_map:
            raise ValueError(f"The partition key {name} is no field.")
        if isinstance(schema.field_map[name].dataType, ChoiceType | StructType):
            raise ValueError(f"The partition key {name} must have one simple type.")
    kind = compression or options.get("compression") or COMPRESSIONS[format][0]
    if kind not in COMPRESSIONS[format]:
        raise ValueError(f"The compression of {format} must be one of {', '.join(COMPRESSIONS[format])}; got {kind}.")
    folder = objects.scratch("write") / "rows"
    _written(frame, schema, folder, format, options, keys, kind)
    return _stored(folder, location, format, keys, kind)


def _written(
    frame: DataFrame,
    schema: StructType,
    folder: Path,
    format: str,
    options: Mapping[str, Any],
    keys: Sequence[str],
    compression: str,
) -> None:
    if format == "csv":
        frame = _flat(frame, schema, keys)
    plain = compression in ("none", "uncompressed")
    settings: dict[str, Any] = {"compression": "uncompressed" if plain else compression}
    spark = "parquet" if format == "orc" else format
    if format == "orc" or (plain and format != "parquet"):
        settings = {}
    if format == "csv":
        header = options.get("writeHeader", options.get("withHeader", True))
        quote = str(options.get("quoteChar", '"'))
        settings |= {
            "header": str(header).lower(),
            "sep": options.get("separator", ","),
            "quote": "" if quote == "-1" else quote,
            "escape": options.get("escaper") or quote,
        }
    writer: Any = frame.write.format(spark)
    if keys:
        writer = writer.partitionBy(*keys)
    writer.options(**settings).save(f"file://{folder}")


def _stored(folder: Path, location: str, format: str, keys: Sequence[str], compression: str) -> list[Written]:
    """Put files under names as Glue gives them."""
    base = location if location.endswith("/") else f"{location}/"
    prefix = f"run-{int(time.time() * 1000)}-part-r-"
    ending = {"parquet": f".{compression}.parquet", "orc": f".{compression}.orc"}.get(
        format, _TEXT_ENDING.get(compression, "")
    )
    ending = ending.replace(".none.", ".").replace(".uncompressed.", ".")
    places: dict[str, Written] = {}
    numbered: list[tuple[Path, str]] = []
    for number, file in enumerate(_with_rows(folder, format)):
        inside = file.relative_to(folder).parent.as_posix()
        inside = "" if inside == "." else f"{inside}/"
        if format == "orc":
            target = file.with_suffix(".orc")
            textfiles.to_orc(file, target, _ORC.get(compression, compression))
            file = target
        values = tuple(unquote(part.partition("=")[2]) for part in inside.split("/") if part)
        places[inside] = Written(f"{base}{inside}", values)
        numbered.append((file, f"{base}{inside}{prefix}{number:05d}{ending}"))
    objects.put(numbered)
    return list(places.values())


def _with_rows(folder: Path, format: str) -> list[Path]:
    """What Spark wrote, without its own notes, and without files that have no rows, of which it writes one on Java."""
    files = [one for one in sorted(folder.rglob("*")) if one.is_file() and not one.name.startswith(("_", "."))]
    if format in ("parquet", "orc"):
        return [one for one in files if textfiles.has_rows(one)]
    return [one for one in files if one.stat().st_size]


def _flat(frame: DataFrame, schema: StructType, keys: Sequence[str]) -> DataFrame:
    """What CSV can hold: nested values are their JSON."""
    return frame.select(*[_text(columns.column(field.name), field.dataType).alias(field.name) for field in schema])


def _text(value: Any, type: DataType) -> Any:
    simple = not isinstance(type, ChoiceType | StructType | gluetypes.ArrayType | gluetypes.MapType)
    return value if simple else columns.cast(value, type, gluetypes.StringType())
