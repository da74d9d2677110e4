"""Workflows and their runs, as they are kept.

A workflow is the triggers that name it. One of them starts it, on demand or by schedule; its conditional triggers watch
runs of the workflow alone. A workflow's document holds `description`, `properties`, `concurrent_max` and `last` (the id
of its latest run). That of a run of a workflow holds `workflow`, `id`, `previous`, `properties`, `status`, `active`
(runs of jobs that have not ended: job by id), `counts` (how many ended in each state) and, once it is over,
`completed`. Its name is the workflow's, U+0001, its id, which is the origin of all runs of jobs in it.

What begins and ends is written in the transaction in which the job's run does.
"""

import secrets
from collections.abc import Iterator
from typing import Any

from lakemill.engines.resources import Resources
from lakemill.ports.metadata import Transaction
from lakemill.services.base import ServiceError
from lakemill.services.glue.runs import KEPT, Runs, name_of
from lakemill.services.glue.tags import WORKFLOW

WORKFLOW_RUN = "glue-workflow-run"
RUNNING, STOPPING, STOPPED, COMPLETED, ERROR = "RUNNING", "STOPPING", "STOPPED", "COMPLETED", "ERROR"
NOTHING_STARTED = "None of the starting trigger's jobs could be started."

Document = dict[str, Any]


class WorkflowRuns:
    """Of all workflows."""

    def __init__(self, resources: Resources, runs: Runs) -> None:
        self.resources, self._runs = resources, runs
        runs.beginners.append(self._begun)

    def get(self, scope: str, workflow: str, id: str) -> Document:
        """Raises ServiceError EntityNotFoundException."""
        found = self.resources.find(WORKFLOW_RUN, scope, name_of(workflow, id))
        if found is None:
            raise ServiceError("EntityNotFoundException", f"Run {id} of workflow {workflow} not found.")
        return found

    def of_workflow(self, scope: str, workflow: str, transaction: Transaction | None = None) -> Iterator[Document]:
        """All of them, in no order of time."""
        return self.resources.all(WORKFLOW_RUN, scope, name_of(workflow, ""), transaction)

    def begin_in(
        self, transaction: Transaction, scope: str, workflow: str, properties: dict[str, str] | None = None
    ) -> Document:
        """A new run, in which nothing has begun yet.

        Raises ServiceError EntityNotFoundException, ConcurrentRunsExceededException.
        """
        document = self.resources.find(WORKFLOW, scope, workflow, transaction)
        if document is None:
            raise workflow_missing(workflow)
        most = document["concurrent_max"]
        under_way = self._under_way(transaction, scope, workflow)
        if most is not None and under_way >= most:
            raise ServiceError("ConcurrentRunsExceededException", f"Concurrent runs exceeded for {workflow}")
        id = f"wr_{secrets.token_hex(32)}"
        run = {
            "workflow": workflow,
            "id": id,
            "previous": document["last"],
            "properties": document["properties"] | (properties or {}),
            "status": RUNNING,
            "active": {},
            "counts": {},
        }
        self.resources.update_in(transaction, WORKFLOW, scope, workflow, lambda found: found.update(last=id))
        return self.resources.create_in(transaction, WORKFLOW_RUN, scope, name_of(workflow, id), run)

    def _under_way(self, transaction: Transaction, scope: str, workflow: str) -> int:
        """How many runs are not over; those that were long ago go."""
        horizon = self.resources.clock.now() - KEPT
        count = 0
        for run in list(self.of_workflow(scope, workflow, transaction)):
            if run["status"] in (RUNNING, STOPPING):
                count += 1
            elif run["completed"] < horizon:
                self.resources.delete_in(transaction, WORKFLOW_RUN, scope, run["name"])
        return count

    def goes_on(self, transaction: Transaction, run: Document) -> bool:
        """Whether a job's run that ended may lead to others: always, unless its workflow is being stopped."""
        found = self._of(transaction, run)
        return found is None or found["status"] == RUNNING

    def settle(
        self, transaction: Transaction, scope: str, workflow: str, id: str, ended: Document | None = None
    ) -> None:
        """After all that was to begin has begun: take out a job's run that ended, and see whether all is over."""

        def change(found: Document) -> None:
            if ended is not None:
                found["active"].pop(ended["id"], None)
                found["counts"][ended["status"]] = found["counts"].get(ended["status"], 0) + 1
            if found["active"] or found["status"] not in (RUNNING, STOPPING):
                return
            over = STOPPED if found["status"] == STOPPING else COMPLETED
            found |= {"status": over if found["counts"] else ERROR, "completed": found["modified"]}
            if not found["counts"]:
                found["message"] = NOTHING_STARTED

        if self.resources.find(WORKFLOW_RUN, scope, name_of(workflow, id), transaction) is not None:
            self.resources.update_in(transaction, WORKFLOW_RUN, scope, name_of(workflow, id), change)

    def ended(self, transaction: Transaction, run: Document) -> None:
        """A job's run has ended, and what it leads to has begun."""
        if run["workflow"] is not None:
            self.settle(transaction, run["scope"], run["workflow"], run["origin"], run)

    async def stop(self, scope: str, workflow: str, id: str) -> None:
        """Begin nothing more, and stop what runs. Raises ServiceError."""
        self.get(scope, workflow, id)

        def change(found: Document) -> None:
            if found["status"] not in (RUNNING, STOPPING):
                message = f"Run {id} of workflow {workflow} has ended: it is {found['status']}."
                raise ServiceError("IllegalWorkflowStateException", message)
            found["status"] = STOPPING

        document = await self.resources.update(WORKFLOW_RUN, scope, name_of(workflow, id), change)
        for run_id, job in document["active"].items():
            try:
                await self._runs.stop(scope, job, run_id)
            except ServiceError:  # It ended just now.
                continue

    def _begun(self, transaction: Transaction, run: Document) -> None:
        """A job's run begins: another one, or a further attempt in place of the one before."""

        def change(found: Document) -> None:
            found["active"].pop(run["previous"], None)
            found["active"][run["id"]] = run["job"]

        if self._of(transaction, run) is not None:
            self.resources.update_in(
                transaction, WORKFLOW_RUN, run["scope"], name_of(run["workflow"], run["origin"]), change
            )

    def _of(self, transaction: Transaction, run: Document) -> Document | None:
        """The run of a workflow that a job's run is in."""
        if run["workflow"] is None:
            return None
        return self.resources.find(WORKFLOW_RUN, run["scope"], name_of(run["workflow"], run["origin"]), transaction)


def workflow_missing(name: str) -> ServiceError:
    """No workflow has this name."""
    return ServiceError("EntityNotFoundException", f"Workflow {name} not found.")
