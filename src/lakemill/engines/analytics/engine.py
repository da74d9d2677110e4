"""Applications of streaming SQL: made, changed in versions, started, stopped, deleted.

An application is a resource (kind `analytics-application`). Members of its document that are ours: `id`, `status`,
`version` (from 1, rises with every change), `run` (rises with every start), `starts` (where inputs begin, by their
ids), `code`, and the lists `inputs`, `outputs`, `references` and `logs`, whose members have an `id`. All else is the
service's, which makes a Plan of the document. Every version's document is kept (kind `analytics-version`).
"""

import asyncio
import copy
import logging
import secrets
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from lakemill.engines.analytics.checker import Checker
from lakemill.engines.analytics.checkpoints import Checkpoints, fingerprint
from lakemill.engines.analytics.errors import ApplicationBusy, PartMissing, StaleVersion
from lakemill.engines.analytics.plan import Planner
from lakemill.engines.analytics.runner import Runner
from lakemill.engines.analytics.sinks import Sinks
from lakemill.engines.analytics.sources import Sources
from lakemill.engines.delivery import Delivery
from lakemill.engines.resources import ResourceMissing, Resources
from lakemill.engines.streams import Streams
from lakemill.ports.clock import Clock
from lakemill.ports.metadata import Metadata, Transaction

KIND, VERSION = "analytics-application", "analytics-version"
READY, STARTING, RUNNING, STOPPING = "ready", "starting", "running", "stopping"
UPDATING, DELETING = "updating", "deleting"
PARTS = ("inputs", "outputs", "references", "logs")

Document = dict[str, Any]
logger = logging.getLogger(__name__)


