"""Which partitions a statement reads, and the files in them."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from lakemill.formats import hive
from lakemill.lakesql.dialects.model import Comparison
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.interface import Lake, LakeRefused
from lakemill.lakesql.scans import objects, projection
from lakemill.lakesql.scans.objects import File
from lakemill.lakesql.scans.table import Storage, Table, storage_of

NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
_WHOLE = ("tinyint", "smallint", "int", "integer", "bigint")
_NUMBERS = (*_WHOLE, "float", "double")
_WIDER = {
    "tinyint": ("smallint", "int", "bigint"),
    "smallint": ("int", "bigint"),
    "int": ("bigint",),
    "float": ("double",),
}
_PRIMITIVE_TO_TEXT = ("tinyint", "smallint", "int", "bigint", "boolean", "date", "timestamp", "varchar", "char")


@dataclasses.dataclass
class Part:
    """Files of one table that are read in the same way."""

    storage: Storage
    files: list[File]


def parts(lake: Lake, table: Table, predicates: Sequence[Comparison] = ()) -> list[Part]:
    """What must be read of a table, where only rows matter for which the predicates hold.

    Raises SqlFailed where a location cannot be read, or a partition's columns do not fit the table's.
    """
    if not table.keys:
        return [Part(table.storage, [File(source) for source in objects.listed(lake, table.storage.location)])]
    found: list[tuple[tuple[str | None, ...], Storage]]
    if table.parameters.get("projection.enabled", "").lower() == "true":
        places = projection.places(table, predicates)
        found = [(values, dataclasses.replace(table.storage, location=location)) for values, location in places]
    else:
        found = [_of_document(table, document) for document in _documents(lake, table, predicates)]
    grouped: dict[Any, Part] = {}
    for values, storage in found:
        columns = tuple((column.name, column.type) for column in storage.columns)
        key = (storage.serde, columns, tuple(sorted(storage.options.items())))
        part = grouped.setdefault(key, Part(storage, []))
        part.files += [File(source, values) for source in objects.listed(lake, storage.location)]
    return list(grouped.values())


def expression(table: Table, predicates: Sequence[Comparison]) -> str | None:
    """The predicates on partition keys as GetPartitions takes them; None where there are none.

    Only what the catalog compares in the same way is told to it; DuckDB sees all predicates again.
    """
    types = {key.name: key.type.lower() for key in table.keys}
    terms = [term for one in predicates if one.column in types for term in _terms(one, types[one.column])]
    return " AND ".join(terms) or None


def _terms(comparison: Comparison, type: str) -> list[str]:
    name = '"' + comparison.column.replace('"', '""') + '"'
    if not comparison.values or comparison.operator.startswith("is"):
        return []
    values = [_literal(value, type) for value in comparison.values]
    if None in values:
        return []
    if comparison.operator == "in":
        return [f"{name} IN ({', '.join(str(value) for value in values)})"]
    return [f"{name} {comparison.operator} {values[0]}"]


def _literal(value: str, type: str) -> str | None:
    if type in _NUMBERS or type.startswith("decimal"):
        digits = value.removeprefix("-")
        whole = digits if type in _WHOLE else digits.replace(".", "", 1)
        return value if whole.isdecimal() and whole.isascii() else None
    return "'" + value.replace("'", "''") + "'"


def _documents(lake: Lake, table: Table, predicates: Sequence[Comparison]) -> list[dict[str, Any]]:
    try:
        return lake.partitions(table.database, table.name, expression(table, predicates))
    except LakeRefused as refused:
        raise SqlFailed("HIVE_METASTORE_ERROR", refused.message) from None


def _of_document(table: Table, document: Mapping[str, Any]) -> tuple[tuple[str | None, ...], Storage]:
    values = tuple(None if one == NULL_PARTITION else one for one in document["Values"])
    descriptor = document.get("StorageDescriptor") or {}
    storage = storage_of(descriptor, table.parameters)
    if not storage.serde:
        storage = dataclasses.replace(storage, serde=table.storage.serde, options=table.storage.options)
    if not storage.columns:
        storage = dataclasses.replace(storage, columns=table.storage.columns)
    _check(table, storage, document["Values"])
    return values, storage


def _check(table: Table, storage: Storage, values: Sequence[str]) -> None:
    if storage.columns == table.storage.columns:
        return
    declared = {column.name: column.type for column in storage.columns}
    for column in table.storage.columns:
        there = declared.get(column.name)
        if there is not None and not _fits(there, column.type):
            names = "/".join(f"{key.name}={value}" for key, value in zip(table.keys, values, strict=False))
            raise SqlFailed(
                "HIVE_PARTITION_SCHEMA_MISMATCH",
                "There is a mismatch between the table and partition schemas. The types are incompatible and cannot be "
                f"coerced. The column '{column.name}' in table '{table.database}.{table.name}' is declared as type "
                f"'{column.type}', but partition '{names}' declared column '{column.name}' as type '{there}'.",
            )


def _fits(there: str, here: str) -> bool:
    try:
        one, other = hive.parse(there), hive.parse(here)
    except hive.TypeUnknown:
        return there == here
    if str(one) == str(other) or one.name == other.name:
        return True
    if other.name in ("string", "varchar") and one.name in (*_PRIMITIVE_TO_TEXT, "string"):
        return True
    return other.name in _WIDER.get(one.name, ())
