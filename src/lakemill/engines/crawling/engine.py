"""Crawlers: kept, started by hand or by their schedules, one crawl of each at a time.

A crawler is a resource of kind `crawler`: `definition` (whatever its owner keeps in it), `state`, `version`, `schedule`
(None, or `expression` and `running`), `crawl` (the one under way), `last` (how the last one ended), `totals`.

A crawl does not survive the platform: the next start finds the crawler's state, ends the crawl as failed, and takes
back what it wrote into the catalog.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any

from lakemill.engines import schedules
from lakemill.engines.catalog import Catalog, take_all_back
from lakemill.engines.crawling.crawl import Crawl
from lakemill.engines.crawling.errors import (
    CrawlerNotRunning,
    CrawlerRunning,
    CrawlerStopping,
    NoSchedule,
    SchedulerNotRunning,
    SchedulerRunning,
)
from lakemill.engines.crawling.history import FAILED, History
from lakemill.engines.crawling.plan import Plan
from lakemill.engines.crawling.process import WorkerProcess, Workers
from lakemill.engines.crawling.run import Run
from lakemill.engines.crawling.thread import Thread
from lakemill.engines.loglines import LogLines
from lakemill.engines.objects import Objects
from lakemill.engines.resources import ResourceMissing, Resources
from lakemill.ports.clock import Clock
from lakemill.ports.metadata import Metadata, Transaction

KIND = "crawler"
READY, RUNNING, STOPPING = "READY", "RUNNING", "STOPPING"
INTERRUPTED = "The crawl was interrupted: lakemill ended while it ran. Start the crawler again."
TICK_S = 15.0
RUNTIMES_MAX = 100
Document = dict[str, Any]
Planner = Callable[[Document], Plan]
"""The plan of a crawler's document. Raises CrawlFailed."""

logger = logging.getLogger(__name__)


