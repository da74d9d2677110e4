"""Applications at work: a runner for each, in a task of its own, and what stops, restarts and saves it.

Work that waits for a runner (to stop it, say) takes its place among the tasks, so that what comes after waits for that.
"""

import asyncio
import dataclasses
import logging
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from lakemill.engines.analytics.checker import Checker
from lakemill.engines.analytics.checkpoints import Checkpoints
from lakemill.engines.analytics.errors import SnapshotMissing
from lakemill.engines.analytics.plan import Plan, Planner
from lakemill.engines.analytics.programs import LATEST, Programs
from lakemill.engines.analytics.runner import Runner
from lakemill.engines.analytics.sinks import Sinks
from lakemill.engines.analytics.sources import Sources
from lakemill.engines.delivery import Delivery
from lakemill.engines.flink import Program, SnapshotFailed
from lakemill.engines.flink import Runner as ProgramRunner
from lakemill.engines.resources import ResourceMissing, Resources
from lakemill.engines.streams import Streams
from lakemill.ports.clock import Clock
from lakemill.ports.metadata import Metadata, Transaction

KIND, VERSION = "analytics-application", "analytics-version"
READY, STARTING, RUNNING, STOPPING = "ready", "starting", "running", "stopping"
UPDATING, DELETING, FORCE_STOPPING = "updating", "deleting", "force_stopping"

Document = dict[str, Any]
logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Origin:
    """The saved state a run begins with; None: it begins empty."""

    path: str | None


