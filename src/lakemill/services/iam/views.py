"""Documents of the identity engine as IAM shows them."""

import datetime
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from lakemill.engines.identity import Identity
from lakemill.engines.identity.engine import from_epoch
from lakemill.engines.identity.managed import policy_arn
from lakemill.services.base import Call

Document = dict[str, Any]
Shape = dict[str, Any]


def encoded(text: str) -> str:
    """A policy's text as IAM answers it: percent-encoded by RFC 3986."""
    return quote(text, safe="-_.~")


def tag_list(tags: Mapping[str, str]) -> list[Shape]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def tags_of(request: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in request.get("Tags", ())}


def boundary(document: Document) -> Shape:
    """The PermissionsBoundary member, where there is one."""
    arn = document.get("boundary")
    if arn is None:
        return {}
    return {"PermissionsBoundary": {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}}


class Views:
    """The shapes, for one account at a time."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    def user(self, call: Call, user: Document, *, full: bool = True) -> Shape:
        shape = {
            "Path": user["path"],
            "UserName": user["name"],
            "UserId": user["id"],
            "Arn": self._identity.users.arn(call.account, user),
            "CreateDate": from_epoch(user["created"]),
        }
        return shape | self._extras(user) if full else shape

    @staticmethod
    def time(time_s: float) -> datetime.datetime:
        return from_epoch(time_s)

    @staticmethod
    def _extras(document: Document) -> Shape:
        tags = document.get("tags")
        return boundary(document) | ({"Tags": tag_list(tags)} if tags else {})

    def group(self, call: Call, group: Document) -> Shape:
        return {
            "Path": group["path"],
            "GroupName": group["name"],
            "GroupId": group["id"],
            "Arn": self._identity.groups.arn(call.account, group),
            "CreateDate": from_epoch(group["created"]),
        }

    def role(self, call: Call, role: Document, *, full: bool = True) -> Shape:
        """full: with boundary, tags and last use, which lists leave out."""
        shape = {
            "Path": role["path"],
            "RoleName": role["name"],
            "RoleId": role["id"],
            "Arn": self._identity.roles.arn(call.account, role),
            "CreateDate": from_epoch(role["created"]),
            "AssumeRolePolicyDocument": encoded(self._identity.trust_of(role)),
            "MaxSessionDuration": role["session_s_max"],
        }
        if role["description"]:
            shape["Description"] = role["description"]
        if full:
            shape |= self._extras(role) | {"RoleLastUsed": self.role_last_used(shape["Arn"])}
        return shape

    def role_last_used(self, arn: str) -> Shape:
        use = self._identity.uses.last(arn)
        return {"LastUsedDate": from_epoch(use["at"]), "Region": use["region"]} if use else {}

    def profile(self, call: Call, profile: Document) -> Shape:
        roles = (self._identity.roles.find(call.account, name) for name in profile["roles"])
        shape = {
            "Path": profile["path"],
            "InstanceProfileName": profile["name"],
            "InstanceProfileId": profile["id"],
            "Arn": self._identity.profiles.arn(call.account, profile),
            "CreateDate": from_epoch(profile["created"]),
            "Roles": [self.role(call, role, full=False) for role in roles if role],
        }
        return shape | ({"Tags": tag_list(profile["tags"])} if profile["tags"] else {})

    def policy(self, call: Call, account: str, policy: Document, *, full: bool = True) -> Shape:
        """account: who owns it (`aws`, or an account id). full: with description and tags, which lists leave out."""
        arn = policy_arn(account, policy)
        holders = self._identity.policies.holders
        shape = {
            "PolicyName": policy["name"],
            "PolicyId": policy["id"],
            "Arn": arn,
            "Path": policy["path"],
            "DefaultVersionId": policy["default"],
            "AttachmentCount": sum(1 for _ in holders(call.account, arn)),
            "PermissionsBoundaryUsageCount": sum(1 for _ in holders(call.account, arn, boundary=True)),
            "IsAttachable": True,
            "CreateDate": from_epoch(policy["created"]),
            "UpdateDate": from_epoch(policy["updated"]),
        }
        if full:
            shape |= {"Tags": tag_list(policy["tags"])}
            if policy["description"]:
                shape["Description"] = policy["description"]
        return shape

    @staticmethod
    def version(policy: Document, version: str, *, text: bool = True) -> Shape:
        held = policy["versions"][version]
        shape = {
            "VersionId": version,
            "IsDefaultVersion": version == policy["default"],
            "CreateDate": from_epoch(held["created"]),
        }
        return {"Document": encoded(held["text"])} | shape if text else shape

    @staticmethod
    def attached(holder: Document, path_prefix: str = "/") -> list[Shape]:
        """The managed policies of a user, group or role, under a path."""
        shapes = []
        for arn in holder["attached"]:
            path, _, name = arn.split(":policy", 1)[1].rpartition("/")
            if f"{path}/".startswith(path_prefix):
                shapes.append({"PolicyName": name, "PolicyArn": arn})
        return shapes

    @staticmethod
    def inline(holder: Document) -> list[Shape]:
        return [
            {"PolicyName": name, "PolicyDocument": encoded(text)} for name, text in sorted(holder["inline"].items())
        ]
