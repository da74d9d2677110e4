"""Questions about the catalog. Documents are in the spelling of its API."""

import asyncio
import itertools
from collections.abc import Sequence
from typing import Any

from lakemill.engines.catalog import CODES, Catalog, CatalogError, Database, Partition, Partitions, Table
from lakemill.engines.catalog.spelling import definition_of, structure_of
from lakemill.engines.objects import Objects
from lakemill.engines.queries.errors import Refused
from lakemill.engines.queries.journal import Journal
from lakemill.engines.queries.objectside import STRIDE, split
from lakemill.engines.queries.takingback import remove_below

Document = dict[str, Any]
PARTITIONS_PAGE = 5000
_TOLD = ("CreateTime", "UpdateTime", "DatabaseName", "VersionId", "CreatedBy", "CreationTime", "TableName")
"""What we tell of an entry beyond its definition: it may come back with a change, and is left out."""


class CatalogSide:
    """by: who, as a table tells who made it."""

    QUESTIONS = (
        *("databases", "database", "create_database", "update_database", "drop_database"),
        *("tables", "table", "create_table", "update_table", "rename_table", "drop_table"),
        *("partitions", "add_partitions", "update_partition", "drop_partitions"),
    )

    def __init__(self, catalog: Catalog, objects: Objects, scope: str, by: str, rights: Any, journal: Journal) -> None:
        self._catalog, self._scope, self._by, self._rights, self._journal = catalog, scope, by, rights, journal
        self._objects = objects
        self._partitions = Partitions(catalog)

    # Databases

    async def databases(self) -> list[Document]:
        self._rights.catalog("databases")
        return [_database(one) for one in self._catalog.databases(self._scope)]

    async def database(self, name: str) -> Document:
        self._rights.catalog("database", name)
        return _database(self._catalog.database(self._scope, name))

    async def create_database(self, definition: Document) -> None:
        self._rights.catalog("create_database", definition["Name"])
        async with self._journal.noted({"database": definition["Name"]}):
            await self._catalog.create_database(self._scope, _definition(definition))

    async def update_database(self, definition: Document) -> None:
        self._rights.catalog("update_database", definition["Name"])
        await self._catalog.update_database(self._scope, definition["Name"], _definition(definition))

    async def drop_database(self, name: str, cascade: bool = False) -> None:
        self._rights.catalog("drop_database", name)
        found = self._catalog.tables(self._scope, name)
        if not cascade and next(iter(found), None) is not None:
            raise Refused("InvalidInputException", f"Database {name} is not empty. One or more tables exist.")
        await self._catalog.delete_database(self._scope, name)

    # Tables

    async def tables(self, database: str) -> list[Document]:
        self._rights.catalog("tables", database, "*")
        found = self._catalog.tables(self._scope, database)
        listed: list[Document] = []
        while some := [_table(one) for one in itertools.islice(found, 100)]:
            listed += some
            await asyncio.sleep(0)
        return listed

    async def table(self, database: str, name: str) -> Document:
        self._rights.catalog("table", database, name)
        return _table(self._catalog.table(self._scope, database, name))

    async def create_table(self, database: str, definition: Document, partitions: Sequence[Document] = ()) -> None:
        self._rights.catalog("create_table", database, definition["Name"])
        if partitions:
            self._rights.catalog("add_partitions", database, definition["Name"])
        first = [_definition(one) for one in partitions]
        async with self._journal.noted({"table": [database, definition["Name"]]}):
            await self._partitions.create_table(self._scope, database, _definition(definition), first, self._by)

    async def update_table(self, database: str, definition: Document, expected: str | None = None) -> None:
        """expected: see `Lake`; such a change leaves no version of the table before, as Iceberg keeps its own."""
        self._rights.catalog("update_table", database, definition["Name"])
        change = _definition(definition)
        if expected is None:
            await self._catalog.update_table(self._scope, database, change)
        else:
            await self._catalog.update_table(
                self._scope, database, change, archive=False, expected=expected, also=self._journal.settle_in
            )

    async def rename_table(self, database: str, name: str, to_database: str, definition: Document) -> None:
        self._rights.catalog("drop_table", database, name)
        self._rights.catalog("create_table", to_database, definition["Name"])
        await self._catalog.rename_table(self._scope, database, name, to_database, _definition(definition))

    async def drop_table(self, database: str, name: str, location: str | None = None) -> None:
        """location: what is below it is removed afterwards, if need be at the next start."""
        self._rights.catalog("drop_table", database, name)
        if location is None:
            await self._catalog.delete_table(self._scope, database, name)
            return
        bucket, prefix = split(location)
        if not prefix.strip("/"):
            raise Refused("InvalidInputException", f"The objects of a whole bucket are not removed: {location}")
        self._rights.object("list", bucket, prefix)
        for number, one in enumerate(self._objects.listing(bucket, prefix), start=1):
            self._rights.object("remove", bucket, one.key)
            if number % STRIDE == 0:
                await asyncio.sleep(0)
        await self._journal.write({"dropped": [database, name, location]})
        await self._catalog.delete_table(self._scope, database, name)
        await asyncio.to_thread(remove_below, self._objects, location)

    # Partitions

    async def partitions(self, database: str, table: str, expression: str | None = None) -> list[Document]:
        self._rights.catalog("partitions", database, table)
        listed: list[Document] = []
        after = ""
        while True:
            found, after = await self._partitions.search(
                self._scope, database, table, expression or "", after=after, limit=PARTITIONS_PAGE
            )
            listed += [_partition(database, table, one) for one in found]
            if not after:
                return listed
            await asyncio.sleep(0)

    async def add_partitions(self, database: str, table: str, definitions: list[Document]) -> list[str | None]:
        self._rights.catalog("add_partitions", database, table)
        given = [_definition(one) for one in definitions]
        there = self._partitions.find(self._scope, database, table, [one["values"] for one in given])
        new = [one["values"] for one, before in zip(given, there, strict=True) if before is None]
        if new:
            await self._journal.write({"partitions": [database, table, new]})
        done = await self._partitions.add(self._scope, database, table, given)
        return [None if error is None else CODES[type(error)] for error in done]

    async def update_partition(self, database: str, table: str, values: list[str], definition: Document) -> None:
        self._rights.catalog("update_partition", database, table)
        change = (values, _definition(definition))
        _raise(await self._partitions.update(self._scope, database, table, [change]))

    async def drop_partitions(self, database: str, table: str, values: list[list[str]]) -> None:
        self._rights.catalog("drop_partitions", database, table)
        _raise(await self._partitions.remove(self._scope, database, table, values))


def _raise(done: list[CatalogError | None]) -> None:
    for error in done:
        if error is not None:
            raise error


def _definition(document: Document) -> Document:
    found: Document = definition_of({name: value for name, value in document.items() if name not in _TOLD})
    return found


def _database(found: Database) -> Document:
    answer: Document = structure_of(found.definition) | {"CreateTime": found.created}
    return answer


def _table(found: Table) -> Document:
    answer: Document = structure_of(found.definition) | {
        "DatabaseName": found.database,
        "CreateTime": found.created,
        "UpdateTime": found.updated,
        "VersionId": str(found.version),
        "CreatedBy": found.created_by,
    }
    return answer


def _partition(database: str, table: str, found: Partition) -> Document:
    ours = {"DatabaseName": database, "TableName": table, "CreationTime": found.created}
    answer: Document = structure_of(found.definition) | ours
    return answer
