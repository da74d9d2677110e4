"""Random days of a delivery stream under a seed: bursts, idle times, failing sinks, crashes. Nothing may be lost."""

import array
import asyncio
import collections
import itertools
import random
import re

import pytest

from lakemill.engines.delivery import Hints, Outcome
from lakemill.engines.delivery.parts import Logged
from lakemill.engines.delivery.rows import Rows
from tests.unit.engines.delivery.doubles import Site
from tests.unit.engines.delivery.test_worker import process


def lines_of(*sinks):
    """How often each record has arrived."""
    text = b"".join(data for sink in sinks for data in sink.data)
    text = re.sub(b"(Bad|Busy):", b"", text)
    return collections.Counter(word.strip() for word in text.split(b";") if word.strip())


async def by_the_block(records):
    """What `process` gives, without a record in it."""
    done = await process(records)
    for letter, (keys, found) in done.partitions.items():
        ends = array.array("I", itertools.accumulate([len(one.data) for one in found]))
        times, sequences = [one.arrival_ms for one in found], [one.sequence for one in found]
        done.partitions[letter] = keys, Rows([Logged(b"".join([one.data for one in found]), ends, times, sequences)])
    return done


async def day(seed, steps, *, crash_in_flight):
    """(records put, how often each arrived)."""
    draw = random.Random(seed)
    gather = Hints(draw.randrange(10, 60), draw.randrange(0, 40)) if draw.random() < 0.5 else None
    options = {"process": draw.choice([process, by_the_block]), "gather": gather} if draw.random() < 0.7 else {}
    site = Site(size=draw.randrange(5, 80), interval_s=draw.randrange(0, 90), held_max=2000, **options)
    await site.begin()
    put = []

    def busy(load):
        return Outcome(remaining=draw.sample(load.records, draw.randrange(len(load.records) + 1)), code="Busy")

    for _ in range(steps):
        act = draw.random()
        if act < 0.4:
            values = [f"{draw.choice('abcdef!')}{len(put) + n};".encode() for n in range(draw.randrange(1, 12))]
            put += values
            await site.put(*values)
        elif act < 0.75:
            await site.worker.turn(0)
            if not crash_in_flight:
                await site.worker.settle()
        elif act < 0.85:
            site.clock.advance(draw.randrange(100))
        elif act < 0.93:
            site.sink.fails += [busy] * draw.randrange(4)
        elif crash_in_flight:
            for task in list(site.worker._senders.values()):
                task.cancel()
            await asyncio.sleep(0)
            await site.begin()
        else:
            await site.begin()
    for _ in range(20):
        site.clock.advance(100)
        await site.turn()
    assert site.kept is None or site.kept == {"mark": len(put), "delivered": {}}
    return [value.rstrip(b";") for value in put], lines_of(site.sink, site.errors)


@pytest.mark.parametrize("seed", range(40))
async def test_between_two_deliveries_a_crash_costs_and_doubles_nothing(seed):
    put, arrived = await day(seed, 120, crash_in_flight=False)
    assert arrived == collections.Counter(put)


@pytest.mark.parametrize("seed", range(40))
async def test_in_the_middle_of_a_delivery_a_crash_costs_nothing(seed):
    put, arrived = await day(seed, 120, crash_in_flight=True)
    assert set(arrived) == set(put)
