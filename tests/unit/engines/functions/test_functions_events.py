"""Events: kept, tried again, given up."""

import asyncio

import pytest

from lakemill.engines.functions import FunctionThrottled, Outcome
from lakemill.engines.functions.events import Events
from lakemill.ports.clock import ManualClock

SCOPE = "000000000000/us-east-1"


class Work:
    """Notes what it is asked, and answers from a list; the last answer is given for ever."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.seen = []

    async def __call__(self, event):
        self.seen.append(event["payload"])
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return Outcome(answer)


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
async def queue(metadata, clock):
    started = []

    def start(work, limits=(2, 6 * 3600)):
        events = Events(metadata, clock, work, lambda event: limits)
        events.start()
        started.append(events)
        return events

    yield start
    for events in started:
        await events.close()


async def until(condition):
    for _ in range(400):
        if condition():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it never came to this")


async def test_an_event_is_dealt_with_and_forgotten(queue):
    work = Work("answered")
    events = queue(work)
    await events.put(SCOPE, "f", "", b"1", {}, "id")
    await until(lambda: events.waiting() == 0)
    assert work.seen == [b"1"]


async def test_a_failed_event_is_tried_after_one_minute_and_after_two_then_given_up(queue, clock):
    work = Work("failed")
    events = queue(work)
    await events.put(SCOPE, "f", "", b"1", {}, "id")
    for pause_s, tries in ((0, 1), (59, 1), (2, 2), (119, 2), (2, 3)):
        clock.advance(pause_s)
        events._woken.set()
        await until(lambda tries=tries: len(work.seen) == tries and not events._under_way)
    await until(lambda: events.waiting() == 0)


async def test_what_waits_survives_the_queue(queue, clock):
    first = queue(Work("failed"))
    await first.put(SCOPE, "f", "", b"1", {}, "id")
    await until(lambda: first.waiting() == 1 and not first._under_way)
    await first.close()
    clock.advance(61)
    work = Work("answered")
    second = queue(work)
    await until(lambda: second.waiting() == 0)
    assert work.seen == [b"1"]


async def test_waiting_for_a_worker_is_no_failure(queue, clock):
    work = Work(FunctionThrottled("f"), FunctionThrottled("f"), FunctionThrottled("f"), "answered")
    events = queue(work, limits=(0, 3600))
    await events.put(SCOPE, "f", "", b"1", {}, "id")

    def as_time_goes_by():
        clock.advance(1)
        events._woken.set()
        return events.waiting() == 0

    await until(as_time_goes_by)
    assert len(work.seen) == 4


async def test_an_event_that_would_be_too_old_is_given_up(queue):
    work = Work("failed")
    events = queue(work, limits=(2, 60 - 1))
    await events.put(SCOPE, "f", "", b"1", {}, "id")
    await until(lambda: events.waiting() == 0)
    assert len(work.seen) == 1
