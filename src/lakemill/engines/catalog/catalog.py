"""Databases and tables. A table keeps its earlier versions; what belongs to a table is stored under an id that never
comes again, so whatever a deleted table leaves can be removed piece by piece, and a new one of its name begins empty.

Tables of the metadata store, with U+0001 between the parts of a key:

catalog_databases   scope, name
catalog_tables      database id, name
catalog_versions    table id, version (ten digits)
catalog_partitions, catalog_values, catalog_schemas, catalog_statistics (partitions.py, statistics.py)
                    table id, ...
catalog_garbage     id of what was deleted and is not removed yet
catalog_undo        see undo.py
"""

import asyncio
import secrets
from collections.abc import Callable, Iterator
from typing import Any

from lakemill.engines.catalog.entries import Database, Definition, Table, folded
from lakemill.engines.catalog.errors import (
    CurrentVersion,
    DatabaseExists,
    DatabaseMissing,
    DefinitionWrong,
    TableExists,
    TableMissing,
    VersionMissing,
    VersionStale,
)
from lakemill.ports.clock import Clock
from lakemill.ports.metadata import Metadata, Transaction, prefix_end

DATABASES, TABLES, VERSIONS, GARBAGE = (
    *("catalog_databases", "catalog_tables", "catalog_versions", "catalog_garbage"),
)
OF_A_TABLE = (VERSIONS, "catalog_partitions", "catalog_values", "catalog_schemas", "catalog_statistics")
OF_A_DATABASE = ("catalog_functions",)
SEPARATOR = "\x01"
_KEPT = ("id", "version", "created", "updated", "created_by", "definition")
"""What a table's row has of it."""
_STEP = 1000
"""So many rows are removed in one transaction."""


