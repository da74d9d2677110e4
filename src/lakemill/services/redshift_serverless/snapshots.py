"""Snapshots of namespaces."""

import datetime
from collections.abc import Iterable
from typing import Any

from lakemill.engines.resources import ResourceExists
from lakemill.engines.warehouses import SNAPSHOT, Warehouses
from lakemill.engines.warehouses.workgroups import FAMILY, Workgroups
from lakemill.services import warehouserules as rules
from lakemill.services.base import Call, operation
from lakemill.services.redshift_serverless.errors import conflict, invalid, missing
from lakemill.services.redshift_serverless.naming import (
    arn_of,
    named,
    namespace_of,
    page,
    plain,
    scope_of,
    tags_of,
    workgroup_of,
)

DAYS_MAX = 3653
OTHERS = {"ownerAccount": "snapshots are not shared between accounts"}
Document = dict[str, Any]


def details_of(namespace: Document, days: int, now: datetime.datetime) -> Document:
    """What a snapshot remembers. Raises ValidationException."""
    if days != -1 and not 1 <= days <= DAYS_MAX:
        raise invalid(f"The retention period must be -1 or between 1 and {DAYS_MAX}; got {days}.")
    until = None if days == -1 else now + datetime.timedelta(days=days)
    return {"days": days, "until": until, "namespace_id": namespace["id"]}


class SnapshotOperations:
    """Mixed into the service."""

    warehouses: Warehouses
    workgroups: Workgroups

    @operation("CreateSnapshot")
    async def create_snapshot(self, call: Call, request: Document) -> Document:
        found, name = namespace_of(self.warehouses, call, request["namespaceName"]), request["snapshotName"]
        rules.check_cluster_name(name, "snapshotName", invalid)
        details = details_of(found, request.get("retentionPeriod", -1), self.warehouses.clock.now())
        try:
            made = await self.warehouses.snapshot(found["scope"], found["name"], named(name), details, tags_of(request))
        except ResourceExists:
            raise conflict(f"The snapshot {name} already exists.") from None
        return {"snapshot": snapshot(made)}

    @operation("GetSnapshot", refuses=OTHERS)
    def get_snapshot(self, call: Call, request: Document) -> Document:
        return {"snapshot": snapshot(self._named(call, request))}

    def _named(self, call: Call, request: Document) -> Document:
        """By name or ARN. Raises ValidationException, ResourceNotFoundException."""
        if arn := request.get("snapshotArn"):
            for one in self._all(call):
                if arn_of("snapshot", one) == arn:
                    return one
            raise missing(f"Snapshot {arn} not found.")
        if "snapshotName" not in request:
            raise invalid("snapshotName or snapshotArn must be given.")
        return self.warehouses.snapshots.get(scope_of(call), named(request["snapshotName"]))

    def _all(self, call: Call) -> Iterable[Document]:
        return self.warehouses.resources.all(SNAPSHOT, scope_of(call), f"{FAMILY}/")

    @operation("ListSnapshots", refuses=OTHERS)
    def list_snapshots(self, call: Call, request: Document) -> Document:
        wanted = [one for one in self._all(call) if _matches(one, request)]
        return page(wanted, request, "snapshots", snapshot)

    @operation("UpdateSnapshot")
    async def update_snapshot(self, call: Call, request: Document) -> Document:
        found = self.warehouses.snapshots.get(scope_of(call), named(request["snapshotName"]))
        days = request.get("retentionPeriod", found["details"]["days"])
        kept = details_of({"id": found["warehouse_id"]}, days, found["created"])

        def change(document: Document) -> None:
            document["details"] |= kept
            document["until"] = kept["until"]

        changed = await self.warehouses.resources.update(SNAPSHOT, found["scope"], found["name"], change)
        return {"snapshot": snapshot(changed)}

    @operation("DeleteSnapshot")
    async def delete_snapshot(self, call: Call, request: Document) -> Document:
        found = self.warehouses.snapshots.get(scope_of(call), named(request["snapshotName"]))
        if found["state"] == "creating":
            raise conflict(f"The snapshot {request['snapshotName']} is being made.")
        gone = await self.warehouses.snapshots.delete(found["scope"], found["name"])
        return {"snapshot": snapshot(gone) | {"status": "DELETED"}}

    @operation(
        "RestoreFromSnapshot",
        refuses={
            **OTHERS,
            "adminPasswordSecretKmsKeyId": "there is no Secrets Manager",
            "maintainIntegration": "there are no integrations",
        },
    )
    async def restore_from_snapshot(self, call: Call, request: Document) -> Document:
        if request.get("manageAdminPassword"):
            raise invalid("manageAdminPassword is refused: there is no Secrets Manager.")
        found = namespace_of(self.warehouses, call, request["namespaceName"])
        workgroup = workgroup_of(self.workgroups, call, request["workgroupName"])
        if named(workgroup["namespace"]) != found["name"]:
            raise invalid(f"The workgroup {workgroup['name']} is not one of the namespace {plain(found)}.")
        source = self._named(call, request)
        restored = await self.warehouses.restore(found["scope"], found["name"], source["name"])
        return {"namespace": self.shown(restored), "snapshotName": plain(source), "ownerAccount": call.account}

    def shown(self, namespace: Document) -> Document:
        """A Namespace."""
        raise NotImplementedError


def _matches(one: Document, request: Document) -> bool:
    if "namespaceName" in request and one["warehouse"] != named(request["namespaceName"]):
        return False
    if "namespaceArn" in request and request["namespaceArn"].rpartition("/")[2] != one["warehouse_id"]:
        return False
    if "startTime" in request and one["created"] < request["startTime"]:
        return False
    return not ("endTime" in request and one["created"] > request["endTime"])


def snapshot(document: Document) -> Document:
    """A Snapshot."""
    size = document["bytes"] / (1 << 20)
    scope = document["scope"]
    shown = {
        "snapshotName": plain(document),
        "snapshotArn": arn_of("snapshot", document),
        "namespaceName": document["warehouse"].partition("/")[2],
        "namespaceArn": arn_of("namespace", {"scope": scope, "id": document["warehouse_id"]}),
        "adminUsername": document["master"],
        "ownerAccount": scope.partition("/")[0],
        "status": document["state"].upper(),
        "snapshotCreateTime": document["created"],
        "snapshotRetentionPeriod": document["details"]["days"],
        "snapshotRetentionStartTime": document["created"],
        "totalBackupSizeInMegaBytes": size,
        "actualIncrementalBackupSizeInMegaBytes": size,
        "backupProgressInMegaBytes": size,
        "accountsWithRestoreAccess": [],
        "accountsWithProvisionedRestoreAccess": [],
    }
    if document["until"] is not None:
        shown["snapshotRemainingDays"] = max(0, (document["until"] - document["modified"]).days)
    return shown
