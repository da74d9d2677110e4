"""What tables do in the background: fill new indexes, clear away what was dropped, let items expire.

All of it may stop anywhere and begin again: filling writes the same entries, clearing goes on where rows are left.
"""

import asyncio
import functools
import time
from typing import Any

from lakemill.engines.resources import Resources
from lakemill.engines.tables.changes import Change, Writer
from lakemill.engines.tables.conditions import Condition
from lakemill.engines.tables.order import whole
from lakemill.engines.tables.schema import Table, document_of, entry_key, table_of
from lakemill.engines.tables.values import Item, number
from lakemill.ports.clock import Clock
from lakemill.ports.metadata import Metadata, Transaction

KIND = "table"
ITEMS, ENTRIES, GARBAGE, TOKENS = "table_items", "table_entries", "table_garbage", "table_tokens"
RETRY_S = 5.0
ROWS = 100
"""Rows of one transaction: few, so that nobody waits for long."""
OLD_S_MAX = 5 * 365 * 86400
"""A time that lies further back is taken for no time at all."""


class Upkeep:
    """Background work over one store."""

    def __init__(self, metadata: Metadata, clock: Clock, resources: Resources) -> None:
        self._metadata, self._clock, self._resources = metadata, clock, resources
        self._task: asyncio.Task[None] | None = None
        self._again = False

    def start(self) -> None:
        """Look for work, now or after what is being done."""
        self._again = True
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def discard_in(self, transaction: Transaction, place: str) -> None:
        """Everything of a table or index is garbage from now on."""
        transaction.put(GARBAGE, place, True)

    async def _work(self) -> None:
        while self._again:
            self._again = False
            try:
                await self._all()
            except OSError:  # A full disk, say: what is left is tried again.
                await asyncio.sleep(RETRY_S)
                self._again = True

    async def _all(self) -> None:
        for document in list(self._resources.all(KIND)):
            for index in table_of(document).indexes.values():
                if index.filling:
                    await self._fill(document["scope"], document["name"], index.id)
        for place, _ in list(self._metadata.scan(GARBAGE)):
            await self._clear(place)

    # Filling

    async def _fill(self, scope: str, name: str, index_id: str) -> None:
        after: str | None = ""
        while after is not None:
            some = functools.partial(self._fill_some, scope=scope, name=name, index_id=index_id, after=after)
            after = await self._metadata.transact(some)

    def _fill_some(self, transaction: Transaction, scope: str, name: str, index_id: str, after: str) -> str | None:
        """Entries of some items; where to go on, None at the end."""
        document = self._resources.find_in(transaction, KIND, scope, name)
        if document is None:
            return None
        table = table_of(document)
        index = next((one for one in table.indexes.values() if one.id == index_id), None)
        if index is None:
            return None
        span = whole(f"{table.id}/")
        rows = list(transaction.scan(ITEMS, after or span.start, span.stop, limit=ROWS))
        for key, item in rows:
            place = key.partition("/")[2]
            if (entry := entry_key(index, place, item)) is not None:
                transaction.put(ENTRIES, entry, place)
        if len(rows) == ROWS:
            return rows[-1][0] + "\x00"
        self._resources.update_in(transaction, KIND, scope, name, lambda d: _filled(d, index_id))
        return None

    # Clearing

    async def _clear(self, place: str) -> None:
        span = whole(f"{place}/")

        def some(transaction: Transaction) -> bool:
            left = False
            for source in (ITEMS, ENTRIES):
                rows = list(transaction.scan(source, span.start, span.stop, limit=ROWS))
                for key, _ in rows:
                    transaction.delete(source, key)
                left = left or len(rows) == ROWS
            if not left:
                transaction.delete(GARBAGE, place)
            return left

        while await self._metadata.transact(some):
            pass

    # Expiring

    async def expire(self) -> None:
        """Remove items whose time has passed, and tokens that stand for nothing any more."""
        now = self._clock.time()
        for document in list(self._resources.all(KIND)):
            if (table := table_of(document)).expires:
                await self._expire_of(document["scope"], table, now)
        old = [key for key, token in self._metadata.scan(TOKENS) if token["until"] <= now]
        if old:
            await self._metadata.transact(lambda t: [t.delete(TOKENS, key) for key in old])

    async def _expire_of(self, scope: str, table: Table, now: float) -> None:
        span = whole(f"{table.id}/")
        due = _Due(str(table.expires), now)
        gone: list[Item] = []
        began = time.monotonic()
        for _, item in self._metadata.scan(ITEMS, span.start, span.stop):
            if due.holds(item):
                gone.append(table.key.of(item))
            if time.monotonic() - began > 0.01:  # Others want the loop, too.
                await asyncio.sleep(0)
                began = time.monotonic()
        for at in range(0, len(gone), ROWS):
            # The condition is looked at again: an item may have been given more time meanwhile.
            changes = [Change(table.name, key, delete=True, condition=due) for key in gone[at : at + ROWS]]
            await self._metadata.transact(functools.partial(self._remove, scope=scope, table=table, changes=changes))

    def _remove(self, transaction: Transaction, scope: str, table: Table, changes: list[Change]) -> None:
        document = self._resources.find_in(transaction, KIND, scope, table.name)
        if document is not None and document["id"] == table.id:
            writer = Writer(transaction, lambda name: table_of(document))
            writer.prepare(changes)
            writer.write()


class _Due(Condition):
    """Whether the time in an attribute has passed."""

    def __init__(self, attribute: str, now: float) -> None:
        self._attribute, self._now = attribute, now

    def holds(self, item: Item) -> bool:
        text = item.get(self._attribute, {}).get("N")
        return text is not None and self._now - OLD_S_MAX < number(text) <= self._now


def _filled(document: dict[str, Any], index_id: str) -> None:
    table = table_of(document)
    for index in table.indexes.values():
        if index.id == index_id:
            index.filling = False
    document |= document_of(table)
