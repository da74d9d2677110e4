"""Runs of jobs, as they are kept: started and ended in transactions, retried, told to whoever watches.

A run's document, beside what engines/resources keeps: `job`, `id`, `attempt`, `previous` (id of the run it repeats),
`definition` (the job's, as it was), `given` (the request's arguments), `timeout_min`, `capacity`, `workers`, `status`,
`secret` (its program's), `trigger`, `workflow`, `origin` and `predecessors` (see firing.py), and as they become known
`begun`, `completed`, `message`. Its name is the job's, U+0001, its id.

Two tables help: `glue_runs_active` names the runs that have not ended, `glue_runs_ended` those that have, by time, so
that they go after ninety days.
"""

import dataclasses
import datetime
import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lakemill.engines.jobs import Jobs
from lakemill.engines.resources import Resources
from lakemill.ports.clock import Clock
from lakemill.ports.metadata import Reader, Transaction, prefix_end
from lakemill.services.base import ServiceError
from lakemill.services.glue.jobs import job_named
from lakemill.services.glue.tags import JOB

KIND = "glue-run"
"""The kind of job, in the jobs engine."""
RUN = "glue-job-run"
"""The kind of resource."""
ACTIVE, ENDED_TABLE = "glue_runs_active", "glue_runs_ended"
ENDED = ("STOPPED", "SUCCEEDED", "FAILED", "TIMEOUT")
WORKERS = ("WorkerType", "NumberOfWorkers")
KEPT = datetime.timedelta(days=90)
SWEEP_MAX = 20

Document = dict[str, Any]
Watcher = Callable[[Transaction, Document], None]
"""Is told of a run that has ended for good, in the transaction that ends it; may start others in it."""


@dataclasses.dataclass(frozen=True)
class Wish:
    """What a run is to be, beside its job's definition."""

    job: str
    arguments: Mapping[str, str] = dataclasses.field(default_factory=dict)
    timeout_min: int | None = None
    capacity: Mapping[str, Any] | None = None
    """MaxCapacity, and WorkerType and NumberOfWorkers if there are; None: as the job's."""
    trigger: str | None = None
    workflow: str | None = None
    origin: str | None = None
    predecessors: tuple[Mapping[str, str], ...] = ()
    repeats: Document | None = None
    """An earlier run that it repeats."""


