"""Task runs of ML transforms: label sets, labels in and out, evaluations; get, list, cancel."""

from collections.abc import Callable, Mapping
from typing import Any

from lakemill.engines.identity import Identity, RoleRights
from lakemill.engines.objects import BucketMissing, ObjectMissing, Objects
from lakemill.engines.resources import page
from lakemill.engines.transforms import Runs, Transforms
from lakemill.services.base import Call, ServiceError, operation
from lakemill.services.glue import roles, shapes
from lakemill.services.glue.jobs import scope

PAGE = 1000
LOG_GROUP = "/aws-glue/jobs"
"""Below it are `output` and `error`, as for jobs; a task run's streams have its id."""
LABEL_FILE_BYTES_MAX = 10 << 20
PROPERTIES = {
    "LABELING_SET_GENERATION": ("LabelingSetGenerationTaskRunProperties", "OutputS3Path"),
    "IMPORT_LABELS": ("ImportLabelsTaskRunProperties", "InputS3Path"),
    "EXPORT_LABELS": ("ExportLabelsTaskRunProperties", "OutputS3Path"),
}
SORTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "TASK_RUN_TYPE": lambda document: document["kind"],
    "STATUS": lambda document: document["status"],
    "STARTED": lambda document: document["created"].timestamp(),
}


class MLTaskOperations:
    """enforce: whether roles must exist, be trusted, and have their permissions."""

    def __init__(
        self, transforms: Transforms, runs: Runs, objects: Objects, identity: Identity, *, enforce: bool = True
    ) -> None:
        self._transforms, self._runs, self._objects, self._identity = transforms, runs, objects, identity
        self._rights = RoleRights(identity, objects, roles.SERVICE, roles.SESSION, enforce=enforce)

    # Starting

    @operation("StartMLLabelingSetGenerationTaskRun")
    async def start_ml_labeling_set_generation_task_run(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        return await self._start(call, request, "LABELING_SET_GENERATION", request["OutputS3Path"])

    @operation("StartImportLabelsTaskRun")
    async def start_import_labels_task_run(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        place = request["InputS3Path"]
        self._check_label_file(call, self._transforms.get(scope(call), request["TransformId"]), place)
        replace = request.get("ReplaceAllLabels", False)
        return await self._start(call, request, "IMPORT_LABELS", place, replace=replace)

    @operation("StartExportLabelsTaskRun")
    async def start_export_labels_task_run(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        id = request["TransformId"]
        if self._transforms.get(scope(call), id)["labels"] is None:
            message = f"No labelset exists for transformId {id} in account id {call.account}."
            raise ServiceError("EntityNotFoundException", message)
        return await self._start(call, request, "EXPORT_LABELS", request["OutputS3Path"])

    @operation("StartMLEvaluationTaskRun")
    async def start_ml_evaluation_task_run(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        started = await self._runs.start(
            scope(call), request["TransformId"], "EVALUATION", {"place": "", "replace": False}, taught=True
        )
        return {"TaskRunId": started["id"]}

    async def _start(
        self, call: Call, request: dict[str, Any], kind: str, place: str, *, replace: bool = False
    ) -> dict[str, Any]:
        if not place.startswith("s3://") or not place.removeprefix("s3://").partition("/")[0]:
            raise shapes.invalid(f"A path must be s3://bucket/key or s3://bucket/prefix/; got {place!r}.")
        given = {"place": place, "replace": replace}
        started = await self._runs.start(scope(call), request["TransformId"], kind, given)
        return {"TaskRunId": started["id"]}

    def _check_label_file(self, call: Call, transform: dict[str, Any], place: str) -> None:
        """Raise a ServiceError unless there is a file the role may read, or a folder."""
        bucket, _, key = place.removeprefix("s3://").partition("/")
        if not place.startswith("s3://") or not bucket:
            raise shapes.invalid("Invalid label file path.")
        if not key or key.endswith("/"):
            return
        role = roles.role_arn(self._identity, call.account, transform["definition"]["Role"])
        refusal = self._rights.refusal(role, call.region, "s3:GetObject", f"arn:aws:s3:::{bucket}/{key}")
        if refusal:
            raise shapes.invalid(f"Cannot access the label file at {place}. {refusal.rstrip('.')}.")
        try:
            size = self._objects.head(bucket, key).size
        except (BucketMissing, ObjectMissing) as error:
            raise shapes.invalid(f"Cannot access the label file at {place}. {str(error).rstrip('.')}.") from None
        if size == 0:
            raise shapes.invalid("Invalid label file of size 0.")
        if size > LABEL_FILE_BYTES_MAX:
            message = f"Label file has exceeded the limit of {LABEL_FILE_BYTES_MAX >> 20} MB."
            raise ServiceError("ResourceNumberLimitExceededException", message)

    # What there is

    @operation("GetMLTaskRun")
    def get_ml_task_run(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        return described(self._runs.get(scope(call), request["TransformId"], request["TaskRunId"]))

    @operation("GetMLTaskRuns")
    def get_ml_task_runs(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        wanted, sort = request.get("Filter", {}), request.get("Sort", {})
        by = SORTS[sort.get("Column", "STARTED")]
        found = page(
            (one for one in self._runs.of_transform(scope(call), request["TransformId"]) if _passes(one, wanted)),
            lambda document: (by(document), document["id"]),
            descending=sort.get("SortDirection", "DESCENDING") == "DESCENDING",
            limit=request.get("MaxResults", PAGE),
            token=request.get("NextToken"),
        )
        return {"TaskRuns": [described(one) for one in found.items]} | shapes.next_token(found)

    @operation("CancelMLTaskRun")
    async def cancel_ml_task_run(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        transform, id = request["TransformId"], request["TaskRunId"]
        found = await self._runs.cancel(scope(call), transform, id)
        return {"TransformId": transform, "TaskRunId": id, "Status": found["status"]}


def _passes(document: dict[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a run passes a TaskRunFilterCriteria."""
    started = document["created"]
    return (
        wanted.get("TaskRunType", document["kind"]) == document["kind"]
        and wanted.get("Status", document["status"]) == document["status"]
        and ("StartedBefore" not in wanted or started < wanted["StartedBefore"])
        and ("StartedAfter" not in wanted or started > wanted["StartedAfter"])
    )


def described(document: dict[str, Any]) -> dict[str, Any]:
    """A TaskRun."""
    begun, completed = document.get("begun"), document.get("completed")
    properties: dict[str, Any] = {"TaskType": document["kind"]}
    if document["kind"] in PROPERTIES:
        name, place = PROPERTIES[document["kind"]]
        properties[name] = {place: document["place"]}
        if document["kind"] == "IMPORT_LABELS":
            properties[name]["Replace"] = document["replace"]
    answer = {
        "TransformId": document["transform"],
        "TaskRunId": document["id"],
        "Status": document["status"],
        "LogGroupName": LOG_GROUP,
        "Properties": properties,
        "StartedOn": document["created"],
        "LastModifiedOn": document["modified"],
        "ExecutionTime": int((completed - begun).total_seconds()) if begun and completed else 0,
    }
    further = {"CompletedOn": completed, "ErrorString": document.get("message")}
    return answer | {name: value for name, value in further.items() if value is not None}
