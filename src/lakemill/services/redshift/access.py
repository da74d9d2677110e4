"""What each operation must be allowed: itself, on clusters, snapshots, groups, and users of databases."""

from typing import Any

from lakemill.services.base import Call, Need, pass_role
from lakemill.services.redshift.naming import arn_in, scope_of
from lakemill.services.warehouseaccess import user_needs, with_iam

PRINCIPAL = "redshift.amazonaws.com"
Document = dict[str, Any]
MEMBERS = {
    "ClusterIdentifier": "cluster:{}",
    "ParameterGroupName": "parametergroup:{}",
    "ClusterSubnetGroupName": "subnetgroup:{}",
}


def needs(call: Call, request: Document) -> list[Need]:
    """Everything the caller must be allowed."""
    if call.operation == "GetClusterCredentials":
        return _credentials(call, request)
    if call.operation == "GetClusterCredentialsWithIAM":
        return [with_iam(scope_of(call), request.get("ClusterIdentifier", "*"), request.get("DbName"))]
    found = [Need(f"redshift:{call.operation}", _resource(call, request), _context(request))]
    if request.get("Tags") and call.operation != "CreateTags":
        found.append(Need("redshift:CreateTags", found[0].resource, found[0].context))
    roles = [*(request.get("IamRoles") or []), *(request.get("AddIamRoles") or [])]
    return found + [pass_role(role, PRINCIPAL) for role in roles]


def _context(request: Document) -> Document:
    tags = {tag["Key"]: tag.get("Value", "") for tag in request.get("Tags") or [] if "Key" in tag}
    if not tags:
        return {}
    return {"aws:TagKeys": list(tags)} | {f"aws:RequestTag/{key}": value for key, value in tags.items()}


def _resource(call: Call, request: Document) -> str:
    scope = scope_of(call)
    if "ResourceName" in request:
        return str(request["ResourceName"])
    if name := request.get("SnapshotIdentifier"):
        cluster = request.get("SnapshotClusterIdentifier") or request.get("ClusterIdentifier") or "*"
        if call.operation == "RestoreFromClusterSnapshot":
            cluster = request.get("SnapshotClusterIdentifier") or "*"
        return arn_in(scope, f"snapshot:{cluster}/{name}")
    if name := request.get("SourceSnapshotIdentifier"):
        return arn_in(scope, f"snapshot:{request.get('SourceSnapshotClusterIdentifier') or '*'}/{name}")
    for member, form in MEMBERS.items():
        if name := request.get(member):
            return arn_in(scope, form.format(name.lower()))
    return "*"


def _credentials(call: Call, request: Document) -> list[Need]:
    cluster = request.get("ClusterIdentifier", "*").lower()
    return user_needs(
        scope_of(call),
        cluster,
        request["DbUser"],
        request.get("DbName"),
        create=request.get("AutoCreate", False),
        groups=request.get("DbGroups") or [],
        duration_s=request.get("DurationSeconds", 900),
    )
