"""Partitions of tables: a hundred thousand of a table are a range of rows, found by condition without reading them all.

catalog_values      table id, values: nothing but the key, so that a condition is held against keys alone
catalog_partitions  table id, values: the partition
catalog_schemas     table id, digest: a list of columns, which a thousand partitions have in common

The values are those of the partition keys in order, always texts. In a key they are joined by U+0002; characters below
U+0020 and the percent sign are escaped, as %02.
"""

import asyncio
import dataclasses
import hashlib
import re
import zlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from lakemill.engines.catalog import conditions
from lakemill.engines.catalog.catalog import Catalog, joined
from lakemill.engines.catalog.entries import Definition, Partition, Table, folded
from lakemill.engines.catalog.errors import CatalogError, DefinitionWrong, PartitionExists, PartitionMissing
from lakemill.ports.metadata import Transaction, prefix_end

PARTITIONS, VALUES, SCHEMAS = "catalog_partitions", "catalog_values", "catalog_schemas"
_STRIDE = 2000
"""So many keys are looked at before others on the event loop have their turn."""
_ESCAPED = re.compile(r"[%\x00-\x1f]")
_BETWEEN = "\x02"


@dataclasses.dataclass(frozen=True)
class Segment:
    """A share of a table's partitions, for readers side by side: number counts from 0."""

    number: int
    total: int


class Partitions:
    """The partitions of a catalog's tables."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def create_table(
        self, scope: str, database: str, definition: Definition, partitions: Sequence[Definition], created_by: str = ""
    ) -> None:
        """Make a table and its first partitions, at once.

        Raises DatabaseMissing, TableExists, PartitionExists, DefinitionWrong.
        """

        def work(transaction: Transaction) -> None:
            self._catalog.create_table_in(transaction, scope, database, definition, created_by)
            found = self._catalog.table_in(transaction, scope, database, definition["name"])
            for one in partitions:
                self._put_new(transaction, found, one)

        await self._catalog.metadata.transact(work)

    async def add(
        self, scope: str, database: str, table: str, definitions: Sequence[Definition]
    ) -> list[CatalogError | None]:
        """Add partitions, each if it can be; what prevented it, for each. A definition has `values` and more.

        Raises DatabaseMissing, TableMissing.
        """

        def work(transaction: Transaction) -> list[CatalogError | None]:
            found = self._catalog.table_in(transaction, scope, database, table)
            return [_attempt(partial(self._put_new, transaction, found, one)) for one in definitions]

        return await self._catalog.metadata.transact(work)

    async def add_to_draft(self, draft: Table, definitions: Sequence[Definition]) -> None:
        """Add partitions to a table that is not published yet. Raises PartitionExists, DefinitionWrong."""

        def work(transaction: Transaction) -> None:
            for one in definitions:
                self._put_new(transaction, draft, one)

        await self._catalog.metadata.transact(work)

    def find(self, scope: str, database: str, table: str, values: Sequence[Sequence[str]]) -> list[Partition | None]:
        """Partitions by their values, None for none. Raises DatabaseMissing, TableMissing, DefinitionWrong."""
        found = self._catalog.table(scope, database, table)
        return self._read(found, [_key(found, one) for one in values])

    async def search(
        self,
        scope: str,
        database: str,
        table: str,
        expression: str = "",
        *,
        after: str = "",
        limit: int = 1000,
        segment: Segment | None = None,
    ) -> tuple[list[Partition], str]:
        """Partitions that satisfy a condition (see conditions.py), in the order of their values, and where to go on.

        after: what the page before gave as the second; "" from the beginning, and at the end.
        Raises DatabaseMissing, TableMissing, ExpressionWrong.
        """
        found = self._catalog.table(scope, database, table)
        condition = conditions.parse(expression, found.partition_keys) if expression.strip() else None
        start = joined(found.id, "") + _BETWEEN.join(map(_escape, condition.fixed if condition else ()))
        stop = prefix_end(start)
        if after:
            start = max(start, joined(found.id, after) + "\x00")
        if condition is None and segment is None:
            rows = list(self._catalog.metadata.scan(PARTITIONS, start, stop, limit=limit + 1))
            schemas = _Schemas(self._catalog.metadata, found)
            page = [schemas.partition(document) for _, document in rows[:limit]]
            return page, _after(rows[limit - 1][0]) if len(rows) > limit else ""
        keys: list[str] = []
        while len(keys) <= limit:
            stride = [key for key, _ in self._catalog.metadata.scan(VALUES, start, stop, limit=_STRIDE)]
            keys += [key for key in stride if _wanted(key, condition, segment)]
            if len(stride) < _STRIDE:
                break
            start = stride[-1] + "\x00"
            await asyncio.sleep(0)
        page = [one for one in self._read(found, keys[:limit]) if one is not None]
        return page, _after(keys[limit - 1]) if len(keys) > limit else ""

    def _read(self, table: Table, keys: Sequence[str]) -> list[Partition | None]:
        schemas = _Schemas(self._catalog.metadata, table)
        documents = (self._catalog.metadata.get(PARTITIONS, key) for key in keys)
        return [None if document is None else schemas.partition(document) for document in documents]

    async def update(
        self, scope: str, database: str, table: str, changes: Sequence[tuple[Sequence[str], Definition]]
    ) -> list[CatalogError | None]:
        """Replace partitions, each if it can be; their values may change. Raises DatabaseMissing, TableMissing."""

        def work(transaction: Transaction) -> list[CatalogError | None]:
            found = self._catalog.table_in(transaction, scope, database, table)
            return [
                _attempt(partial(self._replace, transaction, found, values, definition))
                for values, definition in changes
            ]

        return await self._catalog.metadata.transact(work)

    async def remove(
        self, scope: str, database: str, table: str, values: Sequence[Sequence[str]]
    ) -> list[CatalogError | None]:
        """Remove partitions, each if it is there. Raises DatabaseMissing, TableMissing."""

        def work(transaction: Transaction) -> list[CatalogError | None]:
            found = self._catalog.table_in(transaction, scope, database, table)
            return [_attempt(partial(self._remove_at, transaction, found, one)) for one in values]

        return await self._catalog.metadata.transact(work)

    def _put_new(self, transaction: Transaction, table: Table, definition: Definition) -> None:
        key = _key(table, definition.get("values") or ())
        if transaction.get(PARTITIONS, key) is not None:
            raise PartitionExists
        definition = _Schemas(transaction, table).packed(folded(definition))
        document = {"created": self._catalog.clock.now(), "definition": definition}
        transaction.put(PARTITIONS, key, document)
        transaction.put(VALUES, key, True)

    def _replace(self, transaction: Transaction, table: Table, values: Sequence[str], definition: Definition) -> None:
        key = _key(table, values)
        document = transaction.get(PARTITIONS, key)
        if document is None:
            raise PartitionMissing
        definition = {"values": list(values)} | folded(definition)
        target = _key(table, definition["values"])
        if target != key:
            if transaction.get(PARTITIONS, target) is not None:
                raise PartitionExists
            self._remove(transaction, key)
            transaction.put(VALUES, target, True)
        packed = _Schemas(transaction, table).packed(definition)
        transaction.put(PARTITIONS, target, document | {"definition": packed})

    def _remove_at(self, transaction: Transaction, table: Table, values: Sequence[str]) -> None:
        self._remove(transaction, _key(table, values))

    @staticmethod
    def _remove(transaction: Transaction, key: str) -> None:
        if not transaction.delete(PARTITIONS, key):
            raise PartitionMissing
        transaction.delete(VALUES, key)
        start = joined(key, "")
        for one, _ in list(transaction.scan("catalog_statistics", start, prefix_end(start))):
            transaction.delete("catalog_statistics", one)


def partition_key(table: Table, values: Sequence[str]) -> str:
    """The key of a partition's row. Raises DefinitionWrong when there are not as many values as partition keys."""
    if len(values) != len(table.partition_keys) or not values:
        raise DefinitionWrong("The number of partition keys do not match the number of partition values")
    return joined(table.id, _BETWEEN.join(map(_escape, values)))


