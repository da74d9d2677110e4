"""The worker: when buffers leave, what is tried again, and what a restart does."""

import asyncio

import msgspec
import pytest

from lakemill.engines.delivery import Channel, Failure, Hints, Outcome, Processed
from lakemill.engines.delivery.worker import QUEUED_MAX
from tests.unit.engines.delivery.doubles import MemorySink, Site


@pytest.fixture
async def site():
    site = Site()
    await site.begin()
    return site


async def test_a_full_buffer_leaves_at_once(site):
    await site.put(b"aaaa", b"bbbb", b"cccc", b"dd")
    await site.turn()
    assert site.sink.data == [b"aaaabbbbcccc"]


async def test_an_old_buffer_leaves_when_its_time_has_come(site):
    await site.put(b"a")
    await site.turn()
    site.clock.advance(59)
    await site.turn()
    assert site.sink.data == []
    site.clock.advance(1)
    await site.turn()
    assert site.sink.data == [b"a"]


async def test_nothing_is_delivered_of_nothing(site):
    site.clock.advance(1000)
    await site.turn(3)
    assert site.sink.attempts == 0


async def test_without_an_interval_records_leave_as_they_come():
    site = Site(interval_s=0)
    await site.begin()
    await site.put(b"a")
    await site.turn()
    await site.put(b"b")
    await site.turn()
    assert site.sink.data == [b"a", b"b"]


async def test_a_backlog_is_delivered_in_full_buffers_although_it_is_old(site):
    await site.put(*[b"1234"] * 5)
    site.clock.advance(1000)
    await site.turn(2)
    assert site.sink.data == [b"1234" * 3, b"1234" * 2]


async def test_what_was_not_delivered_is_read_again_after_a_crash(site):
    await site.put(b"aaaaaaaaaa", b"bb")
    await site.turn()
    assert site.sink.data == [b"aaaaaaaaaa"]
    await site.begin()
    site.clock.advance(60)
    await site.turn(2)
    assert site.sink.data == [b"aaaaaaaaaa", b"bb"]


async def test_an_attempt_that_fails_is_made_again_with_the_same_id(site):
    site.sink.fails = [lambda load: Outcome(remaining=load.records, code="Busy", message="later")] * 2
    await site.put(b"aaaaaaaaaa")
    await site.turn()
    assert site.sink.attempts == 3
    assert site.sink.data == [b"aaaaaaaaaa"]
    assert site.said == [("destination", "Busy")] * 2
    assert site.sink.loads[0][0].attempts == 3


async def test_only_what_remains_is_tried_again(site):
    site.sink.fails = [lambda load: Outcome(remaining=load.records[1:], code="Busy", message="later")]
    await site.put(b"aaaaa", b"bbbbb")
    await site.turn()
    assert site.sink.data == [b"aaaaa", b"bbbbb"]


async def test_records_whose_time_is_over_go_to_the_errors(site):
    site.sink.fails = [lambda load: Outcome(remaining=load.records, code="Busy", message="later")] * 100
    await site.put(b"aaaaaaaaaa")
    await site.turn()
    assert site.sink.data == []
    assert site.errors.data == [b"Busy:aaaaaaaaaa "]
    assert site.errors.loads[0][0].error == "delivery-failed"
    assert site.kept == {"mark": 1, "delivered": {}}


async def test_an_answer_that_is_final_is_not_asked_for_again(site):
    site.sink.fails = [lambda load: Outcome(remaining=load.records, code="No", message="never", final=True)]
    await site.put(b"aaaaaaaaaa")
    await site.turn()
    assert site.sink.attempts == 1
    assert site.errors.data == [b"No:aaaaaaaaaa "]


async def test_a_sink_that_raises_loses_nothing(site):
    def broken(load):
        raise ValueError("broken")

    site.sink.fails = [broken]
    await site.put(b"aaaaaaaaaa")
    await site.turn()
    assert site.sink.data == [b"aaaaaaaaaa"]
    assert site.said == [("destination", "InternalError")]


async def test_errors_that_cannot_be_written_keep_the_records(site):
    site.sink.fails = [lambda load: Outcome(failures=[Failure(load.records[0], "Bad", "no")])]
    site.errors.fails = [lambda load: Outcome(remaining=load.records, code="Gone", message="no bucket")] * 3
    await site.put(b"aaaaaaaaaa")
    await site.turn()
    assert site.errors.data == [b"Bad:aaaaaaaaaa "]
    assert ("errors", "Gone") in site.said


