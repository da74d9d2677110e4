"""What triggers do: start jobs on demand, by schedule, and when runs have ended.

Runs that a trigger starts carry its name and an origin: new for each firing on demand or by schedule, and handed on
where a conditional trigger fires. Only runs that a trigger started are watched, and what must be met together (AND)
must be of one origin, as AWS has it. What was met so far is in the trigger's document under `met`: by origin, by the
number of the condition, the run.

Triggers of a workflow start runs in it: those on demand and by schedule a new run of the workflow, whose id is the
origin; conditional ones watch runs of the same run of the workflow.

A run's end, what it meets, and the runs that begin for it are one transaction. A time of a schedule that came while
lakemill was not running is made up for once.
"""

import asyncio
import contextlib
import datetime
import logging
import secrets
from typing import Any

from lakemill.engines.resources import Resources
from lakemill.ports.clock import Clock
from lakemill.ports.metadata import Transaction
from lakemill.services.base import ServiceError
from lakemill.services.glue.runs import Runs, Wish
from lakemill.services.glue.tags import TRIGGER
from lakemill.services.glue.trigger_request import CONDITIONAL, SCHEDULED, schedule
from lakemill.services.glue.workflow_runs import WorkflowRuns

ACTIVATED = "ACTIVATED"
LOOK_S_MAX = 30.0
"""The clock may be set meanwhile."""
ORIGINS_MAX = 100
"""Of which a trigger remembers what was met."""

logger = logging.getLogger(__name__)

Document = dict[str, Any]


