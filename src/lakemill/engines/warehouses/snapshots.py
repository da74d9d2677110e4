"""Snapshots: copies of a warehouse's databases, which stay when it is gone.

A snapshot is a resource of kind `warehouse-snapshot`. Members of its document that are ours:

    id                   its folder's name
    state                creating, available, failed
    warehouse            the name of the warehouse it was made of, and `warehouse_id` its id
    database, master, verifier      as the warehouse had them
    bytes                how large it is
    until                when it is removed: a moment, or None for never
    details              what the service keeps
"""

import asyncio
import contextlib
import datetime
import os
import shutil
import uuid
from pathlib import Path

from lakemill.engines.resources import ResourceMissing, Resources
from lakemill.engines.warehouses.document import SNAPSHOT, Document
from lakemill.engines.warehouses.errors import NotRunning, SnapshotMissing, SnapshotUnusable, SqlFailed
from lakemill.engines.warehouses.process import WarehouseProcess

CREATING, AVAILABLE, FAILED = "creating", "available", "failed"


class Snapshots:
    """All of them. folder: holds a folder for each."""

    def __init__(self, resources: Resources, folder: Path) -> None:
        self._resources, self._folder = resources, folder

    def get(self, scope: str, name: str) -> Document:
        """Raises SnapshotMissing."""
        found = self._resources.find(SNAPSHOT, scope, name)
        if found is None:
            raise SnapshotMissing(name.partition("/")[2])
        return found

    def usable(self, scope: str, name: str) -> Document:
        """One that can be restored. Raises SnapshotMissing, SnapshotUnusable."""
        found = self.get(scope, name)
        if found["state"] != AVAILABLE:
            raise SnapshotUnusable(name.partition("/")[2], found["state"])
        return found

    async def create(self, warehouse: Document, name: str, details: Document, tags: dict[str, str]) -> Document:
        """One that is to be filled. Raises ResourceExists, TooManyTags."""
        document = {
            "id": str(uuid.uuid4()),
            "state": CREATING,
            "warehouse": warehouse["name"],
            "warehouse_id": warehouse["id"],
            **{name: warehouse[name] for name in ("database", "master", "verifier")},
            "bytes": 0,
            "until": details.get("until"),
            "details": details,
        }
        return await self._resources.create(SNAPSHOT, warehouse["scope"], name, document, tags)

    async def fill(self, snapshot: Document, process: WarehouseProcess | None, data: Path) -> None:
        """Copy the databases, by the process that has them open; without one, their files. Durable on return."""
        scope, name, place = snapshot["scope"], snapshot["name"], self._folder / snapshot["id"]
        await asyncio.to_thread(_empty, place)
        try:
            if process is None:
                size = await asyncio.to_thread(_copied, data, place)
            else:
                size = await process.call("snapshot", {"folder": str(place)})
        except (NotRunning, SqlFailed, OSError) as fault:
            await self.fail(scope, name, str(fault))
            return
        try:
            await self._resources.update(
                SNAPSHOT, scope, name, lambda document: document.update(state=AVAILABLE, bytes=size)
            )
        except ResourceMissing:  # Deleted meanwhile.
            await asyncio.to_thread(shutil.rmtree, place, ignore_errors=True)

    async def fail(self, scope: str, name: str, reason: str) -> None:
        """It cannot be made."""
        with contextlib.suppress(ResourceMissing):  # Deleted meanwhile.
            await self._resources.update(SNAPSHOT, scope, name, lambda one: one.update(state=FAILED, reason=reason))

    async def copy(self, scope: str, name: str, new: str, until: datetime.datetime | None) -> Document:
        """Another one of the same content. Raises SnapshotMissing, SnapshotUnusable, ResourceExists."""
        found = self.usable(scope, name)
        document = dict(found) | {"id": str(uuid.uuid4()), "state": CREATING, "until": until}
        made = await self._resources.create(SNAPSHOT, scope, new, document, found["tags"])
        await self.fill(made, None, self._folder / found["id"])
        return self.get(scope, new)

    async def restore(self, warehouse: Document, data: Path) -> None:
        """Give a warehouse the data of the snapshot it names, in place of its own; durable on return.

        Raises NotRunning.
        """
        try:
            found = self.usable(warehouse["scope"], warehouse["restore"])
            await asyncio.to_thread(_restored, self._folder / found["id"], data)
        except (SnapshotMissing, SnapshotUnusable, OSError) as fault:
            raise NotRunning(f"the snapshot cannot be restored: {fault}") from None

    async def delete(self, scope: str, name: str) -> Document:
        """Raises SnapshotMissing."""
        try:
            gone = await self._resources.delete(SNAPSHOT, scope, name)
        except ResourceMissing:
            raise SnapshotMissing(name.partition("/")[2]) from None
        await asyncio.to_thread(shutil.rmtree, self._folder / gone["id"], ignore_errors=True)
        return gone

    async def recover(self, awaited: set[str]) -> None:
        """Those that were being made have failed, but for names that are made again; files of none are removed."""
        for one in list(self._resources.all(SNAPSHOT)):
            if one["state"] == CREATING and one["name"] not in awaited:
                await self.fail(one["scope"], one["name"], "lakemill was restarted while it was made")
        kept = {one["id"] for one in self._resources.all(SNAPSHOT)}
        if self._folder.exists():
            for folder in [one for one in self._folder.iterdir() if one.name not in kept]:
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def expire(self) -> None:
        """Remove those that are past their time."""
        now = self._resources.clock.now()
        for one in [one for one in self._resources.all(SNAPSHOT) if one["until"] is not None and one["until"] <= now]:
            await self.delete(one["scope"], one["name"])


def _empty(place: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True, mode=0o700)


def _copied(source: Path, target: Path) -> int:
    """Copy a folder's files into another, which is there; durable on return. Their bytes."""
    size = 0
    for path in sorted(source.rglob("*")):
        there = target / path.relative_to(source)
        if path.is_dir():
            there.mkdir(exist_ok=True)
            continue
        shutil.copyfile(path, there)
        size += there.stat().st_size
        _flush(there)
    for folder in (target, *(one for one in target.rglob("*") if one.is_dir())):
        _flush(folder)
    return size


def _restored(source: Path, data: Path) -> None:
    new = data.with_name(f"{data.name}.new")
    _empty(new)
    _copied(source, new)
    shutil.rmtree(data, ignore_errors=True)
    new.rename(data)
    _flush(data.parent)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
