"""Transform jobs: create, describe, list, stop. `transform_run` does them.

Beside what engines/resources keeps, a job's document holds `request` (CreateTransformJob as given), `model` (what is
served, as the model was when the job was made), `status`, and as they become known `started`, `ended`, `failure`.
"""

import secrets
from collections.abc import Mapping
from typing import Any

from lakemill.engines.jobs import Jobs
from lakemill.engines.resources import ResourceExists, ResourceMissing, Resources
from lakemill.ports.clock import Clock
from lakemill.services.base import Call, ServiceError, operation
from lakemill.services.sagemaker import transform_request
from lakemill.services.sagemaker.access import check_trust
from lakemill.services.sagemaker.errors import invalid
from lakemill.services.sagemaker.models import listing, named_model, served
from lakemill.services.sagemaker.resources import TRANSFORM_JOB, arn, scope, tags
from lakemill.services.sagemaker.tags import refuse_reserved

JOB = "transform"
"""The kind of job, in the jobs engine."""
ENDED = ("Completed", "Failed", "Stopped")
ECHOED = (
    "ModelName",
    "MaxConcurrentTransforms",
    "ModelClientConfig",
    "MaxPayloadInMB",
    "BatchStrategy",
    "Environment",
    "TransformInput",
    "TransformOutput",
    "TransformResources",
    "DataProcessing",
)


class Transforms:
    """Mixin. Needs self.resources, self.jobs, self.identity, self.clock, self.enforce."""

    resources: Resources
    jobs: Jobs
    identity: Any
    clock: Clock
    enforce: bool

    @operation("CreateTransformJob", refuses=transform_request.REFUSED)
    async def create_transform_job(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        transform_request.check(request)
        refuse_reserved(tags(request))
        name, here = request["TransformJobName"], scope(call)
        model = named_model(self.resources, here, request["ModelName"])
        if self.enforce:
            check_trust(self.identity, model["role"])
        document = {
            "request": {member: value for member, value in request.items() if member != "Tags"},
            "model": served(model, environment(request)).document(),
            "status": "InProgress",
            "id": secrets.token_hex(6),
        }

        def create(transaction: Any) -> None:
            self.resources.create_in(transaction, TRANSFORM_JOB, here, name, document, tags(request))

        try:
            await self.jobs.submit(JOB, job_key(here, name), {"scope": here, "name": name}, also=create)
        except ResourceExists:
            raise ServiceError(
                "ResourceInUse",
                "Job name must be unique within an AWS account and region, and a job with this name already exists "
                f"({arn(here, TRANSFORM_JOB, name)})",
            ) from None
        return {"TransformJobArn": arn(here, TRANSFORM_JOB, name)}

    @operation("DescribeTransformJob")
    def describe_transform_job(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        name, here = request["TransformJobName"], scope(call)
        try:
            document = self.resources.get(TRANSFORM_JOB, here, name)
        except ResourceMissing:
            raise job_missing(name) from None
        given = document["request"]
        answer = {member: given[member] for member in ECHOED if member in given}
        answer |= _summary(document)
        answer.pop("LastModifiedTime")
        if "started" in document:
            answer["TransformStartTime"] = document["started"]
        return answer

    @operation("ListTransformJobs")
    def list_transform_jobs(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        def matches(document: dict[str, Any]) -> bool:
            return (
                request.get("StatusEquals", document["status"]) == document["status"]
                and request.get("LastModifiedTimeAfter", document["modified"]) <= document["modified"]
                and request.get("LastModifiedTimeBefore", document["modified"]) >= document["modified"]
            )

        sorts = {"Status": lambda document: (document["status"], document["name"])}
        found = listing(self.resources, TRANSFORM_JOB, call, request, where=matches, sorts=sorts)
        answer = {"TransformJobSummaries": [_summary(one) for one in found.items]}
        return answer | ({"NextToken": found.token} if found.token else {})

    @operation("StopTransformJob")
    async def stop_transform_job(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        name, here = request["TransformJobName"], scope(call)

        def change(document: dict[str, Any]) -> None:
            if document["status"] in ENDED:
                raise invalid(f"The request was rejected because the transform job is in status {document['status']}.")
            document["status"] = "Stopping"

        def stopping(transaction: Any) -> None:
            self.resources.update_in(transaction, TRANSFORM_JOB, here, name, change)

        try:
            await self.jobs.stop(job_key(here, name), also=stopping)
        except ResourceMissing:
            raise job_missing(name) from None
        return {}


def job_key(scope: str, name: str) -> str:
    """A transform job's key in the jobs engine."""
    return f"{scope}/{TRANSFORM_JOB}/{name}"


def job_missing(name: str) -> ServiceError:
    """No transform job has this name."""
    return invalid(f"Could not find requested job with name: {name}")


def environment(request: Mapping[str, Any]) -> dict[str, str]:
    """What a job adds to the model's variables; of the limits only those that the user set."""
    variables = {"SAGEMAKER_BATCH": "true"}
    if request.get("MaxPayloadInMB") is not None:
        variables["SAGEMAKER_MAX_PAYLOAD_IN_MB"] = str(request["MaxPayloadInMB"])
    if request.get("BatchStrategy"):
        variables["SAGEMAKER_BATCH_STRATEGY"] = STRATEGIES[request["BatchStrategy"]]
    if request.get("MaxConcurrentTransforms"):
        variables["SAGEMAKER_MAX_CONCURRENT_TRANSFORMS"] = str(request["MaxConcurrentTransforms"])
    return variables | request.get("Environment", {})


STRATEGIES = {"SingleRecord": "SINGLE_RECORD", "MultiRecord": "MULTI_RECORD"}


def _summary(document: Mapping[str, Any]) -> dict[str, Any]:
    summary = {
        "TransformJobName": document["name"],
        "TransformJobArn": arn(document["scope"], TRANSFORM_JOB, document["name"]),
        "CreationTime": document["created"],
        "LastModifiedTime": document["modified"],
        "TransformJobStatus": document["status"],
    }
    if "ended" in document:
        summary["TransformEndTime"] = document["ended"]
    if "failure" in document:
        summary["FailureReason"] = document["failure"]
    return summary
