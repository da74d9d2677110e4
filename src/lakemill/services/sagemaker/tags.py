"""AddTags, ListTags, DeleteTags: on any resource, by its ARN."""

from collections.abc import Iterable
from typing import Any

from lakemill.engines.resources import Resources, page
from lakemill.services.base import Call, operation
from lakemill.services.sagemaker import resources as ours
from lakemill.services.sagemaker.errors import invalid


class Tags:
    """Mixin. Needs self.resources."""

    resources: Resources

    @operation("AddTags")
    async def add_tags(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        added = ours.tags(request)
        refuse_reserved(added)
        place = self._tagged(call, request["ResourceArn"])
        return {"Tags": _listed(await self.resources.tag(*place, added))}

    @operation("DeleteTags")
    async def delete_tags(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        await self.resources.untag(*self._tagged(call, request["ResourceArn"]), request["TagKeys"])
        return {}

    @operation("ListTags")
    def list_tags(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        document = self.resources.get(*self._tagged(call, request["ResourceArn"]))
        found = page(
            _listed(document["tags"]),
            lambda tag: (tag["Key"],),
            limit=request.get("MaxResults", 50),
            token=request.get("NextToken"),
        )
        return {"Tags": found.items} | ({"NextToken": found.token} if found.token else {})

    def _tagged(self, call: Call, arn: str) -> tuple[str, str, str]:
        """(kind, scope, name) of an existing resource of the caller's account and region."""
        kind, scope, name = ours.parse_arn(arn)
        if kind not in ours.KINDS:
            raise invalid(f"ResourceArn {arn!r} names no kind of resource that can be tagged here.")
        if scope != ours.scope(call) or self.resources.find(kind, scope, name) is None:
            raise invalid(f'Could not find resource with ARN "{arn}".')
        return kind, scope, name


def _listed(tags: dict[str, str]) -> list[dict[str, Any]]:
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def refuse_reserved(keys: Iterable[str]) -> None:
    if any(key.lower().startswith("aws:") for key in keys):
        raise invalid("aws: prefixed tag key names are not allowed for external use.")
