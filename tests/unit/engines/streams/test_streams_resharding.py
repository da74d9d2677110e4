"""engines/streams: splits, merges, scaling, and reading across them."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.engines.streams.conftest import SCOPE

from lakemill.engines.streams import (
    ChangeRefused,
    Put,
    ShardClosed,
    ShardMissing,
    ShardsNotAdjacent,
    SplitOutside,
    Start,
    StreamBusy,
    Streams,
    TooMany,
)
from lakemill.engines.streams.layout import Layout
from lakemill.engines.streams.shards import HASH_KEY_MAX, Shard, uniform


def covers_everything(shards):
    ranges = sorted((shard.low, shard.high) for shard in shards if shard.open)
    return (
        ranges[0][0] == 0
        and ranges[-1][1] == HASH_KEY_MAX
        and all(one[1] + 1 == two[0] for one, two in itertools.pairwise(ranges))
    )


async def test_a_split_closes_the_shard_and_opens_two_children(streams):
    await streams.create(SCOPE, "s", shards=2)
    stream = await streams.resharding.split(SCOPE, "s", "shardId-000000000001", 3 << 126)
    closed, low, high = stream.shards[1:]
    assert not closed.open and closed.end is not None
    assert (low.number, low.low, low.high) == (2, 1 << 127, (3 << 126) - 1)
    assert (high.number, high.low, high.high) == (3, 3 << 126, HASH_KEY_MAX)
    assert low.parents == high.parents == (1,)
    assert covers_everything(stream.shards)


async def test_a_child_has_larger_sequence_numbers_than_its_parent(streams):
    await streams.create(SCOPE, "s")
    (before,) = await streams.put(SCOPE, "s", [Put("k", b"")])
    stream = await streams.resharding.split(SCOPE, "s", "shardId-000000000000", 1 << 127)
    (after,) = await streams.put(SCOPE, "s", [Put("k", b"")])
    assert after.sequence_number > before.sequence_number
    assert int(stream.shards[0].sequence(stream.shards[0].end)) < after.sequence_number


async def test_a_merge_makes_one_of_two_neighbours(streams):
    await streams.create(SCOPE, "s", shards=3)
    stream = await streams.resharding.merge(SCOPE, "s", "shardId-000000000001", "shardId-000000000000")
    assert stream.shards[-1].parents == (1, 0)
    assert covers_everything(stream.shards)
    assert len(stream.open) == 2


async def test_what_cannot_be_split_or_merged_is_refused_in_awss_words(streams):
    await streams.create(SCOPE, "s", shards=3)
    for at in (0, 1, HASH_KEY_MAX // 3, HASH_KEY_MAX):
        with pytest.raises(SplitOutside, match="is not both greater than one plus the shard's StartingHashKey 0 and"):
            await streams.resharding.split(SCOPE, "s", "shardId-000000000000", at)
    with pytest.raises(ShardMissing, match="Shard shardId-000000000009 in stream s under account 0000"):
        await streams.resharding.split(SCOPE, "s", "shardId-000000000009", 5)
    with pytest.raises(ShardsNotAdjacent, match="not an adjacent pair"):
        await streams.resharding.merge(SCOPE, "s", "shardId-000000000000", "shardId-000000000002")
    await streams.resharding.merge(SCOPE, "s", "shardId-000000000000", "shardId-000000000001")
    with pytest.raises(ShardClosed, match="has already been merged or split"):
        await streams.resharding.split(SCOPE, "s", "shardId-000000000000", 5)
    with pytest.raises(ShardClosed):
        await streams.resharding.merge(SCOPE, "s", "shardId-000000000000", "shardId-000000000001")


@settings(max_examples=60)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=5))
def test_any_scaling_ends_with_equal_shards_and_an_unbroken_descent(counts):
    shards = [Shard(0, 0, HASH_KEY_MAX, (), 1000)]
    number, now_ms = 1, 1001
    for count in counts:
        layout = Layout(shards, number, now_ms, lambda number: 0)
        layout.scale(count)
        shards, number, now_ms = layout.shards, layout.next_number, now_ms + 1
        assert [(shard.low, shard.high) for shard in layout.open()] == uniform(count)
    by_number = {shard.number: shard for shard in shards}
    for shard in shards:
        assert len(shard.parents) <= 2
        parents = [by_number[parent] for parent in shard.parents]
        if parents:
            assert min(p.low for p in parents) <= shard.low and shard.high <= max(p.high for p in parents)
            assert all(not p.open and p.base < shard.base for p in parents)


async def test_a_range_that_fits_keeps_its_shard(streams):
    await streams.create(SCOPE, "s", shards=4)
    await streams.resharding.merge(SCOPE, "s", "shardId-000000000000", "shardId-000000000001")
    _, stream = await streams.resharding.scale(SCOPE, "s", 4)
    assert [shard.number for shard in stream.open][2:] == [2, 3]


async def test_scaling_is_at_most_to_double_or_half_and_ten_times_a_day(streams, clock):
    await streams.create(SCOPE, "s", shards=2)
    with pytest.raises(ChangeRefused, match="cannot scale up over double your current open shard count"):
        await streams.resharding.scale(SCOPE, "s", 5)
    for count in [4, 2] * 5:
        await streams.resharding.scale(SCOPE, "s", count)
    with pytest.raises(TooMany):
        await streams.resharding.scale(SCOPE, "s", 4)
    clock.advance(24 * 3600 + 1)
    before, _ = await streams.resharding.scale(SCOPE, "s", 4)
    assert before == 2
    await streams.resharding.scale(SCOPE, "s", 8)
    with pytest.raises(ChangeRefused, match="cannot scale down below half"):
        await streams.resharding.scale(SCOPE, "s", 3)


async def test_on_demand_streams_are_not_resharded_by_hand(streams):
    await streams.create(SCOPE, "s", shards=4, mode="ON_DEMAND")
    with pytest.raises(ChangeRefused, match="On-Demand"):
        await streams.resharding.scale(SCOPE, "s", 8)
    with pytest.raises(ChangeRefused, match="On-Demand"):
        await streams.resharding.split(SCOPE, "s", "shardId-000000000000", 77)
    stream = await streams.resharding.warm(SCOPE, "s", 9)
    assert len(stream.open) == 9


async def test_a_change_looks_unfinished_for_the_time_that_is_set(metadata, log, clock):
    streams = Streams(metadata, log, clock, settle_ms=1000)
    stream = await streams.create(SCOPE, "s")
    assert streams.registry.status(stream) == "CREATING"
    clock.advance(1)
    stream = await streams.resharding.split(SCOPE, "s", "shardId-000000000000", 1 << 127)
    assert streams.registry.status(stream) == "UPDATING"
    await streams.put(SCOPE, "s", [Put("k", b"meanwhile")])
    with pytest.raises(StreamBusy, match="not ACTIVE, instead in state UPDATING"):
        await streams.resharding.scale(SCOPE, "s", 4)
    clock.advance(1)
    await streams.resharding.scale(SCOPE, "s", 4)


async def test_a_reader_gives_parents_before_children_and_keys_in_order(streams, take):
    await streams.create(SCOPE, "s", shards=2)
    written = 0

    async def write():
        nonlocal written
        await streams.put(SCOPE, "s", [Put(f"key {i % 7}", b"%d" % (written + i)) for i in range(70)])
        written += 70

    await write()
    for count in (4, 3, 6):
        await streams.resharding.scale(SCOPE, "s", count)
        await write()
    reader = streams.reader(SCOPE, "s", Start.horizon())
    found = []
    while batch := await take(reader, limit=11):
        found += map(int, batch)
    assert sorted(found) == list(range(written))
    for key in range(7):
        own = [number for number in found if number % 70 % 7 == key]
        assert own == sorted(own)
