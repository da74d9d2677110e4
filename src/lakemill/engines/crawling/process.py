"""The process that looks at files, as the platform sees it; see `lakemill.classifiers.worker`."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from lakemill.engines.crawling.errors import CrawlFailed
from lakemill.engines.workers import Worker

MODULE = "lakemill.classifiers.worker"
MEMORY_MIB = 1024
TIMEOUT_S = 120.0
IDLE_S = 30.0
PROCESSES_MAX = 2


class WorkerProcess:
    """Made by `start`. One request at a time."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    @classmethod
    async def start(cls) -> "WorkerProcess":
        threads = {"OMP_NUM_THREADS": "1", "ARROW_NUM_THREADS": "1"}
        return cls(await Worker.start(["-m", MODULE], MEMORY_MIB, threads))

    @property
    def alive(self) -> bool:
        return self._worker.alive

    async def ask(self, **request: Any) -> dict[str, Any]:
        """The answer to a request. Raises CrawlFailed; the process is gone then."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await self._worker.send(request)
                answer: dict[str, Any] = await self._worker.receive()
                return answer
        except TimeoutError:
            await self.kill()
            raise CrawlFailed(f"files could not be read within {TIMEOUT_S:.0f} seconds") from None
        except (ConnectionError, asyncio.IncompleteReadError, ValueError):
            raise CrawlFailed(f"the process that reads files {await self._worker.ending()}") from None
        except asyncio.CancelledError:
            self._worker.signal()  # Its answer would be taken for that of the next request.
            raise

    async def kill(self) -> None:
        """End the process now."""
        await self._worker.kill()


class Workers:
    """A few processes, started when first needed and ended when they were idle for a while."""

    def __init__(self) -> None:
        self._room = asyncio.Semaphore(PROCESSES_MAX)
        self._idle: list[WorkerProcess] = []
        self._ending: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def lent(self) -> AsyncIterator["Lent"]:
        """A process for oneself; the one that is behind it may change."""
        async with self._room:
            lent = Lent(self._idle.pop() if self._idle else None)
            try:
                yield lent
            finally:
                if lent.process is not None and lent.process.alive:
                    self._idle.append(lent.process)
                    task = asyncio.create_task(self._end(lent.process))
                    self._ending.add(task)
                    task.add_done_callback(self._ending.discard)

    async def _end(self, process: WorkerProcess) -> None:
        await asyncio.sleep(IDLE_S)
        if process in self._idle:
            self._idle.remove(process)
            await process.kill()

    async def close(self) -> None:
        """End the processes that nobody uses."""
        ending = list(self._ending)
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        while self._idle:
            await self._idle.pop().kill()


class Lent:
    """A process, started when it is first asked and again after it died."""

    def __init__(self, process: WorkerProcess | None) -> None:
        self.process = process

    async def ask(self, **request: Any) -> dict[str, Any]:
        """Raises CrawlFailed."""
        if self.process is None or not self.process.alive:
            self.process = await WorkerProcess.start()
        return await self.process.ask(**request)
