"""A cluster as the API tells it."""

from collections.abc import Callable
from typing import Any

from lakemill.engines.warehouses import Warehouses
from lakemill.services.redshift.naming import arn_in, plain
from lakemill.services.redshift.paging import tag_list

Document = dict[str, Any]
VERSION, REVISION = "1.0", "68555"
CAPACITY_MB = {"dc2": 160 * 1024, "ra3": 1024 * 1024}
WORKING = ("creating", "modifying", "resizing", "rebooting", "resuming")


class Shapes:
    """address: where clients find warehouses. applied: how the parameters of a group stand on a cluster."""

    def __init__(self, warehouses: Warehouses, address: str, applied: Callable[[Document], list[Document]]) -> None:
        self._warehouses, self._address, self._applied = warehouses, address, applied

    def status(self, document: Document) -> tuple[str, str]:
        """ClusterStatus and ClusterAvailabilityStatus."""
        state = document["state"]
        if document["wanted"] and (state in WORKING or state == "available") and self._warehouses.trouble(document):
            return "hardware-failure", "Failed"
        if state == "available":
            return ("available", "Available") if self._warehouses.runs(document) else ("rebooting", "Unavailable")
        if state == "deleting" and document["final"]:
            return "final-snapshot", "Unavailable"
        return state, "Modifying" if state in ("modifying", "resizing") else "Unavailable"

    def cluster(self, document: Document) -> Document:
        """A Cluster."""
        details = document["details"]
        status, availability = self.status(document)
        nodes = details["nodes"]
        shown = {
            "ClusterIdentifier": plain(document),
            "NodeType": details["node_type"],
            "ClusterStatus": status,
            "ClusterAvailabilityStatus": availability,
            "MasterUsername": document["master"],
            "DBName": document["database"],
            "ClusterCreateTime": document["created"],
            "AutomatedSnapshotRetentionPeriod": 0,
            "ManualSnapshotRetentionPeriod": details["snapshot_days"],
            "ClusterSecurityGroups": [],
            "VpcSecurityGroups": [],
            "ClusterParameterGroups": [
                {
                    "ParameterGroupName": details["parameter_group"],
                    "ParameterApplyStatus": self._apply_status(document),
                    "ClusterParameterStatusList": self._applied(document),
                }
            ],
            "AvailabilityZone": details["zone"],
            "PreferredMaintenanceWindow": details["window"],
            "PendingModifiedValues": {},
            "ClusterVersion": VERSION,
            "AllowVersionUpgrade": details["upgrade"],
            "NumberOfNodes": nodes,
            "PubliclyAccessible": details["public"],
            "Encrypted": False,
            "ClusterNodes": _nodes(nodes, self._address),
            "ClusterRevisionNumber": REVISION,
            "Tags": tag_list(document["tags"]),
            "EnhancedVpcRouting": False,
            "IamRoles": [{"IamRoleArn": role, "ApplyStatus": "in-sync"} for role in document["roles"]],
            "PendingActions": [],
            "MaintenanceTrackName": details["track"],
            "DeferredMaintenanceWindows": [],
            "ClusterNamespaceArn": arn_in(document["scope"], f"namespace:{document['id']}"),
            "TotalStorageCapacityInMegaBytes": nodes * capacity_mb(details["node_type"]),
            "AvailabilityZoneRelocationStatus": "disabled",
            "MultiAZ": "Disabled",
        }
        return shown | self._where(document, status) | _more(document)

    def _where(self, document: Document, status: str) -> Document:
        if status == "creating" or not document["listening"]:
            return {}
        return {"Endpoint": {"Address": self._address, "Port": document["listening"]}}

    def _apply_status(self, document: Document) -> str:
        waiting = any(one["ParameterApplyStatus"] == "pending-reboot" for one in self._applied(document))
        return "pending-reboot" if waiting else "in-sync"


def capacity_mb(node_type: str) -> int:
    """What a node of a type has room for."""
    return CAPACITY_MB[node_type.partition(".")[0]]


def _more(document: Document) -> Document:
    details, found = document["details"], {}
    if document["default_role"]:
        found["DefaultIamRoleArn"] = document["default_role"]
    if details["subnet_group"]:
        found["ClusterSubnetGroupName"] = details["subnet_group"]
    if details.get("restored"):
        status = "restoring" if document["restore"] else "completed"
        found["RestoreStatus"] = {"Status": status}
    if document["state"] == "resizing":
        found["ResizeInfo"] = {"ResizeType": "ElasticResize", "AllowCancelResize": False}
    return found


def _nodes(count: int, address: str) -> list[Document]:
    roles = ["SHARED"] if count == 1 else ["LEADER", *(f"COMPUTE-{number}" for number in range(count))]
    return [{"NodeRole": role, "PrivateIPAddress": address, "PublicIPAddress": address} for role in roles]
