import base64
import hashlib
import os

import pytest

from lakemill.engines.objects import Attributes, ConditionFailed, UploadMissing, WriteConditions
from lakemill.engines.objects import checksums as sums
from lakemill.engines.objects.errors import PartMissing, PartsUnordered, PartTooSmall, PartUnchecked, SizeDiffers
from lakemill.engines.objects.multipart import PART_BYTES_MIN, ListedPart

FIVE = os.urandom(PART_BYTES_MIN)


async def begin(objects, bucket, **options):
    return await objects.uploads.begin(bucket, "k", Attributes(content_type="a/b"), **options)


async def complete(objects, upload, parts, **options):
    listed = [ListedPart(part.number, part.etag) for part in parts]
    return await objects.uploads.complete(upload.bucket, upload.key, upload.upload_id, listed, **options)


async def test_parts_become_one_object_without_moving_a_byte(objects, bucket, blobs):
    upload = await begin(objects, bucket)
    parts = [await objects.uploads.put_part(upload, n, data) for n, data in ((1, FIVE), (3, b"the end"))]
    files = set(blobs.names())
    record = await complete(objects, upload, parts)
    objects.reaper.collect()
    assert set(blobs.names()) == files
    whole = FIVE + b"the end"
    md5s = b"".join(hashlib.md5(data).digest() for data in (FIVE, b"the end"))
    assert record.etag == f"{hashlib.md5(md5s).hexdigest()}-2"
    assert record.checksum.value == sums.of("CRC64NVME", whole)
    assert (record.size, record.part_count, record.content_type) == (len(whole), 2, "a/b")
    found = objects.head(bucket, "k")
    assert objects.read(found) == whole
    for offset, length in ((0, 3), (len(FIVE) - 2, 4), (len(FIVE), 100), (len(whole), 1)):
        assert objects.read(found, offset, length) == whole[offset : offset + length]
    assert b"".join([p async for p in objects.data.stream(found, 7)]) == whole[7:]
    assert [part.number for part in objects.data.parts(found)] == [1, 3]
    with pytest.raises(UploadMissing):
        objects.uploads.named(bucket, "k", upload.upload_id)


async def test_completing_once_more_answers_the_same(objects, bucket, clock):
    upload = await begin(objects, bucket)
    part = await objects.uploads.put_part(upload, 1, b"x")
    first = await complete(objects, upload, [part])
    assert await complete(objects, upload, [part]) == first
    clock.advance(25 * 3600)
    other = await begin(objects, bucket)
    await complete(objects, other, [await objects.uploads.put_part(other, 1, b"y")])
    with pytest.raises(UploadMissing):
        await complete(objects, upload, [part])


async def test_a_part_sent_again_replaces_the_first_and_unlisted_ones_are_dropped(objects, bucket, blobs):
    upload = await begin(objects, bucket)
    await objects.uploads.put_part(upload, 1, FIVE)
    part = await objects.uploads.put_part(upload, 1, FIVE[::-1])
    await objects.uploads.put_part(upload, 2, FIVE)
    await complete(objects, upload, [part])
    assert objects.reaper.collect() == 2
    assert objects.read(objects.head(bucket, "k")) == FIVE[::-1]
    assert len(list(blobs.names())) == 1


async def test_an_aborted_upload_leaves_nothing(objects, bucket, blobs, metadata):
    upload = await begin(objects, bucket)
    await objects.uploads.put_part(upload, 1, FIVE)
    await objects.uploads.put_part(upload, 2, b"small")
    await objects.uploads.abort(bucket, "k", upload.upload_id)
    objects.reaper.collect()
    assert list(blobs.names()) == []
    assert list(metadata.scan("object_inline")) == []
    with pytest.raises(UploadMissing):
        await objects.uploads.put_part(upload, 3, b"late")
    with pytest.raises(UploadMissing):
        await objects.uploads.abort(bucket, "k", upload.upload_id)


