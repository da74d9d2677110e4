"""Bytes in: hashed while they come, kept in memory while they are few, written to a blob when they are many.

Big pieces are hashed and written in threads, about a MiB at a time and one stride ahead of the network, so the event
loop stays free; memory in use is a few strides, whatever the object's size.
"""

import asyncio
import concurrent.futures
import contextlib
import hashlib
import threading
from collections.abc import AsyncIterable, Callable, Iterable

import msgspec

from lakemill.engines.objects import checksums
from lakemill.engines.objects.rows import BLOB_DATA, INLINE_DATA, data_name
from lakemill.ports.blobs import Blobs, Writing
from lakemill.ports.clock import Clock

INLINE_BYTES_MAX = 16 << 10
"""Objects up to this size live in the metadata store and share its group commit: a file of its own would cost two
flushes of the disk (about 4 ms) for each. Beyond it, the store's log would grow faster than the flushes are worth."""

STRIDE_BYTES = 1 << 20
"""Handed to a thread at once: large against the cost of the hand-over (50 us), small against memory."""


class Digests(msgspec.Struct, frozen=True):
    """What the bytes turned out to be."""

    size: int
    md5: bytes
    checksums: dict[str, str]
    """Base64 by algorithm."""


Check = Callable[[Digests], None]
"""Called once all bytes are hashed and before they are kept; raises to refuse them."""


class Taken(msgspec.Struct, frozen=True):
    """Bytes that were taken in. With inline they are still to be written with the object's document; else the blob of
    that name is durable already."""

    data: str
    inline: bytes | None
    digests: Digests


class _Sink:
    """The state of one intake. Its methods may be called from any thread, one after another."""

    def __init__(self, blobs: Blobs, name: str, algorithms: Iterable[str]) -> None:
        self._blobs = blobs
        self._name = name
        self._guard = threading.Lock()
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._checks = {algorithm: checksums.running(algorithm) for algorithm in algorithms}
        self._writing: Writing | None = None
        self._given_up = False
        self._committed = False
        self.size = 0

    def absorb(self, pieces: list[bytes]) -> None:
        """Hash and write."""
        with self._guard:
            if self._given_up:
                return
            if len(pieces) > 64:  # Many little ones: one call each would cost more than joining them.
                pieces = [b"".join(pieces)]
            if self._writing is None:
                self._writing = self._blobs.create(self._name)
            for piece in pieces:
                self._hash(piece)
                self._writing.write(piece)

    def finish(self, pieces: list[bytes], check: Check | None) -> Taken:
        """Hash and write the rest, then make the blob durable."""
        self.absorb(pieces)
        with self._guard:
            if self._given_up or self._writing is None:
                raise asyncio.CancelledError
            digests = self._digests(check)
            self._writing.commit()
            self._committed = True
        return Taken(self._name, None, digests)

    def finish_inline(self, data: bytes, name: str, check: Check | None) -> Taken:
        """The whole of a small object, without a blob."""
        self._blobs.room_for(len(data))
        self._hash(data)
        return Taken(name if data else "", data or None, self._digests(check))

    def give_up(self) -> None:
        """Leave nothing behind, also when another thread is just committing."""
        with self._guard:
            self._given_up = True
            if self._committed:
                self._blobs.delete(self._name)
            elif self._writing is not None:
                self._writing.abort()

    def _hash(self, piece: bytes) -> None:
        self.size += len(piece)
        self._md5.update(piece)
        for check in self._checks.values():
            check.update(piece)

    def _digests(self, check: Check | None) -> Digests:
        values = {name: checksums.encoded(made) for name, made in self._checks.items()}
        digests = Digests(self.size, self._md5.digest(), values)
        if check is not None:
            check(digests)
        return digests


class Intake:
    """Takes bytes in."""

    def __init__(self, blobs: Blobs, clock: Clock, pool: concurrent.futures.Executor) -> None:
        self._blobs = blobs
        self._clock = clock
        self._pool = pool

    async def take(
        self, pieces: AsyncIterable[bytes] | bytes, algorithms: Iterable[str], check: Check | None = None
    ) -> Taken:
        """Take a stream (or bytes). If anything goes wrong, or check raises, nothing is left of it."""
        sink = self._sink(algorithms)
        if isinstance(pieces, bytes | bytearray | memoryview):
            data = bytes(pieces)
            if len(data) <= INLINE_BYTES_MAX:
                return sink.finish_inline(data, self._inline_name(), check)
            return await self._finish(sink, [data], check)
        loop = asyncio.get_running_loop()
        waiting: list[bytes] = []
        held = 0
        running: asyncio.Future[None] | None = None
        try:
            async for piece in pieces:
                waiting.append(piece)
                held += len(piece)
                if held >= STRIDE_BYTES:
                    if running is not None:
                        await running
                    running = loop.run_in_executor(self._pool, sink.absorb, waiting)
                    waiting, held = [], 0
            if running is None and held <= INLINE_BYTES_MAX:
                return sink.finish_inline(b"".join(waiting), self._inline_name(), check)
            if running is not None:
                await running
        except BaseException:
            if running is not None:
                running.add_done_callback(_retrieved)
                self._pool.submit(sink.give_up)
            raise
        return await self._finish(sink, waiting, check)

    def take_blocking(
        self, pieces: Iterable[bytes], algorithms: Iterable[str], check: Check | None = None, *, small: bool = False
    ) -> Taken:
        """The same in the calling thread. small: they are at most INLINE_BYTES_MAX in all."""
        sink = self._sink(algorithms)
        if small:
            return sink.finish_inline(b"".join(pieces), self._inline_name(), check)
        try:
            for piece in pieces:
                sink.absorb([piece])
            return sink.finish([], check)
        except BaseException:
            sink.give_up()
            raise

    async def _finish(self, sink: _Sink, waiting: list[bytes], check: Check | None) -> Taken:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, sink.finish, waiting, check)
        except BaseException:
            self._pool.submit(sink.give_up)
            raise

    def discard(self, taken: Taken) -> None:
        """Forget a blob no document came to refer to."""
        if taken.data and taken.inline is None:
            self._pool.submit(self._blobs.delete, taken.data)

    def _sink(self, algorithms: Iterable[str]) -> _Sink:
        return _Sink(self._blobs, data_name(BLOB_DATA, self._clock.time()), algorithms)

    def _inline_name(self) -> str:
        return data_name(INLINE_DATA, self._clock.time())


def _retrieved(future: "asyncio.Future[None]") -> None:
    with contextlib.suppress(BaseException):
        future.exception()
