"""Tags of clusters, snapshots and groups, by their ARNs."""

from collections.abc import Iterator
from typing import Any

from lakemill.engines.resources import Resources
from lakemill.engines.warehouses import KIND, SNAPSHOT, Warehouses
from lakemill.services.base import Call, ServiceError, operation
from lakemill.services.redshift import parametergroups, subnetgroups
from lakemill.services.redshift.errors import combination, invalid
from lakemill.services.redshift.naming import FAMILY, arn_in, named, plain, scope_of
from lakemill.services.redshift.paging import by_tags, listed, tags_of

TYPES = ("cluster", "snapshot", "parametergroup", "subnetgroup")
Document = dict[str, Any]


class TagOperations:
    """Mixed into the service."""

    warehouses: Warehouses
    resources: Resources

    @operation("CreateTags")
    async def create_tags(self, call: Call, request: Document) -> None:
        kind, found = self._resource(call, request["ResourceName"])
        await self.resources.tag(kind, found["scope"], found["name"], tags_of(request))

    @operation("DeleteTags")
    async def delete_tags(self, call: Call, request: Document) -> None:
        kind, found = self._resource(call, request["ResourceName"])
        await self.resources.untag(kind, found["scope"], found["name"], request["TagKeys"])

    @operation("DescribeTags")
    def describe_tags(self, call: Call, request: Document) -> Document:
        wanted = request.get("ResourceType")
        if "ResourceName" in request:
            if wanted is not None:
                raise combination("ResourceName and ResourceType cannot be given both.")
            _, found = self._resource(call, request["ResourceName"])
            resources = [(request["ResourceName"].split(":")[5], found)]
        elif wanted not in (None, *TYPES):
            raise invalid(f"Invalid resource type: {wanted}")
        else:
            resources = [one for one in self._taggable(call) if wanted in (None, one[0])]
        has = by_tags(request)
        rows = [
            {"name": f"{_arn(kind, one)}\x01{key}", "key": key, "value": value, "kind": kind}
            for kind, one in resources
            if has(one)
            for key, value in one["tags"].items()
        ]
        return listed(rows, request, "TaggedResources", _tagged)

    def _taggable(self, call: Call) -> Iterator[tuple[str, Document]]:
        scope = scope_of(call)
        yield from (("cluster", one) for one in self.resources.all(KIND, scope, f"{FAMILY}/"))
        yield from (("snapshot", one) for one in self.resources.all(SNAPSHOT, scope, f"{FAMILY}/"))
        yield from (("parametergroup", one) for one in self.resources.all(parametergroups.KIND, scope))
        yield from (("subnetgroup", one) for one in self.resources.all(subnetgroups.KIND, scope))

    def _resource(self, call: Call, arn: str) -> tuple[str, Document]:
        """Kind and document. Raises ResourceNotFoundFault."""
        start, parts = arn_in(scope_of(call), ""), arn.split(":", 6)
        if not arn.startswith(start) or len(parts) < 7 or parts[5] not in TYPES:
            raise invalid(f"Invalid resource name: {arn}")
        kind, name = {
            "cluster": (KIND, named(parts[6])),
            "snapshot": (SNAPSHOT, named(parts[6].rpartition("/")[2])),
            "parametergroup": (parametergroups.KIND, parts[6]),
            "subnetgroup": (subnetgroups.KIND, parts[6]),
        }[parts[5]]
        found = self.resources.find(kind, scope_of(call), name)
        if found is None:
            raise ServiceError("ResourceNotFoundFault", f"The resource {arn} was not found.")
        return kind, found


def _arn(kind: str, document: Document) -> str:
    if kind == "cluster":
        return arn_in(document["scope"], f"cluster:{plain(document)}")
    if kind == "snapshot":
        cluster = document["warehouse"].partition("/")[2]
        return arn_in(document["scope"], f"snapshot:{cluster}/{plain(document)}")
    return arn_in(document["scope"], f"{kind}:{document['name']}")


def _tagged(row: Document) -> Document:
    return {
        "Tag": {"Key": row["key"], "Value": row["value"]},
        "ResourceName": row["name"].partition("\x01")[0],
        "ResourceType": row["kind"],
    }