async def test_what_is_wrong_at_completion_is_told_and_changes_nothing(objects, bucket):
    upload = await begin(objects, bucket)
    one = await objects.uploads.put_part(upload, 1, b"small")
    two = await objects.uploads.put_part(upload, 2, b"end")
    with pytest.raises(PartTooSmall) as small:
        await complete(objects, upload, [one, two])
    assert (small.value.number, small.value.size) == (1, 5)
    with pytest.raises(PartsUnordered):
        await complete(objects, upload, [two, one])
    with pytest.raises(PartsUnordered):
        await complete(objects, upload, [one, one])
    place = (upload.bucket, upload.key, upload.upload_id)
    for wrong in (ListedPart(3, one.etag), ListedPart(1, two.etag), ListedPart(1, one.etag, {"CRC64NVME": "x"})):
        with pytest.raises(PartMissing):
            await objects.uploads.complete(*place, [wrong])
    with pytest.raises(SizeDiffers):
        await complete(objects, upload, [one], size=6)
    await objects.put(bucket, "k", b"there")
    with pytest.raises(ConditionFailed):
        await complete(objects, upload, [one], conditions=WriteConditions(absent=True))
    assert [part.number for part in objects.uploads.parts(upload)] == [1, 2]
    assert (await complete(objects, upload, [one], size=5)).size == 5


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "SHA1", "SHA256"])
async def test_composite_checksums_are_of_the_parts_checksums(objects, bucket, algorithm):
    upload = await begin(objects, bucket, algorithm=algorithm, kind="COMPOSITE")
    parts = [await objects.uploads.put_part(upload, n, data) for n, data in ((1, FIVE), (2, b"end"))]
    with pytest.raises(PartUnchecked):
        await complete(objects, upload, parts)
    listed = [ListedPart(p.number, p.etag, {algorithm: p.checksums[algorithm]}) for p in parts]
    record = await objects.uploads.complete(bucket, "k", upload.upload_id, listed)
    raw = b"".join(base64.b64decode(sums.of(algorithm, data)) for data in (FIVE, b"end"))
    assert (record.checksum.kind, record.checksum.value) == ("COMPOSITE", f"{sums.of(algorithm, raw)}-2")


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME"])
async def test_full_object_checksums_follow_from_the_parts(objects, bucket, algorithm):
    upload = await begin(objects, bucket, algorithm=algorithm)
    parts = [await objects.uploads.put_part(upload, n, data) for n, data in ((1, FIVE), (2, b"end"))]
    assert (await complete(objects, upload, parts)).checksum.value == sums.of(algorithm, FIVE + b"end")


async def test_a_range_of_an_object_becomes_a_part(objects, bucket):
    source = await objects.put(bucket, "source", FIVE)
    upload = await begin(objects, bucket)
    one = await objects.uploads.copy_part(upload, 1, source)
    two = await objects.uploads.copy_part(upload, 2, source, 10, 20)
    await complete(objects, upload, [one, two])
    assert objects.read(objects.head(bucket, "k")) == FIVE + FIVE[10:30]


async def test_a_copy_of_a_multipart_object_is_a_single_one_and_shares_its_blobs(objects, bucket, blobs):
    upload = await begin(objects, bucket)
    parts = [await objects.uploads.put_part(upload, n, data) for n, data in ((1, FIVE), (2, b"end"))]
    source = await complete(objects, upload, parts)
    copy = await objects.copy(source, bucket, "copy", Attributes())
    assert (copy.etag, copy.part_count) == (hashlib.md5(FIVE + b"end").hexdigest(), 0)
    await objects.delete(bucket, "k")
    objects.reaper.collect()
    assert objects.read(objects.head(bucket, "copy")) == FIVE + b"end"
    await objects.delete(bucket, "copy")
    objects.reaper.collect()
    assert list(blobs.names()) == []


async def test_uploads_are_listed_by_key_and_then_by_age(objects, bucket, clock):
    made = []
    for key in ("b/1", "a", "a", "b/2", "c"):
        clock.advance(1)
        made.append(await objects.uploads.begin(bucket, key, Attributes()))
    expected = [made[i].upload_id for i in (1, 2, 0, 3, 4)]
    assert [u.upload_id for u in objects.upload_page(bucket).entries] == expected
    found, after, upload = [], "", ""
    while True:
        page = objects.upload_page(bucket, after=after, after_upload=upload, limit=2)
        found += [u.upload_id for u in page.entries]
        if page.last is None:
            break
        after, upload = page.last
    assert found == expected
    assert objects.upload_page(bucket, delimiter="/").prefixes == ["b/"]


async def test_a_thousand_parts_complete_quickly(objects, bucket, metadata):
    from time import perf_counter

    from lakemill.engines.objects import rows

    upload = await begin(objects, bucket)
    part = await objects.uploads.put_part(upload, 1, FIVE)
    built = metadata.get(rows.PARTS, f"{upload.upload_id}/00001")

    def many(transaction):
        transaction.put(rows.BLOBS, built["data"], 1000)
        for number in range(2, 1001):
            transaction.put(rows.PARTS, f"{upload.upload_id}/{number:05d}", built | {"number": number})

    metadata.transact_blocking(many)
    began = perf_counter()
    listed = [ListedPart(number, part.etag) for number in range(1, 1001)]
    record = await objects.uploads.complete(bucket, "k", upload.upload_id, listed)
    assert perf_counter() - began < 5
    assert record.size == 1000 * len(FIVE)
    at = 999 * len(FIVE) + 5
    assert objects.read(record, at, 10) == FIVE[5:15]


async def test_deleting_a_bucket_forgets_its_uploads(objects, bucket, metadata):
    upload = await begin(objects, bucket)
    await objects.uploads.put_part(upload, 1, b"x")
    await objects.buckets.delete(bucket)
    objects.reaper.collect()
    assert list(metadata.scan("object_upload_parts")) == []
    assert list(metadata.scan("object_inline")) == []
