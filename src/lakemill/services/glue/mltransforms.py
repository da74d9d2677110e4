"""ML transforms: create, get, list, update, delete, and what a job pulls of one. `mltasks` teaches them."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from lakemill.engines.catalog import Catalog
from lakemill.engines.identity import Identity
from lakemill.engines.resources import page
from lakemill.engines.transforms import Runs, Transforms
from lakemill.services.base import Call, operation
from lakemill.services.glue import mltransform_request, roles, shapes
from lakemill.services.glue.jobs import scope

PAGE = 1000
SORTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "NAME": lambda document: document["title"],
    "TRANSFORM_TYPE": lambda document: document["definition"]["Parameters"]["TransformType"],
    "STATUS": lambda document: document["status"],
    "CREATED": lambda document: document["created"].timestamp(),
    "LAST_MODIFIED": lambda document: document["modified"].timestamp(),
}


class MLTransformOperations:
    """enforce: whether a role must exist and trust Glue."""

    def __init__(
        self, transforms: Transforms, runs: Runs, catalog: Catalog, identity: Identity, *, enforce: bool = True
    ) -> None:
        self._transforms, self._runs, self._catalog = transforms, runs, catalog
        self._identity, self._enforce = identity, enforce

    @operation("CreateMLTransform")
    async def create_ml_transform(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        definition = mltransform_request.made(call, self._catalog, request)
        self._check_role(call, definition["Role"])
        id = await self._transforms.create(scope(call), request["Name"], definition, request.get("Tags", {}))
        return {"TransformId": id}

    @operation("UpdateMLTransform")
    async def update_ml_transform(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        id, title = request["TransformId"], request.get("Name")
        self._transforms.get(scope(call), id)
        if title is not None and not title.strip():
            raise shapes.invalid("Transform name cannot be blank.")
        if "Role" in request:
            mltransform_request.check_settings(request)
            self._check_role(call, request["Role"])
        await self._transforms.change(
            scope(call), id, title, lambda definition: mltransform_request.changed(definition, request)
        )
        return {"TransformId": id}

    @operation("DeleteMLTransform")
    async def delete_ml_transform(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        await self._runs.delete(scope(call), request["TransformId"])
        return {"TransformId": request["TransformId"]}

    @operation("GetMLTransform")
    def get_ml_transform(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        return described(self._transforms.get(scope(call), request["TransformId"]))

    @operation("GetMLTransforms")
    def get_ml_transforms(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        found = self._page(call, request)
        return {"Transforms": [described(one) for one in found.items]} | shapes.next_token(found)

    @operation("ListMLTransforms")
    def list_ml_transforms(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        found = self._page(call, request, request.get("Tags", {}))
        return {"TransformIds": [one["name"] for one in found.items]} | shapes.next_token(found)

    @operation("PullLatestMLTransformModel")
    async def pull_latest_ml_transform_model(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        id = request["TransformId"]
        document, model = await asyncio.to_thread(self._transforms.model, scope(call), id)
        return {
            "TransformId": id,
            "ModelVersion": document["version"],
            "Model": model,
            "FindMatchesParameters": document["definition"]["Parameters"]["FindMatchesParameters"],
        }

    def _check_role(self, call: Call, role: str) -> None:
        if self._enforce:
            roles.check_trust(self._identity, roles.role_arn(self._identity, call.account, role))

    def _page(self, call: Call, request: dict[str, Any], tags: Mapping[str, str] | None = None) -> Any:
        wanted, sort = request.get("Filter", {}), request.get("Sort", {})
        found = [
            one
            for one in self._transforms.all(scope(call))
            if _passes(one, wanted) and (tags or {}).items() <= one["tags"].items()
        ]
        by = SORTS[sort.get("Column", "CREATED")]
        return page(
            found,
            lambda document: (by(document), document["name"]),
            descending=sort.get("SortDirection") == "DESCENDING",
            limit=request.get("MaxResults", PAGE),
            token=request.get("NextToken"),
        )


def _passes(document: dict[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a transform passes a TransformFilterCriteria."""
    definition = document["definition"]
    own = {
        "Name": document["title"],
        "TransformType": definition["Parameters"]["TransformType"],
        "Status": document["status"],
        "GlueVersion": definition["GlueVersion"],
    }
    if any(own[name] != wanted[name] for name in own.keys() & wanted.keys()):
        return False
    columns = [(one["Name"], one["DataType"]) for one in definition["Schema"]]
    if any((one.get("Name"), one.get("DataType")) not in columns for one in wanted.get("Schema", [])):
        return False
    times = {"Created": document["created"], "LastModified": document["modified"]}
    return all(
        ("Before" not in name or time < value) and ("After" not in name or time > value)
        for start, time in times.items()
        for name, value in wanted.items()
        if name in (f"{start}Before", f"{start}After")
    )


def described(document: dict[str, Any]) -> dict[str, Any]:
    """An MLTransform."""
    definition = {name: value for name, value in document["definition"].items() if name != "key"}
    answer = definition | {
        "TransformId": document["name"],
        "Name": document["title"],
        "Status": document["status"],
        "CreatedOn": document["created"],
        "LastModifiedOn": document["modified"],
        "LabelCount": document["label_count"],
    }
    if document["metrics"] is not None:
        answer["EvaluationMetrics"] = {"TransformType": "FIND_MATCHES", "FindMatchesMetrics": document["metrics"]}
    return answer
