"""engines/streams: positions, iterators, retention, readers that stop and go on."""

import asyncio
import json

import pytest
from tests.unit.engines.streams.conftest import SCOPE

from lakemill.engines.streams import (
    ChangeRefused,
    IteratorBroken,
    IteratorExpired,
    Put,
    SequenceForeign,
    ShardMissing,
    Start,
    StreamMissing,
    Streams,
    iterators,
)

HOUR_S = 3600


async def fill(streams, clock, count=5):
    """A record a second; the stream and what was placed."""
    stream = await streams.create(SCOPE, "s")
    placed = []
    for i in range(count):
        placed += await streams.put(SCOPE, "s", [Put("k", b"%d" % i)])
        clock.advance(1)
    return stream, placed


async def read_from(streams, stream, position):
    batch = await streams.reading.read(stream, stream.shards[0], position, records=100, size=1 << 20)
    return [int(data) for data in batch.data]


async def test_each_way_to_start_begins_where_it_says(streams, clock):
    stream, placed = await fill(streams, clock)
    shard, locate = stream.shards[0], streams.reading.locate
    third = placed[2].sequence
    starts = {
        "TRIM_HORIZON": ({}, [0, 1, 2, 3, 4]),
        "LATEST": ({}, []),
        "AT_SEQUENCE_NUMBER": ({"sequence": third}, [2, 3, 4]),
        "AFTER_SEQUENCE_NUMBER": ({"sequence": third}, [3, 4]),
        "AT_TIMESTAMP": ({"time_ms": 1_700_000_002_500}, [3, 4]),
    }
    for kind, (given, expected) in starts.items():
        assert await read_from(streams, stream, await locate(stream, shard, kind, **given)) == expected
    assert await read_from(streams, stream, await locate(stream, shard, "AT_TIMESTAMP", time_ms=5)) == [0, 1, 2, 3, 4]
    first = shard.sequence(-1)
    for kind in ("AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"):
        assert await read_from(streams, stream, await locate(stream, shard, kind, sequence=first)) == [0, 1, 2, 3, 4]


async def test_latest_means_the_time_of_asking_not_of_reading(streams, clock):
    stream, _ = await fill(streams, clock)
    position = await streams.reading.locate(stream, stream.shards[0], "LATEST")
    await streams.put(SCOPE, "s", [Put("k", b"99")])
    assert await read_from(streams, stream, position) == [99]


async def test_sequence_numbers_of_elsewhere_are_refused(streams, clock):
    stream, placed = await fill(streams, clock)
    other = await streams.create(SCOPE, "other", shards=2)
    locate = streams.reading.locate
    for wrong in ("5", placed[-1].shard.sequence(1000), other.shards[0].sequence(0)):
        with pytest.raises(SequenceForeign, match="is invalid because it did not come from this stream"):
            await locate(stream, stream.shards[0], "AT_SEQUENCE_NUMBER", sequence=wrong)
    with pytest.raises(SequenceForeign, match="It encodes shardId-000000000001, while it was used in a call to"):
        await locate(other, other.shards[0], "AT_SEQUENCE_NUMBER", sequence=other.shards[1].sequence(-1))


async def test_a_time_to_come_is_no_start(streams, clock):
    stream, _ = await fill(streams, clock)
    with pytest.raises(ChangeRefused, match="cannot be greater than the currentTimestampInMillis"):
        await streams.reading.locate(stream, stream.shards[0], "AT_TIMESTAMP", time_ms=1_800_000_000_000)


