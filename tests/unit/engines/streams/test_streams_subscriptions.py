"""engines/streams: consumers, and records sent to them as they come."""

import asyncio

import pytest
from tests.unit.engines.streams.conftest import SCOPE

from lakemill.engines.streams import (
    ConsumerExists,
    ConsumerMissing,
    Put,
    StreamMissing,
    Streams,
    SubscriptionHeld,
    TooMany,
)


@pytest.fixture
async def subscribed(streams):
    """A stream of one shard, a consumer, a subscription to it from the beginning."""
    stream = await streams.create(SCOPE, "s")
    consumer = await streams.consumers.register(SCOPE, "s", "c", {})
    return stream, consumer, streams.subscriptions.open(stream, consumer, stream.shards[0])


def feed_of(streams, subscribed, position=0):
    stream, _, subscription = subscribed
    return streams.subscriptions.feed(subscription, stream, stream.shards[0], position)


async def test_records_are_sent_as_they_come(streams, subscribed):
    feed = feed_of(streams, subscribed)
    await streams.put(SCOPE, "s", [Put("k", b"1"), Put("k", b"2")])
    assert (await anext(feed)).data == [b"1", b"2"]
    waiting = asyncio.create_task(anext(feed))
    await asyncio.sleep(0.01)
    await streams.put(SCOPE, "s", [Put("k", b"3")])
    assert (await waiting).data == [b"3"]


async def test_an_empty_batch_comes_when_it_is_quiet(streams, subscribed, clock):
    feed = feed_of(streams, subscribed)
    waiting = asyncio.create_task(anext(feed))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    clock.advance(5)
    batch = await waiting
    assert not batch.records and batch.position == 1 and not batch.ended


async def test_it_ends_after_five_minutes(streams, subscribed, clock):
    feed = feed_of(streams, subscribed)
    clock.advance(300)
    with pytest.raises(StopAsyncIteration):
        await anext(feed)


async def test_it_ends_with_the_shard(streams, subscribed):
    await streams.put(SCOPE, "s", [Put("k", b"1")])
    await streams.resharding.split(SCOPE, "s", "shardId-000000000000", 1 << 127)
    feed = feed_of(streams, subscribed)
    batch = await anext(feed)
    assert batch.data == [b"1"] and batch.ended
    with pytest.raises(StopAsyncIteration):
        await anext(feed)


async def test_a_second_within_five_seconds_is_refused_and_later_it_takes_over(streams, subscribed, clock):
    stream, consumer, _ = subscribed
    with pytest.raises(SubscriptionHeld, match="Another active subscription exists"):
        streams.subscriptions.open(stream, consumer, stream.shards[0])
    feed = feed_of(streams, subscribed)
    clock.advance(5)
    streams.subscriptions.open(stream, consumer, stream.shards[0])
    with pytest.raises(SubscriptionHeld, match="took over"):
        await anext(feed)


async def test_deleting_the_stream_and_stopping_the_platform_end_it(streams, subscribed):
    feed = feed_of(streams, subscribed)
    waiting = asyncio.create_task(anext(feed))
    await asyncio.sleep(0.01)
    await streams.delete(SCOPE, "s", with_consumers=True)
    with pytest.raises(StreamMissing):
        await waiting
    stream = await streams.create(SCOPE, "t")
    consumer = await streams.consumers.register(SCOPE, "t", "c", {})
    subscription = streams.subscriptions.open(stream, consumer, stream.shards[0])
    streams.close()
    with pytest.raises(StopAsyncIteration):
        await anext(streams.subscriptions.feed(subscription, stream, stream.shards[0], 0))


async def test_consumers_are_named_once_and_twenty_at_most(streams, clock):
    stream = await streams.create(SCOPE, "s")
    for i in range(20):
        await streams.consumers.register(SCOPE, "s", f"c{i:02}", {"n": str(i)})
    with pytest.raises(ConsumerExists):
        await streams.consumers.register(SCOPE, "s", "c00", {})
    with pytest.raises(TooMany):
        await streams.consumers.register(SCOPE, "s", "more", {})
    assert [one.name for one in streams.consumers.of(stream)] == [f"c{i:02}" for i in range(20)]
    first = streams.consumers.named(stream, "c00")
    await streams.consumers.deregister(first)
    with pytest.raises(ConsumerMissing):
        await streams.consumers.deregister(first)
    clock.advance(1)
    again = await streams.consumers.register(SCOPE, "s", "c00", {})
    with pytest.raises(ConsumerMissing):
        streams.consumers.named(stream, "c00", first.born_s)
    assert streams.consumers.named(stream, "c00", again.born_s) == again


async def test_five_consumers_at_most_are_being_created(metadata, log, clock):
    streams = Streams(metadata, log, clock, settle_ms=1000)
    await streams.create(SCOPE, "s")
    clock.advance(1)
    for i in range(5):
        consumer = await streams.consumers.register(SCOPE, "s", f"c{i}", {})
    assert consumer.status(streams.registry.now_ms()) == "CREATING"
    with pytest.raises(TooMany):
        await streams.consumers.register(SCOPE, "s", "c5", {})
    clock.advance(1)
    await streams.consumers.register(SCOPE, "s", "c5", {})


async def test_where_limits_are_kept_a_subscription_gets_two_mebibytes_a_second(metadata, log, clock):
    streams = Streams(metadata, log, clock)
    stream = await streams.create(SCOPE, "s")
    await streams.put(SCOPE, "s", [Put("k", b"x" * 500_000) for _ in range(12)])
    limited = Streams(metadata, log, clock, limited=True)
    consumer = await limited.consumers.register(SCOPE, "s", "c", {})
    subscription = limited.subscriptions.open(stream, consumer, stream.shards[0])
    feed = limited.subscriptions.feed(subscription, stream, stream.shards[0], 0)
    sent = 0
    while sent < 2 << 20:
        sent += sum(map(len, (await anext(feed)).data))
    waiting = asyncio.create_task(anext(feed))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    clock.advance(1)
    assert (await waiting).data
