"""Workflows: what a run of one goes through."""

import pytest

from lakemill.services.base import ServiceError
from lakemill.services.glue.tags import WORKFLOW
from lakemill.services.glue.workflows import described_run
from tests.unit.services.glue.conftest import HERE
from tests.unit.services.glue.test_triggers import NOON, Triggers, condition

DAY_S = 24 * 3600


class Workflows(Triggers):
    async def chain(self, kind="ON_DEMAND", **members):
        """`go` starts a and b; c follows both."""
        definition = {"description": None, "properties": {"x": "1"}, "concurrent_max": None, "last": None}
        await self.etl.resources.create(WORKFLOW, HERE, "w", definition | members)
        schedule = {"Schedule": NOON} if kind == "SCHEDULED" else {}
        await self.make("go", kind, ["a", "b"], "w", **schedule)
        both = {"Logical": "AND", "Conditions": [condition("a"), condition("b")]}
        await self.make("then", "CONDITIONAL", ["c"], "w", Predicate=both)

    def run(self, id):
        return described_run(self.etl.workflows.get(HERE, "w", id))


@pytest.fixture
async def workflows(etl):
    for name in ("a", "b", "c"):
        await etl.job(name, ExecutionProperty={"MaxConcurrentRuns": 3}, MaxRetries=1)
    return Workflows(etl)


async def test_a_run_is_completed_when_nothing_of_it_runs_any_more(etl, workflows):
    await workflows.chain()
    id = await etl.firing.fire(HERE, "go", {"y": "2"})
    assert id.startswith("wr_") and len(id) == 67
    (a,), (b,) = etl.of("a"), etl.of("b")
    assert (a["workflow"], a["origin"]) == ("w", id)
    await etl.end(a, "FAILED", "no")
    await etl.end(b, "SUCCEEDED")
    assert workflows.run(id)["Statistics"]["RunningActions"] == 1
    await etl.end(etl.of("a")[-1], "SUCCEEDED")
    assert workflows.run(id)["Status"] == "RUNNING"
    await etl.end(etl.of("c")[0], "TIMEOUT")
    run = workflows.run(id)
    expected = {"TotalActions": 3, "RunningActions": 0, "SucceededActions": 2, "TimeoutActions": 1, "FailedActions": 0}
    assert run["Status"] == "COMPLETED" and expected.items() <= run["Statistics"].items()
    assert run["WorkflowRunProperties"] == {"x": "1", "y": "2"} and run["CompletedOn"]
    again = await etl.firing.fire(HERE, "go")
    assert workflows.run(again)["PreviousRunId"] == id


async def test_a_run_that_is_stopped_starts_nothing_more(etl, workflows):
    await workflows.chain()
    id = await etl.firing.fire(HERE, "go")
    (a,), (b,) = etl.of("a"), etl.of("b")
    await etl.end(a, "SUCCEEDED")
    await etl.workflows.stop(HERE, "w", id)
    assert (workflows.run(id)["Status"], etl.of("b")[0]["status"]) == ("STOPPING", "STOPPING")
    await etl.end(b, "SUCCEEDED")
    assert workflows.run(id)["Status"] == "STOPPED" and etl.of("c") == []
    with pytest.raises(ServiceError) as caught:
        await etl.workflows.stop(HERE, "w", id)
    assert caught.value.code == "IllegalWorkflowStateException"


async def test_triggers_watch_their_own_workflow_only(etl, workflows):
    await workflows.chain()
    await workflows.make("elsewhere", "CONDITIONAL", ["c"], Predicate={"Conditions": [condition("a")]})
    await etl.firing.fire(HERE, "go")
    await etl.end(etl.of("a")[0], "SUCCEEDED")
    assert etl.of("c") == []


async def test_runs_of_a_workflow_are_limited_and_go_after_ninety_days(etl, workflows, clock):
    await workflows.chain(concurrent_max=1)
    first = await etl.firing.fire(HERE, "go")
    with pytest.raises(ServiceError) as caught:
        await etl.firing.fire(HERE, "go")
    assert caught.value.code == "ConcurrentRunsExceededException"
    for run in (etl.of("a")[0], etl.of("b")[0]):
        await etl.end(run, "TIMEOUT")
    assert workflows.run(first)["Status"] == "COMPLETED"
    clock.advance(91 * DAY_S)
    await etl.firing.fire(HERE, "go")
    assert len(list(etl.workflows.of_workflow(HERE, "w"))) == 1


async def test_a_schedule_starts_runs_and_says_when_nothing_could_be_started(etl, workflows, clock):
    await workflows.chain("SCHEDULED")
    clock.advance(DAY_S / 2)
    await etl.firing._fire_due()
    assert len(etl.of("a")) == 1
    for job in ("a", "b"):
        await etl.resources.delete("glue-job", HERE, job)
    clock.advance(DAY_S)
    await etl.firing._fire_due()
    one, two = sorted(etl.workflows.of_workflow(HERE, "w"), key=lambda run: run["created"])
    assert (one["status"], two["status"], two["message"][:7]) == ("RUNNING", "ERROR", "None of")
