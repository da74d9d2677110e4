"""Task runs of transforms: started, stopped and ended in transactions.

A run's document, beside what engines/resources keeps: `transform`, `id`, `kind`, `place` and `replace` (what the task
was given), `round` (how many times the transform asked before), `status`, `secret` (its program's), and as they become
known `begun`, `completed`, `message`. Its name is the transform's id, U+0001, its own.

A table, `ml_runs_active`, names those that have not ended.
"""

import asyncio
import dataclasses
import secrets
from collections.abc import Iterator
from typing import Any

from lakemill.engines.jobs import Jobs
from lakemill.engines.transforms.errors import NotTaught, RunEnded, RunMissing, TooManyRuns, TransformMissing
from lakemill.engines.transforms.transforms import DELETING, READY, Transforms
from lakemill.engines.transforms.transforms import KIND as TRANSFORM
from lakemill.ports.metadata import Reader, Transaction, prefix_end

KIND = "glue-ml-task"
"""The kind of job, in the jobs engine."""
RUN = "glue-ml-task-run"
"""The kind of resource."""
ACTIVE = "ml_runs_active"
ENDED = ("STOPPED", "SUCCEEDED", "FAILED", "TIMEOUT")
RUNS_MAX, RUNS_MAX_OF_TRANSFORM = 30, 3
"""At a time, of an account and of a transform."""
KEPT_MAX = 1000
"""Runs of a transform that are remembered."""

Document = dict[str, Any]


class LabelsChanged(Exception):
    """Others were imported while a run learned, or another key was chosen: it has to be done again."""


@dataclasses.dataclass(frozen=True)
class Result:
    """What a run that succeeded leaves in its transform; None: as it was."""

    labels: str | None = None
    model: str | None = None
    label_count: int = 0
    learned_from: str | None = None
    """The labels there were when it began."""
    key: str = ""
    """The primary key it learned by."""
    metrics: Document | None = None


