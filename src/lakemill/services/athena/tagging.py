"""Tags of workgroups."""

from typing import Any

from lakemill.engines.resources import Resources
from lakemill.services.athena.errors import invalid, missing
from lakemill.services.athena.paging import opened, sealed
from lakemill.services.athena.workgroups import KIND, scope_of
from lakemill.services.base import Call, ServiceError, operation

PAGE_MAX, PAGE_MIN = 75, 75
Document = dict[str, Any]


class TagOperations:
    """Mixed into the service."""

    resources: Resources

    @operation("TagResource")
    async def tag_resource(self, call: Call, request: Document) -> Document:
        name = self._tagged(call, request)
        await self.primary_stored(call, name)
        tags = {tag["Key"]: tag.get("Value", "") for tag in request["Tags"]}
        await self.resources.tag(KIND, scope_of(call), name, tags)
        return {}

    @operation("UntagResource")
    async def untag_resource(self, call: Call, request: Document) -> Document:
        name = self._tagged(call, request)
        await self.primary_stored(call, name)
        await self.resources.untag(KIND, scope_of(call), name, request["TagKeys"])
        return {}

    @operation("ListTagsForResource")
    def list_tags_for_resource(self, call: Call, request: Document) -> Document:
        tags = self.group(call, self._tagged(call, request))["tags"]
        limit = request.get("MaxResults", PAGE_MAX)
        if limit < PAGE_MIN:
            raise invalid(f"MaxResults must be at least {PAGE_MIN}; got {limit}.")
        after = opened(request.get("NextToken"))
        names = sorted(name for name in tags if name > after)
        token = {"NextToken": sealed(names[limit - 1])} if len(names) > limit else {}
        return {"Tags": [{"Key": name, "Value": tags[name]} for name in names[:limit]]} | token

    def group(self, call: Call, name: str) -> Document:
        raise NotImplementedError

    async def primary_stored(self, call: Call, name: str) -> None:
        raise NotImplementedError

    def _tagged(self, call: Call, request: Document) -> str:
        """The workgroup of an ARN."""
        arn, start = request["ResourceARN"], call.arn("workgroup/")
        name: str = arn.removeprefix(start)
        if not arn.startswith(start):
            raise missing(f"Resource {arn} was not found", arn)
        try:
            self.group(call, name)
        except ServiceError:
            raise missing(f"Resource {arn} was not found", arn) from None
        return name
