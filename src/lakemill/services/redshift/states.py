"""Clusters rebooted, paused, resumed, resized."""

from typing import Any

from lakemill.engines.warehouses import StateWrong, Warehouses
from lakemill.services.base import Call, ServiceError, operation
from lakemill.services.redshift.naming import cluster_of, scope_of
from lakemill.services.redshift.nodes import checked_nodes
from lakemill.services.redshift.parametergroups import ParameterGroups
from lakemill.services.redshift.shapes import Shapes

Document = dict[str, Any]


class StateOperations:
    """Mixed into the service."""

    warehouses: Warehouses
    groups: ParameterGroups
    shapes: Shapes

    def expect_available(self, document: Document) -> None:
        raise NotImplementedError

    @operation("RebootCluster")
    async def reboot_cluster(self, call: Call, request: Document) -> Document:
        found = cluster_of(self.warehouses, call, request["ClusterIdentifier"])
        self.expect_available(found)
        settings = self.groups.settings(scope_of(call), found["details"]["parameter_group"])

        def change(document: Document) -> None:
            document["details"]["applied"] = settings
            document["parameters"] = self.groups.for_sessions(settings)
            document["require_ssl"] = settings["require_ssl"] == "true"

        return self._told(await self.warehouses.enter(found["scope"], found["name"], "rebooting", change))

    @operation("PauseCluster")
    async def pause_cluster(self, call: Call, request: Document) -> Document:
        found = cluster_of(self.warehouses, call, request["ClusterIdentifier"])
        self.expect_available(found)
        return self._told(await self.warehouses.pause(found["scope"], found["name"]))

    @operation("ResumeCluster")
    async def resume_cluster(self, call: Call, request: Document) -> Document:
        found = cluster_of(self.warehouses, call, request["ClusterIdentifier"])
        try:
            return self._told(await self.warehouses.resume(found["scope"], found["name"]))
        except StateWrong as wrong:
            message = f"You can't resume cluster {request['ClusterIdentifier']} because it isn't in a paused state."
            raise ServiceError("InvalidClusterState", message) from wrong

    @operation(
        "ResizeCluster",
        refuses={
            "ReservedNodeId": "there are no reserved nodes",
            "TargetReservedNodeOfferingId": "there are no reserved nodes",
            "Classic": "there is one way to resize",
        },
    )
    async def resize_cluster(self, call: Call, request: Document) -> Document:
        found = cluster_of(self.warehouses, call, request["ClusterIdentifier"])
        self.expect_available(found)
        node_type, nodes = checked_nodes(
            {name: request[name] for name in ("ClusterType", "NodeType", "NumberOfNodes") if name in request},
            found["details"],
        )

        def change(document: Document) -> None:
            document["details"] |= {"node_type": node_type, "nodes": nodes}

        return self._told(await self.warehouses.enter(found["scope"], found["name"], "resizing", change))

    def _told(self, document: Document) -> Document:
        return {"Cluster": self.shapes.cluster(document)}