async def test_the_end_of_a_closed_shard_is_told_and_an_open_one_has_none(streams, clock):
    stream, _ = await fill(streams, clock)
    batch = await streams.reading.read(stream, stream.shards[0], 0, records=10, size=1 << 20)
    assert not batch.ended and batch.behind_ms == 0
    batch = await streams.reading.read(stream, stream.shards[0], 0, records=2, size=1 << 20)
    assert batch.behind_ms == 4000
    stream = await streams.resharding.split(SCOPE, "s", stream.shards[0].id, 1 << 127)
    batch = await streams.reading.read(stream, stream.shards[0], 0, records=3, size=1 << 20)
    assert not batch.ended
    batch = await streams.reading.read(stream, stream.shards[0], batch.position, records=10, size=1 << 20)
    assert batch.ended and len(batch.records) == 2
    assert [child.number for child in stream.children(stream.shards[0])] == [1, 2]


async def test_an_iterator_holds_five_minutes_and_only_for_its_stream(streams, clock, metadata, log):
    stream, _ = await fill(streams, clock)
    made = iterators.made(stream, stream.shards[0], 3, streams.registry.now_ms())
    assert iterators.read(made, streams.registry).position == 3
    again = Streams(metadata, log, clock)
    assert iterators.read(made, again.registry).shard.id == stream.shards[0].id
    for wrong in ("", "x", made[:-4], made[:-4] + "AAAA", "A" + made[1:], "ü" * 72):
        with pytest.raises(IteratorBroken):
            iterators.read(wrong, streams.registry)
    clock.advance(301)
    with pytest.raises(IteratorExpired, match="further in the future than the tolerated delay of 300000 milli"):
        iterators.read(made, streams.registry)


async def test_records_past_their_retention_are_not_read_whether_trimmed_or_not(streams, clock):
    stream, _ = await fill(streams, clock)
    clock.advance(24 * HOUR_S - 3)
    assert await read_from(streams, stream, 0) == [2, 3, 4]
    await streams.expire()
    assert await read_from(streams, stream, 0) == [2, 3, 4]


async def test_a_longer_retention_keeps_more_but_brings_nothing_back(streams, clock):
    stream, _ = await fill(streams, clock)
    clock.advance(24 * HOUR_S - 3)
    stream = await streams.configuring.retain(SCOPE, "s", 48, longer=True)
    clock.advance(10 * HOUR_S)
    assert await read_from(streams, stream, 0) == [2, 3, 4]
    stream = await streams.configuring.retain(SCOPE, "s", 24, longer=False)
    assert await read_from(streams, stream, 0) == []


@pytest.mark.parametrize(
    ("hours", "longer", "words"),
    [
        (23, False, "is too short"),
        (8761, True, "is too long"),
        (36, True, "can not be shorter than existing retention period .48 hours."),
        (72, False, "can not be longer than existing retention period .48 hours."),
    ],
)
async def test_a_retention_that_makes_no_sense_is_refused(streams, hours, longer, words):
    await streams.create(SCOPE, "s")
    await streams.configuring.retain(SCOPE, "s", 48, longer=True)
    await streams.configuring.retain(SCOPE, "s", 48, longer=True)
    with pytest.raises(ChangeRefused, match=words):
        await streams.configuring.retain(SCOPE, "s", hours, longer=longer)


async def test_closed_shards_vanish_with_their_records_and_numbers_are_not_used_again(streams, clock):
    await streams.create(SCOPE, "s")
    clock.advance(1)
    await streams.resharding.split(SCOPE, "s", "shardId-000000000000", 1 << 127)
    clock.advance(24 * HOUR_S + 1)
    stream = streams.find(SCOPE, "s")
    assert [shard.number for shard in stream.kept(streams.registry.now_ms())] == [1, 2]
    with pytest.raises(ShardMissing):
        stream.named("shardId-000000000000", streams.registry.now_ms())
    await streams.expire()
    assert [shard.number for shard in streams.find(SCOPE, "s").shards] == [1, 2]
    stream = await streams.resharding.merge(SCOPE, "s", "shardId-000000000001", "shardId-000000000002")
    assert stream.shards[-1].number == 3