_key = partition_key


def _after(key: str) -> str:
    """A key without the table, to go on behind it."""
    return key.split("\x01", 1)[1]


def _escape(value: str) -> str:
    return _ESCAPED.sub(lambda match: f"%{ord(match[0]):02x}", value)


def _unescape(text: str) -> str:
    return re.sub(r"%([0-9a-f]{2})", lambda match: chr(int(match[1], 16)), text) if "%" in text else text


def _wanted(key: str, condition: conditions.Condition | None, segment: Segment | None) -> bool:
    text = _after(key)
    if segment and zlib.crc32(text.encode()) % segment.total != segment.number:
        return False
    return condition is None or condition.holds([_unescape(one) for one in text.split(_BETWEEN)])


class _Schemas:
    """The lists of columns of one table's partitions, each stored once."""

    def __init__(self, store: Any, table: Table) -> None:
        self._store, self._table = store, table
        self._known: dict[str, Any] = {}

    def packed(self, definition: Definition) -> Definition:
        """The definition with a digest in place of its columns. The store must be a transaction."""
        storage = definition.get("storage_descriptor") or {}
        if not storage.get("columns"):
            return definition
        digest = hashlib.blake2b(repr(storage["columns"]).encode(), digest_size=16).hexdigest()
        key = joined(self._table.id, digest)
        if self._store.get(SCHEMAS, key) is None:
            self._store.put(SCHEMAS, key, storage["columns"])
        return definition | {"storage_descriptor": storage | {"columns": digest}}

    def partition(self, document: Any) -> Partition:
        """The partition of a document."""
        definition = document["definition"]
        storage = definition.get("storage_descriptor") or {}
        digest = storage.get("columns")
        if isinstance(digest, str):
            if digest not in self._known:
                self._known[digest] = self._store.get(SCHEMAS, joined(self._table.id, digest))
            storage["columns"] = self._known[digest]
        return Partition(tuple(definition["values"]), document["created"], definition)


def _attempt(work: Callable[[], None]) -> CatalogError | None:
    """What prevented it; each work looks before it writes, so nothing of it stays then."""
    try:
        work()
    except CatalogError as prevented:
        return prevented
    return None
