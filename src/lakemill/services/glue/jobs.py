"""Jobs: create, get, list, update, delete. `runs` starts them."""

import contextlib
from typing import Any

from lakemill.engines.identity import Identity
from lakemill.engines.resources import ResourceExists, ResourceMissing, Resources, by_name
from lakemill.ports.metadata import Transaction
from lakemill.services.base import Call, ServiceError, operation
from lakemill.services.glue import bookmarks, job_request, roles
from lakemill.services.glue.tags import JOB

PAGE = 1000
BATCH_MAX = 25


class JobOperations:
    """A job's document holds `definition`, the Job structure without names and times.

    enforce: whether a role must exist and trust Glue.
    """

    def __init__(self, resources: Resources, identity: Identity, *, enforce: bool = True) -> None:
        self._resources, self._identity, self._enforce = resources, identity, enforce

    @operation("CreateJob", refuses=job_request.REFUSED)
    async def create_job(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        document = {"definition": self._definition(call, request)}
        try:
            await self._resources.create(JOB, scope(call), request["Name"], document, request.get("Tags"))
        except ResourceExists:
            raise ServiceError("AlreadyExistsException", "Job already exists.") from None
        return {"Name": request["Name"]}

    @operation("UpdateJob")
    async def update_job(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        definition = self._definition(call, request["JobUpdate"])
        name = request["JobName"]
        try:
            await self._resources.update(
                JOB, scope(call), name, lambda document: document.update(definition=definition)
            )
        except ResourceMissing:
            raise job_missing(name) from None
        return {"JobName": name}

    @operation("DeleteJob")
    async def delete_job(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        name = request["JobName"]

        def work(transaction: Transaction) -> None:
            bookmarks.forget_in(transaction, scope(call), name)
            with contextlib.suppress(ResourceMissing):  # As AWS has it: what is not there is deleted.
                self._resources.delete_in(transaction, JOB, scope(call), name)

        await self._resources.metadata.transact(work)
        return {"JobName": name}

    @operation("GetJob")
    def get_job(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        return {"Job": described(job_named(self._resources, scope(call), request["JobName"]))}

    @operation("GetJobs")
    def get_jobs(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        found = self._page(call, request)
        return {"Jobs": [described(one) for one in found.items]} | _token(found)

    @operation("ListJobs")
    def list_jobs(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        wanted = request.get("Tags", {}).items()
        found = self._page(call, request, lambda document: wanted <= document["tags"].items())
        return {"JobNames": [one["name"] for one in found.items]} | _token(found)

    @operation("BatchGetJobs")
    def batch_get_jobs(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        found = {name: self._resources.find(JOB, scope(call), name) for name in request["JobNames"]}
        return {
            "Jobs": [described(document) for document in found.values() if document],
            "JobsNotFound": [name for name, document in found.items() if not document],
        }

    def _page(self, call: Call, request: dict[str, Any], where: Any = lambda document: True) -> Any:
        limit, token = request.get("MaxResults", PAGE), request.get("NextToken")
        return self._resources.page(JOB, scope(call), where=where, sort=by_name, limit=limit, token=token)

    def _definition(self, call: Call, given: dict[str, Any]) -> dict[str, Any]:
        definition = job_request.definition(given)
        if self._enforce:
            roles.check_trust(self._identity, roles.role_arn(self._identity, call.account, definition["Role"]))
        return definition


def scope(call: Call) -> str:
    """Where the caller's jobs are."""
    return f"{call.account}/{call.region}"


def job_named(resources: Resources, scope: str, name: str, reader: Any = None) -> dict[str, Any]:
    """A job's document. Raises ServiceError EntityNotFoundException."""
    found = resources.find(JOB, scope, name, reader)
    if found is None:
        raise job_missing(name)
    return found


def job_missing(name: str) -> ServiceError:
    """No job has this name."""
    return ServiceError("EntityNotFoundException", f"Job {name} not found.")


def described(document: dict[str, Any]) -> dict[str, Any]:
    """A Job."""
    times = {"CreatedOn": document["created"], "LastModifiedOn": document["modified"]}
    return {"Name": document["name"], **document["definition"], **times}


def _token(page: Any) -> dict[str, str]:
    return {"NextToken": page.token} if page.token else {}
