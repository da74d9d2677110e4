"""Changes of the catalog that are kept, or taken back, together; also when the platform was killed between two of them.

Who makes them works on a `Catalog` whose metadata is an `UndoLog`: beside every row it writes stands, in the same
transaction, how the row was before. `keep_in` forgets that; `take_back` restores the rows, the last first, but not
those that somebody else has changed since. A draft (see `Catalog.draft_table`) is noted by its id only: unless its
table is there, all of it is removed.

Table of the metadata store: catalog_undo, with the log's id and a number as the key.
"""

import hashlib
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import msgspec

from lakemill.engines.catalog.catalog import GARBAGE, TABLES, joined
from lakemill.engines.catalog.entries import Table
from lakemill.engines.catalog.partitions import SCHEMAS
from lakemill.ports.metadata import Document, Metadata, Transaction, prefix_end

UNDO = "catalog_undo"
T = TypeVar("T")


class UndoLog:
    """The metadata store for one writer, whose changes it can take back. id: no other has it meanwhile."""

    def __init__(self, metadata: Metadata, id: str) -> None:
        self._metadata, self._start = metadata, joined(id, "")
        self._stop = prefix_end(self._start)
        self._number = 0

    def get(self, table: str, key: str) -> Document | None:
        """As `Metadata` has it."""
        return self._metadata.get(table, key)

    def scan(
        self, table: str, start: str = "", stop: str | None = None, *, limit: int | None = None, reverse: bool = False
    ) -> Iterator[tuple[str, Document]]:
        """As `Metadata` has it."""
        return self._metadata.scan(table, start, stop, limit=limit, reverse=reverse)

    async def transact(self, work: Callable[[Transaction], T]) -> T:
        """As `Metadata` has it, and noted how to take it back."""

        return await self._metadata.transact(self._noted(work))

    def transact_blocking(self, work: Callable[[Transaction], T]) -> T:
        """As `Metadata` has it, and noted how to take it back."""
        return self._metadata.transact_blocking(self._noted(work))

    async def acquire(self, lease: str, owner: str, ttl_s: float) -> bool:
        """As `Metadata` has it."""
        return await self._metadata.acquire(lease, owner, ttl_s)

    async def release(self, lease: str, owner: str) -> None:
        """As `Metadata` has it."""
        await self._metadata.release(lease, owner)

    def close(self) -> None:
        """The store goes on."""

    async def note_draft(self, draft: Table) -> None:
        """A draft is about to be filled, past this log."""
        await self._metadata.transact(lambda t: t.put(UNDO, self._next(), {"draft": draft.id}))

    def keep_in(self, transaction: Transaction) -> None:
        """Inside a transaction: all changes so far are there to stay."""
        for key, _ in list(transaction.scan(UNDO, self._start, self._stop)):
            transaction.delete(UNDO, key)

    async def take_back(self) -> bool:
        """Take all changes back that were not kept, also those before a crash; whether there were any."""
        some = False
        while await self._metadata.transact(self._take_last_back):
            some = True
        return some

    def _noted(self, work: Callable[[Transaction], T]) -> Callable[[Transaction], T]:
        def noted(transaction: Transaction) -> T:
            recorded = _Recorded(transaction)
            result = work(recorded)
            if rows := recorded.rows():
                transaction.put(UNDO, self._next(), {"rows": rows})
            return result

        return noted

    def _next(self) -> str:
        self._number += 1
        return f"{self._start}{self._number:010d}"

    def _take_last_back(self, transaction: Transaction) -> bool:
        for key, entry in transaction.scan(UNDO, self._start, self._stop, limit=1, reverse=True):
            if "draft" in entry:
                _remove_draft(transaction, entry["draft"])
            for table, place, before, after in entry.get("rows", ()):
                _restore(transaction, table, place, before, after)
            transaction.delete(UNDO, key)
            return True
        return False


async def take_all_back(metadata: Metadata) -> None:
    """Take back what all logs have that were not kept; while nobody writes with one."""
    while entry := next(iter(metadata.scan(UNDO, limit=1)), None):
        await UndoLog(metadata, entry[0].rpartition("\x01")[0]).take_back()


class _Recorded:
    """A transaction that remembers how the rows were that it changes."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self.get, self.scan = transaction.get, transaction.scan
        self._changed: dict[tuple[str, str], tuple[Document | None, Document | None]] = {}

    def put(self, table: str, key: str, document: Document) -> None:
        self._note(table, key, document)
        self._transaction.put(table, key, document)

    def delete(self, table: str, key: str) -> bool:
        self._note(table, key, None)
        return self._transaction.delete(table, key)

    def _note(self, table: str, key: str, after: Document | None) -> None:
        if table == SCHEMAS:  # Partitions of others may have come to use it; it ends with its table.
            return
        first = self._changed.get((table, key))
        self._changed[table, key] = (self.get(table, key) if first is None else first[0]), after

    def rows(self) -> list[Any]:
        """[table, key, before, digest of what it is now] of each."""
        return [[table, key, before, _digest(after)] for (table, key), (before, after) in self._changed.items()]


def _digest(document: Document | None) -> bytes:
    if document is None:
        return b""
    return hashlib.blake2b(msgspec.msgpack.encode(document), digest_size=16).digest()


def _restore(transaction: Transaction, table: str, key: str, before: Document | None, after: bytes) -> None:
    now = transaction.get(table, key)
    if now == before or _digest(now) != after:
        return
    if before is not None:
        transaction.put(table, key, before)
        return
    transaction.delete(table, key)
    if table == TABLES:
        transaction.put(GARBAGE, now["id"], "table")  # type: ignore[index]


def _remove_draft(transaction: Transaction, id: str) -> None:
    if all(document["id"] != id for _, document in transaction.scan(TABLES)):
        transaction.put(GARBAGE, id, "table")
