"""One application's program at work: started, watched, started again from its last checkpoint, and ended.

The program's processes outlive the platform. A runner that begins looks for the latest attempt of its run first: one
that runs the right version is taken over, any other is ended before a new one starts, so there are never two.
"""

import asyncio
import contextlib
import logging
import zipfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from lakemill.engines.flink import states
from lakemill.engines.flink.attempt import Attempt
from lakemill.engines.flink.environments import Environments
from lakemill.engines.flink.errors import FlinkError, SnapshotFailed
from lakemill.engines.flink.program import Program
from lakemill.engines.flink.shipping import Shipping
from lakemill.ports.clock import Clock
from lakemill.ports.compute import Compute, ComputeRefused
from lakemill.ports.metadata import Metadata

LOOK_S = 0.25
AGAIN_S, AGAIN_S_MAX = 1.0, 60.0
OPEN_S_MAX, SAVE_S_MAX = 120.0, 600.0
"""How long saving waits for a job that does not run yet; and for the state."""

logger = logging.getLogger(__name__)


class Failed(FlinkError):
    """The attempt ended before its time; the text says how."""


class Outdated(FlinkError):
    """What the attempt was given is not good any more."""


class Runner:
    """Made for one version of one application; `run` returns when the program has ended, or after `stop`.

    number: of the run. folder: of the run. restore: saved state it begins with, if no checkpoint of the run is there.
    running: whether the run was under way before. opened, ended: told when the job runs, and when the program has
    ended by itself.
    """

    def __init__(
        self,
        compute: Compute,
        metadata: Metadata,
        environments: Environments,
        clock: Clock,
        id: str,
        number: int,
        version: int,
        program: Program,
        folder: Path,
        restore: Path | None,
        opened: Callable[[], Awaitable[None]],
        ended: Callable[[], Awaitable[None]],
        *,
        running: bool,
    ) -> None:
        self._compute, self._metadata, self._environments, self._clock = compute, metadata, environments, clock
        self._id, self._number, self._version = id, number, version
        self._program, self._folder, self._restore = program, folder, restore
        self._opened, self._ended, self._running = opened, ended, running
        self._stopping = asyncio.Event()
        self._open = asyncio.Event()
        self._leaving = False
        self._attempt: Attempt | None = None
        self._pause_s = AGAIN_S
        self.fault: str | None = None
        """What keeps it from working, if something does."""

    async def run(self) -> None:
        """Let the program run until it ends, or `stop`. What fails once it has run is started again."""
        looked = False
        while not self._stopping.is_set():
            finished = False
            try:
                if not looked:
                    self._attempt, looked = await self._found(), True
                self._attempt = self._attempt or await self._start()
                finished = await self._follow(self._attempt)
                if finished and not self._leaving:
                    await self._program.say("INFO", "The program has finished.")
            except Outdated as reason:
                await self._program.say("INFO", str(reason))
            except Exception as fault:
                await self._tell(fault)
                finished = not self._running and looked
            await self._leave()
            if finished:
                if not self._leaving:
                    await self._ended()
                return
            await self._sleep(self._pause_s)
            self._pause_s = min(2 * self._pause_s, AGAIN_S_MAX)

    async def _leave(self) -> None:
        """End the attempt under way. What cannot be ended is seen before the next one starts."""
        attempt, self._attempt = self._attempt, None
        self._open.clear()
        if attempt is not None:
            try:
                await self._close(attempt)
            except Exception:
                logger.exception("application %s", self._id)

    def stop(self) -> None:
        """End the program now, and return from `run`."""
        self._stopping.set()

    async def save(self, folder: Path, *, stop: bool) -> Path:
        """Save the job's state below a folder, durably; with stop the program ends, and `run` returns.

        Raises SnapshotFailed; then it goes on running.
        """
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._open.wait(), OPEN_S_MAX)
        manager = self._attempt.manager() if self._attempt is not None else None
        if manager is None:
            raise SnapshotFailed("the job does not run")
        self._leaving = stop  # Its end is none that must be told.
        try:
            found = await asyncio.to_thread(manager.save, folder, SAVE_S_MAX, stop=stop)
            await asyncio.to_thread(states.flush, found)
        except BaseException:
            self._leaving = False
            raise
        return found

    async def plan(self) -> str | None:
        """The job's plan as JSON, while it runs."""
        manager = self._attempt.manager() if self._attempt is not None else None
        return await asyncio.to_thread(manager.plan) if manager is not None else None

    # Below the surface

    async def _found(self) -> Attempt | None:
        """The attempt of an earlier life of the platform, if it goes on or has ended by itself."""
        latest = await asyncio.to_thread(Attempt.latest, self._compute, self._id, self._number, self._folder)
        if latest is None:
            return None
        state = await asyncio.to_thread(latest.poll)
        finished = state.state == "exited" and state.exit_code == 0
        if latest.runs(self._program, self._version) and (state.state == "running" or finished):
            return latest
        await self._close(latest)
        return None

    async def _start(self) -> Attempt:
        environment = await asyncio.to_thread(self._environments.find, self._program.version)
        variables = dict(await self._program.environment())

        def start() -> Attempt:
            latest = Attempt.latest(self._compute, self._id, self._number, self._folder)
            if latest is not None and latest.poll().state == "running":
                raise Failed("what ran before cannot be ended")
            attempt = Attempt(self._compute, self._id, self._number, latest.number + 1 if latest else 1, self._folder)
            checkpoint = states.newest(self._folder)
            states.keep_only(self._folder, checkpoint)
            attempt.start(self._program, environment, variables, checkpoint or self._restore, self._version)
            return attempt

        try:
            return await asyncio.to_thread(start)
        except (OSError, RuntimeError, zipfile.BadZipFile, ComputeRefused) as fault:
            raise Failed(f"the program cannot be started: {fault}") from None

    async def _follow(self, attempt: Attempt) -> bool:
        """Until it has finished (True), or `stop`. Raises Failed."""
        shipping = self._shipping(attempt)
        last = ""
        while not self._stopping.is_set():
            state = await asyncio.to_thread(attempt.poll)
            last = await shipping.ship(ended=state.state != "running") or last
            if state.state == "exited" and state.exit_code == 0:
                return True
            if state.state != "running":
                how = f"exit code {state.exit_code}" if state.state == "exited" else "its process was killed"
                raise Failed(f"the program ended: {how}" + (f": {last}" if last else ""))
            if (good_s := self._program.good_s) is not None and self._clock.time() > attempt.begun() + good_s:
                raise Outdated("The program starts anew from its last checkpoint, with fresh keys.")
            if not self._open.is_set() and await self._runs(attempt):
                self._running, self.fault, self._pause_s = True, None, AGAIN_S
                await self._opened()
                self._open.set()
            await self._sleep(LOOK_S)
        return False

    @staticmethod
    async def _runs(attempt: Attempt) -> bool:
        """Whether all tasks of its job run."""
        manager = attempt.manager()
        return manager is not None and await asyncio.to_thread(manager.state) == "RUNNING"

    async def _close(self, attempt: Attempt) -> None:
        """End an attempt; what it printed last is kept."""
        await asyncio.to_thread(attempt.end)
        await self._shipping(attempt).ship(ended=True)
        await asyncio.to_thread(attempt.sweep)

    def _shipping(self, attempt: Attempt) -> Shipping:
        return Shipping(self._metadata, self._clock, attempt.run_id, attempt.log, self._program.keep)

    async def _tell(self, fault: Exception) -> None:
        text = str(fault) if isinstance(fault, FlinkError) else f"{type(fault).__name__}: {fault}"
        if not isinstance(fault, FlinkError):
            logger.exception("application %s", self._id)
        logger.warning("application %s: %s", self._id, text)
        self.fault = text
        with contextlib.suppress(Exception):
            await self._program.say("ERROR", text)

    async def _sleep(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
