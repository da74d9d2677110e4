"""Watching a stream: its fragments from some place on, and then each new one as it is kept."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable

from lakemill.engines.video.errors import FragmentMissing, StreamMissing
from lakemill.engines.video.fragments import Fragments, Kept, matroska, number_at
from lakemill.engines.video.streams import Stream, Video

IDLE_S = 600.0
"""How long it waits for another fragment before it ends."""
AHEAD = 16


@dataclasses.dataclass(frozen=True)
class Place:
    """Where to begin: after this number, and there at the first fragment that fits."""

    after: str
    fits: Callable[[Kept], bool] | None = None


def now(fragments: Fragments, stream: Stream) -> Place:
    """What comes from now on."""
    return Place(fragments.next_number(stream["id"]))


def earliest(video: Video, stream: Stream) -> Place:
    """Everything there is."""
    return Place(video.oldest(stream))


def at_producer_time(video: Video, stream: Stream, ms: int) -> Place:
    """The fragment that was being taken then, or the next."""
    return Place(video.oldest(stream), lambda kept: kept.producer_ms + kept.length_ms > ms)


def at_server_time(video: Video, stream: Stream, ms: int) -> Place:
    """The fragment that arrived then, or the next."""
    return Place(max(video.oldest(stream), number_at(max(0, ms - 60_000))), lambda kept: kept.server_ms >= ms)


async def watch(
    video: Video,
    stream: Stream,
    place: Place,
    tags: Callable[[Kept, bool], dict[str, str]],
    idle_s: float = IDLE_S,
) -> AsyncIterator[bytes]:
    """Each fragment as a Matroska stream of its own, with these tags. tags is told whether it is the newest.

    Ends when the stream is gone, or nothing came for idle_s.
    """
    fragments, number, fits = video.fragments, place.after, place.fits
    while True:
        news = fragments.news(stream["id"])
        some = fragments.after(stream["id"], number, AHEAD)
        for at, kept in enumerate(some):
            number = kept.number
            if fits is not None:
                if not fits(kept):
                    continue
                fits = None
            try:
                content = await fragments.content(kept)
                header = fragments.header(stream["id"], kept)
            except FragmentMissing:
                continue  # It was dropped while we looked.
            yield matroska(header, kept, content, tags(kept, at + 1 == len(some)))
        if not some:
            try:
                await asyncio.wait_for(news.wait(), idle_s)
            except TimeoutError:
                return
            if not _is_there(video, stream):  # That is news, too.
                return


def _is_there(video: Video, stream: Stream) -> bool:
    try:
        return video.named(stream["scope"], stream["name"])["id"] == stream["id"]
    except StreamMissing:
        return False
