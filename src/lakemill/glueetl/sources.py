"""Where dynamic frames come from: S3 by path, tables of the catalog."""

from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import functions as F

from lakemill.glueetl import bookmarks, catalog, columns, objects, reading, textfiles
from lakemill.glueetl.catalog import Table
from lakemill.glueetl.gluetypes import ChoiceType, Field, StringType, StructType
from lakemill.glueetl.objects import Stored
from lakemill.glueetl.reading import Group, Typed
from lakemill.glueetl.sessions import session

NULL_MARK = "\\N"
IGNORED = {"groupFiles", "groupSize", "useS3ListImplementation", "maxBand", "maxFilesInBand", "isFailFast"}
"""How Glue divides the work between executors and lists buckets: it changes no row."""
OPTIONS = {"path", "paths", "recurse", "exclusions", "compression", "compressionType"}
CATALOG_OPTIONS = {"catalogPartitionPredicate", "exclusions"}
_ENDINGS = {"gzip": (".gz",), "bzip2": (".bz2", ".bzip2"), "none": None, "snappy": None}


def of_paths(connection: Mapping[str, Any], format: str | None, options: Mapping[str, Any], context: str) -> Typed:
    """What `from_options` of S3 reads. Raises ValueError."""
    unknown = set(connection) - OPTIONS - IGNORED
    if unknown:
        raise ValueError(f"The connection option {sorted(unknown)[0]} is not supported for S3.")
    given = connection.get("paths") or connection.get("path")
    if not given:
        raise ValueError("The connection options need paths.")
    kind = reading.format_of(format)
    groups: list[Group] = []
    found_any = False
    for path in [given] if isinstance(given, str) else given:
        exclusions = _exclusions(connection.get("exclusions"))
        found = objects.listed(path, recurse=textfiles.flag(connection, "recurse", True), exclusions=exclusions)
        found_any = found_any or bool(found)
        _check_compression(connection, found)
        groups += reading.partitioned(bookmarks.unread(context, path, found), path)
    if not found_any:
        raise ValueError(f"No objects with data are at {given}.")
    return reading.frame(groups, kind, options)


def of_table(table: Table, predicate: str, additional: Mapping[str, Any], context: str) -> Typed:
    """What `from_catalog` reads. predicate: Spark's SQL on the partition keys. Raises ValueError."""
    unknown = set(additional) - CATALOG_OPTIONS - IGNORED
    if unknown:
        raise ValueError(f"The additional option {sorted(unknown)[0]} is not supported.")
    exclusions = [*table.exclusions, *_exclusions(additional.get("exclusions"))]
    groups = []
    for location, values in places(table, predicate, additional.get("catalogPartitionPredicate")):
        base = location if location.endswith("/") else f"{location}/"
        found = bookmarks.unread(context, location, objects.listed(base, exclusions=exclusions))
        keys = tuple((key.name, key.dataType, value) for key, value in zip(table.keys, values, strict=True))
        groups.append(Group(found, keys))
    if table.typed:
        return _typed(groups, table)
    return reading.frame(groups, table.format, table.options, table.schema)


def places(table: Table, predicate: str, expression: str | None) -> list[tuple[str, list[str]]]:
    """(location, values of the keys) of what is to be read."""
    if not table.keys:
        if predicate or expression:
            raise ValueError(f"{table.database}.{table.name} has no partitions that a predicate could choose.")
        return [(table.location, [])]
    found = [
        (one.get("StorageDescriptor", {}).get("Location") or table.location, one["Values"])
        for one in catalog.partitions(table, expression)
    ]
    if not predicate or not found:
        return found
    rows: Any = session().createDataFrame(
        [(number, *values) for number, (_, values) in enumerate(found)],
        ", ".join(["`lakemill place` int", *(f"`{key.name}` string" for key in table.keys)]),
    )
    typed = [columns.cast(columns.column(key.name), StringType(), key.dataType).alias(key.name) for key in table.keys]
    chosen = rows.select(columns.column("lakemill place"), *typed).where(predicate).collect()
    return [found[number] for number in sorted(row[0] for row in chosen)]


def _typed(groups: Sequence[Group], table: Table) -> Typed:
    """Text as the catalog's types; a column some of whose text is none of its type is a choice with string."""
    names = [field.name for field in table.columns]
    options = {**table.options, "withHeader": False, "skipFirst": bool(table.skipped_lines)}
    frame, schema = reading.frame(groups, "csv", options, _positions(table))
    there = schema.field_map
    fields = []
    for number, field in enumerate(table.columns):
        found = f"col{number}" in there
        text = columns.column(f"col{number}") if found else F.lit(None).cast("string")
        fields.append((field.name, F.when(text != NULL_MARK, text), field.dataType))
    keys = [columns.column(key.name) for key in table.keys]
    texts = frame.select(*[value.alias(name) for name, value, _ in fields], *keys)
    wrong = _wrong(texts, table)
    made, result = [], []
    for name in names:
        field = table.schema.field_map[name]
        value = columns.column(name)
        cast = columns.cast(F.when(value != "", value), StringType(), field.dataType)
        if isinstance(field.dataType, StringType):
            made.append(value)
            result.append(field)
        elif name in wrong:
            type = ChoiceType([field.dataType, StringType()])
            text = F.when(cast.isNull() & (value != ""), value)
            parts = [(field.dataType.typeName(), cast, field.dataType), ("string", text, StringType())]
            made.append(F.when(value.isNotNull() & (value != ""), columns.struct(parts)).alias(name))
            result.append(Field(name, type))
        else:
            made.append(cast.alias(name))
            result.append(field)
    return texts.select(*made, *keys), StructType([*result, *table.keys])


def _wrong(texts: Any, table: Table) -> set[str]:
    """Columns that hold text which is none of their type."""
    checks = []
    for field in table.columns:
        if not isinstance(field.dataType, StringType):
            value = columns.column(field.name)
            bad = (value != "") & columns.cast(value, StringType(), field.dataType).isNull()
            checks.append(F.max(bad).alias(field.name))
    if not checks:
        return set()
    row = texts.agg(*checks).collect()[0].asDict()
    return {name for name, bad in row.items() if bad}


def _positions(table: Table) -> StructType:
    return StructType([*(Field(f"col{number}", StringType()) for number in range(len(table.columns))), *table.keys])


def _exclusions(given: Any) -> list[str]:
    """A list, or one as JSON; absolute ones name an object below the path."""
    import json

    found = json.loads(given) if isinstance(given, str) else given or []
    return [one.partition("://")[2].partition("/")[2] if "://" in one else one for one in found]


def _check_compression(connection: Mapping[str, Any], found: Sequence[Stored]) -> None:
    """Objects are unpacked by their names. Raises ValueError for a compression that names do not tell."""
    kind = connection.get("compressionType") or connection.get("compression")
    if kind is None:
        return
    if kind not in _ENDINGS:
        raise ValueError(f"The compression must be one of {', '.join(_ENDINGS)}; got {kind}.")
    endings = _ENDINGS[kind]
    for one in found:
        if endings and not one.key.endswith(endings):
            raise ValueError(f"{one.uri} does not end with {endings[0]}: objects are unpacked by their names.")
