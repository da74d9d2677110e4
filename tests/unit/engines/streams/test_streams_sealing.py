"""engines/streams: records encrypted under a key."""

import pytest
from tests.unit.engines.streams.conftest import SCOPE

from lakemill.engines.keys import KeyDisabled, KeyMissing, Keys
from lakemill.engines.streams import ChangeRefused, Put, SealBroken, Start, Streams, TooMany


@pytest.fixture
def keys(metadata, clock, tmp_path):
    return Keys(metadata, clock, tmp_path / "master.key")


@pytest.fixture
def streams(metadata, log, clock, keys):
    return Streams(metadata, log, clock, keys)


async def everything(streams):
    return await streams.reader(SCOPE, "s", Start.horizon()).read(wait_s=0)


async def test_only_what_is_written_after_it_began_is_sealed_and_all_is_read(streams, log, take):
    stream = await streams.create(SCOPE, "s")
    await streams.put(SCOPE, "s", [Put("k", b"before")])
    await streams.configuring.encrypt(SCOPE, "s", "alias/aws/kinesis")
    await streams.put(SCOPE, "s", [Put("k", b"secret"), Put("k", b"")])
    await streams.configuring.encrypt(SCOPE, "s", None)
    await streams.put(SCOPE, "s", [Put("k", b"after")])
    on_disk = [record.value for record in log.logs[stream.id][0]["records"]]
    assert on_disk[0] == b"before" and on_disk[3] == b"after"
    assert b"secret" not in on_disk[1]
    found = await everything(streams)
    assert [(one.data, one.encrypted) for one in found] == [
        (b"before", False),
        (b"secret", True),
        (b"", True),
        (b"after", False),
    ]
    assert await take(streams.reader(SCOPE, "s", Start.horizon())) == [one.data for one in found]


async def test_sealed_records_are_read_after_a_restart_and_with_a_newer_data_key(metadata, log, clock, keys):
    first = Streams(metadata, log, clock, keys)
    await first.create(SCOPE, "s")
    await first.configuring.encrypt(SCOPE, "s", "alias/aws/kinesis")
    await first.put(SCOPE, "s", [Put("k", b"one")])
    clock.advance(4000)
    await first.put(SCOPE, "s", [Put("k", b"two")])
    second = Streams(metadata, log, clock, keys)
    await second.put(SCOPE, "s", [Put("k", b"three")])
    assert [one.data for one in await everything(second)] == [b"one", b"two", b"three"]
    assert len(list(metadata.scan("stream_data_keys"))) == 3


async def test_a_key_that_is_disabled_stops_writers_and_readers_at_once(streams, keys):
    key = await keys.create(SCOPE)
    await streams.create(SCOPE, "s")
    await streams.configuring.encrypt(SCOPE, "s", key.id)
    await streams.put(SCOPE, "s", [Put("k", b"secret")])
    await keys.enable(key, enabled=False)
    with pytest.raises(KeyDisabled):
        await streams.put(SCOPE, "s", [Put("k", b"more")])
    with pytest.raises(KeyDisabled):
        await everything(streams)
    await keys.enable(key, enabled=True)
    assert [one.data for one in await everything(streams)] == [b"secret"]


async def test_a_record_that_was_altered_is_not_read(streams, log):
    stream = await streams.create(SCOPE, "s")
    await streams.configuring.encrypt(SCOPE, "s", "alias/aws/kinesis")
    await streams.put(SCOPE, "s", [Put("ann", b"secret")])
    records = log.logs[stream.id][0]["records"]
    kept = records[0]
    records[0] = type(kept)(kept.position, kept.time_ms, b"bob", kept.value, kept.note)
    with pytest.raises(SealBroken):
        await everything(streams)


async def test_a_key_there_is_not_and_no_key_store_are_refused(streams, metadata, log, clock):
    await streams.create(SCOPE, "s")
    with pytest.raises(KeyMissing):
        await streams.configuring.encrypt(SCOPE, "s", "alias/none")
    with pytest.raises(ChangeRefused):
        await Streams(metadata, log, clock).configuring.encrypt(SCOPE, "s", "alias/aws/kinesis")


async def test_encryption_changes_25_times_a_day(streams):
    await streams.create(SCOPE, "s")
    for i in range(25):
        await streams.configuring.encrypt(SCOPE, "s", None if i % 2 else "alias/aws/kinesis")
    with pytest.raises(TooMany, match="25 times in the last 24 hours"):
        await streams.configuring.encrypt(SCOPE, "s", None)


async def test_data_keys_go_with_their_stream(streams, metadata):
    await streams.create(SCOPE, "s")
    await streams.configuring.encrypt(SCOPE, "s", "alias/aws/kinesis")
    await streams.put(SCOPE, "s", [Put("k", b"secret")])
    await streams.delete(SCOPE, "s")
    assert list(metadata.scan("stream_data_keys")) == []
