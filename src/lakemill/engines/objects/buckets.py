"""Buckets and their settings."""

from collections.abc import Callable

from lakemill.engines.objects import rows
from lakemill.engines.objects.errors import BucketExists, BucketNotEmpty
from lakemill.engines.objects.reaper import Reaper
from lakemill.engines.objects.records import BucketRecord, document, record_of
from lakemill.engines.objects.references import drop_document
from lakemill.engines.objects.versions import bucket_of
from lakemill.ports.clock import Clock
from lakemill.ports.metadata import Metadata, Transaction, prefix_end


class Buckets:
    """The one namespace of buckets that all accounts share."""

    def __init__(self, metadata: Metadata, clock: Clock, reaper: Reaper) -> None:
        self._metadata = metadata
        self._clock = clock
        self._reaper = reaper

    async def create(
        self,
        name: str,
        owner: str,
        region: str,
        ownership: str = "",
        public_access: dict[str, bool] | None = None,
        tags: dict[str, str] | None = None,
    ) -> BucketRecord:
        """A new, empty bucket. Raises BucketExists."""
        bucket = BucketRecord(
            name=name,
            owner=owner,
            region=region,
            created_s=int(self._clock.time()),
            ownership=ownership,
            public_access=public_access,
            tags=tags or {},
        )

        def write(transaction: Transaction) -> None:
            built = transaction.get(rows.BUCKETS, name)
            if built is not None:
                raise BucketExists(name, built["owner"])
            transaction.put(rows.BUCKETS, name, document(bucket))

        await self._metadata.transact(write)
        return bucket

    def named(self, name: str) -> BucketRecord:
        """Raises BucketMissing."""
        return bucket_of(self._metadata, name)

    def owned_by(self, owner: str, prefix: str = "", after: str = "", limit: int | None = None) -> list[BucketRecord]:
        """An account's buckets in the order of their names."""
        found: list[BucketRecord] = []
        start = after + rows.END if after else prefix
        for _, built in list(self._metadata.scan(rows.BUCKETS, max(start, prefix), prefix_end(prefix))):
            if built["owner"] == owner:
                found.append(record_of(BucketRecord, built))
                if len(found) == limit:
                    break
        return found

    async def update(self, name: str, change: Callable[[BucketRecord], None]) -> BucketRecord:
        """Change a bucket's settings in one transaction. Raises BucketMissing and what change raises."""

        def write(transaction: Transaction) -> BucketRecord:
            bucket = bucket_of(transaction, name)
            change(bucket)
            transaction.put(rows.BUCKETS, name, document(bucket))
            return bucket

        return await self._metadata.transact(write)

    async def delete(self, name: str) -> None:
        """Remove an empty bucket and what was being uploaded to it.

        Raises BucketMissing, BucketNotEmpty.
        """

        def write(transaction: Transaction) -> list[str]:
            bucket_of(transaction, name)
            start, stop = f"{name}/", prefix_end(f"{name}/")
            for table in (rows.OBJECTS, rows.VERSIONS):
                if list(transaction.scan(table, start, stop, limit=1)):
                    raise BucketNotEmpty(name)
            garbage: list[str] = []
            for row, upload in list(transaction.scan(rows.UPLOADS, start, stop)):
                garbage += drop_upload(transaction, row, upload["upload_id"])
            transaction.delete(rows.BUCKETS, name)
            return garbage

        self._reaper.later(await self._metadata.transact(write))


def drop_upload(transaction: Transaction, row: str, upload_id: str) -> list[str]:
    """Forget an upload and its parts; blobs that became garbage."""
    garbage: list[str] = []
    for part_row, part in list(transaction.scan(rows.PARTS, f"{upload_id}/", prefix_end(f"{upload_id}/"))):
        garbage += drop_document(transaction, part)
        transaction.delete(rows.PARTS, part_row)
    transaction.delete(rows.UPLOADS, row)
    return garbage
