"""Objects of S3 as frames, by format.

Parquet and Avro are read where they are; text and ORC become Parquet files of the run first, because their schema is
known only when all of them were read. On Java, Avro does too.
"""

import bz2
import dataclasses
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakemill.glueetl import columns, gluetypes, joining, jsonfiles, materialising, objects, textfiles
from lakemill.glueetl.gluetypes import DataType, Field, StringType, StructType
from lakemill.glueetl.objects import Stored
from lakemill.glueetl.sessions import on_java, session

Typed = tuple[DataFrame, StructType]
Converter = Callable[[list[Path], Mapping[str, Any], Path], StructType | None]

COMMON = {"optimizePerformance"}
"""Options that change no row."""
OPTIONS: dict[str, set[str]] = {
    "json": {"jsonPath", "multiline", "multiLine"},
    "csv": {"withHeader", "separator", "quoteChar", "escaper", "skipFirst", "multiline", "multiLine"},
    "xml": {"rowTag", "attributePrefix", "contentTag", "excludeAttribute"},
    "grokLog": {"logFormat", "customPatterns"},
    "parquet": set(),
    "avro": set(),
    "orc": set(),
}
"""Records over several lines are found without being told of."""
CONVERTERS: dict[str, Converter] = {
    "json": lambda files, options, target: jsonfiles.convert(files, options.get("jsonPath"), target),
    "csv": textfiles.csv,
    "xml": textfiles.xml,
    "grokLog": textfiles.grok,
    "orc": lambda files, options, target: textfiles.orc(files, target),
}
REFUSED = {
    "ion": "Amazon Ion is not provided",
    "hudi": "Hudi is not provided",
    "delta": "read it with spark.read.format('delta')",
    "iceberg": "read it with spark.read.format('iceberg')",
}


@dataclasses.dataclass(frozen=True)
class Group:
    """Objects of one partition. keys: names, types and values of its keys."""

    objects: Sequence[Stored]
    keys: tuple[tuple[str, DataType, str], ...] = ()


def format_of(name: str | None) -> str:
    """Raises ValueError for a format that cannot be read."""
    found = "parquet" if name in ("glueparquet", "parquet") else name
    if found in REFUSED:
        raise ValueError(f"The format {name} is not supported: {REFUSED[found]}.")
    if found not in OPTIONS:
        raise ValueError(f"The format must be one of {', '.join(OPTIONS)}, glueparquet; got {name}.")
    return str(found)


def frame(groups: Sequence[Group], format: str, options: Mapping[str, Any], wanted: StructType | None = None) -> Typed:
    """The rows of all groups, with their keys as columns.

    wanted: the schema of what has no rows. Raises ValueError.
    """
    unknown = set(options) - OPTIONS[format] - COMMON
    if unknown:
        raise ValueError(f"The format {format} has no option {sorted(unknown)[0]}.")
    made = [_with_keys(_read(group.objects, format, options), group) for group in groups if group.objects]
    if not made:
        schema = wanted or StructType()
        if not schema.fields:
            return session().createDataFrame([], "empty string"), schema  # type: ignore[return-value]
        return session().createDataFrame([], gluetypes.to_spark(schema)), schema  # type: ignore[arg-type, return-value]
    return made[0] if len(made) == 1 else joining.united(made)


def partitioned(found: Sequence[Stored], base: str) -> list[Group]:
    """Groups by the folders `key=value` below an address; keys are strings."""
    _, prefix = objects.place(base)
    groups: dict[tuple[tuple[str, str], ...], list[Stored]] = {}
    for one in found:
        folders = one.key[len(prefix) :].split("/")[:-1]
        keys = tuple((name, value) for name, sign, value in (folder.partition("=") for folder in folders) if sign)
        groups.setdefault(keys, []).append(one)
    return [Group(those, tuple((name, StringType(), value) for name, value in keys)) for keys, those in groups.items()]


def _read(found: Sequence[Stored], format: str, options: Mapping[str, Any]) -> Typed:
    if format in CONVERTERS:
        return _converted(found, format, options)
    uris = [one.uri for one in found]
    if format == "avro" and on_java():  # Spark's package for it is none of those that PySpark brings.
        uris, format = _from_avro(found), "parquet"
    try:
        return _loaded(uris, format)
    except PySparkException:
        if len(uris) == 1:
            raise
    # Files differ in the type of a column: those alike are read together, and what differs becomes a choice.
    alike: dict[str, list[str]] = {}
    for uri in uris:
        alike.setdefault(str(_loaded([uri], format)[1]), []).append(uri)
    return joining.united([_loaded(those, format) for those in alike.values()])


def _loaded(uris: list[str], format: str) -> Typed:
    reader: Any = session().read
    frame = reader.format(format).options(mergeSchema="true").load(uris)
    schema = gluetypes.of_spark(frame.schema)
    assert isinstance(schema, StructType)
    return frame, schema


def _converted(found: Sequence[Stored], format: str, options: Mapping[str, Any]) -> Typed:
    folder = objects.scratch(format)
    target = folder / "rows.parquet"
    files = [_unpacked(file) for file in objects.fetched(found, folder / "fetched")]
    schema = CONVERTERS[format](files, options, target)
    shutil.rmtree(folder / "fetched")
    frame = materialising.read(target) if schema is None or schema.fields else None
    if frame is None:
        return session().createDataFrame([], "empty string"), StructType()  # type: ignore[return-value]
    of_frame = gluetypes.of_spark(frame.schema)
    assert isinstance(of_frame, StructType)
    return frame, schema or of_frame


def _from_avro(found: Sequence[Stored]) -> list[str]:
    """A file of Parquet for each of Avro."""
    folder = objects.scratch("avro")
    made = []
    for file in objects.fetched(found, folder / "fetched"):
        target = folder / f"{file.name}.parquet"
        textfiles.avro(file, target)
        made.append(f"file://{target}")
    shutil.rmtree(folder / "fetched")
    return made


def _unpacked(file: Path) -> Path:
    """Bzip2 is not known to the readers, unlike gzip and zstd."""
    if file.suffix not in (".bz2", ".bzip2"):
        return file
    plain = file.with_suffix("")
    with bz2.open(file) as source, open(plain, "wb") as target:
        shutil.copyfileobj(source, target)
    file.unlink()
    return plain


def _with_keys(typed: Typed, group: Group) -> Typed:
    frame, schema = typed
    if not group.keys:
        return typed
    names = {name for name, _, _ in group.keys}
    fields = [field for field in schema if field.name not in names]
    values = [columns.cast(F.lit(value), StringType(), type).alias(name) for name, type, value in group.keys]
    made = frame.select(*[columns.column(field.name) for field in fields], *values)
    return made, StructType([*fields, *(Field(name, type) for name, type, _ in group.keys)])
