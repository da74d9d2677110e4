"""Clusters: made, told about, changed, deleted."""

from typing import Any

from lakemill.engines.resources import ResourceExists
from lakemill.engines.warehouses import Warehouses, new_warehouse
from lakemill.engines.warehouses.credentials import verifier
from lakemill.services import warehouserules as rules
from lakemill.services.base import Call, ServiceError, operation
from lakemill.services.redshift.errors import combination, invalid, refused
from lakemill.services.redshift.naming import cluster_of, named, plain, scope_of
from lakemill.services.redshift.nodes import checked_nodes
from lakemill.services.redshift.paging import by_tags, listed, tags_of
from lakemill.services.redshift.parametergroups import ParameterGroups
from lakemill.services.redshift.shapes import VERSION, Shapes
from lakemill.services.redshift.snapshots import FINAL_NEEDED, checked_days, final_of
from lakemill.services.redshift.subnetgroups import SubnetGroups

DATABASE, PORT, WINDOW = "dev", 5439, "sun:03:00-sun:03:30"
NO_NETWORK = "there are no networks"
NO_SECRETS = "there is no Secrets Manager; give MasterUserPassword"
NEVER = {
    "ClusterSecurityGroups": NO_NETWORK,
    "VpcSecurityGroupIds": NO_NETWORK,
    "ElasticIp": NO_NETWORK,
    "HsmClientCertificateIdentifier": "there are no hardware security modules",
    "HsmConfigurationIdentifier": "there are no hardware security modules",
    "KmsKeyId": "warehouses are not encrypted",
    "MasterPasswordSecretKmsKeyId": NO_SECRETS,
}
ONLY_NEW = {
    "AdditionalInfo": "",
    "SnapshotScheduleIdentifier": "there are no snapshot schedules",
    "AquaConfigurationStatus": "AQUA is retired",
    "RedshiftIdcApplicationArn": "there is no IAM Identity Center",
    "CatalogName": "",
}
FIXED: dict[str, tuple[Any, str]] = {
    "Encrypted": (False, "warehouses are not encrypted"),
    "EnhancedVpcRouting": (False, NO_NETWORK),
    "AvailabilityZoneRelocation": (False, "there is one machine"),
    "MultiAZ": (False, "there is one machine"),
    "ManageMasterPassword": (False, NO_SECRETS),
    "IpAddressType": ("ipv4", "clusters are told by one address"),
    "ClusterVersion": (VERSION, f"there is version {VERSION}"),
    "AutomatedSnapshotRetentionPeriod": (0, "no snapshots are made by themselves"),
    "ExtraComputeForAutomaticOptimization": (False, "there are no automatic optimizations"),
}
"""Members that may have one value only."""
RECORDED = {
    "AvailabilityZone": "zone",
    "PreferredMaintenanceWindow": "window",
    "AllowVersionUpgrade": "upgrade",
    "PubliclyAccessible": "public",
    "MaintenanceTrackName": "track",
}
"""Members that are told again and mean nothing here."""
Document = dict[str, Any]


def check_fixed(request: Document) -> None:
    """Raise for members with a value that is not provided."""
    for member, (only, reason) in FIXED.items():
        if request.get(member, only) != only:
            raise refused(member, request[member], reason)


def recorded(request: Document) -> Document:
    """What is told again."""
    return {ours: request[member] for member, ours in RECORDED.items() if member in request}