class Analytics:
    """All applications. scope is "account/region". folder: for checkpoints."""

    def __init__(self, metadata: Metadata, clock: Clock, folder: Path, streams: Streams, delivery: Delivery) -> None:
        self.resources = Resources(metadata, clock)
        self.sources = Sources(streams, delivery)
        self.checker = Checker()
        self._metadata, self._clock = metadata, clock
        self._sinks = Sinks(streams, delivery)
        self._checkpoints = Checkpoints(folder)
        self._planner: Planner | None = None
        self._runners: dict[str, Runner] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def use(self, planner: Planner) -> None:
        """Say who makes plans; before `start_all`."""
        self._planner = planner

    async def start_all(self) -> list[str]:
        """Go on with what ran when the platform stopped; a sentence about each."""
        said = []
        for document in list(self.resources.all(KIND)):
            label = f"Application {document['scope']}/{document['name']}"
            if document["status"] in (STARTING, RUNNING, UPDATING):
                self._drive(document)
                said.append(f"{label}: goes on from its last checkpoint.")
            elif document["status"] == STOPPING:
                await self._become(document, READY)
                said.append(f"{label}: stopped, as had been asked for.")
            elif document["status"] == DELETING:
                await self._remove(document)
                said.append(f"{label}: deleted, as had been asked for.")
        return said

    async def close(self) -> None:
        """Stop all workers, each after a checkpoint; their applications go on at the next start."""
        for runner in self._runners.values():
            runner.stop()
        if self._tasks:
            _, late = await asyncio.wait(list(self._tasks.values()), timeout=10)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self.checker.close()

    # Looking

    def get(self, scope: str, name: str) -> Document:
        """The application's document. Raises ResourceMissing."""
        return self.resources.get(KIND, scope, name)

    def version(self, scope: str, name: str, version: int) -> Document:
        """Its document as it was in a version. Raises ResourceMissing."""
        present = self.get(scope, name)
        return self.resources.get(VERSION, scope, _version_name(present, version))["document"]

    def versions(self, scope: str, name: str) -> Iterator[Document]:
        """Documents of all versions, the oldest first. Raises ResourceMissing."""
        prefix = f"{self.get(scope, name)['id']}:"
        return (one["document"] for one in self.resources.all(VERSION, scope, prefix))

    def fault(self, document: Document) -> str | None:
        """What keeps a running application from working, if something does."""
        runner = self._runners.get(document["id"])
        return runner.fault if runner is not None else None

    def stood(self, document: Document) -> bool:
        """Whether an earlier run left a position to go on from."""
        return self._checkpoints.load(document["id"]) is not None

    # Changing

    async def create(self, scope: str, name: str, document: Document, tags: dict[str, str]) -> Document:
        """A new application. Raises ResourceExists, TooManyTags, CodeInvalid."""
        ours = {"id": secrets.token_hex(12), "status": READY, "version": 1, "run": 0, "starts": {}}
        whole = {"code": "", **{part: [] for part in PARTS}, **document, **ours}
        _number(whole)
        await self.check({"scope": scope, "name": name, **whole})

        def work(transaction: Transaction) -> Document:
            made = self.resources.create_in(transaction, KIND, scope, name, whole, tags)
            self._keep(transaction, made)
            return made

        return await self._metadata.transact(work)

    async def change(
        self, scope: str, name: str, change: Callable[[Document], None], version: int | None = None
    ) -> Document:
        """Make the next version of an application; one that runs goes on with it.

        change alters a document whose `version` is the new one already; new members of lists need no id.
        version: the one it is meant for; None: whichever. Raises ResourceMissing, StaleVersion, ApplicationBusy,
        CodeInvalid, and what `change` raises.
        """

        def altered(document: Document) -> None:
            if version is not None and version != document["version"]:
                raise StaleVersion(version, document["version"])
            if document["status"] not in (READY, RUNNING):
                raise ApplicationBusy(name, document["status"])
            document["version"] += 1
            change(document)
            _number(document)
            if document["status"] == RUNNING:
                document["status"] = UPDATING

        present = self.get(scope, name)
        wanted = copy.deepcopy(present)
        altered(wanted)
        if self._print(wanted) != self._print(present):
            await self.check(wanted)

        def work(transaction: Transaction) -> Document:
            made = self.resources.update_in(transaction, KIND, scope, name, altered)
            self._keep(transaction, made)
            return made

        made = await self._metadata.transact(work)
        if made["status"] == UPDATING:
            self._later(made, self._restart(made))
        return made

    async def check(self, document: Document) -> list[str]:
        """Compile its code; names of its streams. Without an input it is only parsed.

        Raises CodeInvalid, WorkerFailed.
        """
        assert self._planner is not None
        if not document["code"].strip():
            return []
        return await self.checker.check(self._planner(document).program())

    def _print(self, document: Document) -> str:
        assert self._planner is not None
        return fingerprint(self._planner(document).program())

    def _keep(self, transaction: Transaction, document: Document) -> None:
        kept = {"document": document}
        self.resources.create_in(transaction, VERSION, document["scope"], _version_name(document), kept)

    # Running

    async def start(self, scope: str, name: str, starts: dict[str, str]) -> Document:
        """Let an application run. starts: sources.NOW or OLDEST or runner.LAST by inputs' ids.

        Raises ResourceMissing, ApplicationBusy, CodeInvalid.
        """
        document = self.get(scope, name)
        if document["status"] != READY:
            raise ApplicationBusy(name, document["status"])
        await self.check(document)

        def begin(document: Document) -> None:
            if document["status"] != READY:
                raise ApplicationBusy(name, document["status"])
            document |= {"status": STARTING, "run": document["run"] + 1, "starts": starts}

        started = await self.resources.update(KIND, scope, name, begin)
        self._drive(started)
        return started

    async def stop(self, scope: str, name: str) -> Document:
        """Stop after a checkpoint. Raises ResourceMissing, ApplicationBusy unless it runs, or cannot begin to."""

        stuck = self.fault(self.get(scope, name)) is not None

        def end(document: Document) -> None:
            # One that cannot begin to run must not be there for ever.
            if document["status"] != RUNNING and not (stuck and document["status"] in (STARTING, UPDATING)):
                raise ApplicationBusy(name, document["status"])
            document["status"] = STOPPING

        document = await self.resources.update(KIND, scope, name, end)
        self._later(document, self._halt_and(document, READY))
        return document

    async def delete(self, scope: str, name: str) -> None:
        """Remove an application, running or not. Raises ResourceMissing, ApplicationBusy."""

        def leave(document: Document) -> None:
            if document["status"] not in (READY, RUNNING):
                raise ApplicationBusy(name, document["status"])
            document["status"] = DELETING

        document = await self.resources.update(KIND, scope, name, leave)
        self._later(document, self._halt_and(document, None))

    def _drive(self, document: Document) -> None:
        assert self._planner is not None
        id = document["id"]

        async def opened() -> None:
            await self._become(document, RUNNING, (STARTING, UPDATING))

        runner = Runner(
            id,
            document["run"],
            document["starts"],
            self._planner(document),
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

    def _halt_and(self, document: Document, status: str | None) -> Any:
        before = self._tasks.get(document["id"])

        async def work() -> None:
            await self._halt(document, before)
            if status is None:
                await self._remove(document)
            else:
                await self._become(document, status)
            self._tasks.pop(document["id"], None)

        return work()

    def _restart(self, document: Document) -> Any:
        before = self._tasks.get(document["id"])

        async def work() -> None:
            await self._halt(document, before)
            self._drive(document)

        return work()

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


def part_of(document: Document, part: str, id: str) -> Document:
    """The input, output ... of an id. Raises PartMissing."""
    found = next((one for one in document[part] if one["id"] == id), None)
    if found is None:
        raise PartMissing(part, id)
    return found


def _number(document: Document) -> None:
    """Give ids to what has none: the version it came with, and its place among those."""
    for part in PARTS:
        fresh = [one for one in document[part] if "id" not in one]
        for place, one in enumerate(fresh):
            one["id"] = f"{document['version']}.{place + 1}"


def _version_name(document: Document, version: int | None = None) -> str:
    return f"{document['id']}:{version or document['version']:010d}"
