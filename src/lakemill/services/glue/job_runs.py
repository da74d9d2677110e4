"""Runs of jobs: start, get, stop."""

from typing import Any

from lakemill.engines.identity import Identity
from lakemill.engines.resources import page
from lakemill.services.base import Call, ServiceError, operation
from lakemill.services.glue import job_arguments, job_capacity, job_request, roles, shapes
from lakemill.services.glue.jobs import job_named, scope
from lakemill.services.glue.runs import ENDED, Runs, Wish

PAGE = 200
LOG_GROUPS = {job_capacity.PYTHON_SHELL: "/aws-glue/python-jobs", job_capacity.SPARK: "/aws-glue/jobs"}
"""By command. Below it are `output` and `error`; a run's streams have its id."""
CAPACITY = ("WorkerType", "NumberOfWorkers", "MaxCapacity", "AllocatedCapacity")


class JobRunOperations:
    """enforce: whether a role must exist and trust Glue."""

    def __init__(self, runs: Runs, identity: Identity, *, enforce: bool = True) -> None:
        self._runs, self._identity, self._enforce = runs, identity, enforce

    @operation("StartJobRun", refuses=job_request.REFUSED_OF_RUNS)
    async def start_job_run(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        job_request.check_run(request)
        name = request["JobName"]
        definition = job_named(self._runs.resources, scope(call), name)["definition"]
        command = definition["Command"]["Name"]
        capacity = job_capacity.of(command, request) if any(request.get(one) for one in CAPACITY) else None
        repeated = self._repeated(call, request)
        given = request.get("Arguments", repeated["given"] if repeated else {})
        job_arguments.check(job_arguments.effective(definition, given), command)
        if self._enforce:
            roles.check_trust(self._identity, roles.role_arn(self._identity, call.account, definition["Role"]))
        wish = Wish(name, given, request.get("Timeout"), capacity, repeats=repeated)
        return {"JobRunId": (await self._runs.start(scope(call), wish))["id"]}

    @operation("GetJobRun")
    def get_job_run(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        found = described(self._runs.get(scope(call), request["JobName"], request["RunId"]))
        if not request.get("PredecessorsIncluded"):
            found.pop("PredecessorRuns")
        return {"JobRun": found}

    @operation("GetJobRuns")
    def get_job_runs(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        name = request["JobName"]
        job_named(self._runs.resources, scope(call), name)
        limit, token = request.get("MaxResults", PAGE), request.get("NextToken")
        found = page(self._runs.of_job(scope(call), name), _by_start, descending=True, limit=limit, token=token)
        answer: dict[str, Any] = {"JobRuns": [described(one) for one in found.items]}
        return answer | ({"NextToken": found.token} if found.token else {})

    @operation("BatchStopJobRun")
    async def batch_stop_job_run(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        name = request["JobName"]
        stopped, errors = [], []
        for id in request["JobRunIds"]:
            which = {"JobName": name, "JobRunId": id}
            try:
                await self._runs.stop(scope(call), name, id)
                stopped.append(which)
            except ServiceError as error:
                detail = {"ErrorCode": error.code, "ErrorMessage": error.message}
                errors.append(which | {"ErrorDetail": detail})
        return {"SuccessfulSubmissions": stopped, "Errors": errors}

    def _repeated(self, call: Call, request: dict[str, Any]) -> dict[str, Any] | None:
        """The earlier run that JobRunId names."""
        if "JobRunId" not in request:
            return None
        found = self._runs.get(scope(call), request["JobName"], request["JobRunId"])
        if found["status"] not in ENDED:
            raise shapes.invalid(f"Job run {found['id']} cannot be retried: it is {found['status']}.")
        return found


def described(document: dict[str, Any]) -> dict[str, Any]:
    """A JobRun."""
    definition = document["definition"]
    begun, completed = document.get("begun"), document.get("completed")
    answer = {
        "Id": document["id"],
        "Attempt": document["attempt"],
        "JobName": document["job"],
        "JobMode": definition["JobMode"],
        "StartedOn": document["created"],
        "LastModifiedOn": document["modified"],
        "JobRunState": document["status"],
        "Arguments": document["given"],
        "PredecessorRuns": document["predecessors"],
        "AllocatedCapacity": int(document["capacity"]),
        "ExecutionTime": int((completed - begun).total_seconds()) if begun and completed else 0,
        "Timeout": document["timeout_min"],
        "MaxCapacity": document["capacity"],
        "LogGroupName": LOG_GROUPS[definition["Command"]["Name"]],
    }
    further = {
        "PreviousRunId": document["previous"],
        "TriggerName": document["trigger"],
        "CompletedOn": completed,
        "ErrorMessage": document.get("message"),
        "WorkerType": document.get("workers", {}).get("WorkerType"),
        "NumberOfWorkers": document.get("workers", {}).get("NumberOfWorkers"),
        "GlueVersion": definition.get("GlueVersion"),
        "ExecutionClass": definition.get("ExecutionClass"),
    }
    return answer | {name: value for name, value in further.items() if value is not None}


def _by_start(document: dict[str, Any]) -> tuple[float, str]:
    return document["created"].timestamp(), document["id"]
