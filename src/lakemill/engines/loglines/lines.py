"""Groups, streams and their events.

How they are kept: a group is a document under scope, group in table `log_groups`; a stream under scope, group,
stream in `log_streams` (with counters and times); each put is one chunk of events in `log_chunks` under the stream's id
and the position of its first event (20 digits). Names may hold slashes, so the parts of a key are separated by U+0001.
Positions number the events of a stream from 0 in the order they came; within a put they are in time order.
"""

import dataclasses
import datetime
import secrets
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from lakemill.engines.loglines.errors import GroupExists, GroupMissing, StreamExists, StreamMissing
from lakemill.ports.clock import Clock
from lakemill.ports.metadata import Metadata, Transaction, prefix_end

GROUPS, STREAMS, CHUNKS = "log_groups", "log_streams", "log_chunks"
CHUNK_EVENTS_MAX = 1000
"""Events per chunk: small enough that reading a page decodes little more than the page."""


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """One line. position is its place in its stream."""

    stream: str
    position: int
    timestamp_ms: int
    ingestion_ms: int
    message: str


@dataclasses.dataclass(frozen=True)
class Page:
    """Events in reading order, and the positions just before and after them."""

    events: list[Event]
    before: int
    after: int


def _key(*parts: str) -> str:
    return "\x01".join(parts)


