"""Tags, by both of the API's ways, and resource policies: what streams and consumers carry with them."""

import json
from typing import Any

from lakemill.engines.identity.errors import PolicyMalformed
from lakemill.engines.identity.policy import compile_policy
from lakemill.services.base import Call, ServiceError, operation
from lakemill.services.kinesis.errors import invalid
from lakemill.services.kinesis.naming import resource_named
from lakemill.services.kinesis.part import Part

LISTED_DEFAULT = 50
POLICY_BYTES_MAX = 20 << 10


class TagOperations(Part):
    """Tags of streams and consumers."""

    @operation("AddTagsToStream")
    async def add_tags_to_stream(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        await self._streams.configuring.retag(*self._place(call, request), checked_tags(request["Tags"]), ())
        return {}

    @operation("RemoveTagsFromStream")
    async def remove_tags_from_stream(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        await self._streams.configuring.retag(*self._place(call, request), {}, request["TagKeys"])
        return {}

    @operation("ListTagsForStream")
    def list_tags_for_stream(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        tags = self._stream(call, request).tags
        after, limit = request.get("ExclusiveStartTagKey", ""), request.get("Limit", LISTED_DEFAULT)
        keys = [key for key in sorted(tags) if key > after]
        return {"Tags": _views(tags, keys[:limit]), "HasMoreTags": len(keys) > limit}

    @operation("TagResource")
    async def tag_resource(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        await self._retag(call, request, checked_tags(request["Tags"]), [])
        return {}

    @operation("UntagResource")
    async def untag_resource(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        await self._retag(call, request, {}, request["TagKeys"])
        return {}

    @operation("ListTagsForResource")
    def list_tags_for_resource(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        stream, consumer = resource_named(call, request, self._streams)
        tags = stream.tags if consumer is None else consumer.tags
        return {"Tags": _views(tags, sorted(tags))}

    async def _retag(self, call: Call, request: dict[str, Any], add: dict[str, str], remove: list[str]) -> None:
        stream, consumer = resource_named(call, request, self._streams)
        if consumer is None:
            await self._streams.configuring.retag(stream.scope, stream.name, add, remove)
        else:
            await self._streams.consumers.retag(consumer, add, remove)

    # Policies

    @operation("PutResourcePolicy")
    async def put_resource_policy(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        await self._set_policy(call, request, _checked(request["Policy"]))
        return {}

    @operation("DeleteResourcePolicy")
    async def delete_resource_policy(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        await self._set_policy(call, request, None)
        return {}

    @operation("GetResourcePolicy")
    def get_resource_policy(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        stream, consumer = resource_named(call, request, self._streams)
        policy = stream.policy if consumer is None else consumer.policy
        if policy is None:
            raise ServiceError("ResourceNotFoundException", f"{request['ResourceARN']} has no resource policy.")
        return {"Policy": json.dumps(policy)}

    async def _set_policy(self, call: Call, request: dict[str, Any], policy: dict[str, Any] | None) -> None:
        stream, consumer = resource_named(call, request, self._streams)
        if consumer is None:
            await self._streams.configuring.set_policy(stream.scope, stream.name, policy)
        else:
            await self._streams.consumers.set_policy(consumer, policy)


def checked_tags(tags: dict[str, str]) -> dict[str, str]:
    """Tags people may set. Raises ServiceError."""
    for key in tags:
        if key.lower().startswith("aws:"):
            raise invalid(f"The tag key {key} is reserved: keys may not begin with aws:.")
    return tags


def _views(tags: dict[str, str], keys: list[str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": tags[key]} for key in keys]


def _checked(text: str) -> dict[str, Any]:
    """A resource policy that can be evaluated. Raises ServiceError."""
    if len(text.encode()) > POLICY_BYTES_MAX:
        raise ServiceError("LimitExceededException", f"A resource policy has at most {POLICY_BYTES_MAX} bytes.")
    try:
        document = json.loads(text)
        compile_policy(document, "resource")
    except (ValueError, PolicyMalformed) as error:
        raise ServiceError("ValidationException", f"The resource policy is not valid: {error}") from None
    return document
