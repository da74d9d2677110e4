"""Tables: items by key, changed under conditions, found by key or one after another.

An item and its entries in all indexes are one transaction, and so are several changes that are given together. What was
returned is on the disk. Reads see everything acknowledged before.
"""

import dataclasses
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from lakemill.engines.resources import ResourceExists, ResourceMissing, Resources
from lakemill.engines.tables.changes import Change, Changed, Writer
from lakemill.engines.tables.errors import (
    ChangesCancelled,
    IndexExists,
    TableExists,
    TableMissing,
    TableProtected,
    TokenMismatch,
)
from lakemill.engines.tables.reading import Found, Question, answer
from lakemill.engines.tables.schema import Index, Key, Table, document_of, table_of
from lakemill.engines.tables.upkeep import Upkeep
from lakemill.engines.tables.values import Item
from lakemill.ports.clock import Clock
from lakemill.ports.metadata import Metadata, Transaction

KIND = "table"
ITEMS, SIZES, TOKENS = "table_items", "table_sizes", "table_tokens"
TOKEN_S = 600
"""How long a token stands for the changes it came with."""


class Tables:
    """All tables of one store. scope is "account/region"."""

    def __init__(self, metadata: Metadata, clock: Clock) -> None:
        self._metadata, self._clock = metadata, clock
        self._resources = Resources(metadata, clock)
        self._upkeep = Upkeep(metadata, clock, self._resources)

    async def start(self) -> None:
        """Go on with what an earlier run left half done."""
        self._upkeep.start()

    async def close(self) -> None:
        """Stop background work."""
        await self._upkeep.close()

    async def expire(self) -> None:
        """Remove items past their time, and forget old tokens."""
        await self._upkeep.expire()

    # Tables

    async def create(
        self,
        scope: str,
        name: str,
        key: Key,
        indexes: list[Index],
        *,
        protected: bool = False,
        settings: dict[str, Any] | None = None,
        tags: dict[str, str] | None = None,
    ) -> Table:
        """Raises TableExists."""
        table = Table(
            name=name,
            id=str(uuid.uuid4()),
            key=key,
            indexes={index.name: index for index in indexes},
            created=self._clock.now(),
            protected=protected,
            settings=settings or {},
        )
        try:
            return table_of(await self._resources.create(KIND, scope, name, document_of(table), tags))
        except ResourceExists:
            raise TableExists(name) from None

    def named(self, scope: str, name: str) -> Table:
        """Raises TableMissing."""
        document = self._resources.find(KIND, scope, name)
        if document is None:
            raise TableMissing(name)
        return table_of(document)

    def names(self, scope: str) -> Iterator[str]:
        """In order."""
        return (document["name"] for document in self._resources.all(KIND, scope))

    def count(self, table: Table) -> tuple[int, int]:
        """Items, and their bytes."""
        sizes = self._metadata.get(SIZES, table.id) or {"items": 0, "bytes": 0}
        return sizes["items"], sizes["bytes"]

    async def update(self, scope: str, name: str, change: Callable[[Table], None]) -> Table:
        """Let change alter settings, protection, expiry or indexes (a new one fills in the background).

        Raises TableMissing, and what change raises.
        """
        gone: list[Index] = []

        def alter(document: dict[str, Any]) -> None:
            table = table_of(document)
            before = dict(table.indexes)
            change(table)
            gone[:] = [index for index_name, index in before.items() if index_name not in table.indexes]
            document |= document_of(table)

        def work(transaction: Transaction) -> dict[str, Any]:
            document = self._resources.update_in(transaction, KIND, scope, name, alter)
            for index in gone:
                self._upkeep.discard_in(transaction, index.id)
            return document

        try:
            table = table_of(await self._metadata.transact(work))
        except ResourceMissing:
            raise TableMissing(name) from None
        self._upkeep.start()
        return table

    async def delete(self, scope: str, name: str) -> Table:
        """Its items go in the background. Raises TableMissing, TableProtected."""

        def check(document: dict[str, Any]) -> None:
            if document["protected"]:
                raise TableProtected(name)

        def work(transaction: Transaction) -> Table:
            table = table_of(self._resources.delete_in(transaction, KIND, scope, name, check))
            for gone in (table.id, *(index.id for index in table.indexes.values())):
                self._upkeep.discard_in(transaction, gone)
            transaction.delete(SIZES, table.id)
            return table

        try:
            table = await self._metadata.transact(work)
        except ResourceMissing:
            raise TableMissing(name) from None
        self._upkeep.start()
        return table

    async def tag(self, scope: str, name: str, tags: dict[str, str]) -> None:
        """Raises TableMissing, TooManyTags."""
        self.named(scope, name)
        await self._resources.tag(KIND, scope, name, tags)

    async def untag(self, scope: str, name: str, keys: list[str]) -> None:
        """Raises TableMissing."""
        self.named(scope, name)
        await self._resources.untag(KIND, scope, name, keys)

    # Items

    def get(self, scope: str, name: str, key: Item) -> Item | None:
        """key: canonical. Raises TableMissing, KeyInvalid."""
        table = self.named(scope, name)
        table.check_key(key)
        return self._metadata.get(ITEMS, f"{table.id}/{table.key.place(key)}")

    async def together(self, scope: str, wanted: list[tuple[str, Item]]) -> list[Item | None]:
        """Several items as they are at one moment, by table and key. Raises TableMissing, KeyInvalid."""

        def work(transaction: Transaction) -> list[Item | None]:
            found = []
            for name, key in wanted:
                table = self.named(scope, name)
                table.check_key(key)
                found.append(transaction.get(ITEMS, f"{table.id}/{table.key.place(key)}"))
            return found

        return await self._metadata.transact(work)

    async def change(
        self, scope: str, changes: list[Change], *, token: str | None = None, digest: str = ""
    ) -> list[Changed]:
        """Make all changes or none.

        token: a second call with it within ten minutes changes nothing; digest tells whether it asks for the same.
        Raises TableMissing, TokenMismatch, ChangesCancelled (one reason per change).
        """

        def work(transaction: Transaction) -> list[Changed]:
            if token is not None:
                key, now = f"{scope}\x01{token}", self._clock.time()
                known = transaction.get(TOKENS, key)
                if known is not None and known["until"] > now:
                    if known["digest"] != digest:
                        raise TokenMismatch
                    return []
                transaction.put(TOKENS, key, {"digest": digest, "until": now + TOKEN_S})
            writer = Writer(transaction, lambda name: self._in(transaction, scope, name))
            done, reasons = writer.prepare(changes)
            if any(reasons):
                raise ChangesCancelled(reasons)
            writer.write()
            return done

        return await self._metadata.transact(work)

    def _in(self, transaction: Transaction, scope: str, name: str) -> Table:
        document = self._resources.find_in(transaction, KIND, scope, name)
        if document is None:
            raise TableMissing(name)
        return table_of(document)

    def read(self, scope: str, name: str, question: Question) -> Found:
        """A page of items (see `reading`). Raises TableMissing, IndexMissing, KeyInvalid."""
        return answer(self._metadata, self.named(scope, name), question)


def new_index(name: str, key: Key, projection: str, include: list[str], **rest: Any) -> Index:
    """An index that is not in a table yet."""
    return Index(name, str(uuid.uuid4()), key, projection, include, **rest)


def add_index(table: Table, index: Index) -> None:
    """To be called in `Tables.update`. Raises IndexExists."""
    if index.name in table.indexes:
        raise IndexExists(index.name)
    table.indexes[index.name] = dataclasses.replace(index, filling=True)