class Crawlers:
    """The crawlers of all scopes. `use` must be called before `start_all`."""

    def __init__(
        self, metadata: Metadata, objects: Objects, catalog: Catalog, loglines: LogLines, clock: Clock
    ) -> None:
        self.resources, self.history, self.clock = Resources(metadata, clock), History(metadata, clock), clock
        self._metadata, self._objects, self._catalog, self._loglines = metadata, objects, catalog, loglines
        self._workers, self._thread = Workers(), Thread()
        self._planner: Planner | None = None
        self._running: dict[tuple[str, str], tuple[Run, asyncio.Task[None]]] = {}
        self._ticking: asyncio.Task[None] | None = None
        self._ticked = clock.now()

    def use(self, planner: Planner) -> None:
        """Who makes plans of documents."""
        self._planner = planner

    # Settings

    async def create(
        self, scope: str, name: str, definition: Document, schedule: str | None, tags: dict[str, str] | None
    ) -> None:
        """Raises ResourceExists, TooManyTags, ScheduleWrong."""
        document = {"definition": definition, "state": READY, "version": 1, "schedule": _schedule(schedule)}
        empty: Document = {
            "updated": self.clock.now(),
            "crawl": None,
            "last": None,
            "runtimes_s": [],
            "totals": {"created": 0, "updated": 0, "deleted": 0},
        }
        await self.resources.create(KIND, scope, name, document | empty, tags)

    def get(self, scope: str, name: str) -> Document:
        """Raises ResourceMissing."""
        return self.resources.get(KIND, scope, name)

    async def update(
        self, scope: str, name: str, change: Callable[[Document], Document], schedule: str | None = None
    ) -> None:
        """Let `change` make a definition of the one before; schedule: "" for none, None to leave it.

        Raises ResourceMissing, CrawlerRunning, ScheduleWrong.
        """

        def work(document: Document) -> None:
            _check_ready(document)
            document["definition"] = change(document["definition"])
            document["version"] += 1
            document["updated"] = self.clock.now()
            if schedule is not None:
                document["schedule"] = _schedule(schedule)

        await self.resources.update(KIND, scope, name, work)

    async def delete(self, scope: str, name: str) -> None:
        """Raises ResourceMissing, CrawlerRunning."""

        def work(transaction: Transaction) -> None:
            self.resources.delete_in(transaction, KIND, scope, name, _check_ready)
            self.history.forget_in(transaction, scope, name)

        await self._metadata.transact(work)

    # Schedules

    async def reschedule(self, scope: str, name: str, expression: str) -> None:
        """Give it another schedule, or with "" none. Raises ResourceMissing, ScheduleWrong."""

        def work(document: Document) -> None:
            document["schedule"] = _schedule(expression)

        await self.resources.update(KIND, scope, name, work)

    async def start_schedule(self, scope: str, name: str) -> None:
        """Raises ResourceMissing, NoSchedule, SchedulerRunning."""

        def work(document: Document) -> None:
            if not document["schedule"]:
                raise NoSchedule(name)
            if document["schedule"]["running"]:
                raise SchedulerRunning(name)
            document["schedule"]["running"] = True

        await self.resources.update(KIND, scope, name, work)

    async def stop_schedule(self, scope: str, name: str) -> None:
        """Raises ResourceMissing, SchedulerNotRunning."""

        def work(document: Document) -> None:
            if not document["schedule"] or not document["schedule"]["running"]:
                raise SchedulerNotRunning(name)
            document["schedule"]["running"] = False

        await self.resources.update(KIND, scope, name, work)

    # Crawls

    async def start(self, scope: str, name: str) -> str:
        """Begin a crawl; its id. Raises ResourceMissing, CrawlerRunning."""

        def work(transaction: Transaction) -> Document:
            def begin(document: Document) -> None:
                _check_ready(document)
                document["state"] = RUNNING
                document["crawl"] = self.history.begin_in(transaction, scope, name)

            return self.resources.update_in(transaction, KIND, scope, name, begin)

        document = await self._metadata.transact(work)
        run = Run(document["crawl"]["id"], scope, name, self._loglines, self.clock)
        task = asyncio.create_task(self._carry_out(document, run))
        self._running[scope, name] = run, task
        task.add_done_callback(lambda _: self._running.pop((scope, name), None))
        return run.id

    async def stop(self, scope: str, name: str) -> None:
        """End a crawl between two steps. Raises ResourceMissing, CrawlerNotRunning, CrawlerStopping."""

        def work(document: Document) -> None:
            if document["state"] == STOPPING:
                raise CrawlerStopping(name)
            if document["state"] != RUNNING:
                raise CrawlerNotRunning(name)
            document["state"] = STOPPING

        await self.resources.update(KIND, scope, name, work)
        if (scope, name) in self._running:
            self._running[scope, name][0].halt()

    async def _carry_out(self, document: Document, run: Run) -> None:
        """Crawl, and note how it ended."""
        assert self._planner is not None
        try:
            with run.guarded():
                plan = self._planner(document)
                crawl = Crawl(plan, self._objects, self._catalog, self._workers, run.say, self._thread)
                await run.crawl(crawl, plan)
            await self._note_end(document, run)
        except asyncio.CancelledError:
            raise
        except Exception:  # The next start of the platform notes it as interrupted.
            logger.exception("crawl of %s", run.name)

    async def _note_end(self, document: Document, run: Run) -> None:
        scope, name = run.scope, run.name

        def work(transaction: Transaction) -> None:
            if self.resources.find_in(transaction, KIND, scope, name) is None:
                return

            def end(found: Document) -> None:
                ended = self.history.end_in(
                    transaction, scope, name, found["crawl"], run.state, error=run.error, counts=run.counts
                )
                found["state"], found["crawl"], found["last"] = READY, None, ended
                runtime_s = (ended["end"] - ended["start"]).total_seconds()
                found["runtimes_s"] = [*found["runtimes_s"][1 - RUNTIMES_MAX :], runtime_s]
                found["totals"] = {one: number + run.counts.get(one, 0) for one, number in found["totals"].items()}

            self.resources.update_in(transaction, KIND, scope, name, end)

        await run.ship()
        await self._metadata.transact(work)

    async def problem_of(self, classifier: Document) -> str:
        """What is wrong with a custom classifier; "" for nothing. Raises CrawlFailed."""
        worker = await WorkerProcess.start()  # One of its own: crawls may hold all others for long.
        try:
            answer = await worker.ask(check=classifier)
            return str(answer["problem"])
        finally:
            await worker.kill()

    # The platform's life

    async def start_all(self) -> list[str]:
        """End and take back crawls that a stop of the platform cut off, and begin to keep schedules; what was ended."""
        said = []
        await take_all_back(self._metadata)
        for document in list(self.resources.all(KIND)):
            if document["state"] != READY:
                await self._end_interrupted(document["scope"], document["name"])
                said.append(f"crawler {document['name']} was interrupted; it can be started again")
        self._ticked = self.clock.now()
        self._ticking = asyncio.create_task(self._tick_for_ever())
        return said

    async def _end_interrupted(self, scope: str, name: str) -> None:
        def work(transaction: Transaction) -> None:
            def end(found: Document) -> None:
                crawl = found["crawl"]
                found["last"] = self.history.end_in(
                    transaction, scope, name, crawl, FAILED, error=INTERRUPTED, counts={}
                )
                found["state"], found["crawl"] = READY, None

            self.resources.update_in(transaction, KIND, scope, name, end)

        await self._metadata.transact(work)

    async def _tick_for_ever(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            try:
                await self.tick()
            except Exception:
                logger.exception("schedules of crawlers")

    async def tick(self) -> None:
        """Start every crawler whose time has come since the last tick. One that still runs is left alone."""
        before, self._ticked = self._ticked, self.clock.now()
        for document in list(self.resources.all(KIND)):
            schedule = document["schedule"]
            if schedule and schedule["running"]:
                due = schedules.parse(schedule["expression"]).next_after(before)
                if due is not None and due <= self._ticked:
                    with contextlib.suppress(CrawlerRunning, ResourceMissing):
                        await self.start(document["scope"], document["name"])

    async def settle(self) -> None:
        """Wait until all crawls under way have ended."""
        while self._running:
            await asyncio.gather(*(task for _, task in self._running.values()), return_exceptions=True)
            await asyncio.sleep(0)

    async def close(self) -> None:
        """Stop everything; crawls under way are cut off."""
        tasks = [task for _, task in self._running.values()]
        if self._ticking is not None:
            tasks.append(self._ticking)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._workers.close()
        self._thread.close()


def _check_ready(document: Document) -> None:
    if document["state"] != READY:
        raise CrawlerRunning(document["name"])


def _schedule(expression: str | None) -> Document | None:
    if not expression:
        return None
    schedules.parse(expression)
    return {"expression": expression, "running": True}
