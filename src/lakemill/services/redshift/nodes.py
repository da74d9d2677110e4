"""Types and numbers of nodes. They are told again; a warehouse has the memory and threads of lakemill's settings."""

from typing import Any

from lakemill.services.redshift.errors import combination, invalid

NODES_MAX = {
    "dc2.large": 32,
    "dc2.8xlarge": 128,
    "ra3.large": 16,
    "ra3.xlplus": 32,
    "ra3.4xlarge": 64,
    "ra3.16xlarge": 128,
}
SINGLE = ("dc2.large", "ra3.large", "ra3.xlplus")
"""Types of which one node is a cluster."""
Document = dict[str, Any]


def checked_nodes(request: Document, present: Document | None = None) -> tuple[str, int]:
    """Type and number of nodes. present: details of the cluster as it is. Raises ServiceError."""
    node_type = request.get("NodeType", (present or {}).get("node_type", ""))
    if node_type not in NODES_MAX:
        raise invalid(f"Invalid node type: {node_type}")
    given = request.get("NumberOfNodes", (present or {}).get("nodes") if "ClusterType" not in request else None)
    kind = request.get("ClusterType", "multi-node" if (given or 1) > 1 else "single-node")
    if kind not in ("single-node", "multi-node"):
        raise invalid(f"Invalid cluster type: {kind}")
    if kind == "single-node":
        if (given or 1) != 1:
            raise combination("Number of nodes for a cluster of type single-node must be 1.")
        if node_type not in SINGLE:
            raise combination(f"Node type {node_type} does not support clusters of type single-node.")
        return node_type, 1
    if given is None:
        raise combination("Number of nodes for cluster type multi-node must be specified.")
    if not 2 <= given <= NODES_MAX[node_type]:
        raise invalid(f"Number of nodes for {node_type} must be between 2 and {NODES_MAX[node_type]}; got {given}.")
    return node_type, given
