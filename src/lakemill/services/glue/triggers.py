"""Triggers: create, get, list, update, delete, start, stop. `firing` does what they say.

A trigger's document holds `definition`, `workflow` (a name, or None), `state`, `due` (when its schedule is due next, or
None) and `met` (firing.py).
"""

import contextlib
from collections.abc import Callable
from typing import Any

from lakemill.engines.resources import ResourceExists, ResourceMissing, Resources, by_name
from lakemill.services.base import Call, ServiceError, operation
from lakemill.services.glue import shapes, trigger_request
from lakemill.services.glue.firing import ACTIVATED, Firing
from lakemill.services.glue.jobs import scope
from lakemill.services.glue.tags import TRIGGER, WORKFLOW
from lakemill.services.glue.trigger_request import CONDITIONAL, ON_DEMAND
from lakemill.services.glue.workflow_runs import workflow_missing

PAGE = 200


class TriggerOperations:
    """Over resources and what fires them."""

    def __init__(self, resources: Resources, firing: Firing) -> None:
        self._resources, self._firing = resources, firing

    @operation("CreateTrigger", refuses=trigger_request.REFUSED)
    async def create_trigger(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        definition = trigger_request.definition(self._resources, scope(call), request["Type"], request)
        starts = request.get("StartOnCreation", False)
        if starts and request["Type"] == ON_DEMAND:
            raise shapes.invalid("StartOnCreation is not supported for triggers of type ON_DEMAND.")
        document = {
            "definition": definition,
            "workflow": request.get("WorkflowName"),
            "state": ACTIVATED if starts else "CREATED",
            "due": self._firing.next_due(definition) if starts else None,
            "met": {},
        }
        self._check_workflow(call, request)
        try:
            await self._resources.create(TRIGGER, scope(call), request["Name"], document, request.get("Tags"))
        except ResourceExists:
            raise ServiceError("AlreadyExistsException", "Trigger already exists.") from None
        self._firing.changed()
        return {"Name": request["Name"]}

    @operation("UpdateTrigger")
    async def update_trigger(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        name, given = request["Name"], request["TriggerUpdate"]
        if given.get("Name", name) != name:
            raise shapes.invalid("TriggerUpdate.Name is not supported: a trigger keeps its name.")
        kind = self._named(call, name)["definition"]["Type"]
        definition = trigger_request.definition(self._resources, scope(call), kind, given)

        def change(document: dict[str, Any]) -> None:
            document |= {"definition": definition, "met": {}}
            document["due"] = self._firing.next_due(definition) if document["state"] == ACTIVATED else None

        return {"Trigger": described(await self._change(call, name, change))}

    @operation("DeleteTrigger")
    async def delete_trigger(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        with contextlib.suppress(ResourceMissing):  # As AWS has it: what is not there is deleted.
            await self._resources.delete(TRIGGER, scope(call), request["Name"])
        return {"Name": request["Name"]}

    @operation("StartTrigger")
    async def start_trigger(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        name = request["Name"]
        if self._named(call, name)["definition"]["Type"] == ON_DEMAND:
            await self._firing.fire(scope(call), name)
            return {"Name": name}

        def change(document: dict[str, Any]) -> None:
            if document["state"] != ACTIVATED:
                document |= {"state": ACTIVATED, "due": self._firing.next_due(document["definition"]), "met": {}}

        await self._change(call, name, change)
        return {"Name": name}

    @operation("StopTrigger")
    async def stop_trigger(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        def change(document: dict[str, Any]) -> None:
            if document["definition"]["Type"] == ON_DEMAND:
                raise shapes.invalid("A trigger of type ON_DEMAND cannot be stopped.")
            document |= {"state": "DEACTIVATED", "due": None, "met": {}}

        await self._change(call, request["Name"], change)
        return {"Name": request["Name"]}

    @operation("GetTrigger")
    def get_trigger(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        return {"Trigger": described(self._named(call, request["Name"]))}

    @operation("GetTriggers")
    def get_triggers(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        found, token = self._page(call, request)
        return {"Triggers": [described(one) for one in found]} | token

    @operation("ListTriggers")
    def list_triggers(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        found, token = self._page(call, request)
        return {"TriggerNames": [one["name"] for one in found]} | token

    @operation("BatchGetTriggers")
    def batch_get_triggers(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        found = {name: self._resources.find(TRIGGER, scope(call), name) for name in request["TriggerNames"]}
        return {
            "Triggers": [described(document) for document in found.values() if document],
            "TriggersNotFound": [name for name, document in found.items() if not document],
        }

    def _page(self, call: Call, request: dict[str, Any]) -> tuple[list[dict[str, Any]], dict[str, str]]:
        job, tags = request.get("DependentJobName"), request.get("Tags", {}).items()

        def starts(document: dict[str, Any]) -> bool:
            return any(action["JobName"] == job for action in document["definition"]["Actions"])

        # As AWS has it: a job that no trigger starts narrows nothing.
        narrowed = job is not None and any(starts(one) for one in self._resources.all(TRIGGER, scope(call)))

        def where(document: dict[str, Any]) -> bool:
            return tags <= document["tags"].items() and (not narrowed or starts(document))

        limit, token = request.get("MaxResults", PAGE), request.get("NextToken")
        found = self._resources.page(TRIGGER, scope(call), where=where, sort=by_name, limit=limit, token=token)
        return found.items, {"NextToken": found.token} if found.token else {}

    def _check_workflow(self, call: Call, request: dict[str, Any]) -> None:
        """A workflow is there, and has one trigger that starts it."""
        name = request.get("WorkflowName")
        if name is None:
            return
        if self._resources.find(WORKFLOW, scope(call), name) is None:
            raise workflow_missing(name)
        others = (one for one in self._resources.all(TRIGGER, scope(call)) if one["workflow"] == name)
        if request["Type"] != CONDITIONAL and any(one["definition"]["Type"] != CONDITIONAL for one in others):
            raise shapes.invalid(f"Workflow {name} has a starting trigger already.")

    def _named(self, call: Call, name: str) -> dict[str, Any]:
        found = self._resources.find(TRIGGER, scope(call), name)
        if found is None:
            raise _missing(name)
        return found

    async def _change(self, call: Call, name: str, change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        try:
            document = await self._resources.update(TRIGGER, scope(call), name, change)
        except ResourceMissing:
            raise _missing(name) from None
        self._firing.changed()
        return document


def described(document: dict[str, Any]) -> dict[str, Any]:
    """A Trigger."""
    workflow = {"WorkflowName": document["workflow"]} if document["workflow"] else {}
    return {"Name": document["name"], "State": document["state"], **document["definition"], **workflow}


def _missing(name: str) -> ServiceError:
    return ServiceError("EntityNotFoundException", f"Trigger {name} not found.")
