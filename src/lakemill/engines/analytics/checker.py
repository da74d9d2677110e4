"""One worker for short questions: does this code compile, what schema do these records have."""

import asyncio
from collections.abc import Sequence
from typing import Any

from lakemill.engines.analytics.process import WorkerProcess

IDLE_S = 60.0


class Checker:
    """Starts its process when asked, and ends it when it was idle for a minute."""

    def __init__(self) -> None:
        self._worker: WorkerProcess | None = None
        self._lock = asyncio.Lock()
        self._ending: asyncio.Task[None] | None = None

    async def check(self, program: dict[str, Any]) -> list[str]:
        """Names of all streams of a program. Raises CodeInvalid, WorkerFailed."""
        answer = await self._ask(do="check", plan=program)
        return list(answer["streams"])

    async def discover(self, records: Sequence[bytes]) -> tuple[dict[str, Any], list[list[str]]]:
        """Form and rows of records. Raises SchemaUndetected, WorkerFailed."""
        answer = await self._ask(do="discover", records=list(records))
        return answer["form"], answer["rows"]

    async def lend(self) -> WorkerProcess:
        """A process for an application: the one that answered last, if it is there, as it has everything loaded."""
        worker, idle = self._worker, not self._lock.locked()
        if worker is None or not worker.alive or not idle:
            return await WorkerProcess.start()
        self._worker = None
        return worker

    async def _ask(self, **request: Any) -> dict[str, Any]:
        async with self._lock:
            if self._ending is not None:
                self._ending.cancel()
            if self._worker is None or not self._worker.alive:
                self._worker = await WorkerProcess.start()
            try:
                return await self._worker.ask(**request)
            finally:
                self._ending = asyncio.create_task(self._end(IDLE_S))

    async def _end(self, after_s: float) -> None:
        await asyncio.sleep(after_s)
        worker, self._worker = self._worker, None
        if worker is not None:
            await worker.kill()

    async def close(self) -> None:
        """End the process."""
        if self._ending is not None:
            self._ending.cancel()
        await self._end(0)
