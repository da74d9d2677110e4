import asyncio
import base64
import hashlib
import os
import zlib

import pytest

from lakemill.engines.objects import (
    Attributes,
    BucketExists,
    BucketMissing,
    BucketNotEmpty,
    ConditionFailed,
    ObjectMissing,
    WriteConditions,
)
from lakemill.engines.objects.intake import INLINE_BYTES_MAX

BIG = os.urandom(3 << 20)


async def stream(data, piece=60_000):
    for start in range(0, len(data), piece):
        await asyncio.sleep(0)
        yield data[start : start + piece]


@pytest.mark.parametrize("size", [0, 1, INLINE_BYTES_MAX, INLINE_BYTES_MAX + 1, 1 << 20, len(BIG)])
@pytest.mark.parametrize("as_stream", [True, False])
async def test_bytes_come_back_as_they_were_put(objects, bucket, blobs, size, as_stream):
    data = BIG[:size]
    record = await objects.put(bucket, "k", stream(data) if as_stream else data)
    assert (record.size, record.etag) == (size, hashlib.md5(data).hexdigest())
    assert record.checksum.algorithm == "CRC64NVME"
    found = objects.head(bucket, "k")
    assert objects.read(found) == data
    assert objects.read(found, 10, 5) == data[10:15]
    assert b"".join([piece async for piece in objects.data.stream(found)]) == data
    assert len(list(blobs.names())) == (1 if size > INLINE_BYTES_MAX else 0)


async def test_a_check_that_refuses_leaves_nothing(objects, bucket, blobs):
    def refuse(digests):
        raise ValueError(base64.b64encode(digests.md5).decode())

    for data in (b"small", BIG):
        with pytest.raises(ValueError, match="=="):
            await objects.put(bucket, "k", stream(data), check=refuse)
    with pytest.raises(ObjectMissing):
        objects.head(bucket, "k")
    objects.close()
    assert (list(blobs.names()), blobs.sweep()) == ([], 0)


async def test_a_body_that_breaks_off_leaves_nothing(objects, bucket, blobs):
    async def broken():
        yield BIG
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await objects.put(bucket, "k", broken())
    objects.close()
    assert (list(blobs.names()), blobs.sweep()) == ([], 0)


async def test_an_upload_that_is_cancelled_leaves_nothing(objects, bucket, blobs):
    async def endless():
        while True:
            yield BIG[:400_000]
            await asyncio.sleep(0.001)

    task = asyncio.create_task(objects.put(bucket, "k", endless()))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    objects.close()
    assert (list(blobs.names()), blobs.sweep()) == ([], 0)


async def test_replacing_an_object_deletes_the_old_blob_only_after_its_readers(objects, bucket, blobs):
    old = await objects.put(bucket, "k", BIG)
    reader = objects.data.stream(old)
    first = await anext(reader)
    await objects.put(bucket, "k", b"new")
    assert objects.reaper.collect() == 0
    rest = b"".join([piece async for piece in reader])
    assert first + rest == BIG
    assert objects.reaper.collect() == 1
    assert list(blobs.names()) == []


async def test_a_new_process_sees_what_was_put(objects, bucket, metadata, blobs, clock):
    attributes = Attributes(
        content_type="text/csv", metadata={"who": "me"}, tags={"t": "1"}, storage_class="STANDARD_IA"
    )
    put = await objects.put(bucket, "k", BIG, attributes)
    found = type(objects)(metadata, blobs, clock).head(bucket, "k")
    assert found == put
    assert found.content_type == "text/csv"
    assert found.last_modified == clock.now()


async def test_the_asked_checksum_is_kept(objects, bucket):
    record = await objects.put(bucket, "k", BIG, algorithm="CRC32")
    assert record.checksum.value == base64.b64encode(zlib.crc32(BIG).to_bytes(4, "big")).decode()


async def test_only_one_of_many_wins_when_all_require_absence(objects, bucket):
    async def one(number):
        return await objects.put(bucket, "k", str(number).encode(), conditions=WriteConditions(absent=True))

    outcomes = await asyncio.gather(*map(one, range(20)), return_exceptions=True)
    winners = [outcome for outcome in outcomes if not isinstance(outcome, Exception)]
    assert len(winners) == 1
    assert all(isinstance(outcome, ConditionFailed) for outcome in outcomes if outcome not in winners)
    assert objects.head(bucket, "k").etag == winners[0].etag


