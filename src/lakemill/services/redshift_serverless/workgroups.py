"""Workgroups: what opens a namespace."""

from typing import Any

from lakemill.engines.resources import ResourceExists, ResourceMissing
from lakemill.engines.warehouses import StateWrong, Warehouses
from lakemill.engines.warehouses.workgroups import KIND, Workgroups
from lakemill.services import warehouserules as rules
from lakemill.services.base import Call, operation
from lakemill.services.redshift_serverless.errors import conflict, invalid, missing
from lakemill.services.redshift_serverless.naming import arn_of, page, scope_of, tags_of, workgroup_of
from lakemill.services.redshift_serverless.parameters import DEFAULTS, checked, for_sessions

PORT, PORTS = 5439, (range(5431, 5456), range(8191, 8216))
CAPACITY, CAPACITIES = 128, (4, 1024)
NO_NETWORK = "there are no networks"
NEVER = {
    "securityGroupIds": NO_NETWORK,
    "subnetIds": NO_NETWORK,
    "pricePerformanceTarget": "capacity has no price here",
}
FIXED: dict[str, tuple[Any, str]] = {
    "enhancedVpcRouting": (False, NO_NETWORK),
    "extraComputeForAutomaticOptimization": (False, "there are no automatic optimizations"),
    "ipAddressType": ("ipv4", "workgroups are told by one address"),
    "trackName": ("current", "there is one track"),
}
RECORDED = {"baseCapacity": "base", "maxCapacity": "max", "publiclyAccessible": "public"}
Document = dict[str, Any]


class WorkgroupOperations:
    """Mixed into the service."""

    warehouses: Warehouses
    workgroups: Workgroups
    address: str

    @operation("CreateWorkgroup", refuses=NEVER)
    async def create_workgroup(self, call: Call, request: Document) -> Document:
        name, namespace = request["workgroupName"], request["namespaceName"]
        rules.check_cluster_name(name, "workgroupName", invalid)
        parameters = DEFAULTS | checked(request.get("configParameters") or [])
        own: Document = {"base": CAPACITY, "max": None, "public": False, "parameters": parameters}
        details = own | _recorded(request)
        opening = {"port": _port(request), "listening": 0} | for_sessions(parameters)
        try:
            made = await self.workgroups.create(scope_of(call), name, namespace, opening, details, tags_of(request))
        except ResourceExists:
            raise conflict(f"The workgroup {name} already exists.") from None
        except ResourceMissing:
            raise missing(f"Namespace {namespace} not found.") from None
        except StateWrong:
            raise conflict(f"The namespace {namespace} has a workgroup already, or is being changed.") from None
        return {"workgroup": self._workgroup(made)}

    @operation("GetWorkgroup")
    def get_workgroup(self, call: Call, request: Document) -> Document:
        return {"workgroup": self._workgroup(workgroup_of(self.workgroups, call, request["workgroupName"]))}

    @operation("ListWorkgroups", refuses={"ownerAccount": "workgroups are not shared between accounts"})
    def list_workgroups(self, call: Call, request: Document) -> Document:
        found = list(self.workgroups.resources.all(KIND, scope_of(call)))
        return page(found, request, "workgroups", self._workgroup)

    @operation("UpdateWorkgroup", refuses=NEVER)
    async def update_workgroup(self, call: Call, request: Document) -> Document:
        found = workgroup_of(self.workgroups, call, request["workgroupName"])
        warehouse = self.workgroups.warehouse(found)
        if warehouse["state"] != "available":
            raise conflict(f"The workgroup {found['name']} is being changed.")
        details = _recorded(request)
        parameters = found["details"]["parameters"] | checked(request.get("configParameters") or [])
        opening = for_sessions(parameters)
        if "port" in request:
            opening |= {"port": _port(request), "listening": 0}

        def change(document: Document) -> None:
            document["details"] |= details | {"parameters": parameters}

        changed = await self.workgroups.resources.update(KIND, found["scope"], found["name"], change)
        if "port" in request or opening["require_ssl"] != warehouse["require_ssl"]:
            await self.warehouses.enter(
                warehouse["scope"], warehouse["name"], "modifying", lambda document: document.update(opening)
            )
        elif opening["parameters"] != warehouse["parameters"]:
            await self.warehouses.configure(warehouse["scope"], warehouse["name"], opening["parameters"])
        return {"workgroup": self._workgroup(changed)}

    @operation("DeleteWorkgroup")
    async def delete_workgroup(self, call: Call, request: Document) -> Document:
        found = workgroup_of(self.workgroups, call, request["workgroupName"])
        shown = self._workgroup(found)
        await self.workgroups.delete(found["scope"], found["name"])
        return {"workgroup": shown | {"status": "DELETING"}}

    def _workgroup(self, document: Document) -> Document:
        """A Workgroup."""
        warehouse, details = self.workgroups.warehouse(document), document["details"]
        runs = self.warehouses.runs(warehouse) and warehouse["state"] == "available"
        status = "AVAILABLE" if runs else "CREATING" if warehouse["state"] == "creating" else "MODIFYING"
        shown = {
            "workgroupName": document["name"],
            "workgroupId": document["id"],
            "workgroupArn": arn_of("workgroup", document),
            "namespaceName": document["namespace"],
            "baseCapacity": details["base"],
            "configParameters": [
                {"parameterKey": key, "parameterValue": value} for key, value in sorted(details["parameters"].items())
            ],
            "creationDate": document["created"],
            "endpoint": {"address": self.address, "port": warehouse["listening"] or warehouse["port"]},
            "enhancedVpcRouting": False,
            "ipAddressType": "ipv4",
            "patchVersion": "68555",
            "port": warehouse["listening"] or warehouse["port"],
            "publiclyAccessible": details["public"],
            "securityGroupIds": [],
            "status": status,
            "subnetIds": [],
            "trackName": "current",
            "workgroupVersion": "1.0",
        }
        return shown | ({"maxCapacity": details["max"]} if details["max"] else {})


def _port(request: Document) -> int:
    port: int = request.get("port", PORT)
    if not any(port in one for one in PORTS):
        raise invalid(f"port must be within 5431-5455 or 8191-8215; got {port}.")
    return port


def _recorded(request: Document) -> Document:
    """What is told again. Raises ValidationException."""
    for member, (only, reason) in FIXED.items():
        if request.get(member, only) != only:
            raise invalid(f"{member}={request[member]} is refused: {reason}.")
    for member in ("baseCapacity", "maxCapacity"):
        if (capacity := request.get(member)) is not None and not CAPACITIES[0] <= capacity <= CAPACITIES[1]:
            raise invalid(f"{member} must be between {CAPACITIES[0]} and {CAPACITIES[1]}; got {capacity}.")
    return {ours: request[member] for member, ours in RECORDED.items() if member in request}
