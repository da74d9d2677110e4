"""The worker process, as the platform sees it: requests in, answers out; see `lakemill.streamsql.worker`."""

import asyncio
from typing import Any

from lakemill.engines.analytics.errors import CodeInvalid, SchemaUndetected, WorkerFailed
from lakemill.engines.workers import Worker

MODULE = "lakemill.streamsql.worker"
MEMORY_MIB = 4096
TIMEOUT_S = 300.0
GRACE_S = 0.2


class WorkerProcess:
    """Made by `start`. One request at a time."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    @classmethod
    async def start(cls, memory_mib: int = MEMORY_MIB) -> "WorkerProcess":
        threads = {"OMP_NUM_THREADS": "1", "ARROW_NUM_THREADS": "1"}
        return cls(await Worker.start(["-m", MODULE], memory_mib, threads))

    @property
    def alive(self) -> bool:
        return self._worker.alive

    @property
    def pid(self) -> int:
        return self._worker.pid

    async def ask(self, **request: Any) -> dict[str, Any]:
        """The answer to a request. Raises CodeInvalid, SchemaUndetected, WorkerFailed (the process is gone then)."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await self._worker.send(request)
                answer: dict[str, Any] = await self._worker.receive()
        except TimeoutError:
            await self.kill()
            raise WorkerFailed(f"the worker did not answer within {TIMEOUT_S:.0f} seconds") from None
        except (ConnectionError, asyncio.IncompleteReadError, ValueError):
            how = await self._worker.ending()
            raise WorkerFailed(f"the worker process {how}{self._worker.last_line()}") from None
        except asyncio.CancelledError:
            self._worker.signal()  # Its answer would be taken for that of the next request.
            raise
        if "error" not in answer:
            return answer
        if answer["kind"] == "fault":
            await self.kill()
            raise WorkerFailed(answer["error"])
        if request["do"] == "discover":
            raise SchemaUndetected(answer["error"])
        raise CodeInvalid(answer["error"], answer.get("line", 0), answer.get("column", 0))

    async def kill(self) -> None:
        """End the process now."""
        await self._worker.kill(GRACE_S)
