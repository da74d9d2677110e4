"""Iceberg tables of the lake's catalog: loaded, made, and committed to."""

import contextlib
import re
from pathlib import Path
from typing import Any

from pyiceberg.exceptions import CommitFailedException
from pyiceberg.partitioning import PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.serializers import FromInputFile, ToOutputFile
from pyiceberg.table import CommitTableResponse, Table
from pyiceberg.table.locations import load_location_provider
from pyiceberg.table.metadata import TableMetadata, new_table_metadata
from pyiceberg.table.sorting import UNSORTED_SORT_ORDER
from pyiceberg.table.update import update_table_metadata

from lakemill.lakesql.ddl.context import now, without_read_only
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.iceberg import schemas
from lakemill.lakesql.iceberg.fileio import LakeIO, normal
from lakemill.lakesql.interface import Document, Lake, LakeRefused

METADATA, PREVIOUS = "metadata_location", "previous_metadata_location"
FORMAT_VERSION = "2"
_VERSION = re.compile(r"(\d+)-[\w-]+(?:\.\w+)?\.metadata\.json(?:\.\w+)?")


class Tables:
    """What PyIceberg asks of a catalog, answered by a statement's lake. folder: the statement's."""

    def __init__(self, lake: Lake, folder: Path) -> None:
        self.lake, self.io = lake, LakeIO(lake, folder)

    def loaded(self, document: Document, database: str) -> Table:
        """The table that a document of the catalog tells of. Raises SqlFailed where its metadata cannot be read."""
        name, location = document["Name"], (document.get("Parameters") or {}).get(METADATA)
        if not location:
            message = f"Table is missing [metadata_location] property: {database}.{name}"
            raise SqlFailed("ICEBERG_INVALID_METADATA", message)
        try:
            metadata = FromInputFile.table_metadata(self.io.new_input(location))
        except ValueError as wrong:
            message = f"Failed to read the metadata of {database}.{name}: {normal(location)}: {wrong}".splitlines()[0]
            raise SqlFailed("ICEBERG_INVALID_METADATA", message) from None
        return Table((database, name), metadata, location, self.io, self)  # type: ignore[arg-type]

    def load_table(self, identifier: tuple[str, ...]) -> Table:
        """As PyIceberg asks for it again before it tries a commit once more."""
        database, name = identifier
        return self.loaded(self.lake.table(database, name), database)

    def supports_server_side_planning(self) -> bool:
        return False

    def _delete_old_metadata(self, *_: Any) -> None:
        """What a commit leaves behind is VACUUM's."""

    def staged(
        self, database: str, name: str, schema: Schema, spec: PartitionSpec, location: str, properties: dict[str, str]
    ) -> Table:
        """A table without rows that nobody knows of yet."""
        metadata = new_table_metadata(
            location=location.rstrip("/"), schema=schema, partition_spec=spec,
            sort_order=UNSORTED_SORT_ORDER, properties={"format-version": FORMAT_VERSION, **properties},
        )  # fmt: skip
        return Table((database, name), metadata, self._next_location(metadata, -1), self.io, self)  # type: ignore[arg-type]

    def create(self, table: Table, metadata: TableMetadata) -> None:
        """Make a staged table known, with what its metadata has become. Raises LakeRefused."""
        database, name = table.name()
        self._write(metadata, table.metadata_location)
        document = {
            "Name": name,
            "Owner": "hadoop",
            "Retention": 0,
            "TableType": "EXTERNAL_TABLE",
            "PartitionKeys": [],
            "Parameters": {"EXTERNAL": "TRUE", "table_type": "ICEBERG", "transient_lastDdlTime": now()},
        }
        self.lake.create_table(database, _described(document, metadata, table.metadata_location))

    def commit_table(self, table: Table, requirements: tuple[Any, ...], updates: tuple[Any, ...]) -> Any:
        """Move the table to its next state.

        Raises CommitFailedException where it is not in the state that the change was made for, and nothing was changed.
        """
        database, name = table.name()
        document = self.lake.table(database, name)
        current = self.loaded(document, database)
        for requirement in requirements:
            requirement.validate(current.metadata)
        metadata = update_table_metadata(current.metadata, updates, False, current.metadata_location)
        if metadata == current.metadata:
            return _committed(metadata, current.metadata_location)
        location = self._next_location(metadata, _version(current.metadata_location))
        self._write(metadata, location)
        changed = _described(without_read_only(document), metadata, location, current.metadata_location)
        try:
            self.lake.update_table(database, changed, document["VersionId"])
        except LakeRefused as refused:
            with contextlib.suppress(LakeRefused):
                self.io.remove([location])
            if refused.code != "ConcurrentModificationException":
                raise
            raise CommitFailedException(f"{database}.{name} was changed meanwhile") from None
        return _committed(metadata, location)

    def _write(self, metadata: TableMetadata, location: str) -> None:
        ToOutputFile.table_metadata(metadata, self.io.new_output(location), overwrite=True)

    @staticmethod
    def _next_location(metadata: TableMetadata, version: int) -> str:
        provider = load_location_provider(normal(metadata.location), metadata.properties)
        return provider.new_table_metadata_file_location(version + 1)


def _committed(metadata: TableMetadata, location: str) -> CommitTableResponse:
    return CommitTableResponse.model_validate({"metadata": metadata, "metadata-location": location})


def _version(location: str) -> int:
    found = _VERSION.fullmatch(location.rpartition("/")[2])
    return int(found[1]) if found else -1


def _described(document: Document, metadata: TableMetadata, location: str, previous: str | None = None) -> Document:
    """A table's document with what the catalog tells of its metadata."""
    parameters = {**(document.get("Parameters") or {}), METADATA: location}
    if previous:
        parameters[PREVIOUS] = previous
    columns: list[Document] = []
    for field in metadata.schema().fields:
        parts = {"iceberg.field.id": str(field.field_id), "iceberg.field.optional": str(field.optional).lower()}
        one: Document = {"Name": field.name, "Type": schemas.hive(field.field_type)}
        one |= {"Comment": field.doc} if field.doc else {}
        columns.append({**one, "Parameters": {**parts, "iceberg.field.current": "true"}})
    storage = {**(document.get("StorageDescriptor") or {}), "Columns": columns, "Location": metadata.location}
    return {**document, "Parameters": parameters, "StorageDescriptor": storage}
