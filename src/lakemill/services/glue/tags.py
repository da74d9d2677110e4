"""Tags of whatever Glue keeps tags of: databases, crawlers, jobs, triggers, workflows, ML transforms."""

from collections.abc import Callable
from typing import Any

from lakemill.engines.catalog import Catalog
from lakemill.engines.crawling import KIND as CRAWLER
from lakemill.engines.resources import ResourceMissing, Resources
from lakemill.engines.transforms.transforms import KIND as TRANSFORM
from lakemill.services.base import Call, ServiceError, operation
from lakemill.services.glue import shapes
from lakemill.services.glue.connections import KIND as CONNECTION

TAGS_MAX = 50
JOB, TRIGGER, WORKFLOW = "glue-job", "glue-trigger", "glue-workflow"
"""Kinds of resources."""
KINDS = {
    "crawler": CRAWLER,
    "job": JOB,
    "trigger": TRIGGER,
    "workflow": WORKFLOW,
    "mlTransform": TRANSFORM,
    "connection": CONNECTION,
}
"""By what an ARN calls them."""

Change = Callable[[dict[str, str]], dict[str, str]]


class TagOperations:
    """Mixed into the service."""

    catalog: Catalog
    resources: Resources

    @operation("TagResource")
    async def tag_resource(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        def change(tags: dict[str, str]) -> dict[str, str]:
            tags = tags | request["TagsToAdd"]
            if len(tags) > TAGS_MAX:
                raise shapes.invalid(f"A resource has at most {TAGS_MAX} tags.")
            return tags

        await self._retag(call, request["ResourceArn"], change)
        return {}

    @operation("UntagResource")
    async def untag_resource(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        gone = set(request["TagsToRemove"])

        def change(tags: dict[str, str]) -> dict[str, str]:
            return {key: value for key, value in tags.items() if key not in gone}

        await self._retag(call, request["ResourceArn"], change)
        return {}

    @operation("GetTags")
    def get_tags(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        kind, name = _tagged(call, request["ResourceArn"])
        if kind == "database":
            return {"Tags": self.catalog.database(_scope(call), name).tags}
        found = self.resources.find(KINDS[kind], _scope(call), name)
        if found is None:
            raise _missing(request["ResourceArn"])
        return {"Tags": found["tags"]}

    async def _retag(self, call: Call, arn: str, change: Change) -> None:
        kind, name = _tagged(call, arn)
        if kind == "database":
            await self.catalog.tag_database(_scope(call), name, change)
            return
        try:
            await self.resources.retag(KINDS[kind], _scope(call), name, change)
        except ResourceMissing:
            raise _missing(arn) from None


def _scope(call: Call) -> str:
    return f"{call.account}/{call.region}"


def _tagged(call: Call, arn: str) -> tuple[str, str]:
    """(what it is, its name) of an ARN."""
    start = call.arn("")
    kind, _, name = arn.removeprefix(start).partition("/")
    if not arn.startswith(start) or not name or kind not in {"database", *KINDS}:
        raise _missing(arn)
    return kind, name


def _missing(arn: str) -> ServiceError:
    return ServiceError("EntityNotFoundException", f"Resource {arn} not found.")
