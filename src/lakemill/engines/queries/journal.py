"""What a statement puts into the lake is written down first, so that all of it can be taken back if it fails.

It is taken back when the statement fails or is cancelled, and at the next start when lakemill was killed meanwhile.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from typing import Protocol

from lakemill.engines.catalog import Catalog
from lakemill.engines.objects import Objects
from lakemill.engines.queries.cluster import Cluster, stop
from lakemill.engines.queries.execution import Document, Execution, possible_results
from lakemill.engines.queries.store import Executions
from lakemill.engines.queries.takingback import take_back, take_back_object
from lakemill.ports.metadata import Transaction


class Notes(Protocol):
    """Where it is written down. Durable on return."""

    async def note_written(self, id: str, number: int, what: Document) -> None:
        """This is about to be put into the lake."""
        ...

    async def unnote_written(self, id: str, number: int) -> None:
        """It was not put there."""
        ...

    def settle_in(self, transaction: Transaction, id: str) -> None:
        """Inside a transaction: what was written down so far is there to stay."""
        ...


class Journal:
    """Of one execution, or whatever else has an id in these notes."""

    def __init__(self, notes: Notes, id: str) -> None:
        self._notes, self._id = notes, id
        self._number = 0

    async def write(self, what: Document) -> int:
        """Durable on return; the entry's number."""
        self._number += 1
        await self._notes.note_written(self._id, self._number, what)
        return self._number

    def settle_in(self, transaction: Transaction) -> None:
        """Inside a transaction: what was written down so far is there to stay."""
        self._notes.settle_in(transaction, self._id)

    @contextlib.asynccontextmanager
    async def noted(self, what: Document) -> AsyncIterator[None]:
        """Around what makes something new: if it raises, nothing was made."""
        number = await self.write(what)
        try:
            yield
        except Exception:
            await self._notes.unnote_written(self._id, number)
            raise


async def undo(
    executions: Executions, execution: Execution, catalog: Catalog, objects: Objects, cluster: Cluster | None = None
) -> None:
    """End what an execution has begun on a cluster, take back what it wrote, the last first, and its results."""
    written = executions.written(execution.id)
    if cluster is not None:
        for what in written:
            if "elsewhere" in what:
                await asyncio.to_thread(stop, cluster, what["elsewhere"])
    await take_all_back(written, execution.request.scope, catalog, objects)
    for uri in possible_results(execution):
        await asyncio.to_thread(take_back_object, objects, uri)


async def take_all_back(written: Iterable[Document], scope: str, catalog: Catalog, objects: Objects) -> None:
    """Take back what was written down, in this order."""
    for what in written:
        if "object" in what:
            await asyncio.to_thread(take_back_object, objects, what["object"])
        elif "elsewhere" not in what:
            await take_back(catalog, objects, scope, what)
