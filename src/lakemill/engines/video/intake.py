"""Taking a stream in: pieces of Matroska in, acknowledgements out, while it arrives.

Of each fragment: BUFFERING when it has begun, RECEIVED when it is whole, PERSISTED when it is on the disk (not for a
stream that keeps nothing). IDLE when nothing came for a while. The last one may be an error.
"""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from typing import Any

from lakemill.engines.video.errors import IntakeStopped, StreamMissing
from lakemill.engines.video.fragments import Kept
from lakemill.engines.video.streams import Stream, Video
from lakemill.formats.matroska import Began, Fragment, FragmentTooLarge, MatroskaBroken, Splitter, TrailingTags

FRAGMENT_BYTES_MAX = 50 << 20
FRAGMENT_MS_MAX = 20_000
TRACKS_MAX = 3
TIME_MS_MAX = 253_402_300_799_999
"""The end of the year 9999: calendars go no further."""
IDLE_S = 30.0


@dataclasses.dataclass(frozen=True)
class Acknowledgement:
    """event: BUFFERING, RECEIVED, PERSISTED, IDLE or ERROR. timecode: of the fragment, milliseconds, as it came.
    number: of a fragment that is kept."""

    event: str
    timecode: int | None = None
    number: str | None = None
    error: IntakeStopped | None = None


class Intake:
    """One connection that brings a stream.

    start_ms: added to the times of clusters, which then give when they were taken (0 if they say so themselves).
    """

    def __init__(self, video: Video, scope: str, stream: Stream, start_ms: int, idle_s: float = IDLE_S) -> None:
        self._video, self._scope, self._stream, self._start_ms = video, scope, stream, start_ms
        self._idle_s = idle_s
        self._splitter = Splitter(FRAGMENT_BYTES_MAX)
        self._before: int | None = None
        self._last: Kept | None = None

    async def acknowledgements(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[Acknowledgement]:
        """Take all of it. Ends after the first error."""
        try:
            async for piece in _or_idle(pieces, self._idle_s):
                if piece is None:
                    yield Acknowledgement("IDLE")
                    continue
                for event in self._splitter.feed(piece):
                    async for one in self._take(event):
                        yield one
            for last in self._splitter.end():
                async for one in self._take(last):
                    yield one
        except IntakeStopped as stopped:
            yield Acknowledgement("ERROR", stopped.timecode, error=stopped)
        except MatroskaBroken as broken:
            yield Acknowledgement("ERROR", error=IntakeStopped("broken", str(broken)))
        except OSError as error:  # A full disk, say: the fragment is not kept, and not acknowledged.
            yield Acknowledgement("ERROR", self._before, error=IntakeStopped("internal", str(error)))
        except FragmentTooLarge as large:
            yield Acknowledgement("ERROR", self._before, error=IntakeStopped("size", str(large)))

    async def _take(self, event: Began | Fragment | TrailingTags) -> AsyncIterator[Acknowledgement]:
        if isinstance(event, TrailingTags):
            if self._last is not None:
                await self._video.fragments.add_tail(self._stream["id"], self._last.number, event.tags)
            return
        timecode = event.timecode * event.header.scale_ns // 1_000_000
        if isinstance(event, Began):
            self._check_begin(event, timecode)
            yield Acknowledgement("BUFFERING", timecode)
            return
        if event.length * event.header.scale_ns > FRAGMENT_MS_MAX * 1_000_000:
            raise IntakeStopped("duration", "a fragment plays longer than 20 seconds", timecode)
        yield Acknowledgement("RECEIVED", timecode)
        kept = self._current()["retention_h"] > 0
        self._last = await self._video.fragments.keep(self._stream["id"], event, self._start_ms + timecode)
        if kept:
            yield Acknowledgement("PERSISTED", timecode, self._last.number)

    def _check_begin(self, event: Began, timecode: int) -> None:
        self._current()
        if self._before is not None and timecode < self._before:
            raise IntakeStopped("order", "a fragment's time is before that of the one before it", timecode)
        self._before = timecode
        if not 0 <= self._start_ms + timecode <= TIME_MS_MAX:
            raise IntakeStopped("time", "a fragment was taken after the year 9999", timecode)
        if len(event.header.track_list()) > TRACKS_MAX:
            raise IntakeStopped("tracks", f"there are more than {TRACKS_MAX} tracks", timecode)

    def _current(self) -> Stream:
        """The stream as it is now. Raises IntakeStopped when it was deleted."""
        try:
            stream = self._video.named(self._scope, self._stream["name"])
        except StreamMissing:
            stream = {"id": None}
        if stream["id"] != self._stream["id"]:
            raise IntakeStopped("gone", "the stream was deleted")
        return stream


async def _or_idle(pieces: AsyncIterator[bytes], idle_s: float) -> AsyncIterator[bytes | None]:
    """The pieces, and None whenever none came for idle_s."""
    iterator = pieces.__aiter__()
    coming: asyncio.Task[Any] | None = None
    try:
        while True:
            coming = coming or asyncio.ensure_future(anext(iterator))  # type: ignore[arg-type]
            done, _ = await asyncio.wait((coming,), timeout=idle_s)
            if not done:
                yield None
                continue
            try:
                piece = coming.result()
            except StopAsyncIteration:
                return
            except ConnectionResetError:
                raise IntakeStopped("read", "the connection was cut off") from None
            coming = None
            yield piece
    finally:
        if coming is not None:
            coming.cancel()
