"""One application at work: records from its sources through the worker to its outputs, and checkpoints on the way.

A turn reads some records, lets the program work on them, and hands its rows over; only when all of them are taken does
the next turn begin. Between two turns, positions and the program's state belong together, and that is when a checkpoint
is written. After a crash, records since the last checkpoint are read again by the state of that time: the state counts
each record once, outputs get the rows since then once more.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from lakemill.engines.analytics.checker import Checker
from lakemill.engines.analytics.checkpoints import Checkpoints, fingerprint
from lakemill.engines.analytics.errors import AnalyticsError, Unreachable
from lakemill.engines.analytics.plan import Plan
from lakemill.engines.analytics.process import WorkerProcess
from lakemill.engines.analytics.sinks import Sinks
from lakemill.engines.analytics.sources import NOW, Source, Sources
from lakemill.ports.clock import Clock

WAIT_S = 0.25
"""How long a turn waits for records."""
ADVANCE_MS = 1000
"""How often the clock closes windows."""
CHECKPOINT_S = 5.0
AGAIN_S, AGAIN_S_MAX = 1.0, 60.0
LAST = "last"
"""Start where the last run ended."""

logger = logging.getLogger(__name__)


class Runner:
    """Made for one version of one application; `run` returns after `stop`.

    id: of the application. number: of the run, which rises with each start. starts: where inputs begin, by their ids.
    """

    def __init__(
        self,
        id: str,
        number: int,
        starts: dict[str, str],
        plan: Plan,
        sources: Sources,
        sinks: Sinks,
        checkpoints: Checkpoints,
        checker: Checker,
        clock: Clock,
        opened: Callable[[], Awaitable[None]],
    ) -> None:
        self._id, self._number, self._starts, self._plan = id, number, starts, plan
        self._sources, self._sinks, self._checkpoints, self._clock = sources, sinks, checkpoints, clock
        self._checker, self._opened = checker, opened
        self._stopping = asyncio.Event()
        self._fingerprint = fingerprint(plan.program())
        self._read: dict[str, Source] = {}
        self._now = 0
        self._advanced = 0
        self._hindered = False
        self._saved_at = 0.0
        self._changed = False
        self._pause_s = AGAIN_S
        self.worker: WorkerProcess | None = None
        self.fault: str | None = None
        """What keeps it from working, if something does."""

    async def run(self) -> None:
        """Work until told to stop; after a failure again, from the last checkpoint, after a pause that doubles."""
        while not self._stopping.is_set():
            try:
                await self._work()
            except AnalyticsError as fault:
                await self._tell(str(fault))
            except OSError as fault:
                await self._tell(f"{type(fault).__name__}: {fault}")
            except Exception as fault:
                logger.exception("application %s", self._id)
                await self._tell(f"{type(fault).__name__}: {fault}")
            finally:
                if self.worker is not None:
                    await self.worker.kill()
                    self.worker = None
            await self._sleep(self._pause_s)
            self._pause_s = min(2 * self._pause_s, AGAIN_S_MAX)

    def stop(self) -> None:
        """Let the turn under way end, write a checkpoint, and return from `run`."""
        self._stopping.set()

    async def _tell(self, fault: str) -> None:
        logger.warning("application %s: %s", self._id, fault)
        self._hindered = True
        if fault != self.fault:
            await self._plan.say("ERROR", fault)
        self.fault = fault

    async def _sleep(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return

    async def _work(self) -> None:
        checkpoint = await asyncio.to_thread(self._checkpoints.load, self._id) or {"run": 0, "positions": {}}
        self._now = max(self._now, checkpoint.get("now", 0))
        resumes = checkpoint["run"] == self._number
        snapshot = checkpoint["snapshot"] if resumes and checkpoint["fingerprint"] == self._fingerprint else None
        self.worker = await self._checker.lend()
        data = [await asyncio.to_thread(one.load) for one in self._plan.references]
        answer = await self.worker.ask(do="open", plan=self._plan.program(data), snapshot=snapshot)
        if answer["lost"]:
            await self._plan.say("ERROR", f"The state of the last run cannot be used, and is empty: {answer['lost']}")
        for name in answer["missing"]:
            await self._plan.say("ERROR", f"The code has no stream {name} for the output of this name.")
        await self._opened()
        self._read = {}
        for one in self._plan.inputs:
            start = self._starts.get(one.id, NOW)
            positions = checkpoint["positions"].get(one.id) if resumes or start == LAST else None
            self._read[one.id] = self._sources.open(one.place, start, positions)
        await self._save()  # So that a crash from here on begins where this run did.
        while not self._stopping.is_set():
            await self._turn()
            if self._changed and self._clock.time() - self._saved_at >= CHECKPOINT_S:
                await self._save()
        await self._save()

    async def _turn(self) -> None:
        assert self.worker is not None
        self._hindered = False
        for number, one in enumerate(self._plan.inputs):
            if (reason := one.refusal()) is not None:
                await self._tell(f"input {one.prefix}: {reason}")
                await self._sleep(AGAIN_S)
                continue
            records = await self._read[one.id].read(WAIT_S / len(self._plan.inputs))
            if not records:
                continue
            self._changed = True
            if one.process is not None:
                records = await one.process(records)
            outcome = await self.worker.ask(do="push", input=number, records=records, now=self._time())
            await self._deliver(outcome)
        if self._time() - self._advanced >= ADVANCE_MS:
            self._advanced = self._time()
            await self._deliver(await self.worker.ask(do="advance", now=self._advanced))
        if self.fault is not None and not self._hindered:
            await self._plan.say("INFO", "The application works again.")
            self.fault = None
        self._pause_s = AGAIN_S

    def _time(self) -> int:
        """Milliseconds since 1970, never falling."""
        self._now = max(self._now, int(self._clock.time() * 1000))
        return self._now

    async def _deliver(self, outcome: dict[str, Any]) -> None:
        """Hand rows over, however long it takes; gives up only when the application is to stop. Raises Unreachable."""
        if outcome["faults"]:
            samples = "; ".join(outcome["samples"][:3])
            await self._plan.say("WARN", f"{outcome['faults']} rows went to the error stream: {samples}")
        for number, records in outcome["outputs"].items():
            self._changed = True
            pause_s = AGAIN_S
            while True:
                try:
                    await self._sinks.deliver(self._plan.outputs[number], records, self._plan.say)
                    break
                except Unreachable as fault:
                    await self._tell(str(fault))
                    if self._stopping.is_set():
                        raise
                await self._sleep(pause_s)
                pause_s = min(2 * pause_s, AGAIN_S_MAX)

    async def _save(self) -> None:
        assert self.worker is not None
        snapshot = (await self.worker.ask(do="snapshot"))["snapshot"]
        checkpoint = {
            "run": self._number,
            "positions": {id: source.positions() for id, source in self._read.items()},
            "snapshot": snapshot,
            "now": self._now,
            "fingerprint": self._fingerprint,
        }
        await asyncio.to_thread(self._checkpoints.save, self._id, checkpoint)
        self._changed, self._saved_at = False, self._clock.time()
