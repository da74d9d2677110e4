"""Applications, of streaming SQL or programs for Flink: made, changed in versions, started, stopped, deleted.

An application is a resource (kind `analytics-application`). Members of its document that are ours: `id`, `status`,
`version` (from 1, rises with every change), `run` (rises with every start), `starts` (where inputs begin, by their
ids), `code`, and the lists `inputs`, `outputs`, `references` and `logs`, whose members have an `id`. All else is the
service's, which makes a Plan of the document (or a Program, see `programs`). Every version's document is kept (kind
`analytics-version`).
"""

import asyncio
import copy
import secrets
from collections.abc import Callable, Iterator

from lakemill.engines.analytics.checkpoints import fingerprint
from lakemill.engines.analytics.driving import (
    DELETING,
    FORCE_STOPPING,
    KIND,
    READY,
    RUNNING,
    STARTING,
    STOPPING,
    UPDATING,
    VERSION,
    Document,
    Driving,
)
from lakemill.engines.analytics.errors import ApplicationBusy, PartMissing, StaleVersion
from lakemill.engines.analytics.plan import Plan
from lakemill.engines.flink import Program
from lakemill.engines.flink import Runner as ProgramRunner
from lakemill.ports.metadata import Transaction

PARTS = ("inputs", "outputs", "references", "logs")


class Analytics(Driving):
    """All applications. scope is "account/region". folder: for checkpoints. programs: None where there are none."""

    async def start_all(self) -> list[str]:
        """Go on with what ran when the platform stopped; a sentence about each."""
        said = []
        if self._programs is not None:
            await self._programs.settle()
        for document in list(self.resources.all(KIND)):
            label = f"Application {document['scope']}/{document['name']}"
            if document["status"] in (STARTING, RUNNING, UPDATING):
                await self._go_on(document)
                said.append(f"{label}: goes on from its last checkpoint.")
            elif document["status"] in (STOPPING, FORCE_STOPPING):
                await self._stop_again(document)
                said.append(f"{label}: stopped, as had been asked for.")
            elif document["status"] == DELETING:
                await self._remove(document)
                said.append(f"{label}: deleted, as had been asked for.")
        if self._programs is not None:
            await self._programs.sweep({one["document"].get("archive") for one in self.resources.all(VERSION)})
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
        """Compile its code; names of its streams. Without an input it is only parsed. Programs are not looked at.

        Raises CodeInvalid, WorkerFailed.
        """
        plan = self._plan(document)
        if isinstance(plan, Program) or not document["code"].strip():
            return []
        return await self.checker.check(plan.program())

    def _print(self, document: Document) -> str | None:
        plan = self._plan(document)
        return fingerprint(plan.program()) if isinstance(plan, Plan) else None

    def _keep(self, transaction: Transaction, document: Document) -> None:
        kept = {"document": document}
        self.resources.create_in(transaction, VERSION, document["scope"], _version_name(document), kept)

    # Running

    async def start(self, scope: str, name: str, starts: dict[str, str], restore: Document | None = None) -> Document:
        """Let an application run. starts: sources.NOW or OLDEST or runner.LAST by inputs' ids. restore: of programs.

        Raises ResourceMissing, ApplicationBusy, CodeInvalid, SnapshotMissing.
        """
        document = self.get(scope, name)
        if document["status"] != READY:
            raise ApplicationBusy(name, document["status"])
        await self.check(document)

        def begin(document: Document) -> None:
            if document["status"] != READY:
                raise ApplicationBusy(name, document["status"])
            document |= {"status": STARTING, "run": document["run"] + 1, "starts": starts}
            if restore is not None:
                document |= {"restore": restore, "from": origin}

        origin = self.programs.origin(document, restore) if restore is not None else None
        started = await self.resources.update(KIND, scope, name, begin)
        self._drive(started)
        return started

    async def stop(self, scope: str, name: str, *, force: bool = False) -> Document:
        """Stop after a checkpoint; a program after a snapshot if it `saves`, unless by force.

        Raises ResourceMissing, ApplicationBusy unless it runs, or cannot begin to, or force is used.
        """
        stuck = self.fault(self.get(scope, name)) is not None

        def end(document: Document) -> None:
            # One that cannot begin to run must not be there for ever.
            allowed = (RUNNING, *((STARTING, UPDATING) if stuck or force else ()), *((STOPPING,) if force else ()))
            if document["status"] not in allowed:
                raise ApplicationBusy(name, document["status"])
            saved.append(document["status"] == RUNNING and bool(document.get("saves")) and not force)
            document["status"] = FORCE_STOPPING if force else STOPPING

        saved: list[bool] = []
        document = await self.resources.update(KIND, scope, name, end)
        self._later(document, self._halt_and(document, READY, save=saved[-1]))
        return document

    async def delete(self, scope: str, name: str) -> None:
        """Remove an application, running or not. Raises ResourceMissing, ApplicationBusy."""

        def leave(document: Document) -> None:
            if document["status"] not in (READY, RUNNING):
                raise ApplicationBusy(name, document["status"])
            document["status"] = DELETING

        document = await self.resources.update(KIND, scope, name, leave)
        self._later(document, self._halt_and(document, None))

    async def snapshot(self, scope: str, name: str, snapshot: str) -> None:
        """Begin to save the state of a program that runs. Raises ResourceMissing, ResourceExists, ApplicationBusy."""
        document = self.get(scope, name)
        runner = self._runners.get(document["id"])
        if document["status"] != RUNNING or not isinstance(runner, ProgramRunner):
            raise ApplicationBusy(name, document["status"])
        begun = await self.programs.begin_snapshot(document, snapshot)
        taking = self.programs.take_snapshot(document, begun, runner, stop=False)
        self._taking.add(task := asyncio.create_task(self._told(document, taking)))
        task.add_done_callback(self._taking.discard)


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
