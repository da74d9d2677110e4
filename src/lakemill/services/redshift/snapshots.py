"""Snapshots of clusters, and clusters made of them."""

import datetime
import re
from typing import Any

from lakemill.engines.resources import ResourceExists
from lakemill.engines.warehouses import SNAPSHOT, SnapshotMissing, Warehouses
from lakemill.services import warehouserules as rules
from lakemill.services.base import Call, ServiceError, operation
from lakemill.services.redshift.errors import combination, invalid
from lakemill.services.redshift.naming import FAMILY, arn_in, cluster_of, named, plain, scope_of
from lakemill.services.redshift.paging import by_tags, listed, tag_list, tags_of
from lakemill.services.redshift.shapes import VERSION

FINAL_NEEDED = "FinalClusterSnapshotIdentifier is required unless SkipFinalClusterSnapshot is specified."
DAYS_MAX = 3653
ARN = re.compile(r"arn:aws:redshift:[^:]+:\d{12}:snapshot:[^/]+/(?P<name>.+)\Z")
OTHERS = {"OwnerAccount": "snapshots are not shared between accounts"}
Document = dict[str, Any]


def checked_days(days: int) -> int:
    """How long snapshots are kept; -1 for ever. Raises InvalidRetentionPeriodFault."""
    if days != -1 and not 1 <= days <= DAYS_MAX:
        message = f"The retention period must be either -1 or an integer between 1 and {DAYS_MAX}; got {days}."
        raise ServiceError("InvalidRetentionPeriodFault", message)
    return days


def until(now: datetime.datetime, days: int) -> datetime.datetime | None:
    """When it is removed."""
    return None if days == -1 else now + datetime.timedelta(days=days)


def details_of(cluster: Document, days: int, now: datetime.datetime) -> Document:
    """What a snapshot remembers of its cluster."""
    kept = {name: cluster["details"][name] for name in ("node_type", "nodes", "zone", "track", "subnet_group")}
    about = {"port": cluster["port"], "cluster_created": cluster["created"], "roles": cluster["roles"]}
    return kept | about | {"group": cluster["details"]["parameter_group"], "days": days, "until": until(now, days)}


def final_of(cluster: Document, name: str, days: int, now: datetime.datetime) -> Document:
    """The last snapshot of a cluster, as the engine takes it. Raises InvalidParameterValue."""
    rules.check_cluster_name(name.lower(), "FinalClusterSnapshotIdentifier", invalid)
    return {"name": named(name), "details": details_of(cluster, days, now), "tags": cluster["tags"]}


class SnapshotOperations:
    """Mixed into the service."""

    warehouses: Warehouses

    @operation("CreateClusterSnapshot")
    async def create_cluster_snapshot(self, call: Call, request: Document) -> Document:
        cluster = cluster_of(self.warehouses, call, request["ClusterIdentifier"])
        name = request["SnapshotIdentifier"].lower()
        rules.check_cluster_name(name, "SnapshotIdentifier", invalid)
        days = checked_days(request.get("ManualSnapshotRetentionPeriod", cluster["details"]["snapshot_days"]))
        details = details_of(cluster, days, self.warehouses.clock.now())
        tags = cluster["tags"] | tags_of(request)
        try:
            made = await self.warehouses.snapshot(scope_of(call), cluster["name"], named(name), details, tags)
        except ResourceExists:
            raise _there(name) from None
        return {"Snapshot": snapshot(made)}

    @operation("DescribeClusterSnapshots", refuses=OTHERS)
    def describe_cluster_snapshots(self, call: Call, request: Document) -> Document:
        wanted = _name(request)
        found = [one for one in self._all(call) if _matches(one, request, wanted, by_tags(request))]
        if wanted and not found:
            raise SnapshotMissing(wanted)
        if request.get("ClusterExists") is not None:
            found = [one for one in found if (self._cluster(one) is not None) == request["ClusterExists"]]
        elif (name := request.get("ClusterIdentifier")) and not found:
            cluster_of(self.warehouses, call, name)
        answer = listed(found, request, "Snapshots", snapshot)
        for sorting in request.get("SortingEntities") or []:
            answer["Snapshots"].sort(key=SORTS[sorting["Attribute"]], reverse=sorting.get("SortOrder") == "DESC")
        return answer

    def _all(self, call: Call) -> list[Document]:
        return list(self.warehouses.resources.all(SNAPSHOT, scope_of(call), f"{FAMILY}/"))

    def _cluster(self, document: Document) -> Document | None:
        found = self.warehouses.find(document["scope"], document["warehouse"])
        return found if found is not None and found["id"] == document["warehouse_id"] else None

    @operation("ModifyClusterSnapshot")
    async def modify_cluster_snapshot(self, call: Call, request: Document) -> Document:
        found = self._snapshot(call, request["SnapshotIdentifier"])
        days = checked_days(request.get("ManualSnapshotRetentionPeriod", found["details"]["days"]))
        ends = until(found["created"], days)
        if ends is not None and ends <= self.warehouses.clock.now() and not request.get("Force"):
            message = "The snapshot would be removed at once; set Force to do that."
            raise ServiceError("InvalidRetentionPeriodFault", message)

        def change(document: Document) -> None:
            document["until"] = ends
            document["details"] |= {"days": days, "until": ends}

        changed = await self.warehouses.resources.update(SNAPSHOT, found["scope"], found["name"], change)
        return {"Snapshot": snapshot(changed)}

    @operation("CopyClusterSnapshot")
    async def copy_cluster_snapshot(self, call: Call, request: Document) -> Document:
        source, target = request["SourceSnapshotIdentifier"], request["TargetSnapshotIdentifier"].lower()
        rules.check_cluster_name(target, "TargetSnapshotIdentifier", invalid)
        found = self._snapshot(call, source, request.get("SourceSnapshotClusterIdentifier"))
        days = checked_days(request.get("ManualSnapshotRetentionPeriod", -1))
        ends = until(self.warehouses.clock.now(), days)
        try:
            copied = await self.warehouses.snapshots.copy(found["scope"], found["name"], named(target), ends)
        except ResourceExists:
            raise _there(target) from None
        return {"Snapshot": snapshot(copied)}

    @operation("DeleteClusterSnapshot")
    async def delete_cluster_snapshot(self, call: Call, request: Document) -> Document:
        return {"Snapshot": snapshot(await self._deleted(call, request)) | {"Status": "deleted"}}

    @operation("BatchDeleteClusterSnapshots")
    async def batch_delete_cluster_snapshots(self, call: Call, request: Document) -> Document:
        gone, errors = [], []
        for one in request["Identifiers"]:
            try:
                gone.append(plain(await self._deleted(call, one)))
            except (SnapshotMissing, ServiceError) as error:
                code = error.code if isinstance(error, ServiceError) else "ClusterSnapshotNotFound"
                about = {"SnapshotIdentifier": one["SnapshotIdentifier"]}
                errors.append(about | {"FailureCode": code, "FailureReason": str(error)})
        return {"Resources": gone, "Errors": errors}

    async def _deleted(self, call: Call, request: Document) -> Document:
        name = request["SnapshotIdentifier"]
        found = self._snapshot(call, name, request.get("SnapshotClusterIdentifier"))
        if found["state"] == "creating":
            raise ServiceError("InvalidClusterSnapshotState", f"Snapshot {name} is being made.")
        return await self.warehouses.snapshots.delete(found["scope"], found["name"])

    def _snapshot(self, call: Call, name: str, cluster: str | None = None) -> Document:
        """Raises SnapshotMissing."""
        found = self.warehouses.snapshots.get(scope_of(call), named(name))
        if cluster and found["warehouse"] != named(cluster):
            raise SnapshotMissing(name)
        return found


