"""Fragments: clusters of a stream, each a blob, with a document that says what it is.

A number has 47 digits: a mark, the millisecond the fragment was kept, and a counter. It is given in the transaction
that keeps the fragment, so none ever appears below one that was seen, and a time is a place among numbers. Documents
stand under "<stream>/<number>", headers (which hardly ever change) under "<stream>/<digest>".
"""

import asyncio
import dataclasses
import hashlib
import uuid
from collections.abc import Iterator
from typing import Any

from lakemill.engines.video.errors import FragmentMissing
from lakemill.formats.matroska import Fragment, Header, cluster, tags
from lakemill.ports.blobs import Blobs
from lakemill.ports.clock import Clock
from lakemill.ports.metadata import Metadata, Transaction

FRAGMENTS, HEADERS = "video_fragments", "video_headers"
MARK = "91"
ROWS = 200


def number_at(ms: int, counter: int = 0) -> str:
    """The counter-th number of a millisecond.

    >>> len(number_at(1_700_000_000_000))
    47
    """
    return f"{MARK}{ms:015d}{counter:030d}"


def began_at(number: str) -> int:
    """The millisecond in a number."""
    return int(number[len(MARK) : len(MARK) + 15])


@dataclasses.dataclass(frozen=True, slots=True)
class Kept:
    """A fragment that is kept.

    producer_ms: when it was taken; server_ms: when it had arrived (both Unix time). length_ms: how long it plays.
    timecode: as in the stream it came in. scale_ns: nanoseconds of a step of time.
    """

    number: str
    header: str
    blob: str
    size: int
    timecode: int
    scale_ns: int
    producer_ms: int
    server_ms: int
    length_ms: int
    tags: bytes
    tail: bytes = b""