class Runs:
    """All task runs."""

    def __init__(self, transforms: Transforms, jobs: Jobs) -> None:
        self._transforms, self._resources, self._jobs = transforms, transforms.resources, jobs

    # Reading

    def get(self, scope: str, transform: str, id: str, reader: Reader | None = None) -> Document:
        """Raises TransformMissing, RunMissing."""
        self._transforms.get(scope, transform, reader)
        found = self._resources.find(RUN, scope, name_of(transform, id), reader)
        if found is None:
            raise RunMissing(scope, transform, id)
        return found

    def named(self, scope: str, name: str) -> Document:
        """By the name it is kept under. Raises ResourceMissing."""
        return self._resources.get(RUN, scope, name)

    def find(self, scope: str, name: str) -> Document | None:
        """The same, or None."""
        return self._resources.find(RUN, scope, name)

    def of_transform(self, scope: str, transform: str) -> Iterator[Document]:
        """All runs of a transform, in no order of time. Raises TransformMissing."""
        self._transforms.get(scope, transform)
        return self._resources.all(RUN, scope, name_of(transform, ""))

    # Starting

    async def start(self, scope: str, transform: str, kind: str, given: Document, *, taught: bool = False) -> Document:
        """Durable on return. given: `place` and `replace`. taught: only a transform that has learned can do it.

        Raises TransformMissing, NotTaught, TooManyRuns.
        """

        def work(transaction: Transaction) -> Document:
            found = self._transforms.get(scope, transform, transaction)
            if found["status"] == DELETING:
                raise TransformMissing(scope, transform)
            if taught and found["status"] != READY:
                raise NotTaught
            self._check_room(transaction, scope, transform)
            return self._begin(transaction, found, kind, given)

        started = await self._resources.metadata.transact(work)
        self._jobs.look_soon()
        return started

    def _check_room(self, transaction: Transaction, scope: str, transform: str) -> None:
        for prefix, limit, own in ((name_of(transform, ""), RUNS_MAX_OF_TRANSFORM, True), ("", RUNS_MAX, False)):
            start = f"{scope}\x01{prefix}"
            count = sum(1 for _ in transaction.scan(ACTIVE, start, prefix_end(start), limit=limit))
            if count >= limit:
                raise TooManyRuns(count, limit, of_transform=own)

    def _begin(self, transaction: Transaction, transform: Document, kind: str, given: Document) -> Document:
        scope, id = transform["scope"], f"tsk-{secrets.token_hex(32)}"
        name = name_of(transform["name"], id)
        document = {
            "transform": transform["name"],
            "id": id,
            "kind": kind,
            "round": transform["rounds"],
            "status": "STARTING",
            "secret": secrets.token_urlsafe(32),
        }
        made = self._resources.create_in(transaction, RUN, scope, name, document | given)
        if kind == "LABELING_SET_GENERATION":
            self._alter(transaction, transform, rounds=transform["rounds"] + 1)
        transaction.put(ACTIVE, f"{scope}\x01{name}", True)
        self._jobs.submit_in(transaction, KIND, engine_key(made), {"scope": scope, "name": name})
        self._forget_old(transaction, scope, transform["name"])
        return made

    def _alter(self, transaction: Transaction, transform: Document, **changes: Any) -> None:
        """A change that is no modification of the transform."""
        scope, id, modified = transform["scope"], transform["name"], transform["modified"]
        self._resources.update_in(transaction, TRANSFORM, scope, id, lambda one: one.update(changes, modified=modified))

    def _forget_old(self, transaction: Transaction, scope: str, transform: str) -> None:
        found = list(self._resources.all(RUN, scope, name_of(transform, ""), reader=transaction))
        over = [one for one in sorted(found, key=lambda one: one["created"]) if one["status"] in ENDED]
        for one in over[: max(0, len(found) - KEPT_MAX)]:
            self._resources.delete_in(transaction, RUN, scope, one["name"])

    # What becomes of them

    def running(self, scope: str, name: str) -> None:
        """Its process runs. Blocks."""

        def change(document: Document) -> None:
            if document["status"] == "STARTING":
                document["status"] = "RUNNING"
            document.setdefault("begun", document["modified"])

        self._resources.update_blocking(RUN, scope, name, change)

    async def cancel(self, scope: str, transform: str, id: str) -> Document:
        """Want it to stop; as it is then. Raises TransformMissing, RunMissing, RunEnded."""
        document = self.get(scope, transform, id)
        await self._jobs.stop(engine_key(document), also=lambda transaction: self._stopping(transaction, document))
        return self.get(scope, transform, id)

    def _stopping(self, transaction: Transaction, document: Document) -> None:
        def change(changed: Document) -> None:
            if changed["status"] in ENDED:
                raise RunEnded(changed["id"], changed["status"])
            changed["status"] = "STOPPING"

        self._resources.update_in(transaction, RUN, document["scope"], document["name"], change)

    async def delete(self, scope: str, transform: str) -> None:
        """Delete a transform with its runs; those under way are stopped first, and until then it is DELETING.

        Raises TransformMissing.
        """

        def work(transaction: Transaction) -> tuple[list[str | None], list[Document]]:
            found = self._transforms.get(scope, transform, transaction)
            active = [
                one
                for one in self._resources.all(RUN, scope, name_of(transform, ""), reader=transaction)
                if one["status"] not in ENDED
            ]
            if not active:
                return self._remove_in(transaction, scope, transform), []
            self._alter(transaction, found, status=DELETING)
            return [], active

        dropped, active = await self._resources.metadata.transact(work)
        await asyncio.to_thread(self._transforms.artifacts.drop, *dropped)
        for one in active:
            try:
                await self.cancel(scope, transform, one["id"])
            except (TransformMissing, RunMissing, RunEnded):
                continue  # It ended by itself meanwhile.

    def _remove_in(self, transaction: Transaction, scope: str, transform: str) -> list[str | None]:
        for one in list(self._resources.all(RUN, scope, name_of(transform, ""), reader=transaction)):
            self._resources.delete_in(transaction, RUN, scope, one["name"])
        return self._transforms.remove_in(transaction, scope, transform)

    def end(self, scope: str, name: str, status: str, message: str | None = None, result: Result | None = None) -> None:
        """It has ended, with what it leaves in its transform, at once. Blocks, and is idempotent.

        Raises LabelsChanged.
        """

        def work(transaction: Transaction) -> list[str | None]:
            document = self._resources.find(RUN, scope, name, transaction)
            if document is None or document["status"] in ENDED:
                return [result.labels, result.model] if result else []
            # A stop that was acknowledged is kept, even if the task was done just then.
            stopped = document["status"] == "STOPPING"
            dropped = [result.labels, result.model] if result and stopped else []
            if result and not stopped:
                dropped = self._leave(transaction, document, result)
            self._close(transaction, document, "STOPPED" if stopped else status, None if stopped else message)
            transform = self._transforms.get(scope, document["transform"], transaction)
            if transform["status"] == DELETING and not self._active(transaction, scope, transform["name"]):
                dropped += self._remove_in(transaction, scope, transform["name"])
            return dropped

        self._transforms.artifacts.drop(*self._resources.metadata.transact_blocking(work))

    def _leave(self, transaction: Transaction, run: Document, result: Result) -> list[str | None]:
        """Names of blobs that are to be dropped then."""
        scope, id = run["scope"], run["transform"]
        before = self._transforms.get(scope, id, transaction)
        if result.metrics is not None:
            self._alter(transaction, before, metrics=result.metrics)
        if result.labels is None:
            return []
        if before["labels"] != result.learned_from or before["definition"]["key"] != result.key:
            raise LabelsChanged

        def change(document: Document) -> None:
            document |= {"labels": result.labels, "model": result.model, "label_count": result.label_count}
            document["version"] += 1
            if document["status"] != DELETING:
                document["status"] = READY

        self._resources.update_in(transaction, TRANSFORM, scope, id, change)
        return [before["labels"], before["model"]]

    def _close(self, transaction: Transaction, document: Document, status: str, message: str | None) -> None:
        def change(changed: Document) -> None:
            changed |= {"status": status, "completed": changed["modified"]}
            if message:
                changed["message"] = message

        scope, name = document["scope"], document["name"]
        self._resources.update_in(transaction, RUN, scope, name, change)
        transaction.delete(ACTIVE, f"{scope}\x01{name}")

    def _active(self, transaction: Transaction, scope: str, transform: str) -> bool:
        start = f"{scope}\x01{name_of(transform, '')}"
        return any(transaction.scan(ACTIVE, start, prefix_end(start), limit=1))


def name_of(transform: str, id: str) -> str:
    """The name a run is kept under."""
    return f"{transform}\x01{id}"


def engine_key(document: Document) -> str:
    """A run's key in the jobs engine, and its folder."""
    return f"{document['scope']}/glue-ml/{document['id']}"
