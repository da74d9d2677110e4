"""Triggers: what they may be, when they fire."""

import asyncio

import pytest

from lakemill.services.base import ServiceError
from lakemill.services.glue import trigger_request
from lakemill.services.glue.firing import ORIGINS_MAX
from lakemill.services.glue.tags import TRIGGER
from tests.unit.services.glue.conftest import HERE

DAY_S = 24 * 3600
NOON = "cron(0 12 * * ? *)"


def condition(job, state="SUCCEEDED"):
    return {"LogicalOperator": "EQUALS", "JobName": job, "State": state}


class Triggers:
    def __init__(self, etl):
        self.etl = etl

    async def make(self, name, kind, jobs, workflow=None, **members):
        given = {"Actions": [{"JobName": job} for job in jobs]} | members
        definition = trigger_request.definition(self.etl.resources, HERE, kind, given)
        document = {
            "definition": definition,
            "state": "ACTIVATED",
            "due": self.etl.firing.next_due(definition),
            "met": {},
            "workflow": workflow,
        }
        await self.etl.resources.create(TRIGGER, HERE, name, document)

    def get(self, name):
        return self.etl.resources.get(TRIGGER, HERE, name)


@pytest.fixture
async def triggers(etl):
    for name in ("a", "b", "c"):
        await etl.job(name, ExecutionProperty={"MaxConcurrentRuns": 3}, MaxRetries=1)
    return Triggers(etl)


