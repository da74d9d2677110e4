"""The process that looks at files, as the platform sees it; see `lakemill.classifiers.worker`."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from typing import Any

from lakemill.engines.crawling.errors import CrawlFailed
from lakemill.formats.messages import framed, receive_message

MODULE = "lakemill.classifiers.worker"
MEMORY_MIB = 1024
TIMEOUT_S = 120.0
IDLE_S = 30.0
PROCESSES_MAX = 2
_KEPT = ("PATH", "PYTHON", "LANG", "LC_", "TZ", "TMP", "SYSTEMROOT")


class WorkerProcess:
    """Made by `start`. One request at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls) -> "WorkerProcess":
        environment = {name: one for name, one in os.environ.items() if name.startswith(_KEPT)}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", MODULE, "--memory-mib", str(MEMORY_MIB)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=environment | {"OMP_NUM_THREADS": "1", "ARROW_NUM_THREADS": "1"},
            limit=4 << 20,
            start_new_session=True,
        )
        return cls(process)

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    async def ask(self, **request: Any) -> dict[str, Any]:
        """The answer to a request. Raises CrawlFailed; the process is gone then."""
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            async with asyncio.timeout(TIMEOUT_S):
                self._process.stdin.write(framed(request))
                await self._process.stdin.drain()
                answer: dict[str, Any] = await receive_message(self._process.stdout)
                return answer
        except TimeoutError:
            await self.kill()
            raise CrawlFailed(f"files could not be read within {TIMEOUT_S:.0f} seconds") from None
        except (ConnectionError, asyncio.IncompleteReadError, ValueError):
            await self.kill()
            raise CrawlFailed(f"the process that reads files ended with {self._code()}") from None
        except asyncio.CancelledError:
            self._signal()  # Its answer would be taken for that of the next request.
            raise

    def _code(self) -> str:
        code = self._process.returncode or 0
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"

    def _signal(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    async def kill(self) -> None:
        """End the process now."""
        if self.alive:
            self._signal()
        await self._process.wait()


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
        for task in self._ending:
            task.cancel()
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
