"""Pictures: the frames that were taken at some moments."""

import asyncio
import dataclasses

import msgspec

from lakemill.engines.video.errors import FragmentMissing
from lakemill.engines.video.fragments import Fragments, Kept, matroska
from lakemill.engines.video.workers import Workers


@dataclasses.dataclass(frozen=True)
class Moment:
    """A time (Unix, ms), and the fragment that covers it with the offset of its beginning, None if there is none."""

    ms: int
    kept: Kept | None = None
    offset_ms: int = 0


def moments(kept: list[Kept], times: list[int], *, by_server: bool) -> list[Moment]:
    """Which fragment covers each time; the newer one where two do."""
    found = []
    for ms in times:
        covering = [one for one in kept if 0 <= ms - _start(one, by_server) < max(1, one.length_ms)]
        if covering:
            newest = max(covering, key=lambda one: one.number)
            found.append(Moment(ms, newest, ms - _start(newest, by_server)))
        else:
            found.append(Moment(ms))
    return found


def _start(kept: Kept, by_server: bool) -> int:
    return kept.server_ms if by_server else kept.producer_ms


class Pictures:
    """Of all streams."""

    def __init__(self, fragments: Fragments, workers: Workers) -> None:
        self._fragments, self._workers = fragments, workers

    async def of(
        self,
        stream: str,
        several: list[Moment],
        format: str,
        *,
        width: int | None = None,
        height: int | None = None,
        quality: int | None = None,
    ) -> list[bytes | None]:
        """A picture for each moment in order, None where its frames cannot be decoded or no fragment covers it.

        format: "JPEG" or "PNG". quality: of JPEG, 1 to 100. Raises ClipImpossible.
        """
        by_fragment: dict[str, list[Moment]] = {}
        for one in several:
            if one.kept is not None:
                by_fragment.setdefault(one.kept.number, []).append(one)
        if not by_fragment:
            return [None] * len(several)
        with self._workers.files(".bin", *[".mkv"] * len(by_fragment)) as (target, *paths):
            sources = []
            for path, group in zip(paths, by_fragment.values(), strict=True):
                await self._write(stream, path, group[0].kept)
                sources.append({"path": str(path), "times": [one.offset_ms for one in group]})
            wish = {"sources": sources, "format": format, "width": width, "height": height, "quality": quality}
            await self._workers.run("lakemill.formats.pictures", str(target), said=msgspec.json.encode(wish))
            made = msgspec.msgpack.decode(await asyncio.to_thread(target.read_bytes))
        found = {
            (number, one.ms): picture
            for (number, group), row in zip(by_fragment.items(), made, strict=True)
            for one, picture in zip(group, row, strict=True)
        }
        return [found.get((one.kept.number, one.ms)) if one.kept is not None else None for one in several]

    async def _write(self, stream: str, path, kept: Kept | None) -> None:
        """The fragment, its time set to 0; nothing where it has just gone."""
        assert kept is not None
        try:
            content = await self._fragments.content(kept)
            data = matroska(self._fragments.header(stream, kept), dataclasses.replace(kept, timecode=0), content)
        except FragmentMissing:
            data = b""
        await asyncio.to_thread(path.write_bytes, data)