async def test_a_reader_goes_on_where_another_stood(streams, clock, take):
    await streams.create(SCOPE, "s", shards=3)
    reader = streams.reader(SCOPE, "s", Start.latest())
    await streams.put(SCOPE, "s", [Put(str(i), b"%d" % i) for i in range(30)])
    assert not reader.caught_up()
    found = await take(reader, limit=10)
    kept = json.loads(json.dumps(reader.positions()))
    await streams.resharding.scale(SCOPE, "s", 5)
    await streams.put(SCOPE, "s", [Put(str(i), b"%d" % i) for i in range(30, 60)])
    reader = streams.reader(SCOPE, "s", Start.after(kept))
    while batch := await take(reader, limit=9):
        found += batch
    assert sorted(map(int, found)) == list(range(60))
    assert reader.caught_up()


async def test_a_reader_that_was_away_longer_than_the_retention_goes_on_with_what_is_left(streams, clock, take):
    await streams.create(SCOPE, "s")
    await streams.put(SCOPE, "s", [Put("k", b"old")])
    kept = streams.reader(SCOPE, "s", Start.latest()).positions()
    for count in (2, 4):
        clock.advance(1)
        await streams.resharding.scale(SCOPE, "s", count)
    clock.advance(25 * HOUR_S)
    await streams.expire()
    await streams.put(SCOPE, "s", [Put(str(i), b"new") for i in range(20)])
    reader = streams.reader(SCOPE, "s", Start.after(kept))
    assert len(await take(reader)) == 20


async def test_a_stream_made_again_under_the_same_name_is_read_from_its_beginning(streams):
    await streams.create(SCOPE, "s")
    await streams.put(SCOPE, "s", [Put("k", b"old")] * 5)
    reader = streams.reader(SCOPE, "s", Start.horizon())
    assert len(await reader.read()) == 5
    await streams.delete(SCOPE, "s")
    await streams.create(SCOPE, "s")
    await streams.put(SCOPE, "s", [Put("k", b"new")])
    with pytest.raises(StreamMissing):
        await reader.read(wait_s=0)
    again = streams.reader(SCOPE, "s", Start.after(json.loads(json.dumps(reader.positions()))))
    assert [one.data for one in await again.read(wait_s=0)] == [b"new"]


async def test_a_reader_from_a_time_leaves_out_what_was_before(streams, clock, take):
    await fill(streams, clock)
    reader = streams.reader(SCOPE, "s", Start.at(1_700_000_003_000))
    assert await take(reader) == [b"3", b"4"]


async def test_a_reader_leaves_out_what_has_expired_and_is_not_trimmed_yet(streams, clock, take):
    await fill(streams, clock)
    clock.advance(24 * HOUR_S - 2)
    assert await take(streams.reader(SCOPE, "s", Start.horizon())) == [b"3", b"4"]


async def test_a_reader_waits_for_the_first_record(streams, take):
    await streams.create(SCOPE, "s", shards=2)
    reader = streams.reader(SCOPE, "s", Start.latest())
    assert await take(reader, wait_s=0.01) == []
    assert reader.caught_up()
    waiting = asyncio.create_task(take(reader, wait_s=10))
    await asyncio.sleep(0.01)
    await streams.put(SCOPE, "s", [Put("k", b"at last")])
    assert await waiting == [b"at last"]


async def test_records_without_data_are_not_waited_for(streams, take):
    await streams.create(SCOPE, "s")
    reader = streams.reader(SCOPE, "s", Start.latest())
    await streams.put(SCOPE, "s", [Put("k", b""), Put("k", b"")])
    assert await asyncio.wait_for(take(reader, wait_s=60), 10) == [b"", b""]


async def test_a_reader_of_a_deleted_stream_is_told(streams, take):
    await streams.create(SCOPE, "s")
    reader = streams.reader(SCOPE, "s", Start.horizon())
    await streams.delete(SCOPE, "s")
    with pytest.raises(StreamMissing):
        await take(reader)
    with pytest.raises(StreamMissing):
        reader.caught_up()
