"""Warehouses: each a set of databases in a process of its own, which runs as long as it is wanted.

What is begun is written down before it is done, and gone on with after a crash.
"""

import asyncio
import logging
import shutil
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from lakemill.engines.catalog import Catalog
from lakemill.engines.objects import Objects
from lakemill.engines.queries.joined import Joined
from lakemill.engines.resources import ResourceExists, ResourceMissing, Resources
from lakemill.engines.warehouses.certificate import Certificate, written
from lakemill.engines.warehouses.credentials import Credentials
from lakemill.engines.warehouses.document import (
    AVAILABLE,
    DELETING,
    IDLE,
    KIND,
    MODIFYING,
    PAUSED,
    PAUSING,
    RESUMING,
    SNAPSHOT,
    STARTING,
    Document,
    label,
)
from lakemill.engines.warehouses.errors import NotRunning, StateWrong
from lakemill.engines.warehouses.keeper import Keeper
from lakemill.engines.warehouses.lakes import Lakes
from lakemill.engines.warehouses.login import prove
from lakemill.engines.warehouses.opening import Authorise, Setup, launched
from lakemill.engines.warehouses.ports import Ports
from lakemill.engines.warehouses.process import MODULE, WarehouseProcess
from lakemill.engines.warehouses.snapshots import Snapshots
from lakemill.engines.warehouses.statements import Statements
from lakemill.ports.clock import Clock
from lakemill.ports.metadata import Metadata

WAITING_S = 60.0
"""So long a call waits for a process that is being started."""
Change = Callable[[Document], None]
logger = logging.getLogger(__name__)