async def test_compare_and_set_by_etag_counts_without_losing(objects, bucket):
    await objects.put(bucket, "n", b"0")

    async def add():
        while True:
            record = objects.head(bucket, "n")
            value = objects.read(record)
            try:
                await objects.put(bucket, "n", b"%d" % (int(value) + 1), conditions=WriteConditions(etag=record.etag))
                return
            except ConditionFailed:
                await asyncio.sleep(0)

    await asyncio.gather(*(add() for _ in range(12)))
    assert objects.read(objects.head(bucket, "n")) == b"12"


async def test_matching_against_a_missing_key_says_missing(objects, bucket):
    with pytest.raises(ObjectMissing):
        await objects.put(bucket, "k", b"x", conditions=WriteConditions(etag="abc"))
    with pytest.raises(ObjectMissing):
        await objects.delete(bucket, "k", conditions=WriteConditions(etag="*"))


async def test_nothing_can_be_put_where_no_bucket_is(objects):
    with pytest.raises(BucketMissing):
        await objects.put("nowhere", "k", b"x")
    with pytest.raises(BucketMissing):
        objects.head("nowhere", "k")
    with pytest.raises(BucketMissing):
        list(objects.listing("nowhere"))


async def test_a_bucket_is_made_once_and_removed_only_when_empty(objects, bucket):
    with pytest.raises(BucketExists):
        await objects.buckets.create(bucket, "1", "us-east-1")
    await objects.put(bucket, "k", b"x")
    with pytest.raises(BucketNotEmpty):
        await objects.buckets.delete(bucket)
    await objects.delete(bucket, "k")
    await objects.buckets.delete(bucket)
    with pytest.raises(BucketMissing):
        objects.buckets.named(bucket)


async def test_a_copy_shares_the_blob_until_both_are_gone(objects, bucket, blobs):
    source = await objects.put(bucket, "a", BIG, algorithm="CRC32")
    copy = await objects.copy(source, bucket, "b", Attributes(content_type="x/y"))
    assert (copy.etag, copy.checksum, copy.content_type) == (source.etag, source.checksum, "x/y")
    assert len(list(blobs.names())) == 1
    await objects.delete(bucket, "a")
    assert objects.reaper.collect() == 0
    assert objects.read(objects.head(bucket, "b")) == BIG
    await objects.delete(bucket, "b")
    assert objects.reaper.collect() == 1
    assert list(blobs.names()) == []


async def test_a_copy_onto_itself_keeps_the_bytes(objects, bucket):
    for data in (b"small", BIG):
        source = await objects.put(bucket, "a", data)
        await objects.copy(source, bucket, "a", Attributes(metadata={"new": "1"}))
        objects.reaper.collect()
        assert objects.read(objects.head(bucket, "a")) == data


async def test_a_copy_with_another_algorithm_computes_it(objects, bucket):
    source = await objects.put(bucket, "a", BIG)
    copy = await objects.copy(source, bucket, "b", Attributes(), algorithm="SHA256")
    assert copy.checksum.value == base64.b64encode(hashlib.sha256(BIG).digest()).decode()


async def test_tags_are_replaced_and_nothing_else(objects, bucket):
    put = await objects.put(bucket, "k", b"x", Attributes(tags={"a": "1"}))
    await objects.set_tags(bucket, "k", None, {"b": "2"})
    found = objects.head(bucket, "k")
    assert found.attributes.tags == {"b": "2"}
    assert (found.etag, found.version_id, found.data) == (put.etag, put.version_id, put.data)


def test_job_threads_upload_and_download_without_a_loop(objects, tmp_path, blobs):
    asyncio.run(objects.buckets.create("lake", "0", "us-east-1"))
    for name, data in (("small", b"abc"), ("big", BIG)):
        (tmp_path / name).write_bytes(data)
        record = objects.upload("lake", name, tmp_path / name, "text/plain")
        assert (record.etag, record.content_type) == (hashlib.md5(data).hexdigest(), "text/plain")
        objects.download("lake", name, tmp_path / "out")
        assert (tmp_path / "out").read_bytes() == data
    assert objects.upload_bytes("lake", "bytes", b"xyz").size == 3
    with pytest.raises(ObjectMissing):
        objects.download("lake", "none", tmp_path / "none")
    assert sorted(p.name for p in tmp_path.iterdir() if p.name.startswith(".")) == []


async def test_policy_is_the_document_or_none(objects, bucket):
    assert objects.policy(bucket) is None

    def change(record):
        record.policy = '{"Statement": []}'

    await objects.buckets.update(bucket, change)
    assert objects.policy(bucket) == {"Statement": []}