class Runs:
    """All runs of all jobs."""

    def __init__(self, resources: Resources, jobs: Jobs, clock: Clock) -> None:
        self.resources, self._jobs, self._clock = resources, jobs, clock
        self.beginners: list[Watcher] = []
        """Are told of a run that begins, in the same way."""
        self.watchers: list[Watcher] = []

    # Reading

    def get(self, scope: str, job: str, id: str, reader: Reader | None = None) -> Document:
        """Raises ServiceError EntityNotFoundException."""
        found = self.resources.find(RUN, scope, name_of(job, id), reader)
        if found is None:
            raise ServiceError("EntityNotFoundException", f"Job run {id} of job {job} not found.")
        return found

    def named(self, scope: str, name: str) -> Document:
        """By the name it is kept under. Raises ResourceMissing."""
        return self.resources.get(RUN, scope, name)

    def of_job(self, scope: str, job: str) -> Iterator[Document]:
        """All runs of a job, in no order of time."""
        return self.resources.all(RUN, scope, name_of(job, ""))

    # Starting

    async def start(self, scope: str, wish: Wish) -> Document:
        """Durable on return. Raises ServiceError as `start_in`."""
        started = await self.resources.metadata.transact(lambda transaction: self.start_in(transaction, scope, wish))
        self._jobs.look_soon()
        return started

    def start_in(self, transaction: Transaction, scope: str, wish: Wish) -> Document:
        """`start` inside a transaction; call `soon` once it is written.

        Raises ServiceError EntityNotFoundException, ConcurrentRunsExceededException.
        """
        definition = job_named(self.resources, scope, wish.job, transaction)["definition"]
        active = _prefix(scope, wish.job)
        most = definition["ExecutionProperty"]["MaxConcurrentRuns"]
        if len(list(transaction.scan(ACTIVE, active, prefix_end(active), limit=most))) >= most:
            raise ServiceError("ConcurrentRunsExceededException", f"Concurrent runs exceeded for {wish.job}")
        id, attempt, previous = f"jr_{secrets.token_hex(32)}", 0, None
        if wish.repeats is not None:
            previous, attempt = wish.repeats["id"], wish.repeats["attempt"] + 1
            id = _attempt_id(previous, attempt)
        capacity = wish.capacity or definition
        document = {
            "job": wish.job,
            "id": id,
            "attempt": attempt,
            "previous": previous,
            "definition": definition,
            "given": dict(wish.arguments),
            "timeout_min": wish.timeout_min or definition["Timeout"],
            "capacity": capacity["MaxCapacity"],
            "workers": {name: capacity[name] for name in WORKERS if name in capacity},
            "trigger": wish.trigger,
            "workflow": wish.workflow,
            "origin": wish.origin,
            "predecessors": [dict(one) for one in wish.predecessors],
        }
        return self._begin(transaction, scope, document)

    def soon(self) -> None:
        """Runs that were started inside a transaction begin now. From any thread."""
        self._jobs.look_soon()

    def _begin(self, transaction: Transaction, scope: str, document: Document) -> Document:
        name = name_of(document["job"], document["id"])
        if self.resources.find(RUN, scope, name, transaction) is not None:
            raise ServiceError("InvalidInputException", f"Job run {document['previous']} was retried already.")
        fresh = document | {"status": "STARTING", "secret": secrets.token_urlsafe(32)}
        made = self.resources.create_in(transaction, RUN, scope, name, fresh)
        transaction.put(ACTIVE, _key(scope, name), True)
        self._jobs.submit_in(transaction, KIND, engine_key(made), {"scope": scope, "name": name})
        for beginner in self.beginners:
            beginner(transaction, made)
        return made

    # What becomes of them

    def running(self, scope: str, name: str) -> None:
        """Its process runs. Blocks."""

        def change(document: Document) -> None:
            if document["status"] == "STARTING":
                document["status"] = "RUNNING"
            document.setdefault("begun", document["modified"])

        self.resources.update_blocking(RUN, scope, name, change)

    async def stop(self, scope: str, job: str, id: str) -> None:
        """Want it to stop. Raises ServiceError if it is not there or has ended."""
        document = self.get(scope, job, id)

        def change(document: Document) -> None:
            if document["status"] in ENDED:
                raise ServiceError("InvalidInputException", f"Job run {id} has ended: it is {document['status']}.")
            document["status"] = "STOPPING"

        def stopping(transaction: Transaction) -> None:
            self.resources.update_in(transaction, RUN, scope, document["name"], change)

        await self._jobs.stop(engine_key(document), also=stopping)

    def end(self, scope: str, name: str, status: str, message: str | None = None) -> None:
        """It has ended; one that failed is tried again if its job says so. Blocks, and is idempotent."""

        def work(transaction: Transaction) -> None:
            document = self.resources.find(RUN, scope, name, transaction)
            if document is None or document["status"] in ENDED:
                return
            self._end_in(transaction, document, status, message)

        self.resources.metadata.transact_blocking(work)
        self.soon()

    def _end_in(self, transaction: Transaction, document: Document, status: str, message: str | None) -> None:
        def change(changed: Document) -> None:
            # A stop that was acknowledged is kept, even if the script was done just then.
            stopped = changed["status"] == "STOPPING"
            changed["status"] = "STOPPED" if stopped else status
            changed["completed"] = changed["modified"]
            if message and not stopped:
                changed["message"] = message

        scope, name = document["scope"], document["name"]
        ended = self.resources.update_in(transaction, RUN, scope, name, change)
        transaction.delete(ACTIVE, _key(scope, name))
        transaction.put(ENDED_TABLE, _ended_key(ended["completed"], scope, name), None)
        self._sweep(transaction)
        if ended["status"] == "FAILED" and self._retried(transaction, ended):
            return
        for watcher in self.watchers:
            watcher(transaction, ended)

    def _retried(self, transaction: Transaction, ended: Document) -> bool:
        """Whether the next attempt was begun: it works as this one did."""
        attempt = ended["attempt"] + 1
        if attempt > ended["definition"]["MaxRetries"]:
            return False
        if self.resources.find(JOB, ended["scope"], ended["job"], transaction) is None:
            return False
        ours = ("name", "scope", "created", "modified", "tags", "begun", "completed", "message")
        again = {member: value for member, value in ended.items() if member not in ours}
        again |= {"id": _attempt_id(ended["id"], attempt), "attempt": attempt, "previous": ended["id"]}
        self._begin(transaction, ended["scope"], again)
        return True

    def _sweep(self, transaction: Transaction) -> None:
        """Drop some runs that ended long ago."""
        horizon = _ended_key(self._clock.now() - KEPT, "", "")
        for key, _ in list(transaction.scan(ENDED_TABLE, "", horizon, limit=SWEEP_MAX)):
            scope, _, name = key.partition("/")[2].partition("\x01")
            transaction.delete(ENDED_TABLE, key)
            if self.resources.find(RUN, scope, name, transaction) is not None:
                self.resources.delete_in(transaction, RUN, scope, name)


def name_of(job: str, id: str) -> str:
    """The name a run is kept under."""
    return f"{job}\x01{id}"


def engine_key(document: Document) -> str:
    """A run's key in the jobs engine, and its folder."""
    return f"{document['scope']}/glue/{document['id']}"


def _attempt_id(previous: str, attempt: int) -> str:
    return f"{previous.partition('_attempt_')[0]}_attempt_{attempt}"


def _key(scope: str, name: str) -> str:
    return f"{scope}\x01{name}"


def _prefix(scope: str, job: str) -> str:
    return _key(scope, name_of(job, ""))


def _ended_key(ended: datetime.datetime, scope: str, name: str) -> str:
    return f"{int(ended.timestamp()):012d}/{scope}\x01{name}"