class Warehouses:
    """The engine. scope is "account/region"; names are as `document` tells.

    folder: on the disk of the objects, which are linked into it; a folder for each warehouse is in it. joined: objects
    put together, as files. memory_mib: of each process. certificate: chain and key, PEM, for clients that ask for TLS.
    """

    def __init__(
        self,
        metadata: Metadata,
        clock: Clock,
        catalog: Catalog,
        objects: Objects,
        joined: Joined,
        folder: Path,
        *,
        host: str = "127.0.0.1",
        memory_mib: int = 2048,
        certificate: Certificate | None = None,
        command: Sequence[str] = ("-m", MODULE),
    ) -> None:
        self.resources = Resources(metadata, clock)
        self.clock = clock
        self.credentials = Credentials(metadata, clock)
        self._setup = Setup(
            folder=folder,
            lakes=Lakes(metadata, catalog, objects, joined),
            credentials=self.credentials,
            ports=Ports(host),
            memory_mib=memory_mib,
            command=command,
        )
        self.snapshots = Snapshots(self.resources, folder / "snapshots")
        self.statements = Statements(metadata, clock, self.process, self._setup.place)
        self._certificate = certificate
        self._documents: dict[str, Document] = {}
        """By id, as they stand."""
        self._keepers: dict[str, Keeper] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def use(self, authorise: Authorise, arn: Callable[[Document], str]) -> None:
        """Say who decides what an authorisation is good for, and what warehouses are called; before `start`."""
        self._setup.authorise, self._setup.arn = authorise, arn

    @property
    def host(self) -> str:
        """Where warehouses listen."""
        return self._setup.ports.host

    # Life of the engine

    async def start(self) -> list[str]:
        """Take back and end what an earlier run left, and start the processes, in the background."""
        said = []
        if self._certificate is not None:
            self._setup.certificate = await asyncio.to_thread(written, self._setup.folder, self._certificate)
        if count := await self._setup.lakes.recover():
            said.append(f"What {count} statements of warehouses had put into the lake was taken back")
        if count := await self.statements.recover():
            said.append(f"{count} statements of warehouses that were under way have failed")
        await self.snapshots.recover({one["final"]["name"] for one in self.resources.all(KIND) if one["final"]})
        for document in list(self.resources.all(KIND)):
            self._documents[document["id"]] = document
        await asyncio.to_thread(self._tidy)
        for document in list(self._documents.values()):
            if document["state"] == DELETING:
                self._later(self._remove(document))
            elif document["state"] == PAUSING:
                self._later(self._pause(document))
            elif document["wanted"]:
                self._keep(document)
        return said

    def _tidy(self) -> None:
        """Remove folders of warehouses that are not there."""
        kept = {*self._documents, "snapshots", "results"}
        for folder in self._setup.folder.glob("*/"):
            if folder.name not in kept:
                shutil.rmtree(folder, ignore_errors=True)

    async def close(self) -> None:
        """End all processes in order; they run again after the next start."""
        await self.statements.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*(keeper.stop() for keeper in self._keepers.values()))
        self._keepers.clear()

    async def expire(self) -> None:
        """Forget what is past its time."""
        await self.credentials.expire()
        await self.statements.expire()
        await self.snapshots.expire()

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            logger.error("a warehouse could not be changed", exc_info=task.exception())

    # Looking

    def find(self, scope: str, name: str) -> Document | None:
        """The document, or None."""
        return self.resources.find(KIND, scope, name)

    def get(self, scope: str, name: str) -> Document:
        """Raises ResourceMissing."""
        return self.resources.get(KIND, scope, name)

    def runs(self, document: Document) -> bool:
        """Whether its process takes clients now."""
        keeper = self._keepers.get(document["id"])
        return keeper is not None and keeper.running

    def trouble(self, document: Document) -> str:
        """Why its process does not start, if it is known that it does not."""
        keeper = self._keepers.get(document["id"])
        return keeper.failed if keeper is not None else ""

    def size(self, document: Document) -> int:
        """Bytes of its databases on the disk."""
        data = self._setup.place(document["id"]) / "data"
        return sum(one.stat().st_size for one in data.rglob("*") if one.is_file())

    async def process(self, id: str) -> WarehouseProcess:
        """Raises NotRunning."""
        keeper = self._keepers.get(id)
        if keeper is None:
            raise NotRunning("The warehouse is not running.")
        return await keeper.process(WAITING_S)

    async def carry_out(self, document: Document, database: str, user: str, password: str, sql: str) -> None:
        """A statement for a user who proves to be it. Raises SqlFailed, NotRunning."""
        await prove(self.host, document["listening"], database, user, password)
        name = user.partition(":")[2] if user.startswith(("IAM:", "IAMA:")) else user
        await self.statements.carry_out(document["id"], database, name, sql)

    def at_port(self, port: int) -> Document | None:
        """The warehouse that listens on a port."""
        found = (one for one in self._documents.values() if one["listening"] == port and self.runs(one))
        return next(found, None)

    # Changes

    async def create(self, scope: str, name: str, document: Document, tags: dict[str, str] | None = None) -> Document:
        """Durable on return; its process starts meanwhile. Raises ResourceExists, TooManyTags, SnapshotMissing."""
        if document["restore"]:
            self.snapshots.usable(scope, document["restore"])
        created = await self.resources.create(KIND, scope, name, document, tags)
        self._documents[created["id"]] = created
        if created["wanted"]:
            self._keep(created)
        return created

    async def update(self, scope: str, name: str, change: Change) -> Document:
        """Let `change` alter the document. Raises ResourceMissing."""
        changed = await self.resources.update(KIND, scope, name, change)
        self._documents[changed["id"]] = changed
        return changed

    async def rename(self, scope: str, name: str, new: str) -> Document:
        """Raises ResourceMissing, ResourceExists."""

        def work(transaction: Any) -> Document:
            if self.resources.find_in(transaction, KIND, scope, new) is not None:
                raise ResourceExists(KIND, scope, new)
            old = self.resources.delete_in(transaction, KIND, scope, name)
            self.resources.create_in(transaction, KIND, scope, new, old, old["tags"])
            born = old["created"]
            return self.resources.update_in(transaction, KIND, scope, new, lambda made: made.update(created=born))

        renamed = await self.resources.metadata.transact(work)
        self._documents[renamed["id"]] = renamed
        return renamed

    async def enter(self, scope: str, name: str, state: str, change: Change = lambda document: None) -> Document:
        """From available into a state in which its process is started anew. Raises ResourceMissing, StateWrong."""

        def begin(document: Document) -> None:
            _expect(document, AVAILABLE)
            change(document)
            document["state"] = state

        document = await self.update(scope, name, begin)
        self._later(self._restart(document))
        return document

    async def _restart(self, document: Document) -> None:
        keeper = self._keepers[document["id"]]
        if keeper.running:
            await keeper.restart()

    async def pause(self, scope: str, name: str, *, state: str = PAUSING) -> Document:
        """End its process; its data stays. Raises ResourceMissing, StateWrong."""

        def begin(document: Document) -> None:
            _expect(document, AVAILABLE)
            document["state"], document["wanted"] = state, False

        document = await self.update(scope, name, begin)
        self._later(self._pause(document))
        return document

    async def _pause(self, document: Document) -> None:
        await self._stop(document["id"])
        await self.update(document["scope"], self._documents[document["id"]]["name"], _enter(PAUSED))

    async def resume(self, scope: str, name: str, state: str = RESUMING) -> Document:
        """Start its process. Raises ResourceMissing, StateWrong."""

        def begin(document: Document) -> None:
            _expect(document, PAUSED, IDLE)
            document["state"], document["wanted"] = state, True

        document = await self.update(scope, name, begin)
        self._keep(document)
        return document

    async def idle(self, scope: str, name: str) -> None:
        """End its process, until it is resumed; over on return. Raises ResourceMissing."""

        def begin(document: Document) -> None:
            document["state"], document["wanted"] = IDLE, False

        await self._stop((await self.update(scope, name, begin))["id"])

    async def restore(self, scope: str, name: str, snapshot: str) -> Document:
        """Replace its data by a snapshot's. Raises ResourceMissing, StateWrong, SnapshotMissing, SnapshotUnusable."""
        self.snapshots.usable(scope, snapshot)

        def change(document: Document) -> None:
            document["restore"] = snapshot

        return await self.enter(scope, name, MODIFYING, change)

    def begin(self, document: Document) -> None:
        """It was changed, and is to run from now on."""
        self._documents[document["id"]] = document
        self._keep(document)

    async def configure(self, scope: str, name: str, parameters: dict[str, str]) -> Document:
        """Other defaults for sessions that come. Raises ResourceMissing, NotRunning."""
        document = await self.update(scope, name, lambda document: document.update(parameters=parameters))
        if document["wanted"]:
            await (await self.process(document["id"])).call("configure", {"parameters": parameters})
        return document

    async def snapshot(self, scope: str, name: str, snapshot: str, details: Document, tags: dict[str, str]) -> Document:
        """Begin to make a snapshot; that it was is durable on return. Raises ResourceExists, StateWrong."""
        document = self.get(scope, name)
        _expect(document, AVAILABLE, IDLE)
        created = await self.snapshots.create(document, snapshot, details, tags)
        self._later(self._fill(document, created))
        return created

    async def _fill(self, document: Document, snapshot: Document) -> None:
        try:
            process = await self.process(document["id"]) if document["wanted"] else None
        except NotRunning as fault:
            await self.snapshots.fail(snapshot["scope"], snapshot["name"], str(fault))
            return
        await self.snapshots.fill(snapshot, process, self._setup.place(document["id"]) / "data")

    async def delete(self, scope: str, name: str, final: Document | None = None) -> Document:
        """Begin to remove it and all its data. final: a snapshot to be made before.

        Raises ResourceMissing, ResourceExists, StateWrong.
        """
        if final and self.resources.find(SNAPSHOT, scope, final["name"]):
            raise ResourceExists(SNAPSHOT, scope, final["name"])

        def begin(document: Document) -> None:
            if document["state"] == DELETING:
                raise StateWrong(document["name"], DELETING)
            document["state"], document["final"] = DELETING, final

        document = await self.update(scope, name, begin)
        self._later(self._remove(document))
        return document

    async def _remove(self, document: Document) -> None:
        id, scope, final = document["id"], document["scope"], document["final"]
        if self._keepers.get(id) is not None:
            await self._stop(id)
        if final:  # Nobody writes any more: its files are what they will stay.
            made = self.resources.find(SNAPSHOT, scope, final["name"])
            made = made or await self.snapshots.create(document, final["name"], final["details"], final["tags"])
            await self.snapshots.fill(made, None, self._setup.place(id) / "data")
        await self.credentials.forget(id)
        await asyncio.to_thread(shutil.rmtree, self._setup.place(id), ignore_errors=True)
        await self.resources.delete(KIND, scope, document["name"])
        self._documents.pop(id, None)

    # Processes

    def _keep(self, document: Document) -> None:
        id = document["id"]

        async def launch() -> WarehouseProcess:
            if (document := self._documents[id])["restore"]:
                await self.snapshots.restore(document, self._setup.place(id) / "data")
                await self.update(document["scope"], document["name"], _restored)
            process, port = await launched(self._setup, lambda: self._documents[id])
            try:
                await self._started(id, port)
            except ResourceMissing:
                await process.kill()
                raise NotRunning("it was deleted") from None
            return process

        self._keepers[id] = Keeper(label(document), launch, lambda: self._setup.lakes.abandon(id))

    async def _started(self, id: str, port: int) -> None:
        def change(document: Document) -> None:
            document["listening"] = port
            if document["state"] in STARTING:
                document["state"] = AVAILABLE

        document = self._documents[id]
        await self.update(document["scope"], document["name"], change)

    async def _stop(self, id: str) -> None:
        keeper = self._keepers.pop(id, None)
        if keeper is not None:
            await keeper.stop()
        self._setup.ports.give_back(id)


def _expect(document: Document, *states: str) -> None:
    if document["state"] not in states:
        raise StateWrong(document["name"], document["state"])


def _restored(document: Document) -> None:
    document["restore"] = ""


def _enter(state: str) -> Change:
    def change(document: Document) -> None:
        document["state"] = state

    return change
