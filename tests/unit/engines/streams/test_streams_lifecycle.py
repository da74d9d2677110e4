"""engines/streams: creation, deletion, restarts, what is left by a crash."""

import pytest
from tests.unit.engines.streams.conftest import SCOPE

from lakemill.engines.streams import (
    ChangeRefused,
    Put,
    Start,
    StreamExists,
    StreamInUse,
    StreamMissing,
    Streams,
    TooMany,
)


async def test_streams_of_two_scopes_may_have_one_name(streams):
    await streams.create(SCOPE, "s")
    await streams.create("111111111111/us-east-1", "s")
    with pytest.raises(StreamExists, match="Stream s under account 000000000000 already exists"):
        await streams.create(SCOPE, "s")


async def test_everything_is_as_before_after_a_restart(streams, metadata, log, clock):
    await streams.create(SCOPE, "s", shards=2, tags={"a": "b"}, record_kib_max=2048)
    await streams.put(SCOPE, "s", [Put("k", b"kept")])
    await streams.resharding.scale(SCOPE, "s", 4)
    await streams.configuring.retain(SCOPE, "s", 100, longer=True)
    again = Streams(metadata, log, clock)
    before, after = streams.find(SCOPE, "s"), again.find(SCOPE, "s")
    assert before.document == after.document
    assert after.retention_h == 100 and after.record_bytes_max == 2048 * 1024 and after.tags == {"a": "b"}
    assert [one.data for one in await again.reader(SCOPE, "s", Start.horizon()).read()] == [b"kept"]


async def test_a_deleted_stream_is_gone_with_its_log_and_a_new_one_of_its_name_is_empty(streams, log):
    first = await streams.create(SCOPE, "s")
    await streams.put(SCOPE, "s", [Put("k", b"x")])
    await streams.delete(SCOPE, "s")
    assert streams.find(SCOPE, "s") is None and not log.exists(first.id)
    with pytest.raises(StreamMissing):
        await streams.delete(SCOPE, "s")
    second = await streams.create(SCOPE, "s")
    assert second.id != first.id
    assert await streams.reader(SCOPE, "s", Start.horizon()).read(wait_s=0) == []


async def test_a_stream_with_consumers_is_deleted_only_when_asked_to(streams):
    stream = await streams.create(SCOPE, "s")
    await streams.consumers.register(SCOPE, "s", "c", {})
    with pytest.raises(StreamInUse):
        await streams.delete(SCOPE, "s")
    await streams.delete(SCOPE, "s", with_consumers=True)
    assert streams.consumers.of(stream) == []


async def test_what_a_crash_left_is_removed_at_the_start(streams, metadata, log, clock):
    await streams.create(SCOPE, "kept")
    await streams.registry.mark_garbage("half-made")
    await log.create("half-made", 1)
    again = Streams(metadata, log, clock)
    assert await again.recover() == ["removed the records of 1 stream(s) whose deletion was cut off"]
    assert not log.exists("half-made") and log.exists(again.find(SCOPE, "kept").id)
    assert await again.recover() == []


async def test_shards_and_on_demand_streams_are_limited(streams):
    with pytest.raises(TooMany, match="exceed the shard limit for the account 000000000000 in us-east-1"):
        await streams.create(SCOPE, "s", shards=10_001)
    for i in range(50):
        await streams.create(SCOPE, f"s{i}", mode="ON_DEMAND")
    with pytest.raises(TooMany, match="50 on-demand"):
        await streams.create(SCOPE, "s", mode="ON_DEMAND")


async def test_the_mode_changes_twice_a_day(streams, clock):
    await streams.create(SCOPE, "s")
    with pytest.raises(ChangeRefused):
        await streams.configuring.switch_mode(SCOPE, "s", "PROVISIONED")
    await streams.configuring.switch_mode(SCOPE, "s", "ON_DEMAND")
    await streams.configuring.switch_mode(SCOPE, "s", "PROVISIONED")
    with pytest.raises(TooMany):
        await streams.configuring.switch_mode(SCOPE, "s", "ON_DEMAND")
    clock.advance(24 * 3600 + 1)
    await streams.configuring.switch_mode(SCOPE, "s", "ON_DEMAND")


async def test_a_commitment_lasts_a_day_at_least(streams, clock):
    assert streams.commitments.of(SCOPE) == {"enabled": False}
    await streams.commitments.set(SCOPE, enabled=True)
    with pytest.raises(ChangeRefused):
        await streams.commitments.set(SCOPE, enabled=False)
    clock.advance(24 * 3600)
    assert not (await streams.commitments.set(SCOPE, enabled=False))["enabled"]
