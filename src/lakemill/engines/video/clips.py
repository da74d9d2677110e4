"""Clips: fragments put together as MP4, by a process of their own."""

import asyncio

from lakemill.engines.video.errors import ClipImpossible
from lakemill.engines.video.fragments import Fragments, Kept
from lakemill.engines.video.workers import Workers
from lakemill.formats import mp4
from lakemill.formats.matroska import AUDIO, VIDEO, Header, cluster

CODECS = {
    VIDEO: {"V_MPEG4/ISO/AVC", "V_MPEGH/ISO/HEVC"},
    AUDIO: {"A_AAC", "A_MS/ACM"},
}
PIECES_BYTES_MAX = 64 << 20


class Clips:
    """Of all streams."""

    def __init__(self, fragments: Fragments, workers: Workers) -> None:
        self._fragments, self._workers = fragments, workers
        self._pieces: dict[tuple[str, str], bytes] = {}

    async def clip(self, stream: str, some: list[Kept]) -> bytes:
        """Fragments in the order of their time, as one MP4. Raises ClipImpossible, FragmentMissing."""
        return await self._mp4(stream, some, fragmented=False)

    async def piece(self, stream: str, kept: Kept, later_s: float) -> tuple[bytes, bytes]:
        """A fragment as a piece of a longer MP4, later_s after its beginning; and that beginning (ftyp, moov).

        Beginnings of fragments with the same header are the same. Raises ClipImpossible, FragmentMissing.
        """
        data = self._pieces.get((stream, kept.number))
        if data is None:
            data = await self._mp4(stream, [kept], fragmented=True)
            self._remember((stream, kept.number), data)
        try:
            beginning, piece = mp4.halves(data)
            return beginning, mp4.moved(piece, mp4.timescales(beginning), later_s)
        except mp4.Mp4Broken as error:
            raise ClipImpossible("frames", str(error)) from None

    def _remember(self, place: tuple[str, str], data: bytes) -> None:
        """So that several who watch the same, and the beginning and the piece, cost one process."""
        self._pieces[place] = data
        while sum(map(len, self._pieces.values())) > PIECES_BYTES_MAX:
            del self._pieces[next(iter(self._pieces))]

    async def _mp4(self, stream: str, some: list[Kept], *, fragmented: bool) -> bytes:
        some = sorted(some, key=lambda kept: kept.producer_ms)
        header = self._fragments.header(stream, some[0])
        check(header)
        return await self._remuxed(await self._source(stream, header, some), fragmented)

    async def _source(self, stream: str, header: Header, some: list[Kept]) -> bytes:
        """One Matroska stream whose time runs through. Fragments of another header cannot be in it."""
        if any(kept.header != some[0].header for kept in some):
            raise ClipImpossible("private", "the fragments were not all made with the same codec and settings")
        parts = [header.bytes()]
        for kept in some:
            at = (kept.producer_ms - some[0].producer_ms) * 1_000_000 // kept.scale_ns
            parts.append(cluster(at, await self._fragments.content(kept)))
        return b"".join(parts)

    async def _remuxed(self, source: bytes, fragmented: bool) -> bytes:
        with self._workers.files(".mkv", ".mp4") as (before, after):
            await asyncio.to_thread(before.write_bytes, source)
            flags = ["--fragmented"] if fragmented else []
            await self._workers.run("lakemill.formats.mp4", *flags, str(before), str(after))
            return await asyncio.to_thread(after.read_bytes)


def check(header: Header) -> None:
    """Whether MP4 can hold the tracks. Raises ClipImpossible."""
    for track in header.track_list():
        if track.codec not in CODECS.get(track.type, set()):
            raise ClipImpossible("codec", f"no clip can be made of {track.codec or 'a track without a codec'}")
        if track.private is None:
            raise ClipImpossible("private", f"the track {track.number} has no codec private data")