async def test_what_is_given_up_for_good_is_said(site):
    site.sink.error = ""
    site.sink.fails = [lambda load: Outcome(remaining=load.records, code="No", message="never", final=True)]
    messages = []

    async def say(channel, code, message):
        messages.append(message)

    site.say = say
    await site.begin()
    await site.put(b"aaaaaaaaaa")
    await site.turn()
    assert messages == ["never", "1 records are given up. never"]
    assert site.errors.data == []


def by_first_letter(records):
    """A partition per first letter; `!` fails."""
    partitions, failures = {}, []
    for record in records:
        letter = record.data[:1].decode()
        if letter == "!":
            failures.append(Failure(record, "Bad", "exclamation"))
        else:
            partitions.setdefault(letter, ({"letter": letter}, []))[1].append(record)
    return Processed(partitions, failures)


async def process(records):
    return by_first_letter(records)


async def test_each_partition_has_a_buffer_of_its_own():
    site = Site(process=process)
    await site.begin()
    await site.put(b"a1234", b"b1234", b"a5678", b"c")
    await site.turn()
    assert site.sink.data == [b"a1234a5678"]
    assert site.sink.loads[0][0].keys == {"letter": "a"}
    site.clock.advance(60)
    await site.turn()
    assert sorted(site.sink.data[1:]) == [b"b1234", b"c"]


async def test_partitions_that_were_delivered_are_not_delivered_again_after_a_crash():
    site = Site(process=process)
    await site.begin()
    await site.put(b"b1", b"a123456789", b"a2", b"b2")
    await site.turn()
    assert site.sink.data == [b"a123456789"]
    for _ in range(3):
        await site.begin()
        await site.turn()
    assert site.sink.data == [b"a123456789"]
    site.clock.advance(60)
    await site.turn()
    assert sorted(site.sink.data[1:]) == [b"a2", b"b1b2"]
    assert site.kept == {"mark": 4, "delivered": {}}


async def test_partitions_that_may_change_are_delivered_again_after_a_crash_rather_than_never():
    site = Site(process=process, stable=False)
    await site.begin()
    await site.put(b"b1", b"a123456789")
    await site.turn()
    await site.begin()
    await site.turn()
    assert site.sink.data == [b"a123456789"] * 2


async def test_one_partition_too_many_is_an_error():
    site = Site(process=process, partitions_max=2, overflow=("Many", "too many"))
    await site.begin()
    await site.put(b"a", b"b", b"c")
    await site.turn()
    site.clock.advance(60)
    await site.turn()
    assert sorted(site.sink.data) == [b"a", b"b"]
    assert site.errors.data == [b"Many:c "]


async def test_records_that_cannot_be_processed_are_buffered_as_errors():
    site = Site(process=process)
    await site.begin()
    await site.put(b"!1", b"a", b"!2")
    await site.turn()
    site.clock.advance(60)
    await site.turn()
    assert site.sink.data == [b"a"]
    assert site.errors.data == [b"Bad:!1 Bad:!2 "]
    assert site.errors.loads[0][0].error == "processing-failed"
    assert site.kept == {"mark": 3, "delivered": {}}


async def test_records_are_gathered_before_they_are_processed():
    calls = []

    async def counting(records):
        calls.append([record.data for record in records])
        return by_first_letter(records)

    site = Site(process=counting, gather=Hints(4, 30))
    await site.begin()
    await site.put(b"a1")
    await site.turn()
    assert calls == []
    await site.put(b"a2", b"a3")
    await site.turn()
    assert calls == [[b"a1", b"a2"]]
    site.clock.advance(30)
    await site.turn()
    assert calls == [[b"a1", b"a2"], [b"a3"]]


