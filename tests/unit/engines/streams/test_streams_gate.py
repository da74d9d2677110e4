"""engines/streams: writers and the resharding that shuts them out for a moment."""

import asyncio

import pytest

from lakemill.engines.streams.gate import Gate

pytestmark = pytest.mark.timeout(10)
"""A wait that never lets others have a turn is one that no timeout of asyncio ends."""


async def write(gate, told, name, until=None):
    await gate.opened()
    gate.enter()
    if until is not None:
        await until.wait()
    told.append(name)
    gate.leave()


async def reshard(gate, told, name):
    async with gate.closed():
        assert gate.inside == 0
        await asyncio.sleep(0)
        assert gate.inside == 0
        told.append(name)


async def test_writers_who_come_while_resharding_waits_for_one_inside_wait_for_both():
    gate, told, done = Gate(), [], asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(write(gate, told, "first", done))
        await asyncio.sleep(0)
        group.create_task(reshard(gate, told, "split"))
        await asyncio.sleep(0)
        group.create_task(write(gate, told, "late"))
        await asyncio.sleep(0)
        assert told == []
        done.set()
    assert told == ["first", "split", "late"]


async def test_one_resharding_follows_another_and_all_writers_pass():
    gate, told = Gate(), []
    async with asyncio.TaskGroup() as group:
        for number in range(50):
            group.create_task(write(gate, told, number))
            if number % 10 == 0:
                group.create_task(reshard(gate, told, -number))
    assert sorted(told) == sorted([*range(50), 0, -10, -20, -30, -40])


async def test_a_resharding_that_is_given_up_lets_writers_in():
    gate, told, done = Gate(), [], asyncio.Event()
    writer = asyncio.create_task(write(gate, told, "first", done))
    await asyncio.sleep(0)
    resharding = asyncio.create_task(reshard(gate, told, "split"))
    await asyncio.sleep(0)
    resharding.cancel()
    await asyncio.gather(resharding, return_exceptions=True)
    await write(gate, told, "second")
    done.set()
    await writer
    assert told == ["second", "first"]
