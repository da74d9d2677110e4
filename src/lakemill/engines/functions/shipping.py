"""Lines of workers on their way to the log: gathered, and written a few times a second."""

import asyncio
from collections import defaultdict

from lakemill.engines.loglines import LogLines
from lakemill.ports.clock import Clock
from lakemill.ports.metadata import Metadata, Transaction

DELAY_S = 0.2

Place = tuple[str, str, str]
"""Scope, group, stream."""


class Shipping:
    """Takes lines at once, writes them soon."""

    def __init__(self, metadata: Metadata, loglines: LogLines, clock: Clock) -> None:
        self._metadata, self._loglines, self._clock = metadata, loglines, clock
        self._waiting: dict[Place, list[tuple[int, str]]] = defaultdict(list)
        self._task: asyncio.Task[None] | None = None

    def add(self, place: Place, line: str) -> None:
        """Line is of now."""
        self._waiting[place].append((int(self._clock.time() * 1000), line or " "))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._later())

    async def _later(self) -> None:
        await asyncio.sleep(DELAY_S)
        await self.flush()

    async def flush(self) -> None:
        """Write what waits; durable when it returns."""
        while self._waiting:
            batch, self._waiting = self._waiting, defaultdict(list)

            def write(transaction: Transaction, batch: dict[Place, list[tuple[int, str]]] = batch) -> None:
                for (scope, group, stream), events in batch.items():
                    self._loglines.put_in(transaction, scope, group, stream, events)

            await self._metadata.transact(write)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
        await self.flush()
