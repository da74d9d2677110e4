"""Runs as they are kept."""

import pytest

from lakemill.engines.jobs import Outcome
from lakemill.engines.jobs.job import JOBS
from lakemill.services.base import ServiceError
from lakemill.services.glue.job_run_work import ending
from lakemill.services.glue.runs import ACTIVE, RUN, engine_key
from tests.unit.services.glue.conftest import HERE

DAY_S = 24 * 3600


async def test_a_run_that_ended_makes_room_for_another(etl):
    await etl.job("a", ExecutionProperty={"MaxConcurrentRuns": 2})
    await etl.job("a2")
    first, _, _ = await etl.start("a"), await etl.start("a"), await etl.start("a2")
    with pytest.raises(ServiceError) as caught:
        await etl.start("a")
    assert caught.value.code == "ConcurrentRunsExceededException"
    assert etl.metadata.get(JOBS, engine_key(first)) is not None
    await etl.end(first, "SUCCEEDED")
    await etl.start("a")
    assert len(etl.of("a")) == 3
    assert len(list(etl.metadata.scan(ACTIVE))) == 3


async def test_a_run_ends_once(etl):
    await etl.job("a")
    run = await etl.start("a")
    await etl.end(run, "FAILED", "ValueError: no")
    await etl.end(run, "SUCCEEDED")
    (found,) = etl.of("a")
    assert (found["status"], found["message"]) == ("FAILED", "ValueError: no")


async def test_attempts_have_numbers_and_end_when_the_job_says_so(etl):
    await etl.job("a", MaxRetries=2)
    run = await etl.start("a", arguments={"--x": "1"}, timeout_min=5)
    for _ in range(3):
        await etl.end(etl.of("a")[-1], "FAILED", "no")
    runs = etl.of("a")
    assert [one["id"] for one in runs] == [run["id"], f"{run['id']}_attempt_1", f"{run['id']}_attempt_2"]
    assert [one["previous"] for one in runs] == [None, runs[0]["id"], runs[1]["id"]]
    assert {(one["status"], one["timeout_min"], one["given"]["--x"]) for one in runs} == {("FAILED", 5, "1")}
    assert not list(etl.metadata.scan(ACTIVE))


@pytest.mark.parametrize("status", ["TIMEOUT", "STOPPED", "SUCCEEDED"])
async def test_only_what_failed_is_tried_again(etl, status):
    await etl.job("a", MaxRetries=2)
    await etl.end(await etl.start("a"), status)
    assert [run["status"] for run in etl.of("a")] == [status]


async def test_a_stop_that_was_acknowledged_is_kept(etl):
    await etl.job("a", MaxRetries=1)
    run = await etl.start("a")
    await etl.runs.stop(HERE, "a", run["id"])
    assert etl.of("a")[0]["status"] == "STOPPING"
    await etl.end(run, "FAILED", "ValueError: no")
    (found,) = etl.of("a")
    assert found["status"] == "STOPPED" and "message" not in found


async def test_runs_of_a_deleted_job_are_not_tried_again(etl):
    await etl.job("a", MaxRetries=1)
    run = await etl.start("a")
    await etl.resources.delete("glue-job", HERE, "a")
    await etl.end(run, "FAILED", "no")
    assert len(etl.of("a")) == 1


async def test_runs_go_ninety_days_after_their_end(etl, clock):
    await etl.job("a")
    old = await etl.start("a")
    await etl.end(old, "SUCCEEDED")
    clock.advance(89 * DAY_S)
    await etl.end(await etl.start("a"), "SUCCEEDED")
    assert len(etl.of("a")) == 2
    clock.advance(2 * DAY_S)
    await etl.end(await etl.start("a"), "SUCCEEDED")
    assert etl.resources.find(RUN, HERE, old["name"]) is None
    assert len(etl.of("a")) == 2


@pytest.mark.parametrize(
    ("outcome", "told", "expected"),
    [
        (Outcome(0, "itself"), None, ("SUCCEEDED", None)),
        (Outcome(1, "itself"), "ValueError: no", ("FAILED", "ValueError: no")),
        (Outcome(1, "itself"), None, ("FAILED", "Command failed with exit code 1")),
        (Outcome(-9, "itself"), None, ("FAILED", "Command failed with exit code 137")),
        (Outcome(None, "loss"), None, ("FAILED", "The process of the run, or the machine, stopped without a word.")),
        (Outcome(-15, "user"), None, ("STOPPED", None)),
        (Outcome(-15, "time"), None, ("TIMEOUT", "The run was stopped at its timeout of 7 minutes.")),
    ],
)
def test_how_a_process_ended_is_how_its_run_did(outcome, told, expected):
    assert ending(outcome, told, 7) == expected
