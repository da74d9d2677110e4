"""Namespaces: databases, users and roles, with or without a workgroup that opens them."""

import secrets
from typing import Any

from lakemill.engines.resources import ResourceExists
from lakemill.engines.warehouses import KIND, Warehouses, new_warehouse
from lakemill.engines.warehouses.credentials import verifier
from lakemill.engines.warehouses.workgroups import FAMILY, Workgroups
from lakemill.services import warehouserules as rules
from lakemill.services.base import Call, operation
from lakemill.services.redshift_serverless.errors import conflict, invalid
from lakemill.services.redshift_serverless.naming import (
    arn_of,
    named,
    namespace_of,
    page,
    plain,
    scope_of,
    tags_of,
)
from lakemill.services.redshift_serverless.snapshots import details_of

NO_SECRETS = "there is no Secrets Manager; give adminUserPassword"
NEVER = {
    "kmsKeyId": "warehouses are not encrypted",
    "adminPasswordSecretKmsKeyId": NO_SECRETS,
    "logExports": "there are no audit logs",
}
Document = dict[str, Any]


class NamespaceOperations:
    """Mixed into the service."""

    warehouses: Warehouses
    workgroups: Workgroups

    @operation("CreateNamespace", refuses={**NEVER, "redshiftIdcApplicationArn": "there is no IAM Identity Center"})
    async def create_namespace(self, call: Call, request: Document) -> Document:
        _check_managed(request)
        name, master = request["namespaceName"], request.get("adminUsername", "admin")
        rules.check_cluster_name(name, "namespaceName", invalid)
        rules.check_user(master, invalid)
        if "adminUsername" in request and "adminUserPassword" not in request:
            raise invalid("adminUserPassword must be given with adminUsername.")
        password = request.get("adminUserPassword")
        if password is not None:
            rules.check_password(password, "adminUserPassword", invalid)
        rules.check_database(request.get("dbName", "dev"), invalid)
        document = new_warehouse(
            database=request.get("dbName", "dev"),
            master=master,
            verifier=verifier(password or secrets.token_urlsafe(48), master),
            wanted=False,
            **_roles(request),
        )
        try:
            made = await self.warehouses.create(scope_of(call), named(name), document, tags_of(request))
        except ResourceExists:
            raise conflict(f"The namespace {name} already exists.") from None
        return {"namespace": namespace(made)}

    @operation("GetNamespace")
    def get_namespace(self, call: Call, request: Document) -> Document:
        return {"namespace": namespace(namespace_of(self.warehouses, call, request["namespaceName"]))}

    @operation("ListNamespaces")
    def list_namespaces(self, call: Call, request: Document) -> Document:
        found = list(self.warehouses.resources.all(KIND, scope_of(call), f"{FAMILY}/"))
        return page(found, request, "namespaces", namespace)

    @operation(
        "UpdateNamespace",
        refuses={
            **NEVER,
            "logDestinationType": "there are no audit logs",
            "s3TableAction": "there are no S3 tables",
            "s3TableGranularity": "there are no S3 tables",
            "s3TableKmsKeyId": "there are no S3 tables",
            "s3TableNames": "there are no S3 tables",
        },
    )
    async def update_namespace(self, call: Call, request: Document) -> Document:
        _check_managed(request)
        found = namespace_of(self.warehouses, call, request["namespaceName"])
        master = request.get("adminUsername", found["master"])
        if master != found["master"]:
            raise invalid("adminUsername cannot be changed.")
        change: Document = {}
        if password := request.get("adminUserPassword"):
            rules.check_password(password, "adminUserPassword", invalid)
            change["verifier"] = verifier(password, master)
        if request.keys() & {"iamRoles", "defaultIamRoleArn"}:
            present = {"iamRoles": found["roles"], "defaultIamRoleArn": found["default_role"]}
            change |= _roles(present | request)
        changed = await self.warehouses.update(found["scope"], found["name"], lambda document: document.update(change))
        return {"namespace": namespace(changed)}

    @operation("DeleteNamespace")
    async def delete_namespace(self, call: Call, request: Document) -> Document:
        name = request["namespaceName"]
        found = namespace_of(self.warehouses, call, name)
        if workgroup := self.workgroups.of_namespace(scope_of(call), name):
            raise conflict(f"The namespace {name} has the workgroup {workgroup['name']}; delete that first.")
        final = None
        if snapshot := request.get("finalSnapshotName"):
            days = request.get("finalSnapshotRetentionPeriod", -1)
            details = details_of(found, days, self.warehouses.clock.now())
            final = {"name": named(snapshot), "details": details, "tags": {}}
        try:
            deleted = await self.warehouses.delete(found["scope"], found["name"], final)
        except ResourceExists:
            raise conflict(f"The snapshot {request['finalSnapshotName']} already exists.") from None
        return {"namespace": namespace(deleted)}


def _check_managed(request: Document) -> None:
    if request.get("manageAdminPassword"):
        raise invalid(f"manageAdminPassword is refused: {NO_SECRETS}.")


def _roles(request: Document) -> Document:
    """Roles are given as ARNs, also as they are shown: `IamRole(applyStatus=in-sync, iamRoleArn=...)`."""
    roles = [one.partition("iamRoleArn=")[2].rstrip(")") or one for one in request.get("iamRoles") or []]
    default = request.get("defaultIamRoleArn") or ""
    rules.check_roles(roles, default, invalid)
    return {"roles": roles, "default_role": default}


def namespace(document: Document) -> Document:
    """A Namespace."""
    shown = {
        "namespaceName": plain(document),
        "namespaceId": document["id"],
        "namespaceArn": arn_of("namespace", document),
        "adminUsername": document["master"],
        "creationDate": document["created"],
        "dbName": document["database"],
        "iamRoles": [f"IamRole(applyStatus=in-sync, iamRoleArn={role})" for role in document["roles"]],
        "logExports": [],
        "status": {"deleting": "DELETING", "modifying": "MODIFYING"}.get(document["state"], "AVAILABLE"),
    }
    return shown | ({"defaultIamRoleArn": document["default_role"]} if document["default_role"] else {})
