"""Objects uploaded in parts. Completing one writes a list of its parts; no byte is moved."""

import itertools
from collections.abc import AsyncIterable

import msgspec

from lakemill.engines.objects import checksums, rows
from lakemill.engines.objects.buckets import drop_upload
from lakemill.engines.objects.data import Data
from lakemill.engines.objects.errors import (
    PartMissing,
    PartsUnordered,
    PartTooSmall,
    PartUnchecked,
    SizeDiffers,
    UploadMissing,
)
from lakemill.engines.objects.intake import Check, Digests, Intake, Taken
from lakemill.engines.objects.reaper import Reaper
from lakemill.engines.objects.records import (
    Attributes,
    Checksum,
    ObjectRecord,
    PartRecord,
    UploadRecord,
    WriteConditions,
    document,
    record_of,
)
from lakemill.engines.objects.references import drop, drop_document, keep, keep_layout
from lakemill.engines.objects.versions import bucket_of, check, place
from lakemill.ports.clock import Clock
from lakemill.ports.metadata import Metadata, Reader, Transaction, prefix_end

PART_BYTES_MIN = 5 << 20
"""Of every part but the last."""
PART_NUMBER_MAX = 10_000
DONE_KEPT_S = 24 * 3600
"""How long completing the same upload once more answers with the same object."""


class ListedPart(msgspec.Struct, frozen=True):
    """A part as the one who completes names it."""

    number: int
    etag: str
    checksums: dict[str, str] = {}


class Uploads:
    """Multipart uploads under way."""

    def __init__(self, metadata: Metadata, clock: Clock, intake: Intake, data: Data, reaper: Reaper) -> None:
        self._metadata = metadata
        self._clock = clock
        self._intake = intake
        self._data = data
        self._reaper = reaper

    async def begin(
        self,
        bucket: str,
        key: str,
        attributes: Attributes,
        *,
        algorithm: str = "",
        kind: str = "FULL_OBJECT",
        initiator: str = "",
    ) -> UploadRecord:
        """Raises BucketMissing."""
        now = self._clock.time()
        upload = UploadRecord(
            bucket=bucket,
            key=key,
            upload_id=rows.version_id(int(now * 1e6)),
            initiated_s=int(now),
            initiator=initiator,
            attributes=attributes,
            algorithm=algorithm,
            kind=kind,
        )

        def write(transaction: Transaction) -> None:
            bucket_of(transaction, bucket)
            transaction.put(rows.UPLOADS, rows.upload_row(bucket, key, upload.upload_id), document(upload))

        await self._metadata.transact(write)
        return upload

    def named(self, bucket: str, key: str, upload_id: str) -> UploadRecord:
        """Raises BucketMissing, UploadMissing."""
        return _upload(self._metadata, bucket, key, upload_id)

    async def put_part(
        self,
        upload: UploadRecord,
        number: int,
        pieces: AsyncIterable[bytes] | bytes,
        *,
        algorithms: tuple[str, ...] = (),
        check: Check | None = None,
    ) -> PartRecord:
        """Store a part, durable when it returns; an earlier one of that number is replaced. Raises UploadMissing."""
        wanted = dict.fromkeys((upload.algorithm or checksums.DEFAULT_ALGORITHM, *algorithms))
        taken = await self._intake.take(pieces, wanted, check)
        return await self._keep_part(upload, number, taken)

    async def copy_part(
        self, upload: UploadRecord, number: int, source: ObjectRecord, offset: int = 0, length: int | None = None
    ) -> PartRecord:
        """Store a range of an object as a part. Raises UploadMissing, DataVanished."""
        stream = self._data.stream(source, offset, length)
        try:
            taken = await self._intake.take(stream, (upload.algorithm or checksums.DEFAULT_ALGORITHM,))
        finally:
            await stream.aclose()
        return await self._keep_part(upload, number, taken)

    def parts(self, upload: UploadRecord, after: int = 0, limit: int | None = None) -> list[PartRecord]:
        """Its parts with numbers above after, ascending."""
        start, stop = _part_row(upload.upload_id, after + 1), prefix_end(f"{upload.upload_id}/")
        found = list(self._metadata.scan(rows.PARTS, start, stop, limit=limit))
        return [record_of(PartRecord, built) for _, built in found]

    async def complete(
        self,
        bucket: str,
        key: str,
        upload_id: str,
        listed: list[ListedPart],
        *,
        conditions: WriteConditions | None = None,
        size: int | None = None,
        check_whole: Check | None = None,
    ) -> ObjectRecord:
        """Make the listed parts the object. Done once more within a day, it answers the same.

        Raises UploadMissing, PartsUnordered, PartMissing, PartTooSmall, PartUnchecked, SizeDiffers, ConditionFailed,
        ObjectMissing (If-Match without an object) and what check_whole raises.
        """

        def write(transaction: Transaction) -> tuple[ObjectRecord, list[str]]:
            done = transaction.get(rows.UPLOADS_DONE, upload_id)
            if done is not None and done["place"] == [bucket, key]:
                return record_of(ObjectRecord, done["object"]), []
            owner = bucket_of(transaction, bucket)
            upload = _upload(transaction, bucket, key, upload_id)
            parts, unused = _chosen(transaction, upload, listed)
            record = self._whole(upload, parts)
            if size is not None and size != record.size:
                raise SizeDiffers(size, record.size)
            if check_whole is not None and record.checksum is not None:
                check_whole(Digests(record.size, b"", {record.checksum.algorithm: record.checksum.value}))
            check(transaction, bucket, key, conditions)
            for part in parts:  # What they refer to is the object's now.
                transaction.delete(rows.PARTS, _part_row(upload_id, part.number))
            garbage = [name for part in unused for name in drop(transaction, part.data)]
            for part in unused:
                transaction.delete(rows.PARTS, _part_row(upload_id, part.number))
            transaction.delete(rows.UPLOADS, rows.upload_row(bucket, key, upload_id))
            keep_layout(transaction, record.data, parts)
            garbage += place(transaction, owner, record, self._clock.time())
            self._remember(transaction, upload_id, record)
            return record, garbage

        record, garbage = await self._metadata.transact(write)
        record.bucket, record.key = bucket, key
        self._reaper.later(garbage)
        return record

    async def abort(self, bucket: str, key: str, upload_id: str) -> None:
        """Forget the upload and its parts. Raises UploadMissing."""

        def write(transaction: Transaction) -> list[str]:
            _upload(transaction, bucket, key, upload_id)
            return drop_upload(transaction, rows.upload_row(bucket, key, upload_id), upload_id)

        self._reaper.later(await self._metadata.transact(write))

    async def _keep_part(self, upload: UploadRecord, number: int, taken: Taken) -> PartRecord:
        part = PartRecord(
            number=number,
            size=taken.digests.size,
            etag=taken.digests.md5.hex(),
            modified_s=int(self._clock.time()),
            data=taken.data,
            checksums=taken.digests.checksums,
        )

        def write(transaction: Transaction) -> list[str]:
            _upload(transaction, upload.bucket, upload.key, upload.upload_id)
            row = _part_row(upload.upload_id, number)
            earlier = transaction.get(rows.PARTS, row)
            garbage = drop_document(transaction, earlier) if earlier else []
            keep(transaction, taken)
            transaction.put(rows.PARTS, row, document(part))
            return garbage

        try:
            self._reaper.later(await self._metadata.transact(write))
        except Exception:
            self._intake.discard(taken)
            raise
        return part

    def _whole(self, upload: UploadRecord, parts: list[PartRecord]) -> ObjectRecord:
        """The record of the object these parts make."""
        algorithm = upload.algorithm or checksums.DEFAULT_ALGORITHM
        values = [(part.checksums[algorithm], part.size) for part in parts]
        if upload.kind == "COMPOSITE":
            value = checksums.composite(algorithm, [value for value, _ in values])
        else:
            value = checksums.combined(algorithm, values)
        now = self._clock.time()
        return ObjectRecord(
            bucket=upload.bucket,
            key=upload.key,
            size=sum(part.size for part in parts),
            etag=checksums.multipart_etag([part.etag for part in parts]),
            modified_s=int(now),
            data=rows.data_name(rows.LAYOUT_DATA, now),
            attributes=upload.attributes,
            checksum=Checksum(algorithm, value, upload.kind),
            part_count=len(parts),
        )

    def _remember(self, transaction: Transaction, upload_id: str, record: ObjectRecord) -> None:
        """Keep the outcome for repeats, and forget a few old ones."""
        built = {"place": [record.bucket, record.key], "object": document(record), "done_s": self._clock.time()}
        for old, outcome in list(transaction.scan(rows.UPLOADS_DONE, limit=4)):
            if outcome["done_s"] < self._clock.time() - DONE_KEPT_S:
                transaction.delete(rows.UPLOADS_DONE, old)
        transaction.put(rows.UPLOADS_DONE, upload_id, built)


