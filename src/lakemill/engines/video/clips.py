"""Clips: fragments put together as MP4, by a process of their own."""

import asyncio
import contextlib
import os
import sys
import uuid
from pathlib import Path

from lakemill.engines.video.errors import ClipImpossible
from lakemill.engines.video.fragments import Fragments, Kept
from lakemill.formats import mp4
from lakemill.formats.matroska import AUDIO, VIDEO, Header, cluster

CODECS = {
    VIDEO: {"V_MPEG4/ISO/AVC", "V_MPEGH/ISO/HEVC"},
    AUDIO: {"A_AAC", "A_MS/ACM"},
}
TIMEOUT_S = 120.0
PIECES_BYTES_MAX = 64 << 20


class Clips:
    """folder: for files under way."""

    def __init__(self, fragments: Fragments, folder: Path) -> None:
        self._fragments, self._folder = fragments, folder
        self._workers = asyncio.Semaphore(2)
        self._pieces: dict[str, bytes] = {}

    def recover(self) -> int:
        """Remove what a crash has left; how many files."""
        leftovers = list(self._folder.iterdir()) if self._folder.exists() else []
        for path in leftovers:
            path.unlink()
        return len(leftovers)

    async def clip(self, stream: str, some: list[Kept]) -> bytes:
        """Fragments in the order of their time, as one MP4. Raises ClipImpossible, FragmentMissing."""
        return await self._mp4(stream, some, fragmented=False)

    async def piece(self, stream: str, kept: Kept, later_s: float) -> tuple[bytes, bytes]:
        """A fragment as a piece of a longer MP4, later_s after its beginning; and that beginning (ftyp, moov).

        Beginnings of fragments with the same header are the same. Raises ClipImpossible, FragmentMissing.
        """
        data = self._pieces.get(kept.number)
        if data is None:
            data = await self._mp4(stream, [kept], fragmented=True)
            self._remember(kept.number, data)
        try:
            beginning, piece = mp4.halves(data)
            return beginning, mp4.moved(piece, mp4.timescales(beginning), later_s)
        except mp4.Mp4Broken as error:
            raise ClipImpossible("frames", str(error)) from None

    def _remember(self, number: str, data: bytes) -> None:
        """So that several who watch the same, and the beginning and the piece, cost one process."""
        self._pieces[number] = data
        while sum(map(len, self._pieces.values())) > PIECES_BYTES_MAX:
            del self._pieces[next(iter(self._pieces))]

    async def _mp4(self, stream: str, some: list[Kept], *, fragmented: bool) -> bytes:
        some = sorted(some, key=lambda kept: kept.producer_ms)
        header = self._fragments.header(stream, some[0])
        check(header)
        source = await self._source(stream, header, some)
        async with self._workers:
            return await self._remuxed(source, fragmented)

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
        self._folder.mkdir(parents=True, exist_ok=True)
        name = uuid.uuid4().hex
        before, after = self._folder / f"{name}.mkv", self._folder / f"{name}.mp4"
        try:
            await asyncio.to_thread(before.write_bytes, source)
            command = [sys.executable, "-m", "lakemill.formats.mp4", *(["--fragmented"] if fragmented else [])]
            process = await asyncio.create_subprocess_exec(
                *command,
                str(before),
                str(after),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )
            try:
                _, said = await asyncio.wait_for(process.communicate(), TIMEOUT_S)
            except (TimeoutError, asyncio.CancelledError):
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                raise
            if process.returncode != 0:
                text = said.decode("utf-8", "replace").strip().splitlines()
                kind = "player" if process.returncode == mp4.WITHOUT_PYAV else "frames"
                raise ClipImpossible(kind, text[-1] if text else "the frames cannot be read")
            return await asyncio.to_thread(after.read_bytes)
        finally:
            before.unlink(missing_ok=True)
            after.unlink(missing_ok=True)


def check(header: Header) -> None:
    """Whether MP4 can hold the tracks. Raises ClipImpossible."""
    for track in header.track_list():
        if track.codec not in CODECS.get(track.type, set()):
            raise ClipImpossible("codec", f"no clip can be made of {track.codec or 'a track without a codec'}")
        if track.private is None:
            raise ClipImpossible("private", f"the track {track.number} has no codec private data")
