"""Warm processes: a statement that finds one costs no start."""

import asyncio
from collections.abc import Sequence

from lakemill.engines.queries.process import MODULE, StatementProcess

IDLE_S = 60.0
"""So long more than one process waits for work."""
LOADING_S, PREPARING_S = 2.0, 0.3
"""About how long a new process loads, and one that has answered makes itself ready for the next statement."""
STATEMENTS_MAX = 500
"""A process is replaced after so many, whatever it has gathered."""


class Processes:
    """Started when the first statement comes; from then on there is one to spare."""

    def __init__(self, memory_mib: int, command: Sequence[str] = ("-m", MODULE)) -> None:
        self._memory_mib, self._command = memory_mib, command
        self._idle: list[StatementProcess] = []
        self._used: dict[StatementProcess, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._starting = 0
        self._closed = False

    async def take(self) -> StatementProcess:
        """A process for a statement: of those that wait, the one that is ready first. Another one is made to wait."""
        while self._idle:
            process = min(self._idle, key=lambda one: one.ready_s)
            self._idle.remove(process)
            if process.alive:
                self.warm()
                return process
            await self.discard(process)
        process = await self._start()
        self.warm()
        return process

    def give_back(self, process: StatementProcess) -> None:
        """It has ended its statement, and may have another."""
        self._used[process] = self._used.get(process, 0) + 1
        if self._closed or not process.alive or self._used[process] >= STATEMENTS_MAX:
            self._in_background(self.discard(process))
            return
        self._wait(process, PREPARING_S)

    async def discard(self, process: StatementProcess) -> None:
        """End it, and see that there is one to spare."""
        self._used.pop(process, None)
        await process.kill()
        self.warm()

    def warm(self) -> None:
        """See that a process waits."""
        if not self._closed and not self._idle and not self._starting:
            self._in_background(self._add())

    async def close(self) -> None:
        """End those that wait; those at work are their statements'."""
        self._closed = True
        for task in list(self._tasks):
            await asyncio.gather(task, return_exceptions=True)
        idle, self._idle = self._idle, []
        await asyncio.gather(*(process.kill() for process in idle))

    async def _start(self) -> StatementProcess:
        process = await StatementProcess.start(self._memory_mib, self._command)
        self._used[process] = 0
        return process

    async def _add(self) -> None:
        self._starting += 1
        try:
            process = await self._start()
        finally:
            self._starting -= 1
        if self._closed:
            await process.kill()
        else:
            self._wait(process, LOADING_S)

    def _wait(self, process: StatementProcess, ready_in_s: float) -> None:
        loop = asyncio.get_running_loop()
        process.ready_s = loop.time() + ready_in_s
        self._idle.append(process)
        loop.call_later(IDLE_S + ready_in_s, self._shrink)

    def _shrink(self) -> None:
        now = asyncio.get_running_loop().time()
        for process in sorted(self._idle, key=lambda one: one.ready_s)[:-1]:
            if now - process.ready_s >= IDLE_S:
                self._idle.remove(process)
                self._in_background(self.discard(process))

    def _in_background(self, work: "asyncio.Coroutine[None, None, None]") -> None:  # type: ignore[name-defined]
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