class ClusterOperations:
    """Mixed into the service."""

    warehouses: Warehouses
    groups: ParameterGroups
    subnets: SubnetGroups
    shapes: Shapes

    @operation("CreateCluster", refuses={**NEVER, **ONLY_NEW, "LoadSampleData": "there are no sample data"})
    async def create_cluster(self, call: Call, request: Document) -> Document:
        check_fixed(request)
        if "MasterUserPassword" not in request:
            raise combination("MasterUserPassword must be given: there is no Secrets Manager to keep one.")
        rules.check_user(request["MasterUsername"], invalid)
        rules.check_password(request["MasterUserPassword"], "MasterUserPassword", invalid)
        database = request.get("DBName", DATABASE)
        rules.check_database(database, invalid)
        document = new_warehouse(
            database=database,
            master=request["MasterUsername"],
            verifier=verifier(request["MasterUserPassword"], request["MasterUsername"]),
            **self.begun(call, request, checked_nodes(request)),
        )
        return await self.made(call, request, document, tags_of(request))

    def begun(self, call: Call, request: Document, nodes: tuple[str, int]) -> Document:
        """What a new cluster and a restored one have alike. Raises ServiceError."""
        rules.check_cluster_name(request["ClusterIdentifier"].lower(), "ClusterIdentifier", invalid)
        roles = list(dict.fromkeys(request.get("IamRoles") or []))
        default = request.get("DefaultIamRoleArn", "")
        rules.check_roles(roles, default, invalid)
        group = request.get("ClusterParameterGroupName", self.groups.default)
        settings = self.groups.settings(scope_of(call), group)
        subnet_group = request.get("ClusterSubnetGroupName", "")
        if subnet_group:
            self.subnets.get(scope_of(call), subnet_group)
        own = {"zone": f"{call.region}a", "window": WINDOW, "upgrade": True, "public": False, "track": "current"}
        details = (
            own
            | recorded(request)
            | {
                "node_type": nodes[0],
                "nodes": nodes[1],
                "parameter_group": group,
                "applied": settings,
                "subnet_group": subnet_group,
                "snapshot_days": checked_days(request.get("ManualSnapshotRetentionPeriod", -1)),
            }
        )
        return {
            "port": _port(request.get("Port", PORT)),
            "parameters": self.groups.for_sessions(settings),
            "require_ssl": settings["require_ssl"] == "true",
            "roles": roles,
            "default_role": default,
            "details": details,
        }

    async def made(self, call: Call, request: Document, document: Document, tags: dict[str, str]) -> Document:
        """A cluster with this document. Raises ClusterAlreadyExists."""
        name = request["ClusterIdentifier"].lower()
        try:
            created = await self.warehouses.create(scope_of(call), named(name), document, tags)
        except ResourceExists:
            raise ServiceError("ClusterAlreadyExists", f"Cluster already exists: {name}") from None
        return {"Cluster": self.shapes.cluster(created)}

    @operation("DescribeClusters")
    def describe_clusters(self, call: Call, request: Document) -> Document:
        if name := request.get("ClusterIdentifier"):
            found = cluster_of(self.warehouses, call, name)
            return {"Clusters": [self.shapes.cluster(found)]}
        clusters = self.warehouses.resources.all("warehouse", scope_of(call), "cluster/")
        return listed(filter(by_tags(request), clusters), request, "Clusters", self.shapes.cluster)

    @operation("ModifyCluster", refuses=NEVER)
    async def modify_cluster(self, call: Call, request: Document) -> Document:
        check_fixed(request)
        found = cluster_of(self.warehouses, call, request["ClusterIdentifier"])
        self.expect_available(found)
        name, scope = found["name"], found["scope"]
        change, state = self._changes(call, request, found)
        if new := request.get("NewClusterIdentifier", "").lower():
            rules.check_cluster_name(new, "NewClusterIdentifier", invalid)
            try:
                name = (await self.warehouses.rename(scope, name, named(new)))["name"]
            except ResourceExists:
                raise ServiceError("ClusterAlreadyExists", f"Cluster already exists: {new}") from None
        changed = await self.warehouses.update(scope, name, change)
        if state:
            changed = await self.warehouses.enter(scope, name, state)
        return {"Cluster": self.shapes.cluster(changed)}

    def _changes(self, call: Call, request: Document, found: Document) -> tuple[Any, str]:
        """What is changed, and the state it goes through. Raises ServiceError."""
        ours: Document = {}
        details = recorded(request)
        state = ""
        if password := request.get("MasterUserPassword"):
            rules.check_password(password, "MasterUserPassword", invalid)
            ours["verifier"] = verifier(password, found["master"])
        if "ManualSnapshotRetentionPeriod" in request:
            details["snapshot_days"] = checked_days(request["ManualSnapshotRetentionPeriod"])
        if group := request.get("ClusterParameterGroupName"):
            self.groups.settings(scope_of(call), group)
            details["parameter_group"] = group
        if request.keys() & {"NodeType", "NumberOfNodes", "ClusterType"}:
            details["node_type"], details["nodes"] = checked_nodes(request, found["details"])
            state = "resizing"
        if "Port" in request:
            ours |= {"port": _port(request["Port"]), "listening": 0}
            state = "modifying"

        def change(document: Document) -> None:
            document.update(ours)
            document["details"] |= details

        return change, state

    @operation("ModifyClusterIamRoles")
    async def modify_cluster_iam_roles(self, call: Call, request: Document) -> Document:
        found = cluster_of(self.warehouses, call, request["ClusterIdentifier"])
        gone = set(request.get("RemoveIamRoles") or ())
        roles = [role for role in found["roles"] if role not in gone]
        roles += [role for role in request.get("AddIamRoles") or () if role not in roles]
        asked = request.get("DefaultIamRoleArn")
        default = asked if asked is not None else found["default_role"] if found["default_role"] in roles else ""
        rules.check_roles(roles, default, invalid)
        changed = await self.warehouses.update(
            found["scope"], found["name"], lambda document: document.update(roles=roles, default_role=default)
        )
        return {"Cluster": self.shapes.cluster(changed)}

    @operation("DeleteCluster")
    async def delete_cluster(self, call: Call, request: Document) -> Document:
        found = cluster_of(self.warehouses, call, request["ClusterIdentifier"])
        skipped, final = request.get("SkipFinalClusterSnapshot", False), request.get("FinalClusterSnapshotIdentifier")
        if not skipped and not final:
            raise combination(FINAL_NEEDED)
        if skipped and final:
            raise combination("FinalClusterSnapshotIdentifier cannot be given when SkipFinalClusterSnapshot is true.")
        days = request.get("FinalClusterSnapshotRetentionPeriod", found["details"]["snapshot_days"])
        wanted = final_of(found, final, checked_days(days), self.warehouses.clock.now()) if final else None
        try:
            deleted = await self.warehouses.delete(found["scope"], found["name"], wanted)
        except ResourceExists:
            raise ServiceError("ClusterSnapshotAlreadyExists", f"Snapshot {final} already exists.") from None
        return {"Cluster": self.shapes.cluster(deleted)}

    def expect_available(self, document: Document) -> None:
        """Raise InvalidClusterState for a cluster that something else is being done with."""
        if document["state"] != "available":
            status = self.shapes.status(document)[0]
            raise ServiceError(
                "InvalidClusterState", f"The cluster {plain(document)} is not available; its status is {status}."
            )


def _port(port: int) -> int:
    if not 1115 <= port <= 65535:
        raise invalid(f"Invalid port {port}. It must be between 1115 and 65535.")
    return port
