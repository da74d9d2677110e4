"""Bytes out: any range of an object, wherever its bytes are."""

import asyncio
import concurrent.futures
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from lakemill.engines.objects import rows
from lakemill.engines.objects.errors import DataVanished
from lakemill.engines.objects.reaper import Reaper
from lakemill.engines.objects.records import ObjectRecord, PartRecord
from lakemill.engines.objects.references import layout
from lakemill.ports.blobs import BlobMissing, Blobs
from lakemill.ports.metadata import Metadata

PIECE_BYTES = 1 << 20


class Span(NamedTuple):
    """A range of one place's bytes."""

    data: str
    offset: int
    length: int


class Data:
    """Reads what records refer to. Everything blocks but `stream`."""

    def __init__(self, metadata: Metadata, blobs: Blobs, reaper: Reaper, pool: concurrent.futures.Executor) -> None:
        self._metadata = metadata
        self._blobs = blobs
        self._reaper = reaper
        self._pool = pool

    def parts(self, record: ObjectRecord) -> list[PartRecord]:
        """The places of an object's bytes in order; one for an object in one place, none for an empty one."""
        if record.data.startswith(rows.LAYOUT_DATA):
            return layout(self._metadata, record.data)
        if not record.data:
            return []
        return [PartRecord(number=1, size=record.size, data=record.data)]

    def spans(self, record: ObjectRecord, offset: int = 0, length: int | None = None) -> list[Span]:
        """Where the bytes [offset, offset + length) are."""
        end = record.size if length is None else min(record.size, offset + length)
        found, begin = [], 0
        for part in self.parts(record):
            first, last = max(offset, begin), min(end, begin + part.size)
            if first < last:
                found.append(Span(part.data, first - begin, last - first))
            begin += part.size
        return found

    def read(self, record: ObjectRecord, offset: int = 0, length: int | None = None) -> bytes:
        """Bytes [offset, offset + length), short at the end."""
        return b"".join(self._read(span) for span in self.spans(record, offset, length))

    def inline(self, record: ObjectRecord, offset: int = 0, length: int | None = None) -> bytes | None:
        """The bytes if they are in the metadata store (or none at all), else None; quick."""
        if record.data and not record.data.startswith(rows.INLINE_DATA):
            return None
        return self.read(record, offset, length)

    def file(self, record: ObjectRecord) -> Path | None:
        """The local file that holds just these bytes, if there is one."""
        return self._blobs.path(record.data) if record.data.startswith(rows.BLOB_DATA) else None

    def pieces(self, record: ObjectRecord, offset: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The bytes, about a MiB at a time."""
        spans = self.spans(record, offset, length)
        with self._reaper.held(span.data for span in spans):
            yield from map(self._read, _strides(spans))

    def stream(self, record: ObjectRecord, offset: int = 0, length: int | None = None) -> "DataStream":
        """The same from the event loop; the bytes stay there until the stream is closed, whatever becomes of the
        object."""
        spans = self.spans(record, offset, length)
        return DataStream(spans, self._read, self._reaper, self._pool)

    def copy_to(self, record: ObjectRecord, path: Path) -> None:
        """Write the bytes into a file, inside the kernel where it can."""
        spans = self.spans(record)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            with open(temporary, "wb", buffering=0) as target, self._reaper.held(span.data for span in spans):
                for span in spans:
                    source = self._blobs.path(span.data) if span.data.startswith(rows.BLOB_DATA) else None
                    if source is None:
                        for stride in _strides([span]):
                            target.write(self._read(stride))
                    else:
                        _copy_range(source, span.offset, span.length, target.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    def link_to(self, record: ObjectRecord, path: Path) -> None:
        """Make the bytes a file that nobody writes to: a second name of the blob if it holds just them, else a copy.

        The bytes stay under that name whatever becomes of the object.
        """
        source = self.file(record)
        if source is not None:
            with contextlib.suppress(OSError):  # Another file system, or the blob is gone.
                os.link(source, path)
                return
        self.copy_to(record, path)

    def _read(self, span: Span) -> bytes:
        if span.data.startswith(rows.INLINE_DATA):
            whole = self._metadata.get(rows.INLINE, span.data)
            if whole is None:
                raise DataVanished(span.data)
            return whole if span.length == len(whole) else whole[span.offset : span.offset + span.length]
        try:
            data = self._blobs.read(span.data, span.offset, span.length)
        except BlobMissing as missing:
            raise DataVanished(span.data) from missing
        if len(data) != span.length:
            raise OSError(f"blob {span.data} is shorter than its record says")
        return data


class DataStream:
    """An object's bytes as an asynchronous iterator; `aclose` (or the collector) lets go of them."""

    def __init__(
        self, spans: list[Span], read: Callable[[Span], bytes], reaper: Reaper, pool: concurrent.futures.Executor
    ) -> None:
        self._strides = _strides(spans)
        self._read = read
        self._pool = pool
        self._hold = reaper.hold(span.data for span in spans)
        self._ahead: asyncio.Future[bytes] | None = None

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        loop = asyncio.get_running_loop()
        if self._ahead is None:
            self._ahead = self._next(loop)
        if self._ahead is None:
            await self.aclose()
            raise StopAsyncIteration
        data = await self._ahead
        self._ahead = self._next(loop)  # Read on while this piece is being sent.
        return data

    def _next(self, loop: asyncio.AbstractEventLoop) -> "asyncio.Future[bytes] | None":
        stride = next(self._strides, None)
        return None if stride is None else loop.run_in_executor(self._pool, self._read, stride)

    async def aclose(self) -> None:
        self._strides = iter(())
        if self._ahead is not None:
            self._ahead.cancel()
            self._ahead = None
        self._hold.release()


def _strides(spans: Iterable[Span]) -> Iterator[Span]:
    for data, offset, length in spans:
        for start in range(0, length, PIECE_BYTES):
            yield Span(data, offset + start, min(PIECE_BYTES, length - start))


def _copy_range(source: Path, offset: int, length: int, target: int) -> None:
    with open(source, "rb", buffering=0) as file:
        while length > 0:
            try:
                done = os.copy_file_range(file.fileno(), target, length, offset)
            except OSError:  # Another file system, or one that cannot.
                done = os.write(target, os.pread(file.fileno(), min(length, PIECE_BYTES), offset))
            if done == 0:
                raise OSError(f"{source} is shorter than its record says")
            offset, length = offset + done, length - done
