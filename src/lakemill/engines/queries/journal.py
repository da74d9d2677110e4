"""What a statement puts into the lake is written down first, so that all of it can be taken back if it fails.

It is taken back when the statement fails or is cancelled, and at the next start when lakemill was killed meanwhile.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from lakemill.engines.catalog import Catalog
from lakemill.engines.objects import Objects
from lakemill.engines.queries.execution import Document, Execution, possible_results
from lakemill.engines.queries.store import Executions
from lakemill.engines.queries.takingback import take_back, take_back_object
from lakemill.ports.metadata import Transaction


class Journal:
    """Of one execution."""

    def __init__(self, executions: Executions, id: str) -> None:
        self._executions, self._id = executions, id
        self._number = 0

    async def write(self, what: Document) -> int:
        """Durable on return; the entry's number."""
        self._number += 1
        await self._executions.note_written(self._id, self._number, what)
        return self._number

    def settle_in(self, transaction: Transaction) -> None:
        """Inside a transaction: what was written down so far is there to stay."""
        self._executions.settle_in(transaction, self._id)

    @contextlib.asynccontextmanager
    async def noted(self, what: Document) -> AsyncIterator[None]:
        """Around what makes something new: if it raises, nothing was made."""
        number = await self.write(what)
        try:
            yield
        except Exception:
            await self._executions.unnote_written(self._id, number)
            raise


async def undo(executions: Executions, execution: Execution, catalog: Catalog, objects: Objects) -> None:
    """Take back what an execution wrote, the last first, and its results."""
    for what in executions.written(execution.id):
        if "object" in what:
            await asyncio.to_thread(take_back_object, objects, what["object"])
        else:
            await take_back(catalog, objects, execution.request.scope, what)
    for uri in possible_results(execution):
        await asyncio.to_thread(take_back_object, objects, uri)
