"""Objects: their names, their bytes, and what happens when they cannot be written."""

import gzip
from zoneinfo import ZoneInfo

import pytest

from lakemill.engines.delivery import BucketSink, Failure, Load, Prefix, Record, delivery_prefix, plain
from lakemill.engines.delivery.bucketsink import NotEncodable
from lakemill.engines.objects import Objects
from lakemill.ports.blobs import EmbeddedBlobs
from lakemill.ports.metadata import EmbeddedMetadata

ID = "11111111-2222-3333-4444-555555555555"
ARRIVED_MS = 1_535_365_805_000  # 2018-08-27T10:30:05Z


@pytest.fixture
async def objects(tmp_path):
    metadata = EmbeddedMetadata(tmp_path / "m.sqlite")
    objects = Objects(metadata, EmbeddedBlobs(tmp_path / "blobs"))
    await objects.buckets.create("lake", "000000000000", "us-east-1")
    yield objects
    objects.close()
    metadata.close()


def load(*values, **options):
    return Load([Record(data, ARRIVED_MS, n) for n, data in enumerate(values)], 0, ARRIVED_MS, ID, **options)


def sink(objects, prefix="raw/", **options):
    return BucketSink(objects, "lake", delivery_prefix(prefix), "clicks-3", **options)


async def test_an_object_is_named_by_its_oldest_record(objects):
    assert (await sink(objects, extension=".log").deliver(load(b"a", b"b"))).remaining == []
    record = objects.head("lake", f"raw/2018/08/27/10/clicks-3-2018-08-27-10-30-05-{ID}.log")
    assert objects.read(record) == b"ab"


async def test_names_are_in_the_zone_that_is_wanted(objects):
    made = sink(objects, zone=ZoneInfo("Asia/Tokyo"))
    assert made.key(load(b"a")) == f"raw/2018/08/27/19/clicks-3-2018-08-27-19-30-05-{ID}"


async def test_bytes_are_compressed(objects):
    made = sink(objects, encode=plain("GZIP"), extension=".gz")
    await made.deliver(load(b"a" * 1000))
    (record,) = objects.listing("lake")
    assert gzip.decompress(objects.read(record)) == b"a" * 1000


async def test_of_nothing_no_object_is_made(objects):
    await sink(objects).deliver(load(b"", b""))
    assert list(objects.listing("lake")) == []


async def test_what_is_not_permitted_or_not_there_is_tried_again(objects):
    refused = sink(objects, refusal=lambda bucket, key: ("Denied", f"{bucket} {key[:4]}"))
    outcome = await refused.deliver(given := load(b"a"))
    assert (outcome.remaining, outcome.code, outcome.message) == (given.records, "Denied", "lake raw/")
    missing = BucketSink(objects, "nowhere", Prefix("a/"), "x", missing="Gone")
    outcome = await missing.deliver(given)
    assert (outcome.remaining, outcome.code, outcome.final) == (given.records, "Gone", False)


async def test_records_that_are_in_no_object_are_failures(objects):
    async def encode(records):
        return [b"good"], [Failure(records[1], "Bad", "no")]

    outcome = await sink(objects, encode=encode).deliver(given := load(b"a", b"b"))
    assert [one.record for one in outcome.failures] == [given.records[1]]
    assert [objects.read(one) for one in objects.listing("lake")] == [b"good"]


async def test_when_nothing_can_be_encoded_all_is_tried_again(objects):
    async def encode(records):
        raise NotEncodable("NoTable", "there is none")

    outcome = await sink(objects, encode=encode).deliver(given := load(b"a"))
    assert (outcome.remaining, outcome.code, outcome.final) == (given.records, "NoTable", False)


async def test_a_prefix_that_gets_too_long_is_final(objects):
    made = BucketSink(objects, "lake", Prefix("!{partitionKeyFromQuery:a}/"), "x")
    outcome = await made.deliver(load(b"a", keys={"partitionKeyFromQuery:a": "x" * 600}))
    assert (len(outcome.remaining), outcome.code, outcome.final) == (1, "PrefixTooLong", True)