@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        ("EVENT", {}, "Type EVENT is not supported"),
        ("SCHEDULED", {}, "Schedule is what triggers of type SCHEDULED have"),
        ("ON_DEMAND", {"Schedule": NOON}, "Schedule is what triggers of type SCHEDULED have"),
        (
            "ON_DEMAND",
            {"Predicate": {"Conditions": [condition("a")]}},
            "Predicate is what triggers of type CONDITIONAL",
        ),
        ("ON_DEMAND", {"Actions": []}, "from 1 to 10 actions; got 0"),
        ("ON_DEMAND", {"Actions": [{"CrawlerName": "c"}]}, "CrawlerName is not supported"),
        ("ON_DEMAND", {"Actions": [{}]}, "An action must name a job"),
        ("ON_DEMAND", {"Actions": [{"JobName": "z"}]}, "Job z not found"),
        ("ON_DEMAND", {"Actions": [{"JobName": "a", "Arguments": {"--mode": "x"}}]}, "--mode is reserved"),
        ("ON_DEMAND", {"Actions": [{"JobName": "a", "Timeout": 10081}]}, "Timeout must be at most"),
        ("SCHEDULED", {"Schedule": "rate(5 minutes)"}, "Schedule rate(5 minutes) is not valid"),
        ("SCHEDULED", {"Schedule": "cron(0/2 * * * ? *)"}, "due more often than every 5 minutes"),
        ("CONDITIONAL", {"Predicate": {"Logical": "AND"}}, "must have a condition"),
        ("CONDITIONAL", {"Predicate": {"Conditions": [condition("a"), condition("b")]}}, "must say Logical"),
        ("CONDITIONAL", {"Predicate": {"Conditions": [condition("a", "RUNNING")]}}, "got RUNNING"),
        ("CONDITIONAL", {"Predicate": {"Conditions": [condition("z")]}}, "Job z not found"),
        ("CONDITIONAL", {"Predicate": {"Conditions": [{"CrawlerName": "c"}]}}, "CrawlerName is not supported"),
        ("CONDITIONAL", {"Predicate": {"Conditions": [{"JobName": "a"}]}}, "LogicalOperator"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(etl, triggers, kind, given, message):
    with pytest.raises(ServiceError) as caught:
        trigger_request.definition(etl.resources, HERE, kind, {"Actions": [{"JobName": "a"}]} | given)
    assert message in caught.value.message


async def test_all_conditions_must_be_met_by_runs_of_one_origin(etl, triggers):
    await triggers.make("go", "ON_DEMAND", ["a", "b"])
    both = {"Logical": "AND", "Conditions": [condition("a"), condition("b")]}
    await triggers.make("then", "CONDITIONAL", ["c"], Predicate=both)
    for _ in range(2):
        await etl.firing.fire(HERE, "go")
    (a1, a2), b = etl.of("a"), {run["origin"]: run for run in etl.of("b")}
    await etl.end(a1, "SUCCEEDED")
    await etl.end(b[a2["origin"]], "SUCCEEDED")
    assert etl.of("c") == []
    await etl.end(b[a1["origin"]], "SUCCEEDED")
    (c,) = etl.of("c")
    assert (c["trigger"], c["origin"]) == ("then", a1["origin"])
    expected = [{"JobName": "a", "RunId": a1["id"]}, {"JobName": "b", "RunId": b[a1["origin"]]["id"]}]
    assert c["predecessors"] == expected
    assert list(triggers.get("then")["met"]) == [a2["origin"]]


async def test_any_condition_is_enough_and_attempts_count_at_their_end(etl, triggers):
    await triggers.make("go", "ON_DEMAND", ["a"])
    one = {"Logical": "ANY", "Conditions": [condition("a", "FAILED"), condition("a", "TIMEOUT")]}
    await triggers.make("alarm", "CONDITIONAL", ["c"], Predicate=one)
    await etl.firing.fire(HERE, "go")
    (first,) = etl.of("a")
    await etl.end(first, "FAILED", "no")
    assert etl.of("c") == []  # Its second attempt is under way.
    await etl.end(etl.of("a")[-1], "FAILED", "no")
    (c,) = etl.of("c")
    assert c["predecessors"] == [{"JobName": "a", "RunId": f"{first['id']}_attempt_1"}]


async def test_runs_that_no_trigger_started_are_not_watched(etl, triggers):
    await triggers.make("then", "CONDITIONAL", ["c"], Predicate={"Conditions": [condition("a")]})
    await etl.end(await etl.start("a"), "SUCCEEDED")
    assert etl.of("c") == []


async def test_what_was_met_is_remembered_of_the_latest_origins_only(etl, triggers):
    both = {"Logical": "AND", "Conditions": [condition("a"), condition("b")]}
    await triggers.make("then", "CONDITIONAL", ["c"], Predicate=both)
    for number in range(ORIGINS_MAX + 3):
        await etl.end(await etl.start("a", trigger="go", origin=str(number)), "SUCCEEDED")
    assert list(triggers.get("then")["met"]) == [str(number) for number in range(3, ORIGINS_MAX + 3)]


async def test_a_trigger_on_demand_starts_all_jobs_or_none(etl, triggers):
    await triggers.make("go", "ON_DEMAND", ["a", "b"])
    for _ in range(3):
        await etl.start("b")
    with pytest.raises(ServiceError) as caught:
        await etl.firing.fire(HERE, "go")
    assert caught.value.code == "ConcurrentRunsExceededException"
    assert etl.of("a") == []


async def test_a_condition_starts_what_can_be_started(etl, triggers, caplog):
    await triggers.make("then", "CONDITIONAL", ["b", "c"], Predicate={"Conditions": [condition("a")]})
    await etl.resources.delete("glue-job", HERE, "b")
    await etl.end(await etl.start("a", trigger="go", origin="1"), "SUCCEEDED")
    assert len(etl.of("c")) == 1 and "could not start job b" in caplog.text


async def test_a_schedule_is_kept_and_what_was_missed_is_made_up_for_once(etl, triggers, clock):
    await triggers.make("noon", "SCHEDULED", ["a"], Schedule=NOON)
    assert await etl.firing._fire_due() == pytest.approx(30.0)
    clock.advance(DAY_S / 2 - 5)
    assert await etl.firing._fire_due() == pytest.approx(5.0)
    assert etl.of("a") == []
    clock.advance(5)
    await etl.firing._fire_due()
    await etl.firing._fire_due()
    assert [run["trigger"] for run in etl.of("a")] == ["noon"]
    clock.advance(3 * DAY_S + 60)
    await etl.firing._fire_due()
    await etl.firing._fire_due()
    assert len(etl.of("a")) == 2
    assert triggers.get("noon")["due"].isoformat() == "2026-01-05T12:00:00+00:00"


async def test_schedules_are_kept_in_the_background(etl, triggers, clock):
    await triggers.make("noon", "SCHEDULED", ["a"], Schedule=NOON)
    etl.firing.start()
    clock.advance(DAY_S / 2)
    etl.firing.changed()
    async with asyncio.timeout(5):
        while not etl.of("a"):
            await asyncio.sleep(0.01)
    await etl.firing.close()