async def test_progress_waits_for_what_is_not_processed_yet():
    """While one part of a batch is processed, the rest of it counts as not delivered."""
    gate = asyncio.Event()
    calls = []

    async def slow(records):
        calls.append([record.data for record in records])
        if len(calls) == 2:
            await gate.wait()
        return by_first_letter(records)

    site = Site(size=1, process=slow, gather=Hints(2, 30))
    await site.begin()
    await site.put(b"a1", b"b2")
    turn = asyncio.create_task(site.worker.turn(0))
    while len(calls) < 2 or not site.kept:
        await asyncio.sleep(0.001)
    assert site.sink.data == [b"a1"]
    assert site.kept["mark"] is None
    gate.set()
    await turn
    await site.worker.settle()
    assert site.kept["mark"] == 2


async def test_a_log_that_cannot_be_written_keeps_nothing_from_being_delivered(site):
    async def broken(channel, code, message):
        raise OSError("disk full")

    site.say = broken
    await site.begin()
    site.sink.fails = [lambda load: Outcome(remaining=load.records, code="Busy", message="later")]
    await site.put(b"aaaaaaaaaa")
    await site.turn()
    assert site.sink.data == [b"aaaaaaaaaa"]


async def test_progress_that_cannot_be_kept_is_kept_the_next_time(site):
    kept, faults = site.keep, [OSError("disk full")]

    async def keep(document):
        if faults:
            raise faults.pop()
        await kept(document)

    site.keep = keep
    await site.begin()
    await site.put(b"aaaaaaaaaa")
    await site.turn()
    await site.put(b"bbbbbbbbbb")
    await site.turn()
    assert site.sink.data == [b"aaaaaaaaaa", b"bbbbbbbbbb"]
    assert site.kept == {"mark": 2, "delivered": {}}


async def test_a_backup_gets_the_records_as_they_came():
    async def shouting(records):
        return Processed({"": ({}, [msgspec.structs.replace(one, data=one.data.upper()) for one in records])})

    backup = MemorySink()
    site = Site(process=shouting, backup=Channel(Hints(2, 60), backup))
    await site.begin()
    await site.put(b"ab")
    await site.turn()
    assert backup.data == [b"ab"]


async def test_a_worker_that_holds_too_much_sends_the_largest_buffer_off():
    site = Site(size=1000, process=process, held_max=380)
    await site.begin()
    await site.put(*[b"a" * 9] * 2, *[b"b" * 9])
    await site.turn(2)
    assert site.sink.data == [b"a" * 18]


async def test_a_source_waits_while_buffers_wait_for_a_slow_sink():
    backup = MemorySink()
    site = Site(backup=Channel(Hints(1000, 60), backup))
    await site.begin()
    slow = site.sink.deliver
    opened = asyncio.Event()

    async def deliver(load):
        await opened.wait()
        return await slow(load)

    site.sink.deliver = deliver
    for number in range(QUEUED_MAX + 3):
        await site.put(b"%d123456789" % number)
        await site.worker.turn(0)
    assert site.worker._progress.batches == QUEUED_MAX + 1
    site.clock.advance(60)
    await site.worker.turn(0)
    await asyncio.sleep(0)
    assert backup.data == [b"".join(b"%d123456789" % number for number in range(QUEUED_MAX + 1))]
    opened.set()
    await site.worker.settle()
    await site.turn(2)
    assert b"".join(site.sink.data) == b"".join(b"%d123456789" % number for number in range(QUEUED_MAX + 3))


async def test_small_buffers_that_wait_keep_nobody_from_reading(site):
    site.options, site.hints = {}, Hints(10, 0)
    await site.begin()
    opened, deliver = asyncio.Event(), site.sink.deliver

    async def slow(load):
        await opened.wait()
        return await deliver(load)

    site.sink.deliver = slow
    for _ in range(10):
        await site.put(b"ab")
        await site.worker.turn(0)
    assert site.worker._progress.batches == 10
    await site.put(b"cd")
    await site.worker.turn(0)
    await site.put(b"ef")
    await site.worker.turn(0)
    assert site.worker._progress.batches == 11
    opened.set()
    await site.worker.settle()
    await site.turn(1)
    assert site.sink.data == [b"ab"] * 10 + [b"cd", b"ef"]


async def test_progress_waits_for_the_slowest_partition():
    site = Site(process=process)
    await site.begin()
    await site.put(b"slow")
    await site.turn()
    await site.put(b"a123456789")
    await site.turn()
    assert site.kept == {"mark": None, "delivered": {"destination/a": {"": "1"}}}
