"""Streams over a log in memory and a clock that stands still."""

import pytest
from tests.unit.engines.streams.memorylog import MemoryLog

from lakemill.engines.streams import Streams
from lakemill.ports.clock import ManualClock

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
