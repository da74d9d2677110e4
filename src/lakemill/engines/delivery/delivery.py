"""Delivery streams: records come in and are carried to a destination in bulk.

A stream is a resource (kind `delivery-stream`). Members of its document that are ours: `id` (its log's name), `status`
(creating, active, deleting), `version` (rises with every change), `source` (None, or scope, name and start of the data
stream it reads) and `key` (that its records are encrypted with, or None). What it is to do is the service's, which
makes a Plan of the document.

A record that was put is in the stream's log, on disk, before the answer. It stays there for a day; how far delivery has
come is kept in the table `delivery_progress`.
"""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable, Sequence
from typing import Any

from lakemill.engines.delivery.errors import NotDirect, NotReady, SourceRefused, StaleVersion
from lakemill.engines.delivery.plan import DESTINATION, Plan, Planner
from lakemill.engines.delivery.pool import WorkerPool
from lakemill.engines.delivery.progress import Progress
from lakemill.engines.delivery.reader import DeliveryReader
from lakemill.engines.delivery.sources import LogSource, Source, StreamSource
from lakemill.engines.delivery.vault import Vault
from lakemill.engines.delivery.worker import Worker
from lakemill.engines.keys import Keys, KeysError
from lakemill.engines.resources import Resources
from lakemill.engines.streams import Start, StreamError, StreamReader, Streams
from lakemill.ports.clock import Clock
from lakemill.ports.log import Entry, Log, LogExists
from lakemill.ports.metadata import Metadata, Transaction

KIND = "delivery-stream"
PROGRESS = "delivery_progress"
KEPT_S = 24 * 3600
"""How long records stay in the log."""
AGAIN_S, AGAIN_S_MAX = 1.0, 60.0
CREATING, ACTIVE, DELETING = "creating", "active", "deleting"

Document = dict[str, Any]
logger = logging.getLogger(__name__)


