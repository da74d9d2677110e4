"""Streams over a log in memory and a clock that stands still."""

import pytest
from tests.unit.engines.streams.memorylog import MemoryLog

from lakemill.engines.streams import ShardBatch, Streams
from lakemill.ports.clock import ManualClock
from lakemill.ports.log import as_records

SCOPE = "000000000000/us-east-1"


@pytest.fixture
def clock():
    return ManualClock(1_700_000_000)


@pytest.fixture
async def log():
    return MemoryLog()


@pytest.fixture
def streams(metadata, log, clock):
    return Streams(metadata, log, clock)


@pytest.fixture(params=["records", "stretches", "located"])
def take(request):
    """Reads on in one of the ways there are; gives the data of what was read."""

    async def take(reader, limit=1000, wait_s=0):
        if request.param == "records":
            return [one.data for one in await reader.read(limit=limit, wait_s=wait_s)]
        size, located = 40 * limit, request.param == "located"
        found = await reader.read_stretches(limit=limit, size=size, wait_s=wait_s, located=located)
        data = []
        for shard, some in found:
            if isinstance(some, ShardBatch):
                data += some.data
            else:
                data += [value for one in some for value in as_records(one).values]
            assert shard.id.startswith("shardId-")
        return data

    return take