class LogLines:
    """The engine. scope is "account/region"."""

    def __init__(self, metadata: Metadata, clock: Clock) -> None:
        self._metadata = metadata
        self._clock = clock

    # Groups

    async def create_group(self, scope: str, group: str, **attributes: Any) -> None:
        """Raises GroupExists."""

        def create(transaction: Transaction) -> None:
            if transaction.get(GROUPS, _key(scope, group)) is not None:
                raise GroupExists(group)
            transaction.put(GROUPS, _key(scope, group), self._new_group(group) | attributes)

        await self._metadata.transact(create)

    async def delete_group(self, scope: str, group: str) -> None:
        """With all streams and events. Raises GroupMissing."""

        def delete(transaction: Transaction) -> None:
            if not transaction.delete(GROUPS, _key(scope, group)):
                raise GroupMissing(group)
            for key, stream in list(_under(transaction, STREAMS, _key(scope, group, ""))):
                transaction.delete(STREAMS, key)
                _drop_chunks(transaction, stream["id"])

        await self._metadata.transact(delete)

    def group(self, scope: str, group: str) -> dict[str, Any]:
        """The group's document: name, created_ms, retention_days, tags ... Raises GroupMissing."""
        found = self._metadata.get(GROUPS, _key(scope, group))
        if found is None:
            raise GroupMissing(group)
        return found

    async def update_group(self, scope: str, group: str, **attributes: Any) -> None:
        """Set attributes; None removes one. Raises GroupMissing."""

        def update(transaction: Transaction) -> None:
            document = transaction.get(GROUPS, _key(scope, group))
            if document is None:
                raise GroupMissing(group)
            document |= attributes
            transaction.put(GROUPS, _key(scope, group), {k: v for k, v in document.items() if v is not None})

        await self._metadata.transact(update)

    def groups(self, scope: str, prefix: str = "", after: str = "") -> Iterator[dict[str, Any]]:
        """Groups in name order whose names start with prefix, those after a name."""
        start = _key(scope, max(prefix, after + "\x00" if after else ""))
        stop = prefix_end(_key(scope, prefix))
        return (document for _, document in self._metadata.scan(GROUPS, start, stop))

    # Streams

    async def create_stream(self, scope: str, group: str, stream: str) -> None:
        """Raises GroupMissing, StreamExists."""

        def create(transaction: Transaction) -> None:
            if transaction.get(GROUPS, _key(scope, group)) is None:
                raise GroupMissing(group)
            if transaction.get(STREAMS, _key(scope, group, stream)) is not None:
                raise StreamExists(stream)
            transaction.put(STREAMS, _key(scope, group, stream), self._new_stream(stream))

        await self._metadata.transact(create)

    async def delete_stream(self, scope: str, group: str, stream: str) -> None:
        """Raises GroupMissing, StreamMissing."""

        def delete(transaction: Transaction) -> None:
            document = self._stream_in(transaction, scope, group, stream)
            transaction.delete(STREAMS, _key(scope, group, stream))
            _drop_chunks(transaction, document["id"])

        await self._metadata.transact(delete)

    def streams(self, scope: str, group: str, prefix: str = "", after: str = "") -> Iterator[dict[str, Any]]:
        """Streams in name order whose names start with prefix, those after a name. Raises GroupMissing."""
        self.group(scope, group)
        start = _key(scope, group, max(prefix, after + "\x00" if after else ""))
        stop = prefix_end(_key(scope, group, prefix))
        return (document for _, document in self._metadata.scan(STREAMS, start, stop))

    def stream(self, scope: str, group: str, stream: str) -> dict[str, Any]:
        """The stream's document. Raises GroupMissing, StreamMissing."""
        return self._stream_in(self._metadata, scope, group, stream)

    # Events

    async def put(self, scope: str, group: str, stream: str, events: Sequence[tuple[int, str]]) -> None:
        """Append (timestamp_ms, message) pairs; group and stream are made when missing. Durable on return."""
        await self._metadata.transact(lambda t: self._append(t, scope, group, stream, events, create=True))

    def put_blocking(self, scope: str, group: str, stream: str, events: Sequence[tuple[int, str]]) -> None:
        """`put` from a thread."""
        self._metadata.transact_blocking(lambda t: self._append(t, scope, group, stream, events, create=True))

    def put_in(
        self, transaction: Transaction, scope: str, group: str, stream: str, events: Sequence[tuple[int, str]]
    ) -> None:
        """`put` inside a transaction, so that whoever ships lines can note how far it came along with them."""
        self._append(transaction, scope, group, stream, events, create=True)

    async def put_existing(self, scope: str, group: str, stream: str, events: Sequence[tuple[int, str]]) -> None:
        """Like put, but raises GroupMissing, StreamMissing."""
        await self._metadata.transact(lambda t: self._append(t, scope, group, stream, events, create=False))

    def _append(
        self,
        transaction: Transaction,
        scope: str,
        group: str,
        stream: str,
        events: Sequence[tuple[int, str]],
        *,
        create: bool,
    ) -> None:
        if create:
            if transaction.get(GROUPS, _key(scope, group)) is None:
                transaction.put(GROUPS, _key(scope, group), self._new_group(group))
            document = transaction.get(STREAMS, _key(scope, group, stream)) or self._new_stream(stream)
        else:
            document = self._stream_in(transaction, scope, group, stream)
        now_ms = int(self._clock.time() * 1000)
        position = document["events"]
        for start in range(0, len(events), CHUNK_EVENTS_MAX):
            part = events[start : start + CHUNK_EVENTS_MAX]
            chunk = {"at": now_ms, "t": [time for time, _ in part], "m": [message for _, message in part]}
            transaction.put(CHUNKS, _chunk_key(document["id"], position + start), chunk)
        if events:
            times = [time for time, _ in events]
            document["first_ms"] = min(times + [document["first_ms"]] * (document["first_ms"] is not None))
            document["last_ms"] = max(times + [document["last_ms"]] * (document["last_ms"] is not None))
            document["ingested_ms"] = now_ms
            document["events"] = position + len(events)
        transaction.put(STREAMS, _key(scope, group, stream), document)

    def read(
        self,
        scope: str,
        group: str,
        stream: str,
        *,
        position: int | None = None,
        backward: bool = False,
        limit: int = 10_000,
        bytes_max: int = 1_048_576,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> Page:
        """A page of one stream from a position on (backward: the events before it), always in ascending order.

        start_ms is inclusive, end_ms exclusive. Without a position: from the beginning, backward from the end.
        Raises GroupMissing, StreamMissing.
        """
        document = self.stream(scope, group, stream)
        cutoff_ms = self._cutoff_ms(self.group(scope, group))
        start_ms = max(start_ms or 0, cutoff_ms)
        at = (document["events"] if backward else 0) if position is None else position
        found: list[Event] = []
        size, last = 0, at
        for event in self._events(document, stream, at, backward):
            cost = len(event.message.encode()) + 26  # CloudWatch counts 26 bytes of overhead per event.
            wanted = event.timestamp_ms >= start_ms and (end_ms is None or event.timestamp_ms < end_ms)
            if wanted and found and (len(found) >= limit or size + cost > bytes_max):
                break
            last = event.position if backward else event.position + 1
            if wanted:
                found.append(event)
                size += cost
        if backward:
            found.reverse()
            return Page(found, last, at)
        return Page(found, at, last)

    def search(
        self,
        scope: str,
        group: str,
        streams: Iterable[str],
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
    ) -> list[Event]:
        """All events of the streams in [start_ms, end_ms], by time, then ingestion, then stream and position."""
        start_ms = max(start_ms or 0, self._cutoff_ms(self.group(scope, group)))
        found = []
        for name in streams:
            document = self.stream(scope, group, name)
            if document["last_ms"] is None or document["last_ms"] < start_ms:
                continue
            found += [
                event
                for event in self._events(document, name, 0, False)
                if start_ms <= event.timestamp_ms and (end_ms is None or event.timestamp_ms <= end_ms)
            ]
        return sorted(found, key=lambda e: (e.timestamp_ms, e.ingestion_ms, e.stream, e.position))

    async def expire(self) -> int:
        """Remove chunks that are wholly older than their group's retention; how many."""
        doomed: list[str] = []
        for group_key, group in self._metadata.scan(GROUPS):
            cutoff_ms = self._cutoff_ms(group)
            if not cutoff_ms:
                continue
            for _, stream in _under(self._metadata, STREAMS, group_key + "\x01"):
                chunks = _under(self._metadata, CHUNKS, _key(stream["id"], ""))
                doomed += [key for key, chunk in chunks if max(chunk["t"]) < cutoff_ms]
        if doomed:
            await self._metadata.transact(lambda t: [t.delete(CHUNKS, key) for key in doomed])
        return len(doomed)

    # Below the surface

    def _events(self, document: dict[str, Any], stream: str, position: int, backward: bool) -> Iterator[Event]:
        prefix = _key(document["id"], "")
        if backward:
            chunks = self._metadata.scan(CHUNKS, prefix, _chunk_key(document["id"], position), reverse=True)
        else:
            first = self._chunk_with(document["id"], position)
            chunks = self._metadata.scan(CHUNKS, first, prefix_end(prefix))
        for key, chunk in chunks:
            base = int(key[len(prefix) :])
            numbers = range(len(chunk["t"]))
            for i in reversed(numbers) if backward else numbers:
                place = base + i
                if (place < position) if backward else (place >= position):
                    yield Event(stream, place, chunk["t"][i], chunk["at"], chunk["m"][i])

    def _chunk_with(self, stream_id: str, position: int) -> str:
        """Key of the chunk that holds a position, or of where it would be."""
        at = _chunk_key(stream_id, position + 1)
        for key, _ in self._metadata.scan(CHUNKS, _key(stream_id, ""), at, limit=1, reverse=True):
            return key
        return _chunk_key(stream_id, position)

    def _stream_in(self, reader: Any, scope: str, group: str, stream: str) -> dict[str, Any]:
        document = reader.get(STREAMS, _key(scope, group, stream))
        if document is None:
            if reader.get(GROUPS, _key(scope, group)) is None:
                raise GroupMissing(group)
            raise StreamMissing(stream)
        return document

    def _new_group(self, group: str) -> dict[str, Any]:
        return {"name": group, "created_ms": int(self._clock.time() * 1000)}

    def _new_stream(self, stream: str) -> dict[str, Any]:
        return {
            "name": stream,
            "id": secrets.token_hex(8),
            "created_ms": int(self._clock.time() * 1000),
            "events": 0,
            "first_ms": None,
            "last_ms": None,
            "ingested_ms": None,
        }

    def _cutoff_ms(self, group: dict[str, Any]) -> int:
        days = group.get("retention_days")
        if not days:
            return 0
        return int((self._clock.now() - datetime.timedelta(days=days)).timestamp() * 1000)


def _chunk_key(stream_id: str, position: int) -> str:
    return _key(stream_id, f"{position:020d}")


def _under(reader: Any, table: str, prefix: str) -> Iterator[tuple[str, Any]]:
    return reader.scan(table, prefix, prefix_end(prefix))


def _drop_chunks(transaction: Transaction, stream_id: str) -> None:
    for key, _ in list(_under(transaction, CHUNKS, _key(stream_id, ""))):
        transaction.delete(CHUNKS, key)