def _matches(one: Document, request: Document, name: str, has_tags: Any) -> bool:
    if name and plain(one) != name:
        return False
    if (cluster := request.get("ClusterIdentifier")) and one["warehouse"] != named(cluster):
        return False
    if request.get("SnapshotType", "manual") != "manual":
        return False
    if "StartTime" in request and one["created"] < request["StartTime"]:
        return False
    if "EndTime" in request and one["created"] > request["EndTime"]:
        return False
    return bool(has_tags(one))


def _name(request: Document) -> str:
    """The snapshot that a request names; "" for none. Raises ServiceError."""
    if arn := request.get("SnapshotArn"):
        found = ARN.match(arn)
        if "SnapshotIdentifier" in request:
            raise combination("SnapshotIdentifier and SnapshotArn cannot be given both.")
        if not found:
            raise invalid(f"Invalid snapshot ARN: {arn}")
        return found["name"].lower()
    name: str = request.get("SnapshotIdentifier", "")
    return name.lower()


def _there(name: str) -> ServiceError:
    return ServiceError("ClusterSnapshotAlreadyExists", f"Cannot create the snapshot because a snapshot with the "
                        f"identifier {name} already exists.")  # fmt: skip


def snapshot(document: Document) -> Document:
    """A Snapshot."""
    details, scope = document["details"], document["scope"]
    account, _, region = scope.partition("/")
    cluster = document["warehouse"].partition("/")[2]
    size = document["bytes"] / (1 << 20)
    shown = {
        "SnapshotIdentifier": plain(document),
        "ClusterIdentifier": cluster,
        "SnapshotCreateTime": document["created"],
        "Status": document["state"],
        "Port": details["port"],
        "AvailabilityZone": details["zone"],
        "ClusterCreateTime": details["cluster_created"],
        "MasterUsername": document["master"],
        "ClusterVersion": VERSION,
        "SnapshotType": "manual",
        "NodeType": details["node_type"],
        "NumberOfNodes": details["nodes"],
        "DBName": document["database"],
        "Encrypted": False,
        "EncryptedWithHSM": False,
        "OwnerAccount": account,
        "TotalBackupSizeInMegaBytes": size,
        "ActualIncrementalBackupSizeInMegaBytes": size,
        "BackupProgressInMegaBytes": size,
        "SourceRegion": region,
        "Tags": tag_list(document["tags"]),
        "EnhancedVpcRouting": False,
        "MaintenanceTrackName": details["track"],
        "ManualSnapshotRetentionPeriod": details["days"],
        "SnapshotRetentionStartTime": document["created"],
        "SnapshotArn": arn_in(scope, f"snapshot:{cluster}/{plain(document)}"),
    }
    if document["until"] is not None:
        shown["ManualSnapshotRemainingDays"] = max(0, (document["until"] - document["modified"]).days)
    return shown


SORTS: dict[str, Any] = {
    "SOURCE_TYPE": lambda one: one["SnapshotType"],
    "TOTAL_SIZE": lambda one: one["TotalBackupSizeInMegaBytes"],
    "CREATE_TIME": lambda one: one["SnapshotCreateTime"],
}
