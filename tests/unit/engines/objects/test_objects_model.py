"""The store against a plain model of S3's versions, over random stories told again by their seed."""

import random
from collections import Counter

import pytest

from lakemill.engines.objects import Attributes, ObjectMissing, rows
from lakemill.engines.objects.multipart import ListedPart

KEYS = ["a", "a/b", "b"]
LARGE = 20_000


class Model:
    """Versions of every key, newest first, as (version id, bytes or None for a delete marker)."""

    def __init__(self):
        self.versioning = ""
        self.versions = {key: [] for key in KEYS}

    def write(self, key, version_id, data):
        if version_id == "null":
            self.versions[key] = [one for one in self.versions[key] if one[0] != "null"]
        self.versions[key].insert(0, (version_id, data))

    def delete(self, key, version_id):
        if self.versioning:
            self.write(key, version_id, None)
        else:
            self.versions[key] = []

    def delete_version(self, key, version_id):
        self.versions[key] = [one for one in self.versions[key] if one[0] != version_id]

    def current(self, key):
        return self.versions[key][0][1] if self.versions[key] else None


async def step(objects, bucket, model, chance, clock):
    """One random thing, done to both."""
    key, action = chance.choice(KEYS), chance.random()
    clock.advance(chance.choice([0, 0, 0.5, 30]))
    data = chance.randbytes(chance.choice([0, 10, LARGE]))
    if action < 0.4:
        record = await objects.put(bucket, key, data)
        model.write(key, record.version_id, data)
    elif action < 0.6:
        deleted = await objects.delete(bucket, key)
        model.delete(key, deleted.version_id)
    elif action < 0.75 and model.versions[key]:
        version_id = chance.choice(model.versions[key])[0]
        await objects.delete(bucket, key, version_id)
        model.delete_version(key, version_id)
    elif action < 0.85 and model.current(key) is not None:
        target = chance.choice(KEYS)
        copied = model.current(key)
        record = await objects.copy(objects.head(bucket, key), bucket, target, Attributes())
        model.write(target, record.version_id, copied)
    elif action < 0.93:
        upload = await objects.uploads.begin(bucket, key, Attributes())
        part = await objects.uploads.put_part(upload, 1, data)
        if chance.random() < 0.3:
            await objects.uploads.abort(bucket, key, upload.upload_id)
        else:
            listed = [ListedPart(1, part.etag)]
            record = await objects.uploads.complete(bucket, key, upload.upload_id, listed)
            model.write(key, record.version_id, data)
    elif action > 0.97 or model.versioning:
        model.versioning = chance.choice(["Enabled", "Suspended"])

        def change(record):
            record.versioning = model.versioning

        await objects.buckets.update(bucket, change)
    if chance.random() < 0.2:
        objects.reaper.collect()


def compare(objects, bucket, model):
    """Listings, bytes and latest marks are the model's."""
    expected = [
        (key, version_id, data is None, place == 0)
        for key in KEYS
        for place, (version_id, data) in enumerate(model.versions[key])
    ]
    page = objects.version_page(bucket)
    assert [(r.key, r.version_id, r.marker, latest) for r, latest in page.entries] == expected
    assert [r.key for r in objects.listing(bucket)] == [key for key in KEYS if model.current(key) is not None]
    for key in KEYS:
        if model.current(key) is None:
            with pytest.raises(ObjectMissing):
                objects.head(bucket, key)
        else:
            assert objects.read(objects.head(bucket, key)) == model.current(key)
        for version_id, data in model.versions[key]:
            if data is not None:
                assert objects.read(objects.head(bucket, key, version_id)) == data


def references(metadata):
    """How often each blob is referred to, counted from the documents."""
    found = Counter()

    def count(name):
        if name.startswith(rows.BLOB_DATA):
            found[name] += 1
        elif name.startswith(rows.LAYOUT_DATA):
            for part in metadata.get(rows.LAYOUTS, name):
                count(part.get("data", ""))

    for table in (rows.OBJECTS, rows.VERSIONS, rows.PARTS):
        for _, built in metadata.scan(table):
            count(built.get("data", ""))
    return dict(found)


@pytest.mark.parametrize("seed", range(6))
async def test_random_stories_end_as_the_model_says_and_leak_nothing(seed, objects, bucket, metadata, blobs, clock):
    chance, model = random.Random(seed), Model()
    for _ in range(80):
        await step(objects, bucket, model, chance, clock)
    compare(objects, bucket, model)
    objects.reaper.collect()
    compare(objects, bucket, model)
    assert dict(metadata.scan(rows.BLOBS)) == references(metadata)
    assert set(blobs.names()) == set(references(metadata))
    assert list(metadata.scan(rows.GARBAGE)) == []
    report = objects.recover_blocking()
    assert (report.unfinished, report.unreferenced, report.garbage) == (0, 0, 0)
    for key in KEYS:
        for version_id, _ in model.versions[key]:
            await objects.delete(bucket, key, version_id)
    objects.reaper.collect()
    assert list(blobs.names()) == []
    for table in (rows.OBJECTS, rows.VERSIONS, rows.INLINE, rows.LAYOUTS, rows.BLOBS, rows.PARTS, rows.UPLOADS):
        assert list(metadata.scan(table)) == []