class Driving:
    """Base of the engine."""

    def __init__(
        self,
        metadata: Metadata,
        clock: Clock,
        folder: Path,
        streams: Streams,
        delivery: Delivery,
        programs: Programs | None = None,
    ) -> None:
        self.resources = Resources(metadata, clock)
        self.sources = Sources(streams, delivery)
        self.checker = Checker()
        self._metadata, self._clock = metadata, clock
        self._sinks = Sinks(streams, delivery)
        self._checkpoints = Checkpoints(folder)
        self._planner: Planner | None = None
        self._programs = programs
        self._runners: dict[str, Runner | ProgramRunner] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._taking: set[asyncio.Task[str | None]] = set()

    @property
    def programs(self) -> Programs:
        assert self._programs is not None
        return self._programs

    def use(self, planner: Planner) -> None:
        """Say who makes plans; before `start_all`."""
        self._planner = planner

    def fault(self, document: Document) -> str | None:
        """What keeps a running application from working, if something does."""
        runner = self._runners.get(document["id"])
        return runner.fault if runner is not None else None

    def stood(self, document: Document) -> bool:
        """Whether an earlier run left a position to go on from."""
        return self._checkpoints.load(document["id"]) is not None

    async def job_plan(self, document: Document) -> str | None:
        """The plan of a program's job as JSON, while it runs."""
        runner = self._runners.get(document["id"])
        return await runner.plan() if isinstance(runner, ProgramRunner) else None

    def _plan(self, document: Document) -> Plan | Program:
        assert self._planner is not None
        return self._planner(document)

    async def _told(self, document: Document, taking: Coroutine[Any, Any, str]) -> str | None:
        """Where the snapshot is; None if there is none: then the application's log says why."""
        try:
            return await taking
        except SnapshotFailed as fault:
            logger.warning("application %s: no snapshot: %s", document["name"], fault)
            await self._plan(document).say("ERROR", f"The snapshot failed: {fault}")
            return None

    async def _saved(self, document: Document) -> str | None:
        """Let a program end with a snapshot; where that is. None: it failed, and the program goes on."""
        runner = self._runners.get(document["id"])
        if not isinstance(runner, ProgramRunner):
            return None
        begun = await self.programs.begin_snapshot(document)
        return await self._told(document, self.programs.take_snapshot(document, begun, runner, stop=True))

    async def _tidy(self, document: Document) -> None:
        """End what is left of a program's run."""
        if self._programs is not None:
            await self._programs.end(document)

    def _drive(self, document: Document) -> None:
        id, plan = document["id"], self._plan(document)

        async def opened() -> None:
            await self._become(document, RUNNING, (STARTING, UPDATING))

        async def ended() -> None:
            await self._tidy(document)
            await self._become(document, READY, (STARTING, RUNNING, UPDATING))

        runner: Runner | ProgramRunner
        if isinstance(plan, Program):
            running = document["status"] == RUNNING
            runner = self.programs.runner(document, plan, opened, ended, running=running)
        else:
            runner = Runner(
                id,
                document["run"],
                document["starts"],
                plan,
                self.sources,
                self._sinks,
                self._checkpoints,
                self.checker,
                self._clock,
                opened,
            )
        self._runners[id] = runner
        self._tasks[id] = asyncio.create_task(runner.run(), name=f"application {document['name']}")

    def _later(self, document: Document, work: Any) -> None:
        """Do work that waits for the runner; it takes the runner's place among the tasks."""
        self._tasks[document["id"]] = asyncio.create_task(work)

    async def _halt(self, document: Document, task: asyncio.Task[None] | None) -> None:
        runner = self._runners.pop(document["id"], None)
        if runner is not None:
            runner.stop()
        if task is not None:
            await asyncio.gather(task, return_exceptions=True)

    def _halt_and(self, document: Document, status: str | None, *, save: bool = False) -> Any:
        before = self._tasks.get(document["id"])

        async def work() -> None:
            if save and await self._saved(document) is None and not (before is None or before.done()):
                await self._become(document, RUNNING, (STOPPING,))
                if before is not None and self._tasks.get(document["id"]) is asyncio.current_task():
                    self._tasks[document["id"]] = before
                return
            await self._halt(document, before)
            if save:
                await self.programs.settle(document)
            await self._tidy(document)
            if status is None:
                await self._remove(document)
            else:
                await self._become(document, status)
            self._tasks.pop(document["id"], None)

        return work()

    def _restart(self, document: Document) -> Any:
        before = self._tasks.get(document["id"])

        async def work() -> None:
            fresh = None
            if isinstance(self._plan(document), Program):
                fresh = await self._origin(document)
            await self._halt(document, before)
            if fresh is None:  # The same run goes on, from its last checkpoint.
                self._drive(document)
                return
            await self._tidy(document)
            self._drive(await self._next_run(document, fresh.path))

        return work()

    async def _origin(self, document: Document) -> Origin | None:
        """What a changed program begins with. None: no snapshot could be taken, or the one it names is gone."""
        restore = document["restore"]
        if restore["type"] == LATEST and document["saves"]:
            path = await self._saved(document)
            return Origin(path) if path is not None else None
        try:
            return Origin(self.programs.origin(document, restore))
        except SnapshotMissing as missing:
            await self._plan(document).say("ERROR", f"{missing}; the program goes on from its last checkpoint.")
            return None

    async def _go_on(self, document: Document) -> None:
        """Take up an application that ran, or was about to, when the platform ended."""
        if document["status"] == UPDATING and document.get("saves") and (path := self.programs.end_of(document)):
            await self._tidy(document)  # Its program had ended with a snapshot, and the next one had not begun.
            document = await self._next_run(document, path)
        self._drive(document)

    async def _stop_again(self, document: Document) -> None:
        """Stop an application that was to stop when the platform ended; with a snapshot, if that is missing yet."""
        if document["status"] == STOPPING and document.get("saves") and self.programs.end_of(document) is None:
            self._drive(document)
            self._later(document, self._halt_and(document, READY, save=True))
        else:
            await self._tidy(document)
            await self._become(document, READY)

    async def _next_run(self, document: Document, origin: str | None) -> Document:
        def begin(one: Document) -> None:
            one |= {"run": one["run"] + 1, "from": origin}

        await self._quietly(document, begin)
        return self.resources.get(KIND, document["scope"], document["name"])

    async def _become(self, document: Document, status: str, before: Sequence[str] | None = None) -> None:
        def change(present: Document) -> None:
            if before is None or present["status"] in before:
                present["status"] = status

        await self._quietly(document, change)

    async def _quietly(self, document: Document, change: Callable[[Document], None]) -> None:
        """A change of state is no modification."""

        def work(transaction: Transaction) -> None:
            present = self.resources.find_in(transaction, KIND, document["scope"], document["name"])
            if present is not None and present["id"] == document["id"]:
                modified = present["modified"]

                def quiet(one: Document) -> None:
                    change(one)
                    one["modified"] = modified

                self.resources.update_in(transaction, KIND, document["scope"], document["name"], quiet)

        await self._metadata.transact(work)

    async def _remove(self, document: Document) -> None:
        scope = document["scope"]

        def remove(transaction: Transaction) -> None:
            self.resources.delete_in(transaction, KIND, scope, document["name"])
            for one in list(self.resources.all(VERSION, scope, f"{document['id']}:", transaction)):
                self.resources.delete_in(transaction, VERSION, scope, one["name"])

        try:
            await self._metadata.transact(remove)
        except ResourceMissing:
            logger.info("application %s was gone already", document["name"])
        await asyncio.to_thread(self._checkpoints.remove, document["id"])
        if self._programs is not None:
            await self._programs.remove(document)
