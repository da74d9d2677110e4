"""Batches of a shard: in order, tried again, halved, given up."""

import json

import pytest

from lakemill.engines.functions import FunctionThrottled, Outcome, lane
from lakemill.engines.functions.lane import Lane, Rules
from lakemill.engines.streams import StreamRecord
from lakemill.ports.clock import ManualClock

NOW_MS = 1_700_000_000_000


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(lane, "PAUSE_S", (0.0, 0.0))


def records(*data, age_s=0):
    return [
        StreamRecord(str(one).encode(), "key", 100 + place, NOW_MS - age_s * 1000, "shardId-000000000000")
        for place, one in enumerate(data)
    ]


async def dealt_with(batch, answer, **rules):
    """Invocations (their data), notes (sequence numbers), what was told. answer: data -> an Outcome or an error."""
    seen, noted, told = [], [], []

    async def invoke(part):
        data = [one.data.decode() for one in part]
        seen.append(data)
        result = answer(data)
        if isinstance(result, Exception):
            raise result
        return result

    async def done(sequence_number):
        noted.append(sequence_number)

    await Lane(Rules(**rules), invoke, done, told.append, ManualClock(NOW_MS / 1000)).deal_with(batch)
    return seen, noted, told


def fine(data):
    return Outcome("answered", b"null")


def bad(*poison):
    return lambda data: Outcome("failed") if set(data) & set(poison) else Outcome("answered", b"null")


async def test_a_batch_is_done_once():
    assert await dealt_with(records(1, 2, 3), fine) == ([["1", "2", "3"]], [102], ["OK"])


async def test_a_batch_that_fails_is_tried_again_until_it_succeeds():
    outcomes = [Outcome("failed"), Outcome("timeout"), Outcome("answered", b"{}")]
    seen, noted, told = await dealt_with(records(1, 2), lambda data: outcomes.pop(0))
    assert len(seen) == 3
    assert noted == [101]
    assert told[-1] == "OK"


async def test_a_batch_is_given_up_when_its_tries_are_used_up():
    seen, noted, _ = await dealt_with(records(1, 2), bad("1"), retries=2)
    assert seen == [["1", "2"]] * 3
    assert noted == [101]


async def test_halving_finds_the_one_record_and_keeps_the_order():
    seen, noted, _ = await dealt_with(records(1, 2, 3, 4), bad("3"), retries=1, bisect=True)
    assert seen == [["1", "2", "3", "4"], ["1", "2"], ["3", "4"], ["3"], ["3"], ["4"]]
    assert noted == [101, 102, 103]


async def test_what_the_function_names_is_where_it_goes_on():
    calls = []

    def answer(data):
        calls.append(data)
        failures = [{"itemIdentifier": "102"}] if len(calls) == 1 else []
        return Outcome("answered", json.dumps({"batchItemFailures": failures}).encode())

    seen, noted, _ = await dealt_with(records(1, 2, 3, 4), answer, partial=True)
    assert seen == [["1", "2", "3", "4"], ["3", "4"]]
    assert noted == [101, 103]


@pytest.mark.parametrize(
    "text", [b'{"batchItemFailures": [{"itemIdentifier": "999"}]}', b'{"batchItemFailures": [{}]}']
)
async def test_an_answer_that_names_nothing_known_means_that_all_failed(text):
    seen, _, _ = await dealt_with(records(1, 2), lambda data: Outcome("answered", text), partial=True, retries=1)
    assert seen == [["1", "2"]] * 2


@pytest.mark.parametrize("text", [b"null", b"{}", b'{"batchItemFailures": []}', b'{"batchItemFailures": null}', b'"x"'])
async def test_an_answer_without_failures_means_that_all_is_done(text):
    seen, noted, _ = await dealt_with(records(1, 2), lambda data: Outcome("answered", text), partial=True)
    assert (len(seen), noted) == (1, [101])


async def test_records_that_are_too_old_are_passed_over():
    seen, noted, told = await dealt_with(records(1, 2, age_s=61), fine, age_s=60)
    assert (seen, noted) == ([], [101])
    assert "older" in told[0]


async def test_waiting_for_a_worker_uses_up_no_try():
    outcomes = [FunctionThrottled("f"), FunctionThrottled("f"), Outcome("answered", b"null")]
    seen, noted, _ = await dealt_with(records(1), lambda data: outcomes.pop(0), retries=0)
    assert (len(seen), noted) == (3, [100])
