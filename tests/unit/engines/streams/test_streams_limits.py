"""engines/streams: what a shard gives in a second, where limits are kept."""

import pytest
from tests.unit.engines.streams.conftest import SCOPE

from lakemill.engines.streams import Put, RateExceeded, Streams


@pytest.fixture
async def limited(metadata, log, clock):
    """Streams that keep limits, with one of a shard that holds 24 MB."""
    free = Streams(metadata, log, clock)
    await free.create(SCOPE, "s")
    data = b"x" * 1_000_000
    await free.put(SCOPE, "s", [Put("k", data) for _ in range(24)])
    return Streams(metadata, log, clock, limited=True)


async def read(streams, size, position=0):
    stream = streams.find(SCOPE, "s")
    return await streams.reading.read_within_limits(stream, stream.shards[0], position, records=10_000, size=size)


async def test_five_calls_a_second(limited, clock):
    for _ in range(5):
        await read(limited, 1, position=1000)
    with pytest.raises(RateExceeded):
        await read(limited, 1, position=1000)
    clock.advance(1)
    await read(limited, 1, position=1000)


async def test_ten_mebibytes_block_the_shard_for_five_seconds(limited, clock):
    batch = await read(limited, 10 << 20)
    assert len(batch.records) == 10
    clock.advance(4.5)
    with pytest.raises(RateExceeded):
        await read(limited, 1)
    clock.advance(0.5)
    await read(limited, 1)


async def test_two_mebibytes_a_second_in_smaller_calls(limited, clock):
    await read(limited, 1_500_000)
    await read(limited, 1_500_000)
    with pytest.raises(RateExceeded):
        for _ in range(3):
            await read(limited, 1_500_000)
    clock.advance(2)
    await read(limited, 1_500_000)


async def test_five_iterators_a_second(limited, clock):
    stream = limited.find(SCOPE, "s")
    for _ in range(5):
        limited.reading.check_iterators(stream, stream.shards[0])
    with pytest.raises(RateExceeded):
        limited.reading.check_iterators(stream, stream.shards[0])
    clock.advance(1)
    limited.reading.check_iterators(stream, stream.shards[0])


async def test_streams_on_demand_are_not_limited(limited):
    await limited.configuring.switch_mode(SCOPE, "s", "ON_DEMAND")
    for _ in range(10):
        await read(limited, 10 << 20)
        await limited.put(SCOPE, "s", [Put("k", b"x" * 1_000_000)])
