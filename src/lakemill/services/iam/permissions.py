"""What calls of IAM need: `iam:<Operation>` on the user, group, role, policy or profile they name."""

from typing import Any

from lakemill.engines.identity import Identity
from lakemill.engines.identity.holders import Document
from lakemill.services.base import Call, Need

Request = dict[str, Any]

# The member that names the resource, most telling first, and the word in its ARN.
NAMING = (
    ("PolicySourceArn", ""),
    ("InstanceProfileName", "instance-profile"),
    ("GroupName", "group"),
    ("UserName", "user"),
    ("RoleName", "role"),
    ("PolicyName", "policy"),
    ("PolicyArn", ""),
)

# Operations that, without a UserName, are about the caller.
ABOUT_THE_CALLER = frozenset(
    ("GetUser", "CreateAccessKey", "DeleteAccessKey", "ListAccessKeys", "UpdateAccessKey", "ChangePassword")
)
_ON_ANYTHING = frozenset(("ListUsers", "ListGroups", "ListRoles", "ListPolicies", "ListInstanceProfiles"))


def needs(identity: Identity, call: Call, request: Request) -> list[Need]:
    """The permissions of one call."""
    resource, document = _resource(identity, call, request)
    found = [Need(f"iam:{call.operation}", resource, _context(request, document))]
    if call.operation == "AddRoleToInstanceProfile":
        role = identity.roles.find(call.account, request["RoleName"])
        arn = identity.roles.arn(call.account, role) if role else _arn(call, "role", "/", request["RoleName"])
        found.append(Need("iam:PassRole", arn, {"iam:PassedToService": "ec2.amazonaws.com"}))
    return found


def _arn(call: Call, word: str, path: str, name: str) -> str:
    return f"arn:aws:iam::{call.account}:{word}{path}{name}"


def _resource(identity: Identity, call: Call, request: Request) -> tuple[str, Document]:
    """The ARN a call is about, and the document behind it as far as there is one."""
    if call.operation in _ON_ANYTHING:
        return "*", {}
    if call.operation == "CreateServiceLinkedRole":
        principal = request["AWSServiceName"]
        return _arn(call, "role", f"/aws-service-role/{principal}/", "*"), {}
    if call.operation in ABOUT_THE_CALLER and "UserName" not in request and call.principal.kind in ("user", "root"):
        return call.principal.arn, {}
    for member, word in NAMING:
        if member not in request:
            continue
        if not word:
            arn: str = request[member]
            return arn, (identity.policies.find(arn) or {}) if member == "PolicyArn" else {}
        if word == "policy" and call.operation != "CreatePolicy":
            continue
        document = _document(identity, call, word, request[member])
        path, name = document.get("path") or request.get("Path", "/"), document.get("name") or request[member]
        return _arn(call, word, path, name), document
    return "*", {}


def _document(identity: Identity, call: Call, word: str, name: str) -> Document:
    if word in ("user", "group", "role"):
        found: Document | None = getattr(identity, f"{word}s").find(call.account, name)
        return found or {}
    return {}


def _context(request: Request, document: Document) -> dict[str, Any]:
    """The condition keys of a call."""
    keys: dict[str, Any] = {}
    if "PolicyArn" in request:
        keys["iam:PolicyARN"] = request["PolicyArn"]
    if "AWSServiceName" in request:
        keys["iam:AWSServiceName"] = request["AWSServiceName"]
    if boundary := request.get("PermissionsBoundary", document.get("boundary")):
        keys["iam:PermissionsBoundary"] = boundary
    if tags := request.get("Tags"):
        keys["aws:TagKeys"] = [tag["Key"] for tag in tags]
        keys |= {f"aws:RequestTag/{tag['Key']}": tag["Value"] for tag in tags}
    elif "TagKeys" in request:
        keys["aws:TagKeys"] = request["TagKeys"]
    for key, value in document.get("tags", {}).items():
        keys[f"aws:ResourceTag/{key}"] = value
        keys[f"iam:ResourceTag/{key}"] = value
    return keys
