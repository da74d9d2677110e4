"""Subnet groups: names for subnets. There are no networks, so that subnets are told again and mean nothing."""

import re
from typing import Any

from lakemill.engines.resources import ResourceExists, Resources
from lakemill.services.base import Call, ServiceError, operation
from lakemill.services.redshift.errors import invalid
from lakemill.services.redshift.naming import scope_of
from lakemill.services.redshift.paging import by_tags, listed, tag_list, tags_of

KIND = "warehouse-subnet-group"
NAME = re.compile(r"[a-z0-9-]{1,255}\Z")
SUBNET = re.compile(r"subnet-[0-9a-f]{8,17}\Z")
Document = dict[str, Any]


class SubnetGroups:
    """All of them."""

    def __init__(self, resources: Resources) -> None:
        self.resources = resources

    def get(self, scope: str, name: str) -> Document:
        """Raises ClusterSubnetGroupNotFoundFault."""
        found = self.resources.find(KIND, scope, name.lower())
        if found is None:
            raise ServiceError("ClusterSubnetGroupNotFoundFault", f"Cluster Subnet Group not found: {name}")
        return found


class SubnetGroupOperations:
    """Mixed into the service."""

    subnets: SubnetGroups

    def clusters_with(self, scope: str, detail: str, value: str) -> list[str]:
        raise NotImplementedError

    @operation("CreateClusterSubnetGroup")
    async def create_cluster_subnet_group(self, call: Call, request: Document) -> Document:
        name = request["ClusterSubnetGroupName"].lower()
        if not NAME.match(name) or name == "default":
            raise invalid(f"The parameter ClusterSubnetGroupName is not a valid identifier: {name}")
        document = {"description": request["Description"], "subnets": _checked(request["SubnetIds"])}
        try:
            made = await self.subnets.resources.create(KIND, scope_of(call), name, document, tags_of(request))
        except ResourceExists:
            message = f"Cluster Subnet Group {name} already exists"
            raise ServiceError("ClusterSubnetGroupAlreadyExists", message) from None
        return {"ClusterSubnetGroup": _group(made)}

    @operation("DescribeClusterSubnetGroups")
    def describe_cluster_subnet_groups(self, call: Call, request: Document) -> Document:
        if name := request.get("ClusterSubnetGroupName"):
            return {"ClusterSubnetGroups": [_group(self.subnets.get(scope_of(call), name))]}
        found = filter(by_tags(request), self.subnets.resources.all(KIND, scope_of(call)))
        return listed(found, request, "ClusterSubnetGroups", _group)

    @operation("ModifyClusterSubnetGroup")
    async def modify_cluster_subnet_group(self, call: Call, request: Document) -> Document:
        found, subnets = self.subnets.get(scope_of(call), request["ClusterSubnetGroupName"]), request["SubnetIds"]
        ours = {"subnets": _checked(subnets), "description": request.get("Description", found["description"])}
        changed = await self.subnets.resources.update(
            KIND, found["scope"], found["name"], lambda document: document.update(ours)
        )
        return {"ClusterSubnetGroup": _group(changed)}

    @operation("DeleteClusterSubnetGroup")
    async def delete_cluster_subnet_group(self, call: Call, request: Document) -> None:
        found = self.subnets.get(scope_of(call), request["ClusterSubnetGroupName"])
        if used := self.clusters_with(found["scope"], "subnet_group", found["name"]):
            message = f"The subnet group {found['name']} is used by the cluster {used[0]}."
            raise ServiceError("InvalidClusterSubnetGroupStateFault", message)
        await self.subnets.resources.delete(KIND, found["scope"], found["name"])


def _checked(subnets: list[str]) -> list[str]:
    for one in subnets:
        if not SUBNET.match(one):
            raise ServiceError("InvalidSubnet", f"Some input subnets in :[{one}] are invalid.")
    return subnets


def _group(document: Document) -> Document:
    region = document["scope"].partition("/")[2]
    return {
        "ClusterSubnetGroupName": document["name"],
        "Description": document["description"],
        "SubnetGroupStatus": "Complete",
        "Subnets": [
            {
                "SubnetIdentifier": one,
                "SubnetAvailabilityZone": {"Name": f"{region}a"},
                "SubnetStatus": "Active",
            }
            for one in document["subnets"]
        ],
        "Tags": tag_list(document["tags"]),
        "SupportedClusterIpAddressTypes": ["ipv4"],
    }
