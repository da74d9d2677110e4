"""Mappings: what a function sees of a stream, and what a restart takes up again."""

import asyncio
from types import SimpleNamespace

import pytest
from tests.unit.engines.streams.memorylog import MemoryLog

from lakemill.engines.functions import Outcome, lane, mappings
from lakemill.engines.functions.mappings import Mappings
from lakemill.engines.resources import Resources
from lakemill.engines.streams import Put, Streams

SCOPE = "000000000000/us-east-1"
RULES = {"batch": 10, "window_s": 0}


class Seer:
    """Stands in for the functions: notes batches, answers as `answer` says."""

    def __init__(self, resources):
        self.resources = resources
        self.batches = []
        self.answer = lambda batch: Outcome("answered", b"null")

    def find(self, scope, name, qualifier=None):
        return SimpleNamespace(name=name, role="r")

    async def run(self, function, payload):
        batch = payload.decode().split()
        self.batches.append(batch)
        return self.answer(batch)

    @property
    def seen(self):
        return [record for batch in self.batches for record in batch]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(mappings, "POLL_S", 0.01)
    monkeypatch.setattr(mappings, "TROUBLE_S", 0.02)
    monkeypatch.setattr(lane, "PAUSE_S", (0.01, 0.01))


@pytest.fixture
async def streams(metadata, clock):
    made = Streams(metadata, MemoryLog(), clock)
    await made.create(SCOPE, "s", shards=1)
    return made


@pytest.fixture
def seer(metadata, clock):
    return Seer(Resources(metadata, clock))


@pytest.fixture
async def engine(seer, streams, clock):
    """A factory of engines over the same store; what it made is closed in the end."""
    made = []

    def start(objection=lambda mapping: None):
        def event(mapping, records):
            return b" ".join(record.data for record in records)

        made.append(Mappings(seer, streams, clock, event, objection))
        return made[-1]

    yield start
    for one in made:
        await one.close()


async def put(streams, *data):
    await streams.put(SCOPE, "s", [Put(str(one), str(one).encode()) for one in data])


async def created(engine, streams, kind="TRIM_HORIZON", **rules):
    fields = {"function": [SCOPE, "f", None], "rules": RULES | rules, "enabled": True}
    return await engine.create(SCOPE, "m", streams.find(SCOPE, "s"), kind, None, fields)


async def until(condition):
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it never came to this")


async def test_a_function_sees_all_records_in_order(engine, streams, seer):
    await put(streams, *range(25))
    await created(engine(), streams)
    await until(lambda: len(seer.seen) == 25)
    assert seer.seen == [str(i) for i in range(25)]
    assert max(len(batch) for batch in seer.batches) == 10


async def test_latest_means_from_the_mappings_making(engine, streams, seer):
    await put(streams, "before")
    await created(engine(), streams, "LATEST")
    await put(streams, "after")
    await until(lambda: seer.seen)
    assert seer.seen == ["after"]


async def test_a_stream_made_again_under_the_same_name_is_read_from_its_beginning(engine, streams, seer):
    await put(streams, 1, 2, 3)
    await created(engine(), streams)
    await until(lambda: len(seer.seen) == 3)
    await streams.delete(SCOPE, "s")
    await streams.create(SCOPE, "s", shards=1)
    await put(streams, "new")
    await until(lambda: seer.seen == ["1", "2", "3", "new"])


async def test_another_engine_goes_on_after_what_was_dealt_with(engine, streams, seer):
    await put(streams, 1, 2)
    first = engine()
    await created(first, streams)
    await until(lambda: first.get(SCOPE, "m")["result"] == "OK")
    await first.close()
    await put(streams, 3)
    await engine().start()
    await until(lambda: len(seer.seen) == 3)
    assert seer.seen == ["1", "2", "3"]


async def test_a_batch_that_was_not_noted_is_seen_again(engine, streams, seer):
    await put(streams, 1)
    seer.answer = lambda batch: Outcome("failed")
    first = engine()
    await created(first, streams)
    await until(lambda: seer.batches)
    await first.close()
    seer.answer = lambda batch: Outcome("answered", b"null")
    again = engine()
    await again.start()
    await until(lambda: again.get(SCOPE, "m")["result"] == "OK")
    assert set(seer.seen) == {"1"}


async def test_children_wait_for_their_parent(engine, streams, seer):
    await put(streams, "old-1", "old-2")
    failing = True
    seer.answer = lambda batch: Outcome("failed" if failing and "old-1" in batch else "answered", b"null")
    await created(engine(), streams)
    await streams.resharding.split(SCOPE, "s", "shardId-000000000000", 1 << 127)
    await put(streams, "new-1", "new-2", "new-3")
    await until(lambda: len(seer.batches) > 3)
    assert not any(record.startswith("new") for record in seer.seen)
    failing = False
    await until(lambda: {"new-1", "new-2", "new-3"} <= set(seer.seen))


async def test_one_shards_trouble_is_not_the_others(engine, streams, seer):
    await streams.resharding.split(SCOPE, "s", "shardId-000000000000", 1 << 127)
    seer.answer = lambda batch: Outcome("failed" if "0" in batch else "answered", b"null")
    await created(engine(), streams)
    await put(streams, *range(40))
    # Some are behind record 0 in its shard; the other shard's all come through.
    await until(lambda: len(set(seer.seen)) > 10 and sum("0" in batch for batch in seer.batches) > 3)


async def test_a_window_gathers_a_batch(engine, streams, seer):
    await created(engine(), streams, window_s=0.3)
    for i in range(4):
        await put(streams, i)
        await asyncio.sleep(0.02)
    await until(lambda: len(seer.seen) == 4)
    assert len(seer.batches) == 1


async def test_without_the_right_to_read_nothing_is_read(engine, streams, seer):
    await put(streams, 1)
    made = engine(objection=lambda mapping: "the role may not")
    await created(made, streams)
    await until(lambda: made.get(SCOPE, "m")["result"] == "PROBLEM: the role may not")
    assert seer.batches == []


async def test_a_disabled_mapping_rests_and_goes_on(engine, streams, seer):
    made = engine()
    await created(made, streams)
    await made.update(SCOPE, "m", {"enabled": False})
    await put(streams, 1)
    await asyncio.sleep(0.05)
    assert seer.batches == []
    await made.update(SCOPE, "m", {"enabled": True})
    await until(lambda: seer.seen == ["1"])


async def test_a_deleted_mapping_is_gone(engine, streams, seer):
    made = engine()
    await created(made, streams)
    await made.delete(SCOPE, "m")
    await put(streams, 1)
    await asyncio.sleep(0.05)
    assert seer.batches == []
    assert made.all(SCOPE) == []
