"""Video streams: named, with a time for which their fragments are kept, and a version that every change changes."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from lakemill.engines.resources import ResourceExists, ResourceMissing, Resources
from lakemill.engines.video.clips import Clips
from lakemill.engines.video.errors import NothingKept, StreamExists, StreamMissing, VersionStale
from lakemill.engines.video.fragments import Fragments, Kept, number_at
from lakemill.engines.video.pictures import Pictures
from lakemill.engines.video.sessions import Sessions
from lakemill.engines.video.workers import Workers
from lakemill.ports.blobs import Blobs
from lakemill.ports.clock import Clock
from lakemill.ports.metadata import Metadata

KIND = "video-stream"
HOUR_MS = 3600 * 1000
UNKEPT_MS = 5 * 60 * 1000
"""How long a stream that keeps nothing still has its last fragments, for those who watch."""
Stream = dict[str, Any]
"""A document: id, name, created, tags, version, retention_h, device, media_type."""


class Video:
    """All video streams of one store. scope is "account/region"."""

    def __init__(self, metadata: Metadata, blobs: Blobs, clock: Clock, folder: Path) -> None:
        """folder: for files under way."""
        self._clock = clock
        self._resources = Resources(metadata, clock)
        self.fragments = Fragments(metadata, blobs, clock)
        self._workers = Workers(folder)
        self.clips = Clips(self.fragments, self._workers)
        self.pictures = Pictures(self.fragments, self._workers)
        self.sessions = Sessions(clock)

    async def recover(self) -> int:
        """Clear away what a crash has left; how many files."""
        known = {stream["id"] for stream in self._resources.all(KIND)}
        for stream in list(self.fragments.streams()):
            if stream not in known:  # Deleting it was cut off.
                await self.fragments.drop(stream, None)
        return self.fragments.recover() + self._workers.recover()

    async def create(
        self,
        scope: str,
        name: str,
        *,
        retention_h: int,
        device: str | None,
        media_type: str | None,
        tags: dict[str, str],
    ) -> Stream:
        """Raises StreamExists, TooManyTags."""
        document = {
            "id": secrets.token_hex(8),
            "version": _version(),
            "retention_h": retention_h,
            "device": device,
            "media_type": media_type,
        }
        try:
            return await self._resources.create(KIND, scope, name, document, tags)
        except ResourceExists:
            raise StreamExists(name) from None

    def named(self, scope: str, name: str) -> Stream:
        """Raises StreamMissing."""
        found = self._resources.find(KIND, scope, name)
        if found is None:
            raise StreamMissing(name)
        return found

    def all(self, scope: str) -> Iterator[Stream]:
        """In the order of names."""
        return self._resources.all(KIND, scope)

    async def update(self, scope: str, name: str, version: str, change: Callable[[Stream], None]) -> Stream:
        """Let change alter it, if it is still of this version. Raises StreamMissing, VersionStale."""

        def work(document: Stream) -> None:
            _check_version(document, version)
            change(document)
            document["version"] = _version()

        try:
            return await self._resources.update(KIND, scope, name, work)
        except ResourceMissing:
            raise StreamMissing(name) from None

    async def delete(self, scope: str, name: str, version: str | None) -> None:
        """And all its fragments. Raises StreamMissing, VersionStale."""

        def check(document: Stream) -> None:
            if version is not None:
                _check_version(document, version)

        try:
            stream = await self._resources.delete(KIND, scope, name, check)
        except ResourceMissing:
            raise StreamMissing(name) from None
        await self.fragments.drop(stream["id"], None)

    async def tag(self, scope: str, name: str, tags: dict[str, str]) -> None:
        """Raises StreamMissing, TooManyTags."""
        self.named(scope, name)
        await self._resources.tag(KIND, scope, name, tags)

    async def untag(self, scope: str, name: str, keys: list[str]) -> None:
        """Raises StreamMissing."""
        self.named(scope, name)
        await self._resources.untag(KIND, scope, name, keys)

    # Time

    def oldest(self, stream: Stream) -> str:
        """The number below which nothing is shown any more."""
        kept_ms = stream["retention_h"] * HOUR_MS or UNKEPT_MS
        return number_at(max(0, int(self._clock.time() * 1000) - kept_ms))

    async def expire(self) -> None:
        """Remove what is past its time."""
        for stream in list(self._resources.all(KIND)):
            await self.fragments.drop(stream["id"], self.oldest(stream))

    async def archived(self, stream: Stream) -> list[Kept]:
        """All fragments that are kept. Raises NothingKept."""
        if stream["retention_h"] == 0:
            raise NothingKept(stream["name"])
        return await self.fragments.all(stream["id"], self.oldest(stream))


def _version() -> str:
    return secrets.token_hex(10)


def _check_version(document: Stream, version: str) -> None:
    if document["version"] != version:
        raise VersionStale(version, document["version"])
