"""The engine: streams are made, changed and removed; records are kept, encrypted, and read by others."""

import asyncio

import pytest

from lakemill.engines.delivery import ACTIVE, Channel, Delivery, Hints, NotDirect, NotReady, Plan, StaleVersion
from lakemill.engines.keys import KeyDisabled, Keys
from lakemill.engines.resources import ResourceExists, ResourceMissing
from lakemill.engines.streams import Put, Start, Streams
from lakemill.ports.clock import SystemClock
from lakemill.ports.log import EmbeddedLog
from lakemill.ports.metadata import EmbeddedMetadata
from tests.unit.engines.delivery.doubles import MemorySink, lines

HERE = "000000000000/us-east-1"


class Site:
    """An engine on a folder, begun again at will."""

    def __init__(self, folder):
        self.folder, self.sink, self.interval_s = folder, MemorySink(), 0.0

    async def begin(self):
        clock = SystemClock()
        self.metadata = EmbeddedMetadata(self.folder / "m.sqlite", clock)
        self.log = EmbeddedLog(self.folder / "log", clock)
        self.keys = Keys(self.metadata, clock, self.folder / "master.key")
        self.streams = Streams(self.metadata, self.log, clock, self.keys)
        self.delivery = Delivery(self.metadata, self.log, clock, self.streams, self.keys)
        self.delivery.use(self.plan)
        return await self.delivery.start()

    async def end(self):
        await self.delivery.close()
        self.streams.close()
        self.log.close()
        self.metadata.close()

    def plan(self, document):
        async def say(channel, code, message):
            pass

        hints = Hints(1 << 20, self.interval_s)
        return Plan(Channel(hints, self.sink), Channel(hints, MemorySink()), lines, say)

    async def stream(self, name="s", **options):
        await self.delivery.create(HERE, name, {}, {}, **options)
        await until(lambda: self.delivery.get(HERE, name)["status"] == ACTIVE)


async def until(question):
    async with asyncio.timeout(10):
        while not question():
            await asyncio.sleep(0.01)


@pytest.fixture
async def site(tmp_path):
    site = Site(tmp_path)
    await site.begin()
    yield site
    await site.end()


async def test_records_are_delivered_in_order(site):
    await site.stream()
    ids = await site.delivery.put(HERE, "s", [b"a", b"b"])
    assert len(set(ids)) == 2
    await until(lambda: b"".join(site.sink.data) == b"ab")


async def test_what_waits_is_delivered_after_a_restart_and_once(site):
    site.interval_s = 600
    await site.stream()
    await site.delivery.put(HERE, "s", [b"waiting"])
    await asyncio.sleep(0.1)
    await site.end()
    site.interval_s = 0
    await site.begin()
    await until(lambda: site.sink.data == [b"waiting"])
    await site.end()
    await site.begin()
    await site.delivery.put(HERE, "s", [b"later"])
    await until(lambda: site.sink.data == [b"waiting", b"later"])


async def test_a_change_raises_the_version_and_loses_nothing(site):
    site.interval_s = 600
    await site.stream()
    await site.delivery.put(HERE, "s", [b"before"])
    site.interval_s = 0

    def change(document):
        document["colour"] = "red"

    changed = await site.delivery.change(HERE, "s", change, version="1")
    assert (changed["version"], changed["colour"]) == (2, "red")
    await until(lambda: site.sink.data == [b"before"])
    with pytest.raises(StaleVersion):
        await site.delivery.change(HERE, "s", change, version="1")


async def test_changes_at_the_same_time_leave_one_worker(site):
    await site.stream()
    changes = [site.delivery.change(HERE, "s", lambda document: None) for _ in range(5)]
    assert sorted(one["version"] for one in await asyncio.gather(*changes)) == [2, 3, 4, 5, 6]
    await site.delivery.put(HERE, "s", [b"once"])
    await until(lambda: site.sink.data)
    await asyncio.sleep(0.2)
    assert site.sink.data == [b"once"]


async def test_names_are_taken_once_and_free_after_deletion(site):
    await site.stream()
    with pytest.raises(ResourceExists):
        await site.stream()
    await site.delivery.delete(HERE, "s")
    with pytest.raises((NotReady, ResourceMissing)):
        await site.delivery.put(HERE, "s", [b"x"])
    await until(lambda: site.delivery.resources.find("delivery-stream", HERE, "s") is None)
    await site.stream()


async def test_records_of_a_data_stream_are_read_from_creation_on(site):
    await site.streams.create(HERE, "clicks", shards=2)
    await site.streams.put(HERE, "clicks", [Put("k", b"early")])
    await site.stream(source=(HERE, "clicks"))
    with pytest.raises(NotDirect):
        await site.delivery.put(HERE, "s", [b"x"])
    await site.streams.put(HERE, "clicks", [Put("k", b"late")])
    await until(lambda: site.sink.data == [b"late"])
    await site.end()
    await site.begin()
    await site.streams.put(HERE, "clicks", [Put("k", b"later")])
    await until(lambda: site.sink.data == [b"late", b"later"])


async def test_a_source_made_again_under_the_same_name_is_read_from_its_beginning(site):
    await site.streams.create(HERE, "clicks")
    await site.stream(source=(HERE, "clicks"))
    await site.streams.put(HERE, "clicks", [Put("k", b"one"), Put("k", b"two")])
    await until(lambda: b"".join(site.sink.data) == b"onetwo")
    await site.streams.delete(HERE, "clicks")
    await site.streams.create(HERE, "clicks")
    await site.streams.put(HERE, "clicks", [Put("k", b"three")])
    await until(lambda: b"".join(site.sink.data) == b"onetwothree")


async def test_others_read_records_as_they_come(site):
    await site.stream()
    latest, oldest = (site.delivery.reader(HERE, "s", start) for start in (Start.latest(), Start.horizon()))
    await site.delivery.put(HERE, "s", [b"a", b"b"])
    assert [one.data for one in await latest.read(limit=1)] == [b"a"]
    assert [one.data for one in await oldest.read()] == [b"a", b"b"]
    going_on = site.delivery.reader(HERE, "s", Start.after(latest.positions()))
    assert [one.data for one in await going_on.read()] == [b"b"]
    assert await going_on.read(wait_s=0.01) == []
    elsewhere = latest.positions() | {"stream": "delivery-another"}
    assert [one.data for one in await site.delivery.reader(HERE, "s", Start.after(elsewhere)).read()] == [b"a", b"b"]


async def test_records_are_encrypted_with_a_key_and_wait_while_it_is_disabled(site):
    site.interval_s = 600
    await site.stream()
    key = await site.keys.create(HERE)
    await site.delivery.lock(HERE, "s", key.id, lambda document: None)
    await site.delivery.put(HERE, "s", [b"a secret"])
    files = [path.read_bytes() for path in (site.folder / "log").rglob("*.log") if path.is_file()]
    assert not any(b"a secret" in one for one in files)
    await site.keys.enable(key, enabled=False)
    with pytest.raises(KeyDisabled):
        await site.delivery.put(HERE, "s", [b"x"])
    await site.end()
    site.interval_s = 0
    await site.begin()
    await asyncio.sleep(0.2)
    assert site.sink.data == []
    await site.keys.enable(site.keys.resolve(HERE, key.id), enabled=True)
    await until(lambda: site.sink.data == [b"a secret"])
