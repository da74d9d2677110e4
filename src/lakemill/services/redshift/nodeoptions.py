"""DescribeNodeConfigurationOptions: which nodes a cluster or snapshot would fit on."""

from collections.abc import Callable
from typing import Any

from lakemill.engines.warehouses import Warehouses
from lakemill.services.base import Call, operation
from lakemill.services.redshift.errors import combination, invalid
from lakemill.services.redshift.naming import cluster_of, named, scope_of
from lakemill.services.redshift.nodes import NODES_MAX, SINGLE
from lakemill.services.redshift.paging import listed
from lakemill.services.redshift.shapes import capacity_mb
from lakemill.services.redshift.snapshots import ARN, OTHERS

Document = dict[str, Any]
COMPARE: dict[str, Callable[[Any, list[Any]], bool]] = {
    "eq": lambda value, given: value == given[0],
    "lt": lambda value, given: value < given[0],
    "gt": lambda value, given: value > given[0],
    "le": lambda value, given: value <= given[0],
    "ge": lambda value, given: value >= given[0],
    "in": lambda value, given: value in given,
    "between": lambda value, given: given[0] <= value <= given[-1],
}


class NodeOptionOperations:
    """Mixed into the service."""

    warehouses: Warehouses

    @operation("DescribeNodeConfigurationOptions", refuses=OTHERS)
    def describe_node_configuration_options(self, call: Call, request: Document) -> Document:
        size = self._bytes(call, request)
        found = [one for one in _options(size) if all(_holds(one, each) for each in request.get("Filters") or [])]
        rows = [{"name": f"{one['NodeType']}/{one['NumberOfNodes']:04d}", "option": one} for one in found]
        return listed(rows, request, "NodeConfigurationOptionList", lambda row: dict(row["option"]))

    def _bytes(self, call: Call, request: Document) -> int:
        """How much there is to be kept. Raises ServiceError."""
        action = request["ActionType"]
        if action == "restore-cluster":
            arn = ARN.match(request.get("SnapshotArn", ""))
            name = arn["name"] if arn else request.get("SnapshotIdentifier")
            if not name:
                raise combination("A snapshot must be named for the action restore-cluster.")
            size: int = self.warehouses.snapshots.usable(scope_of(call), named(name))["bytes"]
            return size
        if "ClusterIdentifier" not in request:
            raise combination(f"ClusterIdentifier must be given for the action {action}.")
        return self.warehouses.size(cluster_of(self.warehouses, call, request["ClusterIdentifier"]))


def _options(size: int) -> list[Document]:
    """Each type by one, two, four ... nodes, with how full they would be."""
    found: list[Document] = []
    for node_type, most in NODES_MAX.items():
        count = 1 if node_type in SINGLE else 2
        while count <= most:
            full = 100 * size / (1 << 20) / (count * capacity_mb(node_type))
            one: Document = {"NodeType": node_type, "NumberOfNodes": count, "Mode": "standard"}
            found.append(one | {"EstimatedDiskUtilizationPercent": full})
            count *= 2
    return [one for one in found if one["EstimatedDiskUtilizationPercent"] <= 100]


def _holds(one: Document, wanted: Document) -> bool:
    """Whether a NodeConfigurationOptionsFilter lets an option pass. Raises InvalidParameterValue."""
    name, given = wanted.get("Name", ""), wanted.get("Values") or []
    if name not in one or wanted.get("Operator", "eq") not in COMPARE or not given:
        raise invalid(f"Invalid filter: {wanted}")
    value = one[name]
    try:
        values = [type(value)(text) for text in given]
    except ValueError:
        raise invalid(f"Invalid value of the filter {name}: {given}") from None
    return COMPARE[wanted.get("Operator", "eq")](value, values)
