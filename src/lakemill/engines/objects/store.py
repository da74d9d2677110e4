"""The object store: what other engines and services use."""

import asyncio
import concurrent.futures
import contextlib
import functools
from collections.abc import AsyncIterable, Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from lakemill.engines.objects import checksums, pages, rows, versions
from lakemill.engines.objects.buckets import Buckets
from lakemill.engines.objects.data import PIECE_BYTES, Data
from lakemill.engines.objects.errors import DataVanished
from lakemill.engines.objects.intake import INLINE_BYTES_MAX, Check, Intake, Taken
from lakemill.engines.objects.multipart import Uploads
from lakemill.engines.objects.reaper import GRACE_S, Reaper
from lakemill.engines.objects.records import (
    Attributes,
    Checksum,
    Listed,
    ObjectRecord,
    WriteConditions,
    object_of,
)
from lakemill.engines.objects.recovery import Recovery, recover
from lakemill.engines.objects.references import keep, share
from lakemill.engines.objects.versions import Deleted
from lakemill.ports.blobs import Blobs
from lakemill.ports.clock import Clock, SystemClock
from lakemill.ports.metadata import Metadata, Transaction, prefix_end

THREADS = 16
"""Uploads that may wait for the disk at once."""
LISTING_ROWS = 1000


class Objects:
    """Buckets, objects and their versions, durable when a call returns.

    >>> import asyncio, tempfile
    >>> from lakemill.ports.blobs import EmbeddedBlobs
    >>> from lakemill.ports.metadata import EmbeddedMetadata
    >>> folder = Path(tempfile.mkdtemp())
    >>> objects = Objects(EmbeddedMetadata(folder / "m.sqlite"), EmbeddedBlobs(folder / "blobs"))
    >>> async def greet():
    ...     await objects.buckets.create("letters", "000000000000", "us-east-1")
    ...     return await objects.put("letters", "a/hello", b"good morning")
    >>> record = asyncio.run(greet())
    >>> record.size, objects.read(record, 5)
    (12, b'morning')
    >>> objects.close()
    """

    def __init__(
        self, metadata: Metadata, blobs: Blobs, clock: Clock | None = None, *, grace_s: float = GRACE_S
    ) -> None:
        self._metadata = metadata
        self._blobs = blobs
        self._clock = clock or SystemClock()
        self._pool = concurrent.futures.ThreadPoolExecutor(THREADS, thread_name_prefix="objects")
        self.reaper = Reaper(metadata, blobs, grace_s)
        self.data = Data(metadata, blobs, self.reaper, self._pool)
        self.buckets = Buckets(metadata, self._clock, self.reaper)
        self._intake = Intake(blobs, self._clock, self._pool)
        self.uploads = Uploads(metadata, self._clock, self._intake, self.data, self.reaper)

    async def recover(self) -> list[str]:
        """Remove what a crash left; call once at start, before anybody writes. Says what it did, a sentence each."""
        report = await asyncio.get_running_loop().run_in_executor(self._pool, self.recover_blocking)
        return [str(report)] if any(msgspec.structs.astuple(report)) else []

    def recover_blocking(self) -> Recovery:
        """The same from a thread."""
        return recover(self._metadata, self._blobs, self._clock)

    def close(self) -> None:
        """Finish what is under way. The metadata store stays open; it is its owner's."""
        self._pool.shutdown(wait=True)
        self.reaper.close()

    # Writing

    async def put(
        self,
        bucket: str,
        key: str,
        pieces: AsyncIterable[bytes] | bytes,
        attributes: Attributes | None = None,
        *,
        conditions: WriteConditions | None = None,
        algorithm: str = checksums.DEFAULT_ALGORITHM,
        check: Check | None = None,
    ) -> ObjectRecord:
        """Store an object and make it current.

        algorithm: the checksum kept with it. check: called with the digests before anything is kept; raises to refuse.
        Raises BucketMissing, ConditionFailed, ObjectMissing (If-Match without an object).
        """
        versions.bucket_of(self._metadata, bucket)
        versions.check(self._metadata, bucket, key, conditions)  # Early, to spare a doomed upload; it decides nothing.
        taken = await self._intake.take(pieces, (algorithm,), check)
        record = self._record(bucket, key, taken, attributes, algorithm)
        try:
            garbage = await self._metadata.transact(self._writer(record, taken, conditions))
        except Exception:
            self._intake.discard(taken)
            raise
        self.reaper.later(garbage)
        return record

    def upload(self, bucket: str, key: str, path: Path, content_type: str | None = None) -> ObjectRecord:
        """Store a file's bytes; blocks."""
        return self.upload_all([(bucket, key, path, content_type)])[0]

    def upload_all(self, files: Iterable[tuple[str, str, Path, str | None]]) -> list[ObjectRecord]:
        """Store the bytes of files, all at once or none; blocks. files: bucket, key, path and content type of each."""
        with self._placing() as new:
            for bucket, key, path, content_type in files:
                with open(path, "rb") as file:
                    small = path.stat().st_size <= INLINE_BYTES_MAX
                    pieces = iter(functools.partial(file.read, PIECE_BYTES), b"")
                    new.append(self._taken(bucket, key, pieces, small, content_type))
        return [record for record, _ in new]

    def upload_bytes(self, bucket: str, key: str, data: bytes, content_type: str | None = None) -> ObjectRecord:
        """Store bytes; blocks."""
        with self._placing() as new:
            new.append(self._taken(bucket, key, [data], len(data) <= INLINE_BYTES_MAX, content_type))
        return new[0][0]

    async def copy(
        self,
        source: ObjectRecord,
        bucket: str,
        key: str,
        attributes: Attributes,
        *,
        conditions: WriteConditions | None = None,
        algorithm: str | None = None,
    ) -> ObjectRecord:
        """Make an object with the bytes of another; big ones share them.

        The bytes are read only where ETag or checksum of the whole is not known yet (a multipart source, or another
        algorithm). Raises BucketMissing, ConditionFailed, ObjectMissing, DataVanished.
        """
        etag, checksum = source.etag, source.checksum
        wanted = algorithm or (checksum.algorithm if checksum else checksums.DEFAULT_ALGORITHM)
        if source.part_count or checksum is None or checksum.algorithm != wanted or checksum.kind != "FULL_OBJECT":
            loop = asyncio.get_running_loop()
            etag, checksum = await loop.run_in_executor(self._pool, self._digest, source, wanted)
        record = ObjectRecord(
            bucket=bucket,
            key=key,
            size=source.size,
            etag=etag,
            modified_s=int(self._clock.time()),
            attributes=attributes,
            checksum=checksum,
        )

        def write(transaction: Transaction) -> list[str]:
            owner = versions.bucket_of(transaction, bucket)
            versions.check(transaction, bucket, key, conditions)
            record.data = share(transaction, source.data, self._clock.time())
            return versions.place(transaction, owner, record, self._clock.time())

        self.reaper.later(await self._metadata.transact(write))
        return record

    async def delete(
        self, bucket: str, key: str, version_id: str | None = None, conditions: WriteConditions | None = None
    ) -> Deleted:
        """Delete an object, or for good one of its versions. A missing one is no error.

        Raises BucketMissing, VersionMalformed, ConditionFailed, ObjectMissing (If-Match without an object).
        """

        def write(transaction: Transaction) -> Deleted:
            return self._delete(transaction, bucket, key, version_id, conditions)

        deleted = await self._metadata.transact(write)
        self.reaper.later(deleted.garbage)
        return deleted

    def remove(self, bucket: str, key: str) -> None:
        """Delete an object; blocks. Raises BucketMissing."""
        deleted = self._metadata.transact_blocking(
            lambda transaction: self._delete(transaction, bucket, key, None, None)
        )
        self.reaper.later(deleted.garbage)

    async def delete_many(self, bucket: str, keys: list[tuple[str, str | None, WriteConditions | None]]) -> list[Any]:
        """Delete (key, version id, conditions) each, in one transaction; for each a Deleted or the error it met."""

        def write(transaction: Transaction) -> list[Any]:
            outcomes: list[Any] = []
            for key, version_id, conditions in keys:
                try:
                    outcomes.append(self._delete(transaction, bucket, key, version_id, conditions))
                except Exception as error:
                    outcomes.append(error)
            return outcomes

        outcomes = await self._metadata.transact(write)
        self.reaper.later([name for one in outcomes if isinstance(one, Deleted) for name in one.garbage])
        return outcomes

    async def set_tags(self, bucket: str, key: str, version_id: str | None, tags: dict[str, str]) -> ObjectRecord:
        """Replace a version's tags. Raises as `head`."""

        def write(transaction: Transaction) -> ObjectRecord:
            record = versions.find(transaction, bucket, key, version_id)
            record.attributes.tags = tags
            versions.rewrite(transaction, record)
            return record

        return await self._metadata.transact(write)

    # Reading

    def head(self, bucket: str, key: str, version_id: str | None = None) -> ObjectRecord:
        """One version. Raises BucketMissing, ObjectMissing, VersionMissing, VersionMalformed, MarkerMet."""
        return versions.find(self._metadata, bucket, key, version_id)

    def sequence(self, bucket: str, key: str, version_id: str) -> int:
        """The sequence number of a version or delete marker. Raises VersionMissing, VersionMalformed."""
        if version_id == rows.NULL_VERSION:
            return versions.find_any(self._metadata, bucket, key, version_id).sequence
        return rows.sequence_of(version_id)

    def listing(
        self, bucket: str, prefix: str = "", after: str = "", limit: int | None = None
    ) -> Iterator[ObjectRecord]:
        """Current versions in key order. Raises BucketMissing at the first one."""
        versions.bucket_of(self._metadata, bucket)
        base = rows.object_row(bucket, prefix)
        start = max(base, rows.object_row(bucket, after) + rows.AFTER) if after else base
        stop, left = prefix_end(base), limit
        while left is None or left > 0:
            batch = LISTING_ROWS if left is None else min(left, LISTING_ROWS)
            found = list(self._metadata.scan(rows.OBJECTS, start, stop, limit=batch))
            for row, built in found:
                yield object_of(bucket, rows.key_of(row), built)
            if len(found) < batch:
                return
            start = found[-1][0] + rows.END
            left = None if left is None else left - len(found)

    def read(self, record: ObjectRecord, offset: int = 0, length: int | None = None) -> bytes:
        """Bytes [offset, offset + length), short at the end; blocks. Raises DataVanished."""
        return self.data.read(record, offset, length)

    def download(self, bucket: str, key: str, path: Path) -> ObjectRecord:
        """Write an object's bytes to a file, which appears whole; blocks. Raises as `head`."""
        while True:
            record = self.head(bucket, key)
            with contextlib.suppress(DataVanished):  # Replaced just now: take the new one.
                self.data.copy_to(record, path)
                return record

    def link(self, bucket: str, key: str, path: Path) -> ObjectRecord:
        """Like `download`, without moving bytes where the store has them as one file: for those who only read them."""
        while True:
            record = self.head(bucket, key)
            with contextlib.suppress(DataVanished):
                self.data.link_to(record, path)
                return record

    def policy(self, bucket: str) -> dict[str, Any] | None:
        """The bucket's policy document. Raises BucketMissing."""
        return self.buckets.named(bucket).policy_document()

    def page(
        self, bucket: str, prefix: str = "", delimiter: str = "", after: str = "", limit: int = 1000
    ) -> pages.Page[ObjectRecord]:
        """Keys and common prefixes. Raises BucketMissing."""
        versions.bucket_of(self._metadata, bucket)
        return pages.current(self._metadata, bucket, prefix, delimiter, after, limit)

    def listed(self, bucket: str, prefix: str = "", after: str = "", limit: int = 1000) -> list[Listed]:
        """Keys, sizes and storage classes of current versions, in key order. Raises BucketMissing."""
        versions.bucket_of(self._metadata, bucket)
        return pages.listed(self._metadata, bucket, prefix, after, limit)

    def version_page(self, bucket: str, **options: Any) -> pages.Page[tuple[ObjectRecord, bool]]:
        """Versions and common prefixes; options as of `pages.versions`. Raises BucketMissing."""
        versions.bucket_of(self._metadata, bucket)
        return pages.versions(self._metadata, bucket, **options)

    def upload_page(self, bucket: str, **options: Any) -> pages.Page[Any]:
        """Uploads and common prefixes; options as of `pages.uploads`. Raises BucketMissing."""
        versions.bucket_of(self._metadata, bucket)
        return pages.uploads(self._metadata, bucket, **options)

    # Within

    def _taken(
        self, bucket: str, key: str, pieces: Iterable[bytes], small: bool, content_type: str | None
    ) -> tuple[ObjectRecord, Taken]:
        versions.bucket_of(self._metadata, bucket)
        taken = self._intake.take_blocking(pieces, (checksums.DEFAULT_ALGORITHM,), small=small)
        attributes = Attributes(content_type=content_type) if content_type else None
        return self._record(bucket, key, taken, attributes, checksums.DEFAULT_ALGORITHM), taken

    @contextlib.contextmanager
    def _placing(self) -> Iterator[list[tuple[ObjectRecord, Taken]]]:
        """Objects to be made when the context ends, all in one transaction; blocks."""
        new: list[tuple[ObjectRecord, Taken]] = []

        def write(transaction: Transaction) -> list[str]:
            return [name for record, taken in new for name in self._writer(record, taken, None)(transaction)]

        try:
            yield new
            garbage = self._metadata.transact_blocking(write)
        except Exception:
            for _, taken in new:
                self._intake.discard(taken)
            raise
        self.reaper.later(garbage)

    def _record(
        self, bucket: str, key: str, taken: Taken, attributes: Attributes | None, algorithm: str
    ) -> ObjectRecord:
        return ObjectRecord(
            bucket=bucket,
            key=key,
            size=taken.digests.size,
            etag=taken.digests.md5.hex(),
            modified_s=int(self._clock.time()),
            data=taken.data,
            attributes=attributes or Attributes(),
            checksum=Checksum(algorithm, taken.digests.checksums[algorithm]),
        )

    def _writer(
        self, record: ObjectRecord, taken: Taken, conditions: WriteConditions | None
    ) -> Callable[[Transaction], list[str]]:
        """The work of a put."""

        def write(transaction: Transaction) -> list[str]:
            owner = versions.bucket_of(transaction, record.bucket)
            versions.check(transaction, record.bucket, record.key, conditions)
            keep(transaction, taken)
            return versions.place(transaction, owner, record, self._clock.time())

        return write

    def _delete(
        self,
        transaction: Transaction,
        bucket: str,
        key: str,
        version_id: str | None,
        conditions: WriteConditions | None,
    ) -> Deleted:
        owner = versions.bucket_of(transaction, bucket)
        versions.check(transaction, bucket, key, conditions)
        if version_id is None:
            return versions.delete(transaction, owner, key, self._clock.time())
        return versions.delete_version(transaction, owner, key, version_id)

    def _digest(self, record: ObjectRecord, algorithm: str) -> tuple[str, Checksum]:
        """ETag and checksum of the whole, read again; blocks."""
        md5, check = checksums.running("MD5"), checksums.running(algorithm)
        for piece in self.data.pieces(record):
            md5.update(piece)
            check.update(piece)
        return md5.digest().hex(), Checksum(algorithm, checksums.encoded(check))
