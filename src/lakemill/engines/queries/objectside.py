"""Questions about objects: listed, linked into the statement's folder, taken from there, removed."""

import asyncio
import re
from pathlib import Path
from typing import Any

from lakemill.engines.objects import ObjectMissing, ObjectRecord, Objects
from lakemill.engines.queries.errors import Refused
from lakemill.engines.queries.joined import Joined
from lakemill.engines.queries.journal import Journal

Document = dict[str, Any]
PAGE = 1000
STRIDE = 100
"""So many permissions are looked at before others on the event loop have their turn."""
_UNSAFE = re.compile(r"[^A-Za-z0-9._=-]")
NAME_MAX = 100


class Files:
    """folder: the statement's own; all it reads is linked there, all it stores comes from there."""

    QUESTIONS = ("objects", "fetch", "check", "began_at", "store", "remove")

    def __init__(self, objects: Objects, joined: Joined, folder: Path, rights: Any, journal: Journal) -> None:
        self._objects, self._joined, self._rights, self._journal = objects, joined, rights, journal
        self.store_of_objects = objects
        self.folder = folder.resolve()
        self._sources = self.folder / "sources"
        self._linked: dict[str, str] = {}

    async def objects(self, location: str, after: str = "") -> Document:
        """A page of the objects under a location, and whether there may be more. after: the last one's URI."""
        bucket, prefix = split(location)
        self._rights.object("list", bucket, prefix)
        start = split(after)[1] if after else ""
        return await asyncio.to_thread(self._listed, bucket, prefix, start)

    def _listed(self, bucket: str, prefix: str, after: str) -> Document:
        page = [source(one) for one in self._objects.listing(bucket, prefix, after, PAGE)]
        return {"objects": page, "more": len(page) == PAGE}

    async def fetch(self, uris: list[str]) -> list[str]:
        wanted = [uri for uri in dict.fromkeys(uris) if uri not in self._linked]
        await self.check(wanted)
        if wanted:
            await asyncio.to_thread(self._link, wanted)
        return [self._linked[uri] for uri in uris]

    async def check(self, uris: list[str]) -> None:
        for number, uri in enumerate(uris, start=1):
            self._rights.object("read", *split(uri))
            if number % STRIDE == 0:
                await asyncio.sleep(0)

    async def began_at(self, uri: str) -> None:
        await self._journal.write({"elsewhere": uri})

    def _link(self, uris: list[str]) -> None:
        self._sources.mkdir(exist_ok=True)
        for uri in uris:
            bucket, key = split(uri)
            name = _UNSAFE.sub("_", key.rpartition("/")[2])[-NAME_MAX:]
            path = self._sources / f"{len(self._linked)}-{name}"
            try:
                self._joined.link(bucket, key, path)
            except ObjectMissing:
                raise Refused("NoSuchKey", f"The specified key does not exist: {uri}") from None
            self._linked[uri] = str(path)

    async def store(self, path: str, uri: str) -> None:
        bucket, key = split(uri)
        self._rights.object("write", bucket, key)
        if not await asyncio.to_thread(self._is_there, bucket, key):  # What was there is not to be taken back.
            await self._journal.write({"object": uri})
        await self.put([(uri, self.own(path), None)])

    async def put(self, files: list[tuple[str, Path, str | None]]) -> None:
        """Make files objects, all at once, whose rights were looked at; durable on return.

        files: URI, path and content type of each.
        """
        await asyncio.to_thread(self._objects.upload_all, [(*split(uri), path, kind) for uri, path, kind in files])

    def _is_there(self, bucket: str, key: str) -> bool:
        try:
            self._objects.head(bucket, key)
        except ObjectMissing:
            return False
        return True

    def own(self, path: str) -> Path:
        """A path of the statement's folder. Raises Refused for any other."""
        found = Path(path)
        if not found.is_absolute():
            found = self.folder / found
        if found.is_symlink() or not found.resolve().is_relative_to(self.folder) or not found.is_file():
            raise Refused("InvalidInputException", f"{path} is no file of the statement's folder")
        return found

    async def remove(self, uris: list[str]) -> None:
        for uri in uris:
            self._rights.object("remove", *split(uri))
        await asyncio.to_thread(remove_all, self._objects, uris)


def remove_all(objects: Objects, uris: list[str]) -> None:
    """Delete objects; blocks. Raises BucketMissing."""
    for uri in uris:
        objects.remove(*split(uri))


def split(uri: str) -> tuple[str, str]:
    """Bucket and key. Raises Refused.

    >>> split("s3://lake/a/b")
    ('lake', 'a/b')
    """
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if not uri.startswith("s3://") or not bucket:
        raise Refused("InvalidInputException", f"{uri} is no location of the form s3://bucket/prefix/")
    return bucket, key


def source(record: ObjectRecord) -> Document:
    """A `Source`."""
    return {
        "uri": f"s3://{record.bucket}/{record.key}",
        "size": record.size,
        "modified_s": record.modified_s,
        "etag": record.etag,
        "storage_class": record.attributes.storage_class,
    }
