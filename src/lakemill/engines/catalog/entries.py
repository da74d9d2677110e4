"""Entries of the catalog: a definition as it was given, and what others need of it by name.

A definition is a dict of the catalog's own words, kept whole: a table's has `name`, `storage_descriptor` (with
`columns`, `location`, `serde_info`, ...), `partition_keys`, `parameters` and whatever else describes it. Names of
databases, tables and columns are in lower case.
"""

import dataclasses
import datetime
from typing import Any

Definition = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Column:
    """A column or partition key; the type is Hive's."""

    name: str
    type: str = ""
    comment: str = ""


@dataclasses.dataclass(frozen=True)
class Serde:
    """How a table's bytes are read and written."""

    library: str = ""
    parameters: dict[str, str] = dataclasses.field(default_factory=dict)
    name: str = ""


@dataclasses.dataclass(frozen=True)
class Database:
    """A name for tables that belong together. id never comes again, the name may."""

    name: str
    id: str
    created: datetime.datetime
    definition: Definition
    tags: dict[str, str]

    @property
    def location(self) -> str:
        return self.definition.get("location_uri", "")


class _Stored:
    """What tables and partitions have in common."""

    definition: Definition

    @property
    def storage(self) -> Definition:
        return self.definition.get("storage_descriptor") or {}

    @property
    def columns(self) -> list[Column]:
        return columns_of(self.storage.get("columns"))

    @property
    def location(self) -> str:
        return self.storage.get("location", "")

    @property
    def parameters(self) -> dict[str, str]:
        return self.definition.get("parameters") or {}

    @property
    def serde(self) -> Serde:
        found = self.storage.get("serde_info") or {}
        return Serde(found.get("serialization_library", ""), found.get("parameters") or {}, found.get("name", ""))

    @property
    def input_format(self) -> str:
        return self.storage.get("input_format", "")

    @property
    def output_format(self) -> str:
        return self.storage.get("output_format", "")


@dataclasses.dataclass(frozen=True)
class Table(_Stored):
    """A table at one of its versions, which count from 0."""

    database: str
    name: str
    id: str
    version: int
    created: datetime.datetime
    updated: datetime.datetime
    created_by: str
    definition: Definition

    @property
    def partition_keys(self) -> list[Column]:
        return columns_of(self.definition.get("partition_keys"))

    @property
    def kind(self) -> str:
        """EXTERNAL_TABLE, VIRTUAL_VIEW or whatever it was called; "" for nothing."""
        return self.definition.get("table_type", "")


@dataclasses.dataclass(frozen=True)
class Partition(_Stored):
    """Some of a table's data: the values of its partition keys, and where it is."""

    values: tuple[str, ...]
    created: datetime.datetime
    definition: Definition


def columns_of(definitions: list[Definition] | None) -> list[Column]:
    """Columns by their definitions."""
    return [Column(one["name"], one.get("type", ""), one.get("comment", "")) for one in definitions or ()]


def folded(definition: Definition) -> Definition:
    """The definition with the names of its columns and itself in lower case."""
    result = dict(definition)
    if "name" in result:
        result["name"] = result["name"].lower()
    if result.get("partition_keys"):
        result["partition_keys"] = _lower(result["partition_keys"])
    storage = result.get("storage_descriptor")
    if storage and storage.get("columns"):
        result["storage_descriptor"] = storage | {"columns": _lower(storage["columns"])}
    return result


def _lower(columns: list[Definition]) -> list[Definition]:
    return [column | {"name": column["name"].lower()} for column in columns]
