"""Loads and servers for sinks."""

import itertools

import pytest

from lakemill.engines.delivery import Load, Record
from tests.unit.engines.delivery.servers import serving

ARRIVED_MS = 1_456_412_400_000  # 2016-02-25T15:00:00Z


@pytest.fixture
async def server():
    async with serving() as running:
        yield running


@pytest.fixture
def load():
    def make(*values):
        records = [Record(data, ARRIVED_MS, n) for n, data in zip(itertools.count(1), values, strict=False)]
        return Load(records, sum(map(len, values)), ARRIVED_MS, "11111111-2222-3333-4444-555555555555", attempts=1)

    return make
