import pytest

from lakemill.engines.objects import MarkerMet, ObjectMissing, VersionMalformed, VersionMissing


async def versioning(objects, bucket, state):
    def change(record):
        record.versioning = state

    await objects.buckets.update(bucket, change)


def story(objects, bucket):
    """(key, version is null, marker, latest) as version listing tells it."""
    page = objects.version_page(bucket)
    return [(r.key, r.version_id == "null", r.marker, latest) for r, latest in page.entries]


async def test_without_versioning_a_key_has_one_null_version(objects, bucket):
    await objects.put(bucket, "k", b"1")
    second = await objects.put(bucket, "k", b"2")
    assert second.version_id == "null"
    assert objects.head(bucket, "k", "null").etag == second.etag
    assert story(objects, bucket) == [("k", True, False, True)]
    deleted = await objects.delete(bucket, "k")
    assert (deleted.version_id, deleted.marker) == (None, False)
    assert story(objects, bucket) == []


async def test_versions_pile_up_newest_first_even_when_time_stands_still(objects, bucket):
    await versioning(objects, bucket, "Enabled")
    records = [await objects.put(bucket, "k", b"%d" % i) for i in range(5)]
    page = objects.version_page(bucket)
    assert [r.version_id for r, _ in page.entries] == [r.version_id for r in reversed(records)]
    assert [latest for _, latest in page.entries] == [True, False, False, False, False]
    for number, record in enumerate(records):
        assert objects.read(objects.head(bucket, "k", record.version_id)) == b"%d" % number
    assert objects.read(objects.head(bucket, "k")) == b"4"


async def test_a_delete_puts_a_marker_and_removing_it_undeletes(objects, bucket):
    await versioning(objects, bucket, "Enabled")
    put = await objects.put(bucket, "k", b"1")
    deleted = await objects.delete(bucket, "k")
    assert deleted.marker
    with pytest.raises(ObjectMissing) as missing:
        objects.head(bucket, "k")
    assert missing.value.marker == deleted.version_id
    with pytest.raises(MarkerMet):
        objects.head(bucket, "k", deleted.version_id)
    assert list(objects.listing(bucket)) == []
    assert story(objects, bucket) == [("k", False, True, True), ("k", False, False, False)]
    undone = await objects.delete(bucket, "k", deleted.version_id)
    assert undone.marker
    assert objects.head(bucket, "k").version_id == put.version_id


async def test_deleting_a_key_that_never_was_still_leaves_a_marker(objects, bucket):
    await versioning(objects, bucket, "Enabled")
    assert (await objects.delete(bucket, "never")).marker
    assert story(objects, bucket) == [("never", False, True, True)]


async def test_removing_the_current_version_brings_the_one_before_back(objects, bucket):
    await versioning(objects, bucket, "Enabled")
    first = await objects.put(bucket, "k", b"1")
    marker = await objects.delete(bucket, "k")
    second = await objects.put(bucket, "k", b"2")
    await objects.delete(bucket, "k", second.version_id)
    with pytest.raises(ObjectMissing):
        objects.head(bucket, "k")
    await objects.delete(bucket, "k", marker.version_id)
    assert objects.head(bucket, "k").version_id == first.version_id
    await objects.delete(bucket, "k", first.version_id)
    assert story(objects, bucket) == []


async def test_suspended_writes_replace_the_null_version_and_keep_the_others(objects, bucket):
    null = await objects.put(bucket, "k", b"null")
    await versioning(objects, bucket, "Enabled")
    kept = await objects.put(bucket, "k", b"kept")
    assert objects.head(bucket, "k", "null").etag == null.etag
    await versioning(objects, bucket, "Suspended")
    await objects.put(bucket, "k", b"new null")
    assert story(objects, bucket) == [("k", True, False, True), ("k", False, False, False)]
    assert objects.read(objects.head(bucket, "k", "null")) == b"new null"
    assert objects.read(objects.head(bucket, "k", kept.version_id)) == b"kept"
    await objects.put(bucket, "k", b"newest null")
    assert len(story(objects, bucket)) == 2


async def test_a_suspended_delete_replaces_the_null_version_by_a_null_marker(objects, bucket):
    await versioning(objects, bucket, "Enabled")
    kept = await objects.put(bucket, "k", b"kept")
    await versioning(objects, bucket, "Suspended")
    await objects.put(bucket, "k", b"null")
    deleted = await objects.delete(bucket, "k")
    assert (deleted.version_id, deleted.marker) == ("null", True)
    again = await objects.delete(bucket, "k")
    assert again.version_id == "null"
    assert story(objects, bucket) == [("k", True, True, True), ("k", False, False, False)]
    await objects.delete(bucket, "k", "null")
    assert objects.head(bucket, "k").version_id == kept.version_id


async def test_unknown_and_malformed_version_ids_are_told_apart(objects, bucket):
    await versioning(objects, bucket, "Enabled")
    one = await objects.put(bucket, "k", b"1")
    other = await objects.put(bucket, "other", b"1")
    with pytest.raises(VersionMissing):
        objects.head(bucket, "k", other.version_id)
    with pytest.raises(VersionMissing):
        objects.head(bucket, "k", "null")
    with pytest.raises(VersionMalformed):
        objects.head(bucket, "k", one.version_id[:-1])
    assert (await objects.delete(bucket, "k", other.version_id)).record is None
    assert objects.head(bucket, "k").version_id == one.version_id


async def test_blobs_of_versions_live_until_their_version_is_removed(objects, bucket, blobs):
    await versioning(objects, bucket, "Enabled")
    data = bytes(100_000)
    first = await objects.put(bucket, "k", data)
    await objects.put(bucket, "k", data)
    await objects.delete(bucket, "k")
    objects.reaper.collect()
    assert len(list(blobs.names())) == 2
    await objects.delete(bucket, "k", first.version_id)
    objects.reaper.collect()
    assert len(list(blobs.names())) == 1


async def test_tags_of_an_older_version_can_change(objects, bucket):
    await versioning(objects, bucket, "Enabled")
    old = await objects.put(bucket, "k", b"1")
    await objects.put(bucket, "k", b"2")
    await objects.set_tags(bucket, "k", old.version_id, {"a": "b"})
    assert objects.head(bucket, "k", old.version_id).attributes.tags == {"a": "b"}
    assert objects.head(bucket, "k").attributes.tags == {}
