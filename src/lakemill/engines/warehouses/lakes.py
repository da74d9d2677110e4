"""The lake as a warehouse's process works in it, in somebody's name: what it stores can be taken back until the end.

Tables of the metadata store, with U+0001 between the parts of a key:

warehouse_lakes     id: scope and warehouse of one that has not ended
warehouse_written   id, number: what was put into the lake so far
"""

import asyncio
import shutil
import uuid
from pathlib import Path
from typing import Any, NamedTuple

from lakemill.engines.catalog import Catalog
from lakemill.engines.objects import Objects
from lakemill.engines.queries import Refused
from lakemill.engines.queries.joined import Joined
from lakemill.engines.queries.journal import Journal, take_all_back
from lakemill.engines.queries.lake import Lake, Rights
from lakemill.engines.queries.objectside import Files
from lakemill.ports.metadata import Metadata, Transaction, prefix_end

OPEN, WRITTEN = "warehouse_lakes", "warehouse_written"
_SEPARATOR = "\x01"
Document = dict[str, Any]


class Notes:
    """What was written into the lake, by the id of who did it."""

    def __init__(self, metadata: Metadata) -> None:
        self._metadata = metadata

    async def begin(self, id: str, scope: str, warehouse: str) -> None:
        document = {"scope": scope, "warehouse": warehouse}
        await self._metadata.transact(lambda transaction: transaction.put(OPEN, id, document))

    async def note_written(self, id: str, number: int, what: Document) -> None:
        """Write down what is about to be put into the lake."""
        key = f"{id}{_SEPARATOR}{number:08d}"
        await self._metadata.transact(lambda transaction: transaction.put(WRITTEN, key, what))

    async def unnote_written(self, id: str, number: int) -> None:
        """It was not put there."""
        key = f"{id}{_SEPARATOR}{number:08d}"
        await self._metadata.transact(lambda transaction: transaction.delete(WRITTEN, key))

    def written(self, id: str) -> list[Document]:
        """What it has put into the lake, the last first."""
        start = f"{id}{_SEPARATOR}"
        return [one for _, one in self._metadata.scan(WRITTEN, start, prefix_end(start), reverse=True)]

    async def end(self, id: str) -> None:
        """What it wrote is there to stay, or was taken back."""
        start = f"{id}{_SEPARATOR}"

        def work(transaction: Transaction) -> None:
            transaction.delete(OPEN, id)
            for key, _ in list(transaction.scan(WRITTEN, start, prefix_end(start))):
                transaction.delete(WRITTEN, key)

        await self._metadata.transact(work)

    def unfinished(self) -> list[tuple[str, Document]]:
        """Ids of those that have not ended, and what is known of them."""
        return list(self._metadata.scan(OPEN))


class _Open(NamedTuple):
    lake: Lake
    scope: str
    folder: Path
    warehouse: str


class Lakes:
    """All that are open. joined: objects put together, as files that are kept for the next reader."""

    def __init__(self, metadata: Metadata, catalog: Catalog, objects: Objects, joined: Joined) -> None:
        self._notes = Notes(metadata)
        self._catalog, self._objects, self._joined = catalog, objects, joined
        self._open: dict[str, _Open] = {}

    async def begin(self, warehouse: str, scope: str, scratch: Path, rights: Rights, by: str) -> Document:
        """{"lake", "folder"}. scratch: where its folder is made. by: who works, as a table tells who made it."""
        id = str(uuid.uuid4())
        folder = scratch / "lakes" / id
        await asyncio.to_thread(folder.mkdir, parents=True)
        await self._notes.begin(id, scope, warehouse)
        journal = Journal(self._notes, id)
        files = Files(self._objects, self._joined, folder, rights, journal)
        self._open[id] = _Open(Lake(self._catalog, files, scope, by, rights, journal), scope, folder, warehouse)
        return {"lake": id, "folder": str(files.folder)}

    async def answer(self, warehouse: str, id: str, question: str, arguments: Document) -> Any:
        """Raises Refused."""
        return await self._of(warehouse, id).lake.answer(question, arguments)

    async def end(self, warehouse: str, id: str, *, keep: bool) -> None:
        """What was stored or made stays, or is taken back; durable on return. Raises Refused."""
        found = self._of(warehouse, id)
        del self._open[id]
        if not keep:
            await take_all_back(self._notes.written(id), found.scope, self._catalog, self._objects)
        await self._notes.end(id)
        await asyncio.to_thread(shutil.rmtree, found.folder, ignore_errors=True)

    async def abandon(self, warehouse: str) -> None:
        """Take back what a process left that is no more."""
        for id in [id for id, one in self._open.items() if one.warehouse == warehouse]:
            await self.end(warehouse, id, keep=False)

    async def recover(self) -> int:
        """Take back what an earlier run left; how many had not ended."""
        left = self._notes.unfinished()
        for id, about in left:
            await take_all_back(self._notes.written(id), about["scope"], self._catalog, self._objects)
            await self._notes.end(id)
        return len(left)

    def _of(self, warehouse: str, id: str) -> _Open:
        found = self._open.get(id)
        if found is None or found.warehouse != warehouse:
            raise Refused("InvalidInputException", f"There is no lake {id}.")
        return found
