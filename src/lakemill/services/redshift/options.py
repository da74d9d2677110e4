"""What can be ordered, and how things stand with a cluster beside itself."""

from typing import Any

from lakemill.engines.warehouses import KIND, SNAPSHOT, Warehouses
from lakemill.services.base import Call, ServiceError, operation
from lakemill.services.redshift.naming import FAMILY, cluster_of, scope_of
from lakemill.services.redshift.nodes import NODES_MAX, SINGLE
from lakemill.services.redshift.paging import listed
from lakemill.services.redshift.parameters import FAMILIES
from lakemill.services.redshift.shapes import VERSION

Document = dict[str, Any]


class OptionOperations:
    """Mixed into the service."""

    warehouses: Warehouses

    @operation("DescribeOrderableClusterOptions")
    def describe_orderable_cluster_options(self, call: Call, request: Document) -> Document:
        if request.get("ClusterVersion", VERSION) != VERSION:
            return {"OrderableClusterOptions": []}
        zones = [{"Name": f"{call.region}a", "SupportedPlatforms": [{"Name": "VPC"}]}]
        kinds = [
            {"name": f"{node_type}/{kind}", "type": node_type, "kind": kind}
            for node_type in NODES_MAX
            for kind in ("single-node", "multi-node")
            if kind == "multi-node" or node_type in SINGLE
        ]
        wanted = [one for one in kinds if request.get("NodeType", one["type"]) == one["type"]]
        return listed(
            wanted,
            request,
            "OrderableClusterOptions",
            lambda one: {
                "ClusterVersion": VERSION,
                "ClusterType": one["kind"],
                "NodeType": one["type"],
                "AvailabilityZones": zones,
            },
        )

    @operation("DescribeClusterVersions")
    def describe_cluster_versions(self, call: Call, request: Document) -> Document:
        family = request.get("ClusterParameterGroupFamily", FAMILIES[0])
        found = [family] if family in FAMILIES and request.get("ClusterVersion", VERSION) == VERSION else []
        return listed(
            [{"name": one} for one in found],
            request,
            "ClusterVersions",
            lambda one: {
                "ClusterVersion": VERSION,
                "ClusterParameterGroupFamily": one["name"],
                "Description": "release Version 1.0",
            },
        )

    @operation("DescribeLoggingStatus")
    def describe_logging_status(self, call: Call, request: Document) -> Document:
        cluster_of(self.warehouses, call, request["ClusterIdentifier"])
        return {"LoggingEnabled": False}

    @operation("DescribeResize")
    def describe_resize(self, call: Call, request: Document) -> Document:
        found = cluster_of(self.warehouses, call, request["ClusterIdentifier"])
        if found["state"] != "resizing":
            message = f"No resize operation for cluster {request['ClusterIdentifier']} was found."
            raise ServiceError("ResizeNotFound", message)
        nodes = found["details"]["nodes"]
        return {
            "TargetNodeType": found["details"]["node_type"],
            "TargetNumberOfNodes": nodes,
            "TargetClusterType": "multi-node" if nodes > 1 else "single-node",
            "Status": "IN_PROGRESS",
            "ResizeType": "ElasticResize",
        }

    @operation("DescribeStorage")
    def describe_storage(self, call: Call, request: Document) -> Document:
        resources, scope = self.warehouses.resources, scope_of(call)
        backups = sum(one["bytes"] for one in resources.all(SNAPSHOT, scope, f"{FAMILY}/"))
        sizes = [self.warehouses.size(one) for one in resources.all(KIND, scope, f"{FAMILY}/")]
        return {
            "TotalBackupSizeInMegaBytes": backups / (1 << 20),
            "TotalProvisionedStorageInMegaBytes": sum(sizes) / (1 << 20),
        }