class Catalog:
    """The catalog of every scope; a scope is "account/region". Names may be given in any case."""

    def __init__(self, metadata: Metadata, clock: Clock) -> None:
        self.metadata, self.clock = metadata, clock
        self._tidying: set[asyncio.Task[None]] = set()

    # Databases

    async def create_database(self, scope: str, definition: Definition, tags: dict[str, str] | None = None) -> None:
        """Raises DatabaseExists."""
        definition = folded(definition)

        def work(transaction: Transaction) -> None:
            key = joined(scope, definition["name"])
            if transaction.get(DATABASES, key) is not None:
                raise DatabaseExists
            document = {"id": _fresh_id(), "created": self.clock.now(), "definition": definition, "tags": tags or {}}
            transaction.put(DATABASES, key, document)

        await self.metadata.transact(work)

    def database(self, scope: str, name: str) -> Database:
        """Raises DatabaseMissing."""
        return self.database_in(self.metadata, scope, name)

    def databases(self, scope: str, after: str = "") -> Iterator[Database]:
        """In the order of their names, from the first behind `after`."""
        start = joined(scope, after) + ("\x00" if after else "")
        for _, document in self.metadata.scan(DATABASES, start, prefix_end(joined(scope, ""))):
            yield _as_database(document)

    async def update_database(self, scope: str, name: str, definition: Definition) -> None:
        """Replace its definition. Raises DatabaseMissing, DefinitionWrong (the name is another)."""
        definition = folded(definition)
        if definition["name"] != name.lower():
            raise DefinitionWrong("The name of a database cannot be changed.")
        await self._change_database(scope, name, lambda document: document | {"definition": definition})

    async def tag_database(self, scope: str, name: str, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
        """Replace its tags by what `change` makes of them. Raises DatabaseMissing."""
        await self._change_database(scope, name, lambda document: document | {"tags": change(document["tags"])})

    async def _change_database(self, scope: str, name: str, change: Callable[[Any], Any]) -> None:
        def work(transaction: Transaction) -> None:
            key = joined(scope, name.lower())
            document = transaction.get(DATABASES, key)
            if document is None:
                raise DatabaseMissing(name)
            transaction.put(DATABASES, key, change(document))

        await self.metadata.transact(work)

    async def delete_database(self, scope: str, name: str) -> None:
        """Delete it with all its tables. Raises DatabaseMissing."""

        def work(transaction: Transaction) -> None:
            found = self.database_in(transaction, scope, name)
            transaction.delete(DATABASES, joined(scope, found.name))
            transaction.put(GARBAGE, found.id, "database")

        await self.metadata.transact(work)
        self._tidy()

    # Tables

    async def create_table(self, scope: str, database: str, definition: Definition, created_by: str = "") -> None:
        """Raises DatabaseMissing, TableExists, DefinitionWrong."""
        await self.metadata.transact(lambda t: self.create_table_in(t, scope, database, definition, created_by))

    def create_table_in(
        self, transaction: Transaction, scope: str, database: str, definition: Definition, created_by: str
    ) -> None:
        """`create_table` inside a transaction."""
        self.publish_in(transaction, scope, self.draft_table(database, definition, created_by))

    def draft_table(self, database: str, definition: Definition, created_by: str = "") -> Table:
        """A table that nobody sees yet; partitions may be added before it is published. Raises DefinitionWrong."""
        definition = folded(definition)
        _check(definition)
        now = self.clock.now()
        return Table(database.lower(), definition["name"], _fresh_id(), 0, now, now, created_by, definition)

    def publish_in(self, transaction: Transaction, scope: str, draft: Table) -> None:
        """Make a draft a table, inside a transaction. Raises DatabaseMissing, TableExists."""
        key = self._table_key(transaction, scope, draft.database, draft.name)
        if transaction.get(TABLES, key) is not None:
            raise TableExists
        transaction.put(TABLES, key, {name: getattr(draft, name) for name in _KEPT})

    def table(self, scope: str, database: str, name: str, version: int | str | None = None) -> Table:
        """The table as it is, or as it was at a version. Raises DatabaseMissing, TableMissing, VersionMissing."""
        found = self.table_in(self.metadata, scope, database, name)
        if version is None:
            return found
        number = _number(version)
        if number == found.version:
            return found
        document = self.metadata.get(VERSIONS, _version_key(found.id, number))
        if document is None:
            raise VersionMissing
        return _as_table(found.database, document)

    def tables(self, scope: str, database: str, after: str = "") -> Iterator[Table]:
        """In the order of their names, from the first behind `after`. Raises DatabaseMissing."""
        found = self.database_in(self.metadata, scope, database)
        start = joined(found.id, after) + ("\x00" if after else "")
        scanned = self.metadata.scan(TABLES, start, prefix_end(joined(found.id, "")))
        return (_as_table(found.name, document) for _, document in scanned)

    async def update_table(
        self,
        scope: str,
        database: str,
        definition: Definition,
        *,
        archive: bool = True,
        expected: int | str | None = None,
        also: Callable[[Transaction], None] | None = None,
    ) -> Table:
        """Replace a table's definition: the next version. archive: keep the one before. also: done with it, at once.

        Raises DatabaseMissing, TableMissing, VersionStale (it is not at the expected version), DefinitionWrong.
        """
        definition = folded(definition)
        _check(definition)

        def work(transaction: Transaction) -> Table:
            key = self._table_key(transaction, scope, database, definition["name"])
            document = transaction.get(TABLES, key)
            if document is None:
                raise TableMissing(definition["name"])
            if expected is not None and _number(expected) != document["version"]:
                raise VersionStale
            if document["definition"].get("partition_keys", []) != definition.get("partition_keys", []):
                self._check_keys(transaction, document, definition)
            if archive:
                transaction.put(VERSIONS, _version_key(document["id"], document["version"]), document)
            following = document | {
                "version": document["version"] + 1,
                "updated": self.clock.now(),
                "definition": definition,
            }
            transaction.put(TABLES, key, following)
            if also is not None:
                also(transaction)
            return _as_table(database.lower(), following)

        return await self.metadata.transact(work)

    async def rename_table(
        self, scope: str, database: str, name: str, to_database: str, definition: Definition
    ) -> None:
        """Give a table another name, and perhaps database; what belongs to it stays with it. definition: the new one.

        Raises DatabaseMissing, TableMissing, TableExists, DefinitionWrong.
        """
        definition = folded(definition)
        _check(definition)

        def work(transaction: Transaction) -> None:
            old = self._table_key(transaction, scope, database, name)
            new = self._table_key(transaction, scope, to_database, definition["name"])
            document = transaction.get(TABLES, old)
            if document is None:
                raise TableMissing(name)
            if transaction.get(TABLES, new) is not None:
                raise TableExists
            changed = {"version": document["version"] + 1, "updated": self.clock.now(), "definition": definition}
            transaction.delete(TABLES, old)
            transaction.put(TABLES, new, document | changed)

        await self.metadata.transact(work)

    @staticmethod
    def _check_keys(transaction: Transaction, document: Any, definition: Definition) -> None:
        """Partition keys may change their number only while there are no partitions."""
        before, after = document["definition"].get("partition_keys") or [], definition.get("partition_keys") or []
        if len(before) != len(after):
            start = joined(document["id"], "")
            if next(iter(transaction.scan("catalog_values", start, prefix_end(start), limit=1)), None) is not None:
                raise DefinitionWrong("Partition keys cannot be added or removed while the table has partitions.")

    async def delete_table(self, scope: str, database: str, name: str) -> None:
        """Delete it with its versions and partitions. Raises DatabaseMissing, TableMissing."""
        await self.delete_tables(scope, database, [name])

    async def delete_tables(
        self, scope: str, database: str, names: list[str], *, also: Callable[[Transaction], None] | None = None
    ) -> None:
        """Delete tables, all or none. also: done with it, at once. Raises DatabaseMissing, TableMissing."""

        def work(transaction: Transaction) -> None:
            for name in names:
                found = self.table_in(transaction, scope, database, name)
                transaction.delete(TABLES, self._table_key(transaction, scope, database, name))
                transaction.put(GARBAGE, found.id, "table")
            if also is not None:
                also(transaction)

        await self.metadata.transact(work)
        self._tidy()

    def versions(self, scope: str, database: str, name: str, before: int | None = None) -> Iterator[Table]:
        """A table's versions, newest first, below `before`. Raises DatabaseMissing, TableMissing."""
        found = self.table_in(self.metadata, scope, database, name)
        if before is None or found.version < before:
            yield found
        stop = _version_key(found.id, found.version if before is None else min(before, found.version))
        for _, document in self.metadata.scan(VERSIONS, joined(found.id, ""), stop, reverse=True):
            yield _as_table(found.database, document)

    async def delete_version(self, scope: str, database: str, name: str, version: int | str) -> None:
        """Raises DatabaseMissing, TableMissing, VersionMissing, CurrentVersion."""

        def work(transaction: Transaction) -> None:
            found = self.table_in(transaction, scope, database, name)
            if _number(version) == found.version:
                raise CurrentVersion
            if not transaction.delete(VERSIONS, _version_key(found.id, _number(version))):
                raise VersionMissing

        await self.metadata.transact(work)

    # For the other parts of this engine

    def table_in(self, reader: Any, scope: str, database: str, name: str) -> Table:
        """`table` inside a transaction."""
        found = self.database_in(reader, scope, database)
        document = reader.get(TABLES, joined(found.id, name.lower()))
        if document is None:
            raise TableMissing(name)
        return _as_table(found.name, document)

    @staticmethod
    def database_in(reader: Any, scope: str, name: str) -> Database:
        """`database` inside a transaction."""
        document = reader.get(DATABASES, joined(scope, name.lower()))
        if document is None:
            raise DatabaseMissing(name)
        return _as_database(document)

    def _table_key(self, reader: Any, scope: str, database: str, name: str) -> str:
        return joined(self.database_in(reader, scope, database).id, name.lower())

    # What deleted things leave

    def start(self) -> None:
        """Remove, in the background, what an earlier run left."""
        self._tidy()

    def _tidy(self) -> None:
        """Remove what was deleted while others go on; a table's hundred thousand partitions take some seconds."""
        task = asyncio.get_running_loop().create_task(self.recover())
        self._tidying.add(task)
        task.add_done_callback(self._tidying.discard)

    async def close(self) -> None:
        """Stop removing; the next start goes on."""
        tasks = list(self._tidying)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def recover(self) -> None:
        """Remove what deleted tables and databases left, also before a crash, some rows at a time."""
        while await self.metadata.transact(_remove_some):
            pass


def _remove_some(transaction: Transaction) -> bool:
    """Remove rows of one thing that was deleted; False when there is nothing more."""
    for id, kind in transaction.scan(GARBAGE, limit=1):
        start = joined(id, "")
        left = _STEP
        for table in (TABLES, *OF_A_DATABASE) if kind == "database" else OF_A_TABLE:
            for key, document in list(transaction.scan(table, start, prefix_end(start), limit=left)):
                transaction.delete(table, key)
                left -= 1
                if table == TABLES:
                    transaction.put(GARBAGE, document["id"], "table")
            if left <= 0:
                return True
        transaction.delete(GARBAGE, id)
        return True
    return False


def joined(*parts: str) -> str:
    """A key."""
    return SEPARATOR.join(parts)


def _fresh_id() -> str:
    return secrets.token_hex(8)


def _version_key(id: str, version: int) -> str:
    return joined(id, f"{version:010d}")


def _number(version: int | str) -> int:
    text = str(version)
    if not text.isdecimal() or len(text) > 10:
        raise VersionMissing
    return int(text)


def _as_database(document: Any) -> Database:
    definition = document["definition"]
    return Database(definition["name"], document["id"], document["created"], definition, document["tags"])


def _as_table(database: str, document: Any) -> Table:
    return Table(database, document["definition"]["name"], **{name: document[name] for name in _KEPT})


def _check(definition: Definition) -> None:
    names = [column["name"] for column in definition.get("partition_keys") or ()]
    columns = (definition.get("storage_descriptor") or {}).get("columns") or ()
    names += [column["name"] for column in columns]
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise DefinitionWrong(f"Duplicate column names: {', '.join(twice)}.")
