"""Managed policies and their versions."""

from collections.abc import Iterator
from typing import Any

from lakemill.engines.identity.awsmanaged import AWS_POLICIES
from lakemill.engines.identity.managed import policy_arn
from lakemill.services.base import Call, ServiceError, operation
from lakemill.services.iam.paging import by_name, page
from lakemill.services.iam.part import Part
from lakemill.services.iam.views import tag_list, tags_of

Request = dict[str, Any]


class Policies(Part):
    """Managed policies."""

    def _arn(self, call: Call, request: Request) -> str:
        """The policy meant. Another account's is as good as not there."""
        arn: str = request["PolicyArn"]
        if arn.count(":") >= 5 and arn.split(":")[4] not in ("aws", call.account):
            raise ServiceError("NoSuchEntity", f"Policy {arn} does not exist or is not attachable.")
        return arn

    @operation("CreatePolicy")
    async def create_policy(self, call: Call, request: Request) -> Request:
        policy = await self._identity.policies.create(
            call.account,
            request["PolicyName"],
            request["PolicyDocument"],
            request.get("Path", "/"),
            request.get("Description", ""),
            tags_of(request),
        )
        return {"Policy": self._views.policy(call, call.account, policy)}

    @operation("GetPolicy")
    def get_policy(self, call: Call, request: Request) -> Request:
        arn = self._arn(call, request)
        return {"Policy": self._views.policy(call, arn.split(":")[4], self._identity.policies.at(arn))}

    @operation("ListPolicies")
    def list_policies(self, call: Call, request: Request) -> Request:
        wanted = (one for one in self._all(call, request) if self._is_wanted(call, request, *one))
        return page(
            wanted,
            request,
            "Policies",
            lambda one: f"{by_name(one[1])}/{one[0]}",
            lambda one: self._views.policy(call, *one, full=False),
        )

    def _all(self, call: Call, request: Request) -> Iterator[tuple[str, Request]]:
        """(owner, policy) by name."""
        scope, prefix = request.get("Scope", "All"), request.get("PathPrefix", "/")
        found: list[tuple[str, Request]] = []
        if scope in ("All", "Local"):
            found += [(call.account, one) for one in self._identity.policies.listing(call.account, prefix)]
        if scope in ("All", "AWS"):
            found += [("aws", one) for one in AWS_POLICIES.values() if one["path"].startswith(prefix)]
        return iter(sorted(found, key=lambda one: f"{by_name(one[1])}/{one[0]}"))

    def _is_wanted(self, call: Call, request: Request, account: str, policy: Request) -> bool:
        """Held against OnlyAttached and PolicyUsageFilter."""
        usage = request.get("PolicyUsageFilter")
        if usage is None and not request.get("OnlyAttached"):
            return True
        arn = policy_arn(account, policy)
        kinds = [False, True] if usage is None else [usage == "PermissionsBoundary"]
        return any(
            True for bounds in kinds for _ in self._identity.policies.holders(call.account, arn, boundary=bounds)
        )

    @operation("DeletePolicy")
    async def delete_policy(self, call: Call, request: Request) -> Request:
        await self._identity.policies.delete(self._arn(call, request))
        return {}

    @operation("CreatePolicyVersion")
    async def create_policy_version(self, call: Call, request: Request) -> Request:
        arn = self._arn(call, request)
        version = await self._identity.policies.add_version(
            arn, request["PolicyDocument"], default=request.get("SetAsDefault", False)
        )
        return {"PolicyVersion": self._views.version(self._identity.policies.at(arn), version, text=False)}

    @operation("GetPolicyVersion")
    def get_policy_version(self, call: Call, request: Request) -> Request:
        arn = self._arn(call, request)
        policy = self._identity.policies.at(arn)
        self._identity.policies.version(arn, policy, request["VersionId"])
        return {"PolicyVersion": self._views.version(policy, request["VersionId"])}

    @operation("ListPolicyVersions")
    def list_policy_versions(self, call: Call, request: Request) -> Request:
        policy = self._identity.policies.at(self._arn(call, request))
        newest_first = sorted(policy["versions"], key=lambda version: -int(version[1:]))
        return page(
            newest_first,
            request,
            "Versions",
            lambda version: f"{10**9 - int(version[1:]):010d}",
            lambda version: self._views.version(policy, version, text=False),
        )

    @operation("DeletePolicyVersion")
    async def delete_policy_version(self, call: Call, request: Request) -> Request:
        await self._identity.policies.delete_version(self._arn(call, request), request["VersionId"])
        return {}

    @operation("SetDefaultPolicyVersion")
    async def set_default_policy_version(self, call: Call, request: Request) -> Request:
        await self._identity.policies.set_default(self._arn(call, request), request["VersionId"])
        return {}

    @operation("ListEntitiesForPolicy")
    def list_entities_for_policy(self, call: Call, request: Request) -> Request:
        arn, prefix = self._arn(call, request), request.get("PathPrefix", "/")
        self._identity.policies.at(arn)
        wanted = request.get("EntityFilter")
        if wanted not in (None, "User", "Group", "Role"):
            raise ServiceError("ValidationError", "EntityFilter must be User, Group or Role here.")
        usage = request.get("PolicyUsageFilter")
        kinds = [False, True] if usage is None else [usage == "PermissionsBoundary"]
        found = {
            (word, one["name"].lower()): one
            for bounds in kinds
            for word, one in self._identity.policies.holders(call.account, arn, boundary=bounds)
            if one["path"].startswith(prefix) and wanted in (None, word.capitalize())
        }
        paged = page(sorted(found), request, "entities", "/".join, tuple)
        answer: Request = {"PolicyUsers": [], "PolicyGroups": [], "PolicyRoles": []}
        for key in paged.pop("entities"):
            word = key[0].capitalize()
            answer[f"Policy{word}s"].append({f"{word}Name": found[key]["name"], f"{word}Id": found[key]["id"]})
        return answer | paged

    @operation("TagPolicy")
    async def tag_policy(self, call: Call, request: Request) -> Request:
        await self._identity.policies.tag(self._arn(call, request), tags_of(request))
        return {}

    @operation("UntagPolicy")
    async def untag_policy(self, call: Call, request: Request) -> Request:
        await self._identity.policies.untag(self._arn(call, request), request["TagKeys"])
        return {}

    @operation("ListPolicyTags")
    def list_policy_tags(self, call: Call, request: Request) -> Request:
        tags = sorted(
            tag_list(self._identity.policies.at(self._arn(call, request))["tags"]), key=lambda tag: tag["Key"]
        )
        return page(tags, request, "Tags", lambda tag: tag["Key"], dict)
