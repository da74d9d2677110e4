import pytest

from lakemill.engines.objects import Objects
from lakemill.ports.blobs import EmbeddedBlobs
from lakemill.ports.clock import ManualClock


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def blobs(tmp_path):
    return EmbeddedBlobs(tmp_path / "blobs")


@pytest.fixture
def objects(metadata, blobs, clock):
    made = Objects(metadata, blobs, clock, grace_s=3600)
    yield made
    made.close()


@pytest.fixture
async def bucket(objects):
    await objects.buckets.create("lake", "000000000000", "us-east-1")
    return "lake"
