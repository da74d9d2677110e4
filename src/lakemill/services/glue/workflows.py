"""Workflows: create, get, list, update, delete; start, stop and properties of their runs."""

import contextlib
from collections.abc import Mapping
from typing import Any

from lakemill.engines.resources import ResourceExists, ResourceMissing, Resources, by_name, page
from lakemill.services.base import Call, ServiceError, operation
from lakemill.services.glue import shapes
from lakemill.services.glue.firing import Firing
from lakemill.services.glue.jobs import scope
from lakemill.services.glue.runs import name_of
from lakemill.services.glue.tags import TRIGGER, WORKFLOW
from lakemill.services.glue.workflow_runs import WORKFLOW_RUN, WorkflowRuns, workflow_missing

PAGE, RUNS_PAGE = 25, 1000
ENDS = ("Timeout", "Failed", "Stopped", "Succeeded")


class WorkflowOperations:
    """Over workflows, their runs, and what fires their triggers."""

    def __init__(self, resources: Resources, runs: WorkflowRuns, firing: Firing) -> None:
        self._resources, self._runs, self._firing = resources, runs, firing

    @operation("CreateWorkflow")
    async def create_workflow(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        document = _definition(request) | {"last": None}
        try:
            await self._resources.create(WORKFLOW, scope(call), request["Name"], document, request.get("Tags"))
        except ResourceExists:
            raise ServiceError("AlreadyExistsException", "Workflow already exists.") from None
        return {"Name": request["Name"]}

    @operation("UpdateWorkflow")
    async def update_workflow(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        name, definition = request["Name"], _definition(request)
        try:
            await self._resources.update(WORKFLOW, scope(call), name, lambda document: document.update(definition))
        except ResourceMissing:
            raise workflow_missing(name) from None
        return {"Name": name}

    @operation("DeleteWorkflow")
    async def delete_workflow(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        """With its triggers: nothing could start them any more."""
        name, here = request["Name"], scope(call)

        def work(transaction: Any) -> None:
            self._resources.delete_in(transaction, WORKFLOW, here, name)
            for trigger in list(self._resources.all(TRIGGER, here, reader=transaction)):
                if trigger["workflow"] == name:
                    self._resources.delete_in(transaction, TRIGGER, here, trigger["name"])

        with contextlib.suppress(ResourceMissing):
            await self._resources.metadata.transact(work)
        return {"Name": name}

    @operation("GetWorkflow")
    def get_workflow(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        _refuse_graph(request)
        return {"Workflow": self._described(self._named(call, request["Name"]))}

    @operation("BatchGetWorkflows")
    def batch_get_workflows(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        _refuse_graph(request)
        found = {name: self._resources.find(WORKFLOW, scope(call), name) for name in request["Names"]}
        return {
            "Workflows": [self._described(document) for document in found.values() if document],
            "MissingWorkflows": [name for name, document in found.items() if not document],
        }

    @operation("ListWorkflows")
    def list_workflows(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        limit, token = request.get("MaxResults", PAGE), request.get("NextToken")
        found = self._resources.page(WORKFLOW, scope(call), sort=by_name, limit=limit, token=token)
        return {"Workflows": [one["name"] for one in found.items]} | _token(found)

    # Runs

    @operation("StartWorkflowRun")
    async def start_workflow_run(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        name, here = request["Name"], scope(call)
        self._named(call, name)
        starts = [
            trigger["name"]
            for trigger in self._resources.all(TRIGGER, here)
            if trigger["workflow"] == name and trigger["definition"]["Type"] != "CONDITIONAL"
        ]
        if not starts:
            raise shapes.invalid(f"Workflow {name} has no starting trigger: one of type ON_DEMAND or SCHEDULED.")
        return {"RunId": await self._firing.fire(here, starts[0], request.get("RunProperties"))}

    @operation("GetWorkflowRun")
    def get_workflow_run(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        _refuse_graph(request)
        return {"Run": described_run(self._run(call, request))}

    @operation("GetWorkflowRuns")
    def get_workflow_runs(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        _refuse_graph(request)
        self._named(call, request["Name"])
        limit, token = request.get("MaxResults", RUNS_PAGE), request.get("NextToken")
        runs = self._runs.of_workflow(scope(call), request["Name"])
        found = page(runs, _by_start, descending=True, limit=limit, token=token)
        return {"Runs": [described_run(one) for one in found.items]} | _token(found)

    @operation("StopWorkflowRun")
    async def stop_workflow_run(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        await self._runs.stop(scope(call), request["Name"], request["RunId"])
        return {}

    @operation("GetWorkflowRunProperties")
    def get_workflow_run_properties(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        return {"RunProperties": self._run(call, request)["properties"]}

    @operation("PutWorkflowRunProperties")
    async def put_workflow_run_properties(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        found = self._run(call, request)
        given = request["RunProperties"]
        await self._resources.update(
            WORKFLOW_RUN, scope(call), found["name"], lambda document: document["properties"].update(given)
        )
        return {}

    def _run(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        return self._runs.get(scope(call), request["Name"], request["RunId"])

    def _named(self, call: Call, name: str) -> dict[str, Any]:
        found = self._resources.find(WORKFLOW, scope(call), name)
        if found is None:
            raise workflow_missing(name)
        return found

    def _described(self, document: dict[str, Any]) -> dict[str, Any]:
        """A Workflow."""
        last = document["last"] and self._resources.find(
            WORKFLOW_RUN, document["scope"], name_of(document["name"], document["last"])
        )
        found = {
            "Name": document["name"],
            "Description": document["description"],
            "DefaultRunProperties": document["properties"],
            "CreatedOn": document["created"],
            "LastModifiedOn": document["modified"],
            "MaxConcurrentRuns": document["concurrent_max"],
            "LastRun": described_run(last) if last else None,
        }
        return {name: value for name, value in found.items() if value is not None}


def described_run(document: dict[str, Any]) -> dict[str, Any]:
    """A WorkflowRun."""
    counts, active = document["counts"], len(document["active"])
    statistics = {f"{end}Actions": counts.get(end.upper(), 0) for end in ENDS}
    found = {
        "Name": document["workflow"],
        "WorkflowRunId": document["id"],
        "PreviousRunId": document["previous"],
        "WorkflowRunProperties": document["properties"],
        "StartedOn": document["created"],
        "CompletedOn": document.get("completed"),
        "Status": document["status"],
        "ErrorMessage": document.get("message"),
        "Statistics": {"TotalActions": sum(counts.values()) + active, "RunningActions": active, **statistics},
    }
    return {name: value for name, value in found.items() if value is not None}


def _definition(request: Mapping[str, Any]) -> dict[str, Any]:
    concurrent = request.get("MaxConcurrentRuns")
    if concurrent is not None and concurrent < 1:
        raise shapes.invalid(f"MaxConcurrentRuns must be positive; got {concurrent}.")
    return {
        "description": request.get("Description"),
        "properties": request.get("DefaultRunProperties", {}),
        "concurrent_max": concurrent,
    }


def _refuse_graph(request: Mapping[str, Any]) -> None:
    if request.get("IncludeGraph"):
        raise shapes.invalid("IncludeGraph is not supported: list the triggers and runs instead.")


def _by_start(document: dict[str, Any]) -> tuple[float, str]:
    return document["created"].timestamp(), document["id"]


def _token(found: Any) -> dict[str, str]:
    return {"NextToken": found.token} if found.token else {}
