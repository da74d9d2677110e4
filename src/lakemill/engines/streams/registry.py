"""The streams there are: their documents, and a `Stream` made of each in memory.

The process that has the data folder is the only one that writes these documents, so what is in memory is what is
stored.
"""

import contextlib
import secrets
import string
from collections.abc import AsyncIterator, Callable
from typing import Any

from lakemill.engines.resources import Resources
from lakemill.engines.resources.errors import ResourceExists, ResourceMissing
from lakemill.engines.streams.errors import StreamBusy, StreamExists, StreamMissing
from lakemill.engines.streams.stream import Stream
from lakemill.ports.clock import Clock
from lakemill.ports.metadata import Metadata, Transaction

KIND = "stream"
GARBAGE = "stream_garbage"
"""Ids of logs that belong to no stream (yet, or any more); deleted at the start."""
ALPHABET = string.ascii_lowercase + string.digits

Change = Callable[[dict[str, Any]], None]


class Registry:
    """scope is "account/region". settle_ms: how long a change goes on to look unfinished; on AWS they take seconds."""

    def __init__(self, metadata: Metadata, clock: Clock, settle_ms: int = 0) -> None:
        self.metadata = metadata
        self.clock = clock
        self.settle_ms = settle_ms
        self.resources = Resources(metadata, clock)
        self._streams: dict[tuple[str, str], Stream] = {}
        self._ids: dict[str, Stream] = {}
        self._held: set[str] = set()
        self._made: set[str] = set()
        """Ids of streams whose making is known to be over: those that records come for are not looked at each time."""
        for document in self.resources.all(KIND):
            self._keep(document)

    def _keep(self, document: dict[str, Any]) -> Stream:
        """Changes may be told of in another order than they were made in; the newest stays."""
        stream = Stream(document)
        known = self._ids.get(stream.id)
        if known is not None and known.document["revision"] > document["revision"]:
            return known
        self._streams[stream.scope, stream.name] = self._ids[stream.id] = stream
        return stream

    def now_ms(self) -> int:
        return int(self.clock.time() * 1000)

    # Asking

    def find(self, scope: str, name: str) -> Stream | None:
        """The stream of this name."""
        return self._streams.get((scope, name))

    def get(self, scope: str, name: str) -> Stream:
        """Raises StreamMissing."""
        found = self._streams.get((scope, name))
        if found is None:
            raise StreamMissing(scope, name)
        return found

    def usable(self, scope: str, name: str) -> Stream:
        """A stream that can be written to and read. Raises StreamMissing, also while it is being created."""
        found = self._streams.get((scope, name))
        if found is None or (found.id not in self._made and self._is_being_made(found)):
            raise StreamMissing(scope, name)
        return found

    def _is_being_made(self, stream: Stream) -> bool:
        if self.status(stream) == "CREATING":
            return True
        self._made.add(stream.id)
        return False

    def by_id(self, stream_id: str) -> Stream | None:
        return self._ids.get(stream_id)

    def of(self, scope: str) -> list[Stream]:
        """The streams of a scope in the order of their names."""
        return sorted((one for one in self._streams.values() if one.scope == scope), key=lambda one: one.name)

    def everywhere(self) -> list[Stream]:
        return list(self._streams.values())

    def status(self, stream: Stream) -> str:
        """CREATING, ACTIVE, UPDATING or DELETING, now."""
        return "UPDATING" if stream.id in self._held else stream.status(self.now_ms())

    def changeable(self, scope: str, name: str) -> Stream:
        """A stream that is not being changed. Raises StreamMissing, StreamBusy."""
        stream = self.get(scope, name)
        status = self.status(stream)
        if status != "ACTIVE":
            raise StreamBusy(scope, name, status)
        return stream

    # Changing

    @staticmethod
    def new_id() -> str:
        """An identity that no other stream has: 20 letters and digits, a dash, three more."""
        made = "".join(secrets.choice(ALPHABET) for _ in range(23))
        return f"{made[:20]}-{made[20:]}"

    @contextlib.asynccontextmanager
    async def held(self, scope: str, name: str, *, settling: bool = False) -> AsyncIterator[Stream]:
        """A stream that nobody else changes meanwhile. Raises StreamMissing, StreamBusy.

        settling: it may still look unfinished from a change that belongs together with this one.
        """
        unfinished = settling and (found := self.find(scope, name)) is not None and found.id not in self._held
        stream = self.get(scope, name) if unfinished else self.changeable(scope, name)
        self._held.add(stream.id)
        try:
            yield stream
        finally:
            self._held.discard(stream.id)

    def settle(self, document: dict[str, Any]) -> None:
        """Let a changed stream look unfinished for a while."""
        document["status"] = "UPDATING"
        document["until_ms"] = self.now_ms() + self.settle_ms

    async def create(self, scope: str, name: str, document: dict[str, Any], tags: dict[str, str]) -> Stream:
        """Write a new stream; its id is no garbage any more. Raises StreamExists, TooManyTags."""

        def work(transaction: Transaction) -> dict[str, Any]:
            transaction.delete(GARBAGE, document["id"])
            try:
                return self.resources.create_in(transaction, KIND, scope, name, document, tags)
            except ResourceExists:
                raise StreamExists(scope, name) from None

        return self._keep(await self.metadata.transact(work))

    async def change(self, stream: Stream, change: Change) -> Stream:
        """Let `change` alter the document; the stream after it. Raises StreamMissing if it is gone."""

        def checked(document: dict[str, Any]) -> None:
            if document["id"] != stream.id:
                raise StreamMissing(stream.scope, stream.name)
            document["revision"] += 1
            change(document)

        try:
            return self._keep(await self.resources.update(KIND, stream.scope, stream.name, checked))
        except ResourceMissing:
            raise StreamMissing(stream.scope, stream.name) from None

    async def remove(self, stream: Stream, also: Callable[[Transaction], None]) -> None:
        """Take a stream off the list, its id becoming garbage."""

        def work(transaction: Transaction) -> None:
            self.resources.delete_in(transaction, KIND, stream.scope, stream.name)
            transaction.put(GARBAGE, stream.id, {})
            also(transaction)

        await self.metadata.transact(work)
        self._streams.pop((stream.scope, stream.name), None)
        self._ids.pop(stream.id, None)
        self._made.discard(stream.id)

    async def mark_garbage(self, stream_id: str) -> None:
        await self.metadata.transact(lambda transaction: transaction.put(GARBAGE, stream_id, {}))

    async def unmark_garbage(self, stream_id: str) -> None:
        await self.metadata.transact(lambda transaction: transaction.delete(GARBAGE, stream_id))

    def garbage(self) -> list[str]:
        return [key for key, _ in self.metadata.scan(GARBAGE)]
