"""Clusters made of snapshots."""

from typing import Any

from lakemill.engines.warehouses import Warehouses, new_warehouse
from lakemill.services.base import Call, operation
from lakemill.services.redshift.clusters import NEVER, ONLY_NEW, check_fixed
from lakemill.services.redshift.errors import invalid
from lakemill.services.redshift.naming import named, scope_of
from lakemill.services.redshift.nodes import checked_nodes
from lakemill.services.redshift.snapshots import ARN, OTHERS

Document = dict[str, Any]
NO_RESERVED = {
    "ReservedNodeId": "there are no reserved nodes",
    "TargetReservedNodeOfferingId": "there are no reserved nodes",
}


class RestoreOperations:
    """Mixed into the service."""

    warehouses: Warehouses

    def begun(self, call: Call, request: Document, nodes: tuple[str, int]) -> Document:
        raise NotImplementedError

    async def made(self, call: Call, request: Document, document: Document, tags: dict[str, str]) -> Document:
        raise NotImplementedError

    @operation("RestoreFromClusterSnapshot", refuses={**NEVER, **ONLY_NEW, **OTHERS, **NO_RESERVED})
    async def restore_from_cluster_snapshot(self, call: Call, request: Document) -> Document:
        check_fixed(request)
        name = request.get("SnapshotIdentifier", "")
        if arn := request.get("SnapshotArn"):
            found = ARN.match(arn)
            name = found["name"] if found else ""
        if not name:
            raise invalid("SnapshotIdentifier or SnapshotArn must name a snapshot.")
        snapshot = self.warehouses.snapshots.usable(scope_of(call), named(name))
        of = request.get("SnapshotClusterIdentifier", "*")
        if of != "*" and named(of) != snapshot["warehouse"]:
            raise invalid(f"The snapshot {name} is not one of the cluster {of}.")
        nodes = checked_nodes(
            {member: request[member] for member in ("NodeType", "NumberOfNodes") if member in request},
            snapshot["details"],
        )
        whole = {"Port": snapshot["details"]["port"]} | request
        if snapshot["details"]["subnet_group"] and "ClusterSubnetGroupName" not in request:
            whole["ClusterSubnetGroupName"] = snapshot["details"]["subnet_group"]
        begun = self.begun(call, whole, nodes)
        begun["details"]["restored"] = name.lower()
        document = new_warehouse(
            database=snapshot["database"],
            master=snapshot["master"],
            verifier=snapshot["verifier"],
            restore=snapshot["name"],
            **begun,
        )
        return await self.made(call, request, document, snapshot["tags"])
