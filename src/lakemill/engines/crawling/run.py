"""A crawl under way: its log lines, and how it ended."""

import asyncio
import contextlib
import dataclasses
import logging
from collections.abc import Iterator

from lakemill.engines.catalog import CatalogError
from lakemill.engines.crawling.crawl import Crawl, Halted
from lakemill.engines.crawling.errors import CrawlingError
from lakemill.engines.crawling.history import COMPLETED, FAILED, STOPPED
from lakemill.engines.crawling.plan import Plan
from lakemill.engines.loglines import LogLines
from lakemill.ports.clock import Clock

LOG_GROUP = "/aws-glue/crawlers"
SHIP_S = 0.5
ERROR_MAX = 2048

logger = logging.getLogger(__name__)


class Run:
    """id: of the crawl. state, error and counts tell how it ended."""

    def __init__(self, id: str, scope: str, name: str, loglines: LogLines, clock: Clock) -> None:
        self.id, self.scope, self.name = id, scope, name
        self._loglines, self._clock = loglines, clock
        self._lines: list[tuple[int, str]] = []
        self._crawl: Crawl | None = None
        self._halting = False
        self._plan: Plan | None = None
        self.state, self.error = FAILED, ""
        self.counts: dict[str, int] = {}

    def say(self, line: str) -> None:
        """A line for the log."""
        self._lines.append((int(self._clock.time() * 1000), f"[{self.id}] {line}"))

    def halt(self) -> None:
        """End it between two steps."""
        self._halting = True
        if self._crawl is not None:
            self._crawl.halt()

    @contextlib.contextmanager
    def guarded(self) -> Iterator[None]:
        """What goes wrong inside becomes the state and the error."""
        try:
            yield
            self.state = COMPLETED
        except Halted:
            self.state = STOPPED
        except (CrawlingError, CatalogError) as failed:
            self.error = str(failed)[:ERROR_MAX]
        except Exception as fault:
            logger.exception("crawl of %s", self.name)
            self.error = f"Internal Service Exception: {type(fault).__name__}"
        if self.error:
            self.say(f"ERROR : {self.error}")
        if self._crawl is not None:
            self.counts = dataclasses.asdict(self._crawl.counts)
        self.say("BENCHMARK : Crawler has finished running and is in state READY")

    async def crawl(self, crawl: Crawl, plan: Plan) -> None:
        """Carry the crawl out, and write its log meanwhile. Raises what it raises."""
        self._crawl, self._plan = crawl, plan
        if self._halting:
            raise Halted
        self.say(f"BENCHMARK : Running Start Crawl for Crawler {self.name}")
        self.say(f"INFO : Changed schemas: {plan.on_change}; missing data: {plan.on_missing}")
        shipping = asyncio.create_task(self._ship_for_ever())
        try:
            await crawl.run()
        finally:
            shipping.cancel()
            await asyncio.gather(shipping, return_exceptions=True)

    async def _ship_for_ever(self) -> None:
        while True:
            await self.ship()
            await asyncio.sleep(SHIP_S)

    async def ship(self) -> None:
        """Write the lines so far, if the role may."""
        lines, self._lines = self._lines, []
        if not lines or self._plan is None:
            return
        account, region = self.scope.split("/")
        place = f"arn:aws:logs:{region}:{account}:log-group:{LOG_GROUP}:log-stream:{self.name}"
        if self._plan.refusal("logs:PutLogEvents", place) is None:
            await self._loglines.put(self.scope, LOG_GROUP, self.name, lines)
