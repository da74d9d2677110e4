"""engines/streams: records go where their keys say, in order, and the limits of a shard."""

import asyncio
import itertools

import pytest
from tests.unit.engines.streams.conftest import SCOPE

from lakemill.engines.streams import (
    HashKeyOutside,
    KeyAbsent,
    Placed,
    Put,
    RecordTooLarge,
    Refused,
    Start,
    StreamMissing,
    Streams,
)
from lakemill.engines.streams.shards import hash_key


async def test_what_was_put_is_read_in_order(streams):
    await streams.create(SCOPE, "s")
    placed = await streams.put(SCOPE, "s", [Put("k", b"%d" % i) for i in range(20)])
    found = await streams.reader(SCOPE, "s", Start.horizon()).read()
    assert [one.data for one in found] == [b"%d" % i for i in range(20)]
    assert [one.sequence_number for one in found] == [one.sequence_number for one in placed]
    assert found[0].partition_key == "k" and found[0].arrival_ms == 1_700_000_000_000


async def test_the_hash_of_the_partition_key_decides_the_shard(streams):
    stream = await streams.create(SCOPE, "s", shards=7)
    placed = await streams.put(SCOPE, "s", [Put(f"key {i}", b"") for i in range(300)])
    for i, one in enumerate(placed):
        assert one.shard.low <= hash_key(f"key {i}") <= one.shard.high
    assert {one.shard_id for one in placed} == {shard.id for shard in stream.shards}


async def test_an_explicit_hash_key_overrides_it(streams):
    stream = await streams.create(SCOPE, "s", shards=4)
    for shard in stream.shards:
        for key in (shard.low, shard.high):
            (place,) = await streams.put(SCOPE, "s", [Put("k", b"", key)])
            assert place.shard_id == shard.id
    with pytest.raises(HashKeyOutside):
        await streams.put(SCOPE, "s", [Put("k", b"", 1 << 128)])


async def test_sequence_numbers_have_one_length_and_rise(streams):
    await streams.create(SCOPE, "s", shards=2)
    placed = await streams.put(SCOPE, "s", [Put(str(i), b"") for i in range(50)])
    assert {len(one.sequence) for one in placed} == {56}
    assert all(one.sequence.startswith("49") and int(one.sequence) == one.sequence_number for one in placed)
    by_shard = sorted(placed, key=lambda one: one.shard_id)
    for _, group in itertools.groupby(by_shard, key=lambda one: one.shard_id):
        numbers = [one.sequence_number for one in group]
        assert numbers == sorted(set(numbers))
    assert len({one.sequence for one in placed}) == 50


async def test_a_record_larger_than_the_stream_takes_is_refused_and_nothing_is_written(streams):
    await streams.create(SCOPE, "s")
    await streams.put(SCOPE, "s", [Put("k", b"x" * (1024 * 1024 - 1))])
    with pytest.raises(RecordTooLarge) as caught:
        await streams.put(SCOPE, "s", [Put("k", b"small"), Put("k", b"x" * (1024 * 1024))])
    assert caught.value.size == 1024 * 1024
    reader = streams.reader(SCOPE, "s", Start.horizon())
    assert len(await reader.read()) == 1
    await streams.configuring.allow_size(SCOPE, "s", 2048)
    await streams.put(SCOPE, "s", [Put("k", b"x" * (1024 * 1024))])


async def test_a_record_without_partition_key_needs_a_stream_that_spreads_evenly(streams):
    await streams.create(SCOPE, "s", mode="ON_DEMAND", shards=4)
    with pytest.raises(KeyAbsent):
        await streams.put(SCOPE, "s", [Put(None, b"")])
    await streams.configuring.place_evenly(SCOPE, "s", True)
    placed = await streams.put(SCOPE, "s", [Put(None, b"")] * 40 + [Put("same", b"")] * 40)
    assert [sum(one.shard.number == i for one in placed) for i in range(4)] == [20, 20, 20, 20]


async def test_a_stream_that_does_not_exist_is_said_so(streams):
    with pytest.raises(StreamMissing, match="Stream none under account 000000000000 not found"):
        await streams.put(SCOPE, "none", [Put("k", b"")])


async def test_a_shard_takes_a_thousand_records_a_second_and_refuses_the_rest(metadata, log, clock):
    streams = Streams(metadata, log, clock, limited=True)
    await streams.create(SCOPE, "s", shards=2)
    answers = await streams.put(SCOPE, "s", [Put("k", b"x") for _ in range(1200)])
    assert [type(one) for one in answers] == [Placed] * 1000 + [Refused] * 200
    assert answers[-1].message.startswith(
        f"Rate exceeded for shard {answers[0].shard_id} in stream s under account 0000"
    )
    clock.advance(0.125)
    answers = await streams.put(SCOPE, "s", [Put("k", b"x") for _ in range(200)])
    assert sum(isinstance(one, Placed) for one in answers) == 125


async def test_a_shard_takes_a_mebibyte_a_second_by_default_and_anything_without_limits(metadata, log, clock):
    puts = [Put("k", b"x" * 500_000) for _ in range(4)]
    limited = Streams(metadata, log, clock, limited=True)
    await limited.create(SCOPE, "s")
    assert [type(one) for one in await limited.put(SCOPE, "s", puts)] == [Placed, Placed, Refused, Refused]
    free = Streams(metadata, log, clock)
    assert [type(one) for one in await free.put(SCOPE, "s", puts)] == [Placed] * 4


async def test_writers_and_a_resharding_at_the_same_time_lose_nothing(streams):
    await streams.create(SCOPE, "s")

    async def write(writer):
        for i in range(50):
            await streams.put(SCOPE, "s", [Put(str(writer), b"%d" % i)])

    async def reshard():
        for count in (2, 4, 2, 3, 5, 3):
            await streams.resharding.scale(SCOPE, "s", count)

    await asyncio.gather(reshard(), *(write(writer) for writer in range(10)))
    reader = streams.reader(SCOPE, "s", Start.horizon())
    found = []
    for _ in range(100):
        found += await reader.read(limit=7, wait_s=0)
    while more := await reader.read(wait_s=0):
        found += more
    for writer in range(10):
        own = [int(one.data) for one in found if one.partition_key == str(writer)]
        assert own == list(range(50))
