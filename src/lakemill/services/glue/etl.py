"""Jobs, their runs, triggers and workflows, put together; and what each operation on them must be allowed."""

from pathlib import Path
from typing import Any

from lakemill.engines.identity import Identity
from lakemill.engines.jobs import Jobs
from lakemill.engines.objects import Objects
from lakemill.engines.resources import Resources
from lakemill.engines.spark import Environments
from lakemill.ports.clock import Clock
from lakemill.services.base import Call, Need, pass_role
from lakemill.services.glue import roles
from lakemill.services.glue.firing import Firing
from lakemill.services.glue.job_bookmarks import BookmarkOperations, BookmarkPage
from lakemill.services.glue.job_run_work import JobRunWork
from lakemill.services.glue.job_runs import JobRunOperations
from lakemill.services.glue.jobs import JobOperations
from lakemill.services.glue.runs import ENDED, KIND, RUN, Runs
from lakemill.services.glue.triggers import TriggerOperations
from lakemill.services.glue.workflow_runs import WorkflowRuns
from lakemill.services.glue.workflows import WorkflowOperations
from lakemill.services.rolekeys import Holder, RoleKeys

CREDENTIALS_PATH = "/_lakemill/glue/credentials"


class Etl:
    """What Glue has beside its catalog to run scripts.

    folder: below it each run has one. endpoint, authority: where lakemill listens, and its certificate for https.
    spark: where Spark on Java is. enforce: whether roles must exist and trust Glue.
    """

    def __init__(
        self,
        resources: Resources,
        jobs: Jobs,
        objects: Objects,
        identity: Identity,
        clock: Clock,
        *,
        folder: Path,
        endpoint: str,
        authority: Path | None = None,
        spark: Environments | None = None,
        enforce: bool = True,
    ) -> None:
        self._resources, self._identity = resources, identity
        runs = Runs(resources, jobs, clock)
        workflows = WorkflowRuns(resources, runs)
        self.firing = Firing(resources, runs, workflows, clock)
        self.keys = RoleKeys(CREDENTIALS_PATH, roles.SERVICE, self._holder, identity, endpoint, enforce=enforce)
        self.bookmarks = BookmarkPage(runs, self.keys, clock)
        self._work = JobRunWork(
            runs, objects, identity, self.keys, folder, endpoint, authority, spark=spark, enforce=enforce
        )
        jobs.register(KIND, self._work)
        self.parts = (
            JobOperations(resources, identity, enforce=enforce),
            JobRunOperations(runs, identity, enforce=enforce),
            BookmarkOperations(runs),
            TriggerOperations(resources, self.firing),
            WorkflowOperations(resources, workflows, self.firing),
        )
        self._operations = {
            getattr(type(part), name).operation
            for part in self.parts
            for name in dir(type(part))
            if hasattr(getattr(type(part), name), "operation")
        }

    def _holder(self, id: str) -> Holder | None:
        """The run whose program shows a token; one that has ended gets no keys."""
        scope, _, name = id.partition("\n")
        document = self._resources.find(RUN, scope, name)
        return self._work.holder(document) if document is not None and document["status"] not in ENDED else None

    def knows(self, operation: str) -> bool:
        """Whether an operation is one on jobs, runs, triggers or workflows."""
        return operation in self._operations

    def needs(self, call: Call, request: dict[str, Any]) -> list[Need]:
        """The operation on the job or trigger; and to pass the role of a job that is made."""
        action = f"glue:{call.operation}"
        names = (
            request.get("JobNames")
            or request.get("TriggerNames")
            or request.get("Names")
            or [request.get("JobName") or request.get("Name") or "*"]
        )
        kind = next((kind for kind in ("trigger", "workflow") if kind.capitalize() in call.operation), "job")
        found = [Need(action, call.arn(f"{kind}/{name}")) for name in names]
        given = request.get("JobUpdate", request)
        if call.operation in ("CreateJob", "UpdateJob") and given.get("Role"):
            role = roles.role_arn(self._identity, call.account, given["Role"])
            found.append(pass_role(role, roles.SERVICE, call.arn(f"job/{names[0]}")))
        return found