def _part_row(upload_id: str, number: int) -> str:
    return f"{upload_id}/{number:05d}"


def _upload(reader: Reader, bucket: str, key: str, upload_id: str) -> UploadRecord:
    built = reader.get(rows.UPLOADS, rows.upload_row(bucket, key, upload_id))
    if built is None:
        bucket_of(reader, bucket)
        raise UploadMissing(upload_id)
    upload = record_of(UploadRecord, built)
    upload.bucket, upload.key = bucket, key
    return upload


def _chosen(
    transaction: Transaction, upload: UploadRecord, listed: list[ListedPart]
) -> tuple[list[PartRecord], list[PartRecord]]:
    """The listed parts as they were uploaded, and those that were not listed."""
    prefix = f"{upload.upload_id}/"
    rows_found = list(transaction.scan(rows.PARTS, prefix, prefix_end(prefix)))
    uploaded = {part.number: part for part in (record_of(PartRecord, built) for _, built in rows_found)}
    if any(one.number >= other.number for one, other in itertools.pairwise(listed)):
        raise PartsUnordered
    parts = []
    for one in listed:
        part = uploaded.pop(one.number, None)
        if part is None or part.etag != one.etag:
            raise PartMissing(one.number, one.etag)
        if any(part.checksums.get(name) != value for name, value in one.checksums.items()):
            raise PartMissing(one.number, one.etag)
        if upload.kind == "COMPOSITE" and upload.algorithm not in one.checksums:
            raise PartUnchecked(one.number, upload.algorithm)
        parts.append(part)
    for part in parts[:-1]:
        if part.size < PART_BYTES_MIN:
            raise PartTooSmall(part.number, part.etag, part.size, PART_BYTES_MIN)
    return parts, list(uploaded.values())
