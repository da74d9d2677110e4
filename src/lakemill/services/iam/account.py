"""The account as a whole: its alias, its summary, everything it has."""

from typing import Any

from lakemill.engines.identity.awsmanaged import AWS_POLICIES
from lakemill.engines.identity.holders import ATTACHED_MAX
from lakemill.engines.identity.keys import KEYS_MAX
from lakemill.engines.identity.managed import TEXT_BYTES_MAX, VERSIONS_MAX, policy_arn
from lakemill.engines.identity.people import GROUPS_MAX, Groups, Roles, Users
from lakemill.engines.identity.trust import TRUST_BYTES_MAX
from lakemill.services.base import Call, operation
from lakemill.services.iam.paging import page
from lakemill.services.iam.part import Part
from lakemill.services.iam.views import boundary, tag_list

Request = dict[str, Any]
FILTERS = ("User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy")
_LISTS = {"User": "UserDetailList", "Role": "RoleDetailList", "Group": "GroupDetailList"}


class Account(Part):
    """Aliases, summary, authorization details."""

    @operation("CreateAccountAlias")
    async def create_account_alias(self, call: Call, request: Request) -> Request:
        await self._identity.accounts.set_alias(call.account, request["AccountAlias"])
        return {}

    @operation("DeleteAccountAlias")
    async def delete_account_alias(self, call: Call, request: Request) -> Request:
        await self._identity.accounts.drop_alias(call.account, request["AccountAlias"])
        return {}

    @operation("ListAccountAliases")
    def list_account_aliases(self, call: Call, request: Request) -> Request:
        alias = self._identity.accounts.alias(call.account)
        return page([alias] if alias else [], request, "AccountAliases", str, str)

    @operation("GetAccountSummary")
    def get_account_summary(self, call: Call, request: Request) -> Request:
        identity, account = self._identity, call.account
        policies = list(identity.policies.listing(account))
        counted = {
            "Users": sum(1 for _ in identity.users.listing(account)),
            "Groups": sum(1 for _ in identity.groups.listing(account)),
            "Roles": sum(1 for _ in identity.roles.listing(account)),
            "InstanceProfiles": sum(1 for _ in identity.profiles.listing(account)),
            "Policies": len(policies),
            "PolicyVersionsInUse": sum(len(policy["versions"]) for policy in policies),
            "AccountAccessKeysPresent": int(bool(identity.keys.listing(account, None))),
        }
        return {"SummaryMap": counted | _QUOTAS}

    @operation("GetAccountAuthorizationDetails")
    def get_account_authorization_details(self, call: Call, request: Request) -> Request:
        wanted = request.get("Filter") or FILTERS
        everything: list[tuple[str, str, Request]] = []
        for word, holders in (("User", "users"), ("Role", "roles"), ("Group", "groups")):
            if word in wanted:
                listed = getattr(self._identity, holders).listing(call.account)
                everything += [(word, one["name"].lower(), one) for one in listed]
        if "LocalManagedPolicy" in wanted:
            local = self._identity.policies.listing(call.account)
            everything += [("policy", policy_arn(call.account, one), one) for one in local]
        if "AWSManagedPolicy" in wanted:
            used = ((arn, one) for arn, one in AWS_POLICIES.items() if self._is_attached(call, arn))
            everything += [("policy", arn, one) for arn, one in used]
        everything.sort(key=lambda one: one[:2])
        paged = page(everything, request, "all", lambda one: f"{one[0]}/{one[1]}", tuple)
        answer: Request = {"UserDetailList": [], "GroupDetailList": [], "RoleDetailList": [], "Policies": []}
        for word, place, one in paged.pop("all"):
            if word == "policy":
                answer["Policies"].append(self._policy(call, place, one))
            else:
                answer[_LISTS[word]].append(getattr(self, f"_{word.lower()}")(call, one))
        return answer | paged

    def _is_attached(self, call: Call, arn: str) -> bool:
        return any(True for _ in self._identity.policies.holders(call.account, arn))

    def _user(self, call: Call, user: Request) -> Request:
        groups = self._identity.groups.of(call.account, user["name"])
        return self._views.user(call, user, full=False) | {
            "UserPolicyList": self._views.inline(user),
            "GroupList": [group["name"] for group in groups],
            "AttachedManagedPolicies": self._views.attached(user),
            "Tags": tag_list(user["tags"]),
            **boundary(user),
        }

    def _group(self, call: Call, group: Request) -> Request:
        return self._views.group(call, group) | {
            "GroupPolicyList": self._views.inline(group),
            "AttachedManagedPolicies": self._views.attached(group),
        }

    def _role(self, call: Call, role: Request) -> Request:
        shape = self._views.role(call, role, full=False)
        del shape["MaxSessionDuration"]
        shape.pop("Description", None)
        profiles = self._identity.profiles.holding(call.account, role["name"])
        return shape | {
            "InstanceProfileList": [self._views.profile(call, profile) for profile in profiles],
            "RolePolicyList": self._views.inline(role),
            "AttachedManagedPolicies": self._views.attached(role),
            "Tags": tag_list(role["tags"]),
            "RoleLastUsed": self._views.role_last_used(shape["Arn"]),
            **boundary(role),
        }

    def _policy(self, call: Call, arn: str, policy: Request) -> Request:
        shape = self._views.policy(call, arn.split(":")[4], policy)
        del shape["Tags"]
        versions = [self._views.version(policy, version) for version in policy["versions"]]
        return shape | {"PolicyVersionList": versions}


_QUOTAS = {
    "AccessKeysPerUserQuota": KEYS_MAX,
    "GroupsPerUserQuota": GROUPS_MAX,
    "AttachedPoliciesPerUserQuota": ATTACHED_MAX,
    "AttachedPoliciesPerGroupQuota": ATTACHED_MAX,
    "AttachedPoliciesPerRoleQuota": ATTACHED_MAX,
    "UserPolicySizeQuota": Users.inline_bytes_max,
    "GroupPolicySizeQuota": Groups.inline_bytes_max,
    "RolePolicySizeQuota": Roles.inline_bytes_max,
    "PolicySizeQuota": TEXT_BYTES_MAX,
    "AssumeRolePolicySizeQuota": TRUST_BYTES_MAX,
    "VersionsPerPolicyQuota": VERSIONS_MAX,
    "MFADevices": 0,
    "MFADevicesInUse": 0,
    "AccountMFAEnabled": 0,
    "AccountSigningCertificatesPresent": 0,
    "ServerCertificates": 0,
    "Providers": 0,
    "GlobalEndpointTokenVersion": 1,
}
