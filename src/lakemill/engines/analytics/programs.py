"""What applications that are programs for Flink need beyond those of SQL: processes, archives and snapshots.

Members of their documents that are ours: `restore` (how the run was to begin), `from` (the saved state it begins with,
a path or None) and `saves` (whether a stop and a change save the state).
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from lakemill.engines.analytics.errors import SnapshotMissing
from lakemill.engines.flink import Environments, Program, Runner, SnapshotFailed, Store, states
from lakemill.engines.flink.shipping import forget
from lakemill.engines.resources import Resources
from lakemill.ports.clock import Clock
from lakemill.ports.compute import Compute
from lakemill.ports.metadata import Metadata

SNAPSHOT = "analytics-snapshot"
CREATING, READY, DELETING, FAILED = "creating", "ready", "deleting", "failed"
LATEST, SKIP, CUSTOM = "latest", "skip", "custom"

Document = dict[str, Any]


class Programs:
    """Of all applications. folder: for what they keep on the disk."""

    def __init__(
        self, metadata: Metadata, compute: Compute, clock: Clock, folder: Path, environments: Environments
    ) -> None:
        self.store, self.environments = Store(folder, compute), environments
        self.resources = Resources(metadata, clock)
        self._metadata, self._compute, self._clock = metadata, compute, clock

    def runner(
        self,
        document: Document,
        program: Program,
        opened: Callable[[], Awaitable[None]],
        ended: Callable[[], Awaitable[None]],
        *,
        running: bool,
    ) -> Runner:
        """One that lets an application's run begin, or go on."""
        id, number = document["id"], document["run"]
        return Runner(
            self._compute,
            self._metadata,
            self.environments,
            self._clock,
            id,
            number,
            document["version"],
            program,
            self.store.run(id, number),
            Path(document["from"]) if document.get("from") else None,
            opened,
            ended,
            running=running,
        )

    async def end(self, document: Document) -> None:
        """End whatever runs of an application."""
        await asyncio.to_thread(self.store.end, document["id"])

    async def remove(self, document: Document) -> None:
        """All that is kept of an application that is gone."""
        await asyncio.to_thread(self.store.remove, document["id"])
        await forget(self._metadata, document["id"])
        for one in list(self.snapshots(document)):
            await self.resources.delete(SNAPSHOT, document["scope"], one["name"])

    # Snapshots

    def snapshots(self, document: Document) -> Iterator[Document]:
        """All of an application, by name."""
        return self.resources.all(SNAPSHOT, document["scope"], f"{document['id']}:")

    def snapshot(self, document: Document, name: str) -> Document:
        """Raises SnapshotMissing."""
        found = self.resources.find(SNAPSHOT, document["scope"], f"{document['id']}:{name}")
        if found is None:
            raise SnapshotMissing(name)
        return found

    def origin(self, document: Document, restore: Document) -> str | None:
        """The saved state a run begins with. restore: `type`, and `name` of a custom one. Raises SnapshotMissing."""
        if restore["type"] == SKIP:
            return None
        if restore["type"] == CUSTOM:
            found = self.snapshot(document, restore["name"])
            if found["status"] != READY:
                raise SnapshotMissing(restore["name"])
            return str(found["path"])
        ready = [one for one in self.snapshots(document) if one["status"] == READY]
        return str(max(ready, key=lambda one: one["created"])["path"]) if ready else None

    async def begin_snapshot(self, document: Document, name: str | None = None) -> Document:
        """Note that one is to be taken. name: None: the run ends with it. Raises ResourceExists."""
        ends = document["run"] if name is None else None
        number = secrets.token_hex(8)
        name = name or f"{number[:8]}-{secrets.token_hex(8)}"
        kept = {
            "snapshot": name,
            "number": number,
            "status": CREATING,
            "version": document["version"],
            "runtime": document.get("runtime"),
            "path": None,
            "ends": ends,
        }
        return await self.resources.create(SNAPSHOT, document["scope"], f"{document['id']}:{name}", kept)

    def end_of(self, document: Document) -> str | None:
        """The state with which an application's run has ended already, if it has."""
        found = (one for one in self.snapshots(document) if one["ends"] == document["run"] and one["status"] == READY)
        return next((str(one["path"]) for one in found), None)

    async def settle(self, document: Document | None = None) -> None:
        """Snapshots of an application, or all, that nobody takes any more: Flink may have taken them to their end."""
        for one in list(self.resources.all(SNAPSHOT) if document is None else self.snapshots(document)):
            if one["status"] == READY:
                continue
            folder = self.store.snapshot(one["name"].partition(":")[0], one["number"])
            if path := await asyncio.to_thread(states.saved, folder):
                await self._mark(one, READY, str(path))
            elif one["status"] == CREATING:
                await self._mark(one, FAILED, None)

    async def take_snapshot(self, document: Document, snapshot: Document, runner: Runner, *, stop: bool) -> str:
        """Take one that was begun; where it is. With stop the program ends with it. Raises SnapshotFailed."""
        place = self.store.snapshot(document["id"], snapshot["number"])
        try:
            place.mkdir(parents=True, exist_ok=True)
            path = await runner.save(place, stop=stop)
        except (SnapshotFailed, OSError) as fault:
            await self._mark(snapshot, FAILED, None)
            raise SnapshotFailed(str(fault)) from None
        await self._mark(snapshot, READY, str(path))
        return str(path)

    async def _mark(self, snapshot: Document, status: str, path: str | None) -> None:
        def mark(one: Document) -> None:
            one |= {"status": status, "path": path}

        await self.resources.update(SNAPSHOT, snapshot["scope"], snapshot["name"], mark)

    async def delete_snapshot(self, document: Document, snapshot: Document) -> None:
        """The document first: what is left of a deletion that was cut off is a folder nobody knows."""
        await self.resources.delete(SNAPSHOT, document["scope"], snapshot["name"])
        await asyncio.to_thread(self.store.remove_snapshot, document["id"], snapshot["number"])

    async def sweep(self, wanted: set[str]) -> None:
        """After a start: remove archives nobody wants."""
        await asyncio.to_thread(self.store.sweep, wanted)