class Fragments:
    """All fragments of all streams. stream: its id."""

    def __init__(self, metadata: Metadata, blobs: Blobs, clock: Clock) -> None:
        self._metadata, self._blobs, self._clock = metadata, blobs, clock
        self._last: dict[str, str] = {}
        self._news: dict[str, asyncio.Event] = {}

    def next_number(self, stream: str) -> str:
        """A number above all others of the stream."""
        last = self._last.get(stream)
        if last is None:
            last = next((key for key, _ in self._scan(stream, limit=1, reverse=True)), number_at(0))
        now = number_at(int(self._clock.time() * 1000))
        if now <= last:  # The same millisecond, or a clock that was set back.
            now = number_at(began_at(last), int(last[len(MARK) + 15 :]) + 1)
        self._last[stream] = now
        return now

    async def keep(self, stream: str, fragment: Fragment, producer_ms: int) -> Kept:
        """On the disk when it returns."""
        blob = uuid.uuid4().hex
        await asyncio.to_thread(self._write, blob, fragment.content)
        header = hashlib.sha256(fragment.header.bytes()).hexdigest()[:32]
        scale = fragment.header.scale_ns

        def work(transaction: Transaction) -> Kept:
            number = self.next_number(stream)
            kept = Kept(
                number=number,
                header=header,
                blob=blob,
                size=len(fragment.content),
                timecode=fragment.timecode,
                scale_ns=scale,
                producer_ms=producer_ms,
                server_ms=began_at(number),
                length_ms=round(fragment.length * scale / 1e6),
                tags=fragment.tags,
            )
            if transaction.get(HEADERS, f"{stream}/{header}") is None:
                transaction.put(HEADERS, f"{stream}/{header}", dataclasses.asdict(fragment.header))
            transaction.put(FRAGMENTS, f"{stream}/{number}", _document(kept))
            return kept

        kept = await self._metadata.transact(work)
        self._news.pop(stream, asyncio.Event()).set()
        return kept

    def _write(self, blob: str, content: bytes) -> None:
        writing = self._blobs.create(blob)
        try:
            writing.write(content)
            writing.commit()
        finally:
            writing.abort()

    async def add_tail(self, stream: str, number: str, tail: bytes) -> None:
        """Tags that came after the last fragment of a connection."""

        def work(transaction: Transaction) -> None:
            document = transaction.get(FRAGMENTS, f"{stream}/{number}")
            if document is not None:
                transaction.put(FRAGMENTS, f"{stream}/{number}", document | {"tail": tail})

        await self._metadata.transact(work)

    # Finding

    def after(self, stream: str, number: str, limit: int = ROWS) -> list[Kept]:
        """Some that follow a number, in order."""
        return [kept for _, kept in self._scan(stream, number + "\x00", limit=limit)]

    async def all(self, stream: str, number: str = "") -> list[Kept]:
        """All that follow a number. Gives way to others now and then: there may be very many."""
        found: list[Kept] = []
        while page := self.after(stream, number, 1000):
            found += page
            number = page[-1].number
            await asyncio.sleep(0)
        return found

    def get(self, stream: str, number: str) -> Kept:
        """Raises FragmentMissing."""
        document = self._metadata.get(FRAGMENTS, f"{stream}/{number}")
        if document is None:
            raise FragmentMissing(number)
        return Kept(number=number, **document)

    def header(self, stream: str, kept: Kept) -> Header:
        """The header of a fragment. Raises FragmentMissing where it has just gone."""
        parts = self._metadata.get(HEADERS, f"{stream}/{kept.header}")
        if parts is None:
            raise FragmentMissing(kept.number)
        return Header(**parts)

    async def content(self, kept: Kept) -> bytes:
        """Its elements. Raises FragmentMissing where it has just gone."""
        try:
            return await asyncio.to_thread(self._blobs.read, kept.blob)
        except KeyError:
            raise FragmentMissing(kept.number) from None

    def news(self, stream: str) -> asyncio.Event:
        """Set when the next fragment of the stream is kept. Take it before you look, so that you miss none."""
        return self._news.setdefault(stream, asyncio.Event())

    def _scan(
        self, stream: str, start: str = "", *, limit: int | None = None, reverse: bool = False
    ) -> Iterator[tuple[str, Kept]]:
        first, last = f"{stream}/{start}", f"{stream}0"  # "0" follows "/".
        for key, document in self._metadata.scan(FRAGMENTS, first, last, limit=limit, reverse=reverse):
            number = key[len(stream) + 1 :]
            yield number, Kept(number=number, **document)

    # Letting go

    async def drop(self, stream: str, before: str | None) -> int:
        """Forget fragments with numbers below `before` (None: all, and their headers); how many."""
        dropped = 0
        stop = f"{stream}/{before}" if before is not None else f"{stream}0"
        while True:
            blobs = await self._metadata.transact(lambda t: _forget(t, FRAGMENTS, f"{stream}/", stop))
            await asyncio.to_thread(self._delete, [one["blob"] for one in blobs])
            dropped += len(blobs)
            if len(blobs) < ROWS:
                break
        if before is None:
            await self._metadata.transact(lambda t: _forget(t, HEADERS, f"{stream}/", f"{stream}0"))
            self._last.pop(stream, None)
            self._news.pop(stream, asyncio.Event()).set()
        return dropped

    def _delete(self, blobs: list[str]) -> None:
        for blob in blobs:
            self._blobs.delete(blob)

    def streams(self) -> Iterator[str]:
        """Every stream that has fragments."""
        at = ""
        while row := next(iter(self._metadata.scan(FRAGMENTS, at, limit=1)), None):
            stream = row[0].partition("/")[0]
            yield stream
            at = f"{stream}0"

    def recover(self) -> int:
        """Remove blobs without a document, which a crash has left; how many. Before anything is kept."""
        removed = self._blobs.sweep()
        known = {document["blob"] for _, document in self._metadata.scan(FRAGMENTS)}
        for name in list(self._blobs.names()):
            if name not in known:
                self._blobs.delete(name)
                removed += 1
        return removed


def _document(kept: Kept) -> dict[str, Any]:
    return {field.name: getattr(kept, field.name) for field in dataclasses.fields(kept) if field.name != "number"}


def _forget(transaction: Transaction, table: str, start: str, stop: str) -> list[Any]:
    rows = list(transaction.scan(table, start, stop, limit=ROWS))
    for key, _ in rows:
        transaction.delete(table, key)
    return [document for _, document in rows]


def matroska(header: Header, kept: Kept, content: bytes, texts: dict[str, str] | None = None) -> bytes:
    """A fragment as a stream of its own: header, tags, cluster."""
    own = tags(texts) if texts else b""
    return header.bytes() + kept.tags + own + cluster(kept.timecode, content) + kept.tail
