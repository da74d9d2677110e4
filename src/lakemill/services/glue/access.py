"""The catalog's resource policy, and what each operation must be allowed."""

from typing import Any

from lakemill.engines.catalog import Catalog, Policies, Policy, PolicyMissing
from lakemill.engines.identity.errors import PolicyMalformed
from lakemill.engines.identity.policy import compile_policy
from lakemill.services.base import Call, Need, operation, pass_role
from lakemill.services.glue import roles, shapes
from lakemill.services.glue.crawlplan import CrawlPlanning

POLICY_BYTES_MAX = 10 << 10
_TAG_OPERATIONS = ("TagResource", "UntagResource", "GetTags")
_OF_THE_CATALOG = ("PutResourcePolicy", "GetResourcePolicy", "DeleteResourcePolicy", "GetResourcePolicies")
_OF_A_NAMED_DATABASE = ("GetDatabase", "UpdateDatabase", "DeleteDatabase")


class AccessOperations:
    """Mixed into the service."""

    catalog: Catalog
    policies: Policies
    planning: CrawlPlanning

    # The policy

    @operation("PutResourcePolicy", refuses={"EnableHybrid": shapes.LAKE_FORMATION})
    async def put_resource_policy(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        _check_catalog(call, request)
        text = request["PolicyInJson"]
        if len(text.encode()) > POLICY_BYTES_MAX:
            raise shapes.invalid(f"A resource policy has at most {POLICY_BYTES_MAX} bytes.")
        try:
            compile_policy(text, "resource")
        except PolicyMalformed as wrong:
            raise shapes.invalid(f"The policy is not valid: {wrong}") from None
        present = {"MUST_EXIST": True, "NOT_EXIST": False}.get(request.get("PolicyExistsCondition", "NONE"))
        expected = request.get("PolicyHashCondition")
        return {"PolicyHash": (await self.policies.put(_scope(call), text, expected=expected, present=present)).digest}

    @operation("GetResourcePolicy")
    def get_resource_policy(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        _check_catalog(call, request)
        found = self.policies.find(_scope(call))
        if found is None:
            raise PolicyMissing
        return _described(found)

    @operation("GetResourcePolicies", refuses={"NextToken": "there is one policy at most, on one page"})
    def get_resource_policies(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        found = self.policies.find(_scope(call))  # One at most: fewer than the least "MaxResults" allows.
        return {"GetResourcePoliciesResponseList": [_described(found)] if found else []}

    @operation("DeleteResourcePolicy")
    async def delete_resource_policy(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        _check_catalog(call, request)
        await self.policies.delete(_scope(call), expected=request.get("PolicyHashCondition"))
        return {}

    # Permissions

    def needs(self, call: Call, request: dict[str, Any]) -> list[Need]:
        """The operation on the thing itself and on all that it is in: table, database, catalog."""
        action = f"glue:{call.operation}"
        if call.operation in _TAG_OPERATIONS:
            return [Need(action, request["ResourceArn"])]
        if "Crawl" in call.operation or "Classifier" in call.operation:
            return _crawling_needs(call, request, self.planning)
        if "Connection" in call.operation:
            return _connection_needs(call, request)
        found = self.policies.find(_scope(call))
        policy = found.text if found else None
        return [Need(action, call.arn(resource), resource_policy=policy) for resource in _resources(call, request)]


def _resources(call: Call, request: dict[str, Any]) -> list[str]:
    if call.operation in _OF_THE_CATALOG:
        return ["catalog"]
    database = request.get("DatabaseName") or request.get("DatabaseInput", {}).get("Name") or "*"
    if call.operation in _OF_A_NAMED_DATABASE:
        database = request["Name"]
    database = database.lower()
    found = ["catalog", f"database/{database}"]
    if "UserDefinedFunction" in call.operation:
        name = request.get("FunctionName") or request.get("FunctionInput", {}).get("FunctionName") or "*"
        return [*found, f"userDefinedFunction/{database}/{name.lower()}"]
    if "Database" in call.operation and call.operation != "DeleteDatabase":
        return found
    names = request.get("TablesToDelete") or [
        request.get("TableName") or request.get("TableInput", {}).get("Name") or request.get("Name") or "*"
    ]
    if call.operation in ("DeleteDatabase", "GetTables", "SearchTables"):
        names = ["*"]
    return [*found, *(f"table/{database}/{name.lower()}" for name in names)]


def _scope(call: Call) -> str:
    return f"{call.account}/{call.region}"


def _connection_needs(call: Call, request: dict[str, Any]) -> list[Need]:
    """The operation on the catalog and on the connections it names."""
    named = request.get("Name") or request.get("ConnectionName") or request.get("ConnectionInput", {}).get("Name")
    names = [named] if named else request.get("ConnectionNameList") or ["*"]
    resources = ["catalog", *(f"connection/{name}" for name in names)]
    return [Need(f"glue:{call.operation}", call.arn(resource)) for resource in resources]


def _crawling_needs(call: Call, request: dict[str, Any], planning: CrawlPlanning) -> list[Need]:
    """The operation on the crawlers it names, and handing over a role."""
    action = f"glue:{call.operation}"
    named = request.get("Name") or request.get("CrawlerName")
    names = [named] if named else request.get("CrawlerNames") or request.get("CrawlerNameList") or []
    if not names or "Classifier" in call.operation:
        return [Need(action)]
    resources = [call.arn(f"crawler/{name}") for name in names]
    needs = [Need(action, resource) for resource in resources]
    if "Role" in request:
        needs.append(pass_role(planning.role_arn(_scope(call), request["Role"]), roles.SERVICE, resources[0]))
    return needs


def _check_catalog(call: Call, request: dict[str, Any]) -> None:
    arn = request.get("ResourceArn")
    if arn is not None and arn != call.arn("catalog"):
        raise shapes.invalid(f"ResourceArn must be that of the catalog, {call.arn('catalog')}; got {arn}.")


def _described(policy: Policy) -> dict[str, Any]:
    return {
        "PolicyInJson": policy.text,
        "PolicyHash": policy.digest,
        "CreateTime": policy.created,
        "UpdateTime": policy.updated,
    }
