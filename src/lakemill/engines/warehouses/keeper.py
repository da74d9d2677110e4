"""A warehouse's process, kept running: started again when it ends by itself, ended in order when it should."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from lakemill.engines.warehouses.errors import NotRunning, SqlFailed
from lakemill.engines.warehouses.process import WarehouseProcess

AGAIN_S, AGAIN_S_MAX = 0.2, 30.0
FAILURES = 4
"""So many starts in a row that fail are told to whoever waits."""
STEADY_S = 60.0
"""A process that ran so long and ends is started again at once."""

Launch = Callable[[], Awaitable[WarehouseProcess]]
"""Starts the process and opens the warehouse in it. Raises NotRunning, SqlFailed, OSError."""
Told = Callable[[], Awaitable[None]]

logger = logging.getLogger(__name__)


class Keeper:
    """Of one warehouse. label: for the log. ended: told after each end of the process."""

    def __init__(self, label: str, launch: Launch, ended: Told) -> None:
        self._label, self._launch, self._ended = label, launch, ended
        self._process: WarehouseProcess | None = None
        self._settled = asyncio.Event()
        """Set while it runs, or it is known that it will not."""
        self._stopping = self._restarting = False
        self.failed = ""
        """Why it does not start, once that was tried a few times."""
        self._task = asyncio.create_task(self._keep())

    @property
    def running(self) -> bool:
        return self._process is not None and not self._process.ended.is_set() and self._settled.is_set()

    @property
    def pid(self) -> int | None:
        """Of the process that runs."""
        return self._process.pid if self._process is not None and self.running else None

    async def process(self, timeout_s: float) -> WarehouseProcess:
        """The process, once it runs. Raises NotRunning."""
        try:
            await asyncio.wait_for(self._settled.wait(), timeout_s)
        except TimeoutError:
            raise NotRunning(f"{self._label} did not start within {timeout_s:g} s") from None
        if not self.running or self._process is None:
            raise NotRunning(self.failed or f"{self._label} does not run")
        return self._process

    async def restart(self) -> None:
        """End the process in order; another one takes its place."""
        if self._process is not None and self.running:
            self._restarting = True
            self._settled.clear()
            await self._process.close()

    async def stop(self) -> None:
        """End the process in order, for good."""
        self._stopping = True
        if self._process is not None and self.running:
            await self._process.close()
        else:
            self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._settled.set()

    async def _keep(self) -> None:
        failures, pause = 0, AGAIN_S
        loop = asyncio.get_running_loop()
        while not self._stopping:
            try:
                self._process = await self._launch()
            except (NotRunning, SqlFailed, OSError) as fault:
                failures += 1
                if failures in (1, FAILURES):
                    logger.warning("%s could not be started, and is tried again: %s", self._label, fault)
                if failures >= FAILURES:
                    self.failed = f"{self._label} could not be started: {fault}"
                    self._settled.set()
                await asyncio.sleep(pause)
                pause = min(2 * pause, AGAIN_S_MAX)
                continue
            began, failures, self.failed = loop.time(), 0, ""
            self._settled.set()
            await self._process.ended.wait()
            self._settled.clear()
            await self._process.kill()
            await self._ended()
            if self._restarting:
                self._restarting = False
            elif not self._stopping:
                logger.warning("%s: its process %s; it is started again", self._label, self._process.how)
                pause = AGAIN_S if loop.time() - began > STEADY_S else min(2 * pause, AGAIN_S_MAX)
                await asyncio.sleep(pause)
