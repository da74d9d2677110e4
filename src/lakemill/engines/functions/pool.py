"""Warm workers: started when needed, used again, ended after idling."""

import asyncio
import contextlib
import secrets
import time
from collections import Counter

from lakemill.engines.functions.code import CodeStore
from lakemill.engines.functions.errors import FunctionThrottled
from lakemill.engines.functions.function import Function, Outcome, Runtime
from lakemill.engines.functions.shipping import Shipping
from lakemill.engines.functions.worker import Worker
from lakemill.ports.clock import Clock

INIT_S_MAX = 10.0
SWEEP_S = 1.0
RENEW_S = 900.0
"""A worker whose keys are good for less than this is replaced."""

Kind = tuple[str, str, str, str]
"""Scope, name, version, revision: workers of one kind stand in for each other."""


def _kind(function: Function) -> Kind:
    return (function.scope, function.name, function.version, function.revision)


class Pool:
    """All workers. workers_max: how many there are at once; idle_s: how long one waits for more to do."""

    def __init__(
        self,
        runtime: Runtime,
        code: CodeStore,
        shipping: Shipping,
        clock: Clock,
        *,
        idle_s: float,
        workers_max: int,
    ) -> None:
        self._runtime, self._code, self._shipping, self._clock = runtime, code, shipping, clock
        self._idle_s, self._workers_max = idle_s, workers_max
        self._idle: dict[Kind, list[Worker]] = {}
        self.reserved: dict[tuple[str, str], int] = {}
        """Workers kept for a function (scope, name), which are all it may have."""
        self._busy: Counter[tuple[str, str]] = Counter()
        self._sweeper: asyncio.Task[None] | None = None

    def enter(self, function: Function) -> None:
        """Take a place among the busy ones. Raises FunctionThrottled when there is none."""
        name = (function.scope, function.name)
        if name in self.reserved:
            full = self._busy[name] >= self.reserved[name]
        else:
            others = sum(busy for one, busy in self._busy.items() if one not in self.reserved)
            full = others >= self._workers_max - sum(self.reserved.values())
        if full or self._busy.total() >= self._workers_max:
            raise FunctionThrottled(function.name)
        self._busy[name] += 1

    def leave(self, function: Function) -> None:
        self._busy[function.scope, function.name] -= 1

    async def worker(self, function: Function) -> tuple[Worker, Outcome | None]:
        """A worker that has loaded the code (or what went wrong when it tried). Raises FunctionUnavailable."""
        waiting = self._idle.get(_kind(function), [])
        while waiting:
            worker = waiting.pop()
            if worker.alive and not self._stale(worker):
                return worker, None
            await worker.kill()
        await self._make_room()
        code = await asyncio.to_thread(self._code.unpacked, function.code)
        bytecode = await asyncio.to_thread(self._code.bytecode, function.code)
        stream = self._runtime.stream(function, secrets.token_hex(16))
        launch = await self._runtime.launch(function, stream, code, bytecode)
        worker = await Worker.start(function, stream, launch)
        self._listen(worker)
        wrong = await worker.ready(max(INIT_S_MAX, float(function.timeout_s)))
        if wrong is not None:
            await worker.kill()
        return worker, wrong

    def _listen(self, worker: Worker, lines: list[str] | None = None) -> None:
        """Send a worker's lines to the log, and into a list."""
        place = (worker.function.scope, worker.function.log_group, worker.stream)

        def sink(line: str) -> None:
            self._shipping.add(place, line)
            if lines is not None:
                lines.append(line)

        worker.sink = sink

    def listen(self, worker: Worker) -> list[str]:
        """The list that a worker's lines go to from now on, beside the log."""
        lines: list[str] = []
        self._listen(worker, lines)
        return lines

    def give_back(self, worker: Worker) -> None:
        """It waits for more to do."""
        self._listen(worker)
        self._idle.setdefault(_kind(worker.function), []).append(worker)
        if self._sweeper is None:
            self._sweeper = asyncio.create_task(self._sweep())

    def _stale(self, worker: Worker) -> bool:
        return worker.expires_s is not None and worker.expires_s - self._clock.time() < RENEW_S

    async def _make_room(self) -> None:
        """End the one that has idled longest when there are as many as may be."""
        idle = [worker for workers in self._idle.values() for worker in workers]
        if len(idle) + self._busy.total() > self._workers_max:
            await self._end(min(idle, key=lambda worker: worker.idle_since))

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(min(SWEEP_S, self._idle_s))
            since = time.monotonic() - self._idle_s
            for worker in [one for workers in self._idle.values() for one in workers]:
                if worker.idle_since < since or not worker.alive:
                    await self._end(worker)

    async def _end(self, worker: Worker) -> None:
        workers = self._idle.get(_kind(worker.function), [])
        if worker in workers:
            workers.remove(worker)
            if not workers:
                del self._idle[_kind(worker.function)]
            await worker.kill()

    async def retire(self, scope: str, name: str) -> None:
        """End the idle workers of a function, which was changed or deleted."""
        for kind in [kind for kind in self._idle if kind[:2] == (scope, name)]:
            for worker in list(self._idle.get(kind, ())):
                await self._end(worker)

    async def close(self) -> None:
        if self._sweeper is not None:
            self._sweeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sweeper
        for workers in self._idle.values():
            for worker in workers:
                await worker.kill()
        self._idle.clear()