class Firing:
    """Of all triggers."""

    def __init__(self, resources: Resources, runs: Runs, workflows: WorkflowRuns, clock: Clock) -> None:
        self._resources, self._runs, self._workflows, self._clock = resources, runs, workflows, clock
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        runs.watchers += [self._watch, workflows.ended]

    def start(self) -> None:
        """From now on schedules are kept."""
        self._task = asyncio.create_task(self._keep_schedules())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def next_due(self, definition: Document) -> datetime.datetime | None:
        """When a trigger is due next, if it has a schedule."""
        return schedule(definition["Schedule"]).next_after(self._clock.now()) if "Schedule" in definition else None

    def changed(self) -> None:
        """Triggers have changed: look at their schedules anew."""
        self._changed.set()

    async def fire(self, scope: str, name: str, properties: dict[str, str] | None = None) -> str:
        """Start a trigger's jobs, all or none; the origin. properties: of the run of its workflow.

        Raises ServiceError, ResourceMissing.
        """

        def work(transaction: Transaction) -> str:
            trigger = self._resources.update_in(transaction, TRIGGER, scope, name, lambda document: None)
            origin = self._origin(transaction, trigger, properties)
            for wish in _wishes(trigger, origin):
                self._runs.start_in(transaction, scope, wish)
            return origin

        origin = await self._resources.metadata.transact(work)
        self._runs.soon()
        return origin

    def _origin(self, transaction: Transaction, trigger: Document, properties: dict[str, str] | None = None) -> str:
        """A new one: of a trigger in a workflow, the id of a new run of that. Raises ServiceError."""
        if trigger["workflow"] is None:
            return secrets.token_hex(8)
        run = self._workflows.begin_in(transaction, trigger["scope"], trigger["workflow"], properties)
        return str(run["id"])

    # Schedules

    async def _keep_schedules(self) -> None:
        while True:
            wait_s = LOOK_S_MAX
            try:
                wait_s = await self._fire_due()
            except Exception:  # A full disk, say; the next look may do better.
                logger.exception("triggers could not be looked after")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):  # Not wait_for: in Python 3.11 it may swallow a cancellation.
                    await self._changed.wait()
            self._changed.clear()

    async def _fire_due(self) -> float:
        """Fire what is due; how many seconds to wait after that."""
        now = self._clock.now()
        waits = [LOOK_S_MAX]
        for trigger in list(self._resources.all(TRIGGER)):
            due = trigger["due"]
            if trigger["state"] != ACTIVATED or due is None:
                continue
            if due <= now:
                await self._fire_scheduled(trigger["scope"], trigger["name"])
                due = self.next_due(trigger["definition"])
            if due is not None:
                waits.append(max(0.0, (due - now).total_seconds()))
        return min(waits)

    async def _fire_scheduled(self, scope: str, name: str) -> None:
        def work(transaction: Transaction) -> None:
            trigger = self._resources.find(TRIGGER, scope, name, transaction)
            if trigger is None or trigger["state"] != ACTIVATED or trigger["definition"]["Type"] != SCHEDULED:
                return
            if trigger["due"] is None or trigger["due"] > self._clock.now():
                return
            due = self.next_due(trigger["definition"])
            self._resources.update_in(transaction, TRIGGER, scope, name, lambda document: document.update(due=due))
            try:
                origin = self._origin(transaction, trigger)
            except ServiceError as error:
                logger.warning("trigger %s could not start its workflow: %s", name, error)
                return
            self._start_all(transaction, trigger, origin)
            if trigger["workflow"] is not None:
                self._workflows.settle(transaction, scope, trigger["workflow"], origin)

        await self._resources.metadata.transact(work)
        self._runs.soon()

    # Conditions

    def _watch(self, transaction: Transaction, run: Document) -> None:
        """A run has ended."""
        origin, scope = run["origin"], run["scope"]
        if origin is None or not self._workflows.goes_on(transaction, run):
            return
        for trigger in list(self._resources.all(TRIGGER, scope, reader=transaction)):
            if trigger["state"] != ACTIVATED or trigger["definition"]["Type"] != CONDITIONAL:
                continue
            if trigger["workflow"] != run["workflow"]:
                continue
            if met := _met(trigger, run):
                runs = self._together(transaction, trigger, origin, met)
                if runs:
                    self._start_all(transaction, trigger, origin, runs)

    def _together(self, transaction: Transaction, trigger: Document, origin: str, met: Document) -> list[Document]:
        """The runs for which a trigger fires now, if it does."""
        predicate = trigger["definition"]["Predicate"]
        if predicate["Logical"] == "ANY":
            return list(met.values())[:1]
        remembered = dict(trigger["met"])
        found = remembered.pop(origin, {}) | met
        whole = len(found) == len(predicate["Conditions"])
        if not whole:
            remembered[origin] = found
        kept = dict(list(remembered.items())[-ORIGINS_MAX:])
        self._resources.update_in(
            transaction, TRIGGER, trigger["scope"], trigger["name"], lambda document: document.update(met=kept)
        )
        return list(found.values()) if whole else []

    def _start_all(
        self, transaction: Transaction, trigger: Document, origin: str, runs: list[Document] | None = None
    ) -> None:
        """Start what can be started; what cannot (the job is gone, or runs as often as it may) is only logged."""
        for wish in _wishes(trigger, origin, runs or []):
            try:
                self._runs.start_in(transaction, trigger["scope"], wish)
            except ServiceError as error:
                logger.warning("trigger %s could not start job %s: %s", trigger["name"], wish.job, error)


def _wishes(trigger: Document, origin: str, runs: list[Document] | None = None) -> list[Wish]:
    return [
        Wish(
            action["JobName"],
            action.get("Arguments", {}),
            action.get("Timeout"),
            trigger=trigger["name"],
            workflow=trigger["workflow"],
            origin=origin,
            predecessors=tuple(runs or []),
        )
        for action in trigger["definition"]["Actions"]
    ]


def _met(trigger: Document, run: Document) -> Document:
    """The conditions a run meets, by their number, each with the run."""
    which = {"JobName": run["job"], "RunId": run["id"]}
    conditions = enumerate(trigger["definition"]["Predicate"]["Conditions"])
    return {
        str(number): which
        for number, condition in conditions
        if (condition["JobName"], condition["State"]) == (run["job"], run["status"])
    }
