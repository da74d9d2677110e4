import asyncio
import json
from pathlib import Path

import pytest

from lakemill.engines.catalog import Catalog
from lakemill.engines.objects import Objects
from lakemill.engines.queries import Queries, Refused, Request
from lakemill.ports.blobs import EmbeddedBlobs
from lakemill.ports.clock import ManualClock

SCOPE = "000000000000/us-east-1"
WORKER = str(Path(__file__).parent / "worker.py")


class Rights:
    """Everything but what is named."""

    def __init__(self, *refused):
        self.refused = refused
        self.asked = []

    @property
    def checked(self):
        return self.asked

    def catalog(self, question, database="", table=""):
        self.again(question, f"{database}/{table}")

    def object(self, deed, bucket, key):
        self.again(deed, f"{bucket}/{key}")

    def again(self, action, resource):
        self.asked.append([action, resource])
        if action in self.refused:
            raise Refused("AccessDenied", f"not allowed: {action} {resource}")


@pytest.fixture
def clock():
    return ManualClock(1_738_324_800)


@pytest.fixture
async def objects(tmp_path, metadata, clock):
    store = Objects(metadata, EmbeddedBlobs(tmp_path / "blobs"), clock)
    await store.buckets.create("lake", "000000000000", "us-east-1")
    yield store
    store.close()


@pytest.fixture
def catalog(metadata, clock):
    return Catalog(metadata, clock)


@pytest.fixture
async def queries(tmp_path, metadata, objects, catalog, clock):
    engine = Queries(metadata, objects, catalog, clock, tmp_path / "queries", at_once=2, command=[WORKER])
    await engine.start()
    yield engine
    await engine.close()
    await catalog.close()


@pytest.fixture
def run(queries):
    """Hand steps in and wait for the end; the execution."""

    async def run(*steps, rights=None, wait=True, **request):
        execution = await submit(queries, *steps, rights=rights, **request)
        if wait:
            await queries.wait(execution.id)
            return queries.get(SCOPE, execution.id)
        return execution

    return run


async def submit(queries, *steps, rights=None, **request):
    request = {"scope": SCOPE, "group": "primary", "prefix": "s3://lake/results/"} | request
    request.setdefault("text", json.dumps(steps))
    return await queries.submit(Request(**request), rights or Rights(), "arn:aws:iam::000000000000:root")


async def until(holds):
    """Wait until something holds."""
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.005)
