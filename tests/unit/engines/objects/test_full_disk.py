"""What the object store does when the disk has no room: it says so, keeps what it has, and can still delete."""

import errno
import time

import pytest

from lakemill.engines.objects import Objects
from lakemill.ports.blobs import EmbeddedBlobs, embedded
from lakemill.ports.metadata import EmbeddedMetadata

LARGE = b"x" * (1 << 20)


@pytest.fixture
async def objects(tmp_path):
    metadata = EmbeddedMetadata(tmp_path / "metadata.sqlite")
    store = Objects(metadata, EmbeddedBlobs(tmp_path / "blobs"), grace_s=0.05)
    await store.buckets.create("b", "000000000000", "us-east-1")
    yield store
    store.close()
    metadata.close()


@pytest.fixture
def no_room(monkeypatch):
    return lambda: monkeypatch.setattr(embedded, "SPARE_BYTES", 1 << 62)


@pytest.mark.parametrize("data", [b"small", LARGE], ids=["small", "large"])
async def test_a_put_without_room_says_so_and_leaves_nothing(objects, no_room, tmp_path, data):
    kept = await objects.put("b", "k", LARGE)
    no_room()
    with pytest.raises(OSError, match="No space left") as caught:
        await objects.put("b", "k", data)
    assert caught.value.errno == errno.ENOSPC
    assert objects.head("b", "k") == kept
    assert objects.read(kept) == LARGE
    deadline = time.monotonic() + 5
    while list((tmp_path / "blobs" / "incoming").iterdir()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert list((tmp_path / "blobs" / "incoming").iterdir()) == []


async def test_a_delete_needs_no_room(objects, no_room):
    await objects.put("b", "k", LARGE)
    no_room()
    await objects.delete("b", "k")
    assert list(objects.listing("b")) == []


async def test_bytes_that_could_not_be_deleted_are_deleted_later(objects, monkeypatch):
    record = await objects.put("b", "k", LARGE)
    delete, failed = objects._blobs.delete, []

    def fails_once(name):
        if not failed:
            failed.append(name)
            raise OSError(errno.EIO, "the disk does not answer")
        delete(name)

    monkeypatch.setattr(objects._blobs, "delete", fails_once)
    await objects.delete("b", "k")
    deadline = time.monotonic() + 10
    while objects._blobs.path(record.data).exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert failed == [record.data]
    assert not objects._blobs.path(record.data).exists()
