"""Training jobs: create, describe, list, stop."""

from typing import Any

from lakemill.algorithms import registry
from lakemill.engines.jobs import Jobs
from lakemill.engines.resources import ResourceExists, ResourceMissing, Resources, by_creation, by_name
from lakemill.ports.clock import Clock
from lakemill.services.base import Call, ServiceError, operation
from lakemill.services.sagemaker import images, metrics, training_request, training_state
from lakemill.services.sagemaker.access import check_trust
from lakemill.services.sagemaker.errors import invalid, not_found
from lakemill.services.sagemaker.resources import TRAINING_JOB, arn, scope, tags
from lakemill.services.sagemaker.tags import refuse_reserved

JOB = "training"
"""The kind of job, in the jobs engine."""


class Training:
    """Mixin. Needs self.resources, self.jobs, self.identity, self.clock, self.enforce."""

    resources: Resources
    jobs: Jobs
    identity: Any
    clock: Clock
    enforce: bool

    @operation("CreateTrainingJob", refuses=training_request.REFUSED)
    async def create_training_job(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        training_request.check(request)
        refuse_reserved(tags(request))
        spec = images.algorithm_of(request["AlgorithmSpecification"]["TrainingImage"])
        if self.enforce:
            check_trust(self.identity, request["RoleArn"])
        name, here = request["TrainingJobName"], scope(call)
        kept = {member: value for member, value in request.items() if member != "Tags"}
        document = {"request": kept, "algorithm": spec.name, "status": "", "secondary": ""}
        training_state.go(document, "Starting", self.clock.now())

        def create(transaction: Any) -> None:
            self.resources.create_in(transaction, TRAINING_JOB, here, name, document, tags(request))

        try:
            await self.jobs.submit(
                JOB, job_key(here, name), {"scope": here, "name": name, "algorithm": spec.name}, also=create
            )
        except ResourceExists:
            raise ServiceError(
                "ResourceInUse",
                "Training job names must be unique within an AWS account and region, and a training job with this "
                f"name already exists ({arn(here, TRAINING_JOB, name)})",
            ) from None
        return {"TrainingJobArn": arn(here, TRAINING_JOB, name)}

    @operation("DescribeTrainingJob")
    def describe_training_job(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        document = self._training_job(call, request["TrainingJobName"])
        spec = registry.find(document["algorithm"])
        job = job_key(document["scope"], document["name"])
        finals = metrics.last_values(self.resources.metadata, job, spec) if spec else []
        return training_state.describe(document, spec, finals)

    @operation(
        "ListTrainingJobs",
        refuses={
            "WarmPoolStatusEquals": "lakemill has no warm pools",
            "TrainingPlanArnEquals": "lakemill has no training plans",
        },
    )
    def list_training_jobs(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        page = self.resources.page(
            TRAINING_JOB,
            scope(call),
            where=lambda document: _matches(document, request),
            sort=_SORTS[request.get("SortBy", "CreationTime")],
            descending=request.get("SortOrder", "Ascending") == "Descending",
            limit=request.get("MaxResults", 10),
            token=request.get("NextToken"),
        )
        answer: dict[str, Any] = {"TrainingJobSummaries": [training_state.summary(one) for one in page.items]}
        return answer | ({"NextToken": page.token} if page.token else {})

    @operation("StopTrainingJob")
    async def stop_training_job(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        name, here = request["TrainingJobName"], scope(call)

        def change(document: dict[str, Any]) -> None:
            if training_state.has_ended(document):
                raise invalid(f"The request was rejected because the training job is in status {document['status']}.")
            training_state.go(document, "Stopping", self.clock.now())

        def stopping(transaction: Any) -> None:
            self.resources.update_in(transaction, TRAINING_JOB, here, name, change)

        try:
            await self.jobs.stop(job_key(here, name), also=stopping)
        except ResourceMissing:
            raise not_found() from None
        return {}

    def _training_job(self, call: Call, name: str) -> dict[str, Any]:
        try:
            return self.resources.get(TRAINING_JOB, scope(call), name)
        except ResourceMissing:
            raise not_found() from None


def job_key(scope: str, name: str) -> str:
    """A training job's key in the jobs engine."""
    return f"{scope}/{TRAINING_JOB}/{name}"


def _by_status(document: dict[str, Any]) -> tuple[Any, ...]:
    return (document["status"], document["name"])


_SORTS = {"Name": by_name, "CreationTime": by_creation, "Status": _by_status}


def _matches(document: dict[str, Any], request: dict[str, Any]) -> bool:
    return (
        request.get("NameContains", "") in document["name"]
        and request.get("StatusEquals", document["status"]) == document["status"]
        and request.get("CreationTimeAfter", document["created"]) <= document["created"]
        and request.get("CreationTimeBefore", document["created"]) >= document["created"]
        and request.get("LastModifiedTimeAfter", document["modified"]) <= document["modified"]
        and request.get("LastModifiedTimeBefore", document["modified"]) >= document["modified"]
    )