class Delivery:
    """All delivery streams. scope is "account/region". streams: data streams that may be read from.

    keys: the key engine; without one, records cannot be encrypted. pool: worker processes for plans.
    """

    def __init__(self, metadata: Metadata, log: Log, clock: Clock, streams: Streams, keys: Keys | None = None) -> None:
        self.resources = Resources(metadata, clock)
        self.pool = WorkerPool()
        self._vault = Vault(metadata, clock, keys)
        self._metadata, self._log, self._clock, self._streams = metadata, log, clock, streams
        self._planner: Planner | None = None
        self._drivers: dict[str, asyncio.Task[None]] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._turns: dict[str, asyncio.Lock] = {}
        """Held while a stream's driver is replaced, so that it has one at a time."""

    def use(self, planner: Planner) -> None:
        """Say who makes plans; before `start`."""
        self._planner = planner

    async def start(self) -> list[str]:
        """Take up all streams; says which were being made or deleted when the platform stopped."""
        said = []
        for document in list(self.resources.all(KIND)):
            label = f"Delivery stream {document['scope']}/{document['name']}"
            if document["status"] == DELETING:
                await self._remove(document)
                said.append(f"{label}: deleted, as had been asked for.")
            else:
                if document["status"] == CREATING:
                    said.append(f"{label}: goes on being made.")
                self._drive(document)
        return said

    async def close(self) -> None:
        """Stop delivering. Buffers stay in their logs."""
        await asyncio.gather(*(self._halt(name) for name in list(self._drivers)), *self._leaving)
        self.pool.close()

    async def expire(self) -> None:
        """Forget records of more than a day ago; to be called now and then."""
        before_ms = int((self._clock.time() - KEPT_S) * 1000)
        for document in list(self.resources.all(KIND)):
            if self._log.exists(document["id"]):
                await self._log.trim(document["id"], before_ms)

    # Streams

    def get(self, scope: str, name: str) -> Document:
        """The stream's document. Raises ResourceMissing."""
        return self.resources.get(KIND, scope, name)

    async def create(
        self,
        scope: str,
        name: str,
        document: Document,
        tags: dict[str, str],
        source: tuple[str, str] | None = None,
        key: str | None = None,
    ) -> Document:
        """Make a stream; durable on return.

        source: scope and name of a data stream; delivery starts with what comes after this moment.
        key: to encrypt records with.
        Raises ResourceExists, TooManyTags, StreamMissing, and what the key engine raises.
        """
        if key is not None:
            self._vault.check(scope, key)
        ours = {
            "id": f"delivery-{secrets.token_hex(12)}",
            "status": CREATING,
            "version": 1,
            "source": source and self._beginning(*source),
            "key": key,
        }
        created = await self.resources.create(KIND, scope, name, document | ours, tags)
        self._drive(created)
        return created

    def _beginning(self, scope: str, name: str) -> Document:
        start = self._streams.reader(scope, name, Start.latest()).positions()
        return {"scope": scope, "name": name, "start": start}

    async def change(
        self, scope: str, name: str, change: Callable[[Document], None], *, version: str | None = None
    ) -> Document:
        """Change what a stream does; it goes on with what is not delivered yet.

        version: the one the change is meant for.
        Raises ResourceMissing, StaleVersion, NotReady, and what `change` does.
        """

        def checked(document: Document) -> None:
            if document["status"] != ACTIVE:
                raise NotReady(name, document["status"])
            if version is not None and version != str(document["version"]):
                raise StaleVersion(version, str(document["version"]))
            change(document)
            document["version"] += 1

        changed = await self.resources.update(KIND, scope, name, checked)
        async with self._turns.setdefault(changed["id"], asyncio.Lock()):
            await self._halt(changed["id"])
            now = self.resources.find(KIND, scope, name)
            if now is not None and now["id"] == changed["id"] and now["status"] == ACTIVE:
                self._drive(now)
        return changed

    async def lock(self, scope: str, name: str, key: str | None, also: Callable[[Document], None]) -> Document:
        """Encrypt records from now on with a key (None: no longer); `also` changes the document further.

        Raises ResourceMissing, NotReady, and what the key engine raises if the key cannot be used.
        """
        if key is not None:
            self._vault.check(scope, key)

        def locked(document: Document) -> None:
            if document["status"] != ACTIVE:
                raise NotReady(name, document["status"])
            also(document)
            document["key"] = key

        return await self.resources.update(KIND, scope, name, locked)

    async def delete(self, scope: str, name: str) -> None:
        """Remove a stream with what it has not delivered; it is gone soon. Raises ResourceMissing, NotReady."""

        def leaving(document: Document) -> None:
            if document["status"] != ACTIVE:
                raise NotReady(name, document["status"])
            document["status"] = DELETING

        document = await self.resources.update(KIND, scope, name, leaving)
        leave = asyncio.create_task(self._leave(document))
        self._leaving.add(leave)
        leave.add_done_callback(self._leaving.discard)

    async def _leave(self, document: Document) -> None:
        async with self._turns.setdefault(document["id"], asyncio.Lock()):
            await self._halt(document["id"])
            await self._remove(document)
        del self._turns[document["id"]]

    async def _remove(self, document: Document) -> None:
        def remove(transaction: Transaction) -> None:
            self.resources.delete_in(transaction, KIND, document["scope"], document["name"])
            transaction.delete(PROGRESS, document["id"])
            self._vault.forget_in(transaction, document["id"])

        await self._log.delete(document["id"])
        await self._metadata.transact(remove)

    # Records

    async def put(self, scope: str, name: str, values: Sequence[bytes]) -> list[str]:
        """Take records in; an id each. Durable on return.

        Raises ResourceMissing, NotDirect, NotReady, and what the key engine raises.
        """
        document = self.get(scope, name)
        if document["source"] is not None:
            raise NotDirect(name)
        if document["status"] != ACTIVE:
            raise NotReady(name, document["status"])
        now_ms = int(self._clock.time() * 1000)
        sealed = await self._vault.seal(document, values)
        entries = [Entry(0, now_ms, b"", value, note) for value, note in sealed]
        positions = await self._log.append(document["id"], entries)
        label = document["id"].rpartition("-")[2]
        return [f"{label}{position:020d}" for position in positions]

    def reader(self, scope: str, name: str, start: Start) -> "DeliveryReader | StreamReader":
        """A reader of the records as they come, whatever becomes of their delivery. Where it starts is fixed now.

        Raises ResourceMissing, LogMissing.
        """
        document = self.get(scope, name)
        if document["source"] is not None:
            return self._streams.reader(document["source"]["scope"], document["source"]["name"], start)
        return DeliveryReader(self._log, document["id"], start, self._vault.opener(document))

    # Driving

    def _drive(self, document: Document) -> None:
        self._drivers[document["id"]] = asyncio.create_task(self._driven(document), name=f"delivery {document['name']}")

    async def _halt(self, name: str) -> None:
        driver = self._drivers.pop(name, None)
        if driver is not None:
            driver.cancel()
            await asyncio.gather(driver, return_exceptions=True)

    async def _driven(self, document: Document) -> None:
        """Keep a worker at work; one that fails is followed by another, from where delivery has come."""
        assert self._planner is not None
        pause_s = AGAIN_S
        while True:
            worker = None
            try:
                document = await self._ready(document)
                plan = self._planner(document)
                worker = self._worker(document, plan)
                await worker.run()
            except (SourceRefused, StreamError, KeysError) as fault:
                logger.warning("delivery of %s/%s: %s", document["scope"], document["name"], fault)
                await plan.say(DESTINATION, plan.source_code(fault), str(fault))
            except Exception:
                logger.exception("delivery of %s/%s", document["scope"], document["name"])
            finally:
                if worker is not None:
                    await worker.stop()
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, AGAIN_S_MAX)

    async def _ready(self, document: Document) -> Document:
        """Make what a new stream needs, and call it active."""
        if document["status"] != CREATING:
            return document
        with contextlib.suppress(LogExists):
            await self._log.create(document["id"], 1)
        return await self.resources.update(KIND, document["scope"], document["name"], _activate)

    def _worker(self, document: Document, plan: Plan) -> Worker:
        found, version = self._metadata.get(PROGRESS, document["id"]), document["version"]
        progress = Progress(found, stable=plan.stable and found is not None and found["version"] == version)

        async def keep(kept: Document) -> None:
            whole = kept | {"version": version}
            await self._metadata.transact(lambda transaction: transaction.put(PROGRESS, document["id"], whole))

        return Worker(document["name"], plan, self._source(document, plan, progress), progress, keep, self._clock)

    def _source(self, document: Document, plan: Plan, progress: Progress) -> Source:
        source = document["source"]
        if source is None:
            opener = self._vault.opener(document)
            return LogSource(self._log, document["id"], progress.mark, opener, located=plan.elsewhere)
        start = Start.after(source["start"] if progress.mark is None else progress.mark)
        reader = self._streams.reader(source["scope"], source["name"], start)
        return StreamSource(reader, plan.unreadable, keys=plan.keys, located=plan.elsewhere)


def _activate(document: Document) -> None:
    document["status"] = ACTIVE
