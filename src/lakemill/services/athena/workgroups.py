"""Workgroups: where results go, who decides that, and what a statement may read at most."""

import re
from typing import Any

from lakemill.engines.queries import Queries
from lakemill.engines.resources import ResourceExists, Resources
from lakemill.engines.resources.collection import by_name
from lakemill.services.athena.errors import invalid
from lakemill.services.base import Call, operation

KIND = "query-group"
PRIMARY = "primary"
GROUPS_MAX = 1000
ENGINE = "Athena engine version 3"
VERSIONS = ("AUTO", ENGINE)
NAME = re.compile(r"[a-zA-Z0-9._-]{1,128}\Z")
_NOT_ENCRYPTED = "results are not encrypted at rest"
_REFUSED = {
    "PublishCloudWatchMetricsEnabled": "there are no metrics in CloudWatch",
    "RequesterPaysEnabled": "nobody pays for requests",
    "AdditionalConfiguration": "there is no Spark",
    "ExecutionRole": "there is no Spark",
    "EngineConfiguration": "there is no Spark",
    "MonitoringConfiguration": "there is no Spark",
    "CustomerContentEncryptionConfiguration": "content is not encrypted at rest",
    "EnableMinimumEncryptionConfiguration": _NOT_ENCRYPTED,
    "IdentityCenterConfiguration": "there is no Identity Center",
    "QueryResultsS3AccessGrantsConfiguration": "there are no access grants of S3",
    "SystemTableStatuses": "there are no system tables",
}
_RESULT_REFUSED = {
    "EncryptionConfiguration": _NOT_ENCRYPTED,
    "AclConfiguration": "objects have no access control lists",
}
Document = dict[str, Any]


class WorkGroupOperations:
    """Mixed into the service."""

    resources: Resources
    queries: Queries

    @operation("CreateWorkGroup")
    async def create_work_group(self, call: Call, request: Document) -> Document:
        name = request["Name"]
        if not NAME.match(name):
            raise invalid("WorkGroup name must be 1 to 128 of letters, digits, '.', '_' and '-'.")
        if name == PRIMARY:
            raise invalid(f"WorkGroup {name} is already created")
        given = request.get("Configuration") or {}
        document = {
            "description": request.get("Description", ""),
            "state": "ENABLED",
            "configuration": changed({"EnforceWorkGroupConfiguration": True}, given),
        }
        tags = {tag["Key"]: tag.get("Value", "") for tag in request.get("Tags") or ()}
        if sum(1 for _ in self.resources.all(KIND, scope_of(call))) >= GROUPS_MAX:
            raise invalid(f"The account has {GROUPS_MAX} workgroups, which is the limit.")
        try:
            await self.resources.create(KIND, scope_of(call), name, document, tags)
        except ResourceExists:
            raise invalid(f"WorkGroup {name} is already created") from None
        return {}

    @operation("GetWorkGroup")
    def get_work_group(self, call: Call, request: Document) -> Document:
        self.queries.warm()  # Many clients ask this before they start a query.
        found = self.group(call, request["WorkGroup"])
        described = _summary(found)
        del described["EngineVersion"]
        return {"WorkGroup": described | {"Configuration": _shown(found["configuration"])}}

    @operation("ListWorkGroups")
    def list_work_groups(self, call: Call, request: Document) -> Document:
        stored = list(self.resources.all(KIND, scope_of(call)))
        if all(one["name"] != PRIMARY for one in stored):
            stored.append(self.group(call, PRIMARY))
        after = request.get("NextToken") or ""
        limit = request.get("MaxResults", 50)
        listed = sorted((one for one in stored if one["name"] > after), key=by_name)
        token = {"NextToken": listed[limit - 1]["name"]} if len(listed) > limit else {}
        return {"WorkGroups": [_summary(one) for one in listed[:limit]]} | token

    @operation("UpdateWorkGroup")
    async def update_work_group(self, call: Call, request: Document) -> Document:
        await self.primary_stored(call, request["WorkGroup"])

        def change(document: Document) -> None:
            document["configuration"] = changed(document["configuration"], request.get("ConfigurationUpdates") or {})
            document["description"] = request.get("Description", document["description"])
            document["state"] = request.get("State", document["state"])

        await self.resources.update(KIND, scope_of(call), request["WorkGroup"], change)
        return {}

    @operation("DeleteWorkGroup")
    async def delete_work_group(self, call: Call, request: Document) -> Document:
        name, scope = request["WorkGroup"], scope_of(call)
        if name == PRIMARY:
            raise invalid("The primary workgroup cannot be deleted")
        self.group(call, name)
        if not request.get("RecursiveDeleteOption", False) and self.is_used(scope, name):
            raise invalid(f"WorkGroup {name} is not empty")
        await self.resources.delete(KIND, scope, name)
        await self.queries.forget_group(scope, name)
        await self.forget_statements(scope, name)
        return {}

    def is_used(self, scope: str, group: str) -> bool:
        """Whether it has named queries, prepared statements or a history."""
        raise NotImplementedError

    async def forget_statements(self, scope: str, group: str) -> None:
        """Remove its named queries and prepared statements."""
        raise NotImplementedError

    # For the other parts

    def group(self, call: Call, name: str) -> Document:
        """The workgroup. Raises InvalidRequestException."""
        found = self.resources.find(KIND, scope_of(call), name)
        if found is None and name == PRIMARY:
            return _primary() | {"name": PRIMARY, "tags": {}, "created": None}
        if found is None:
            raise invalid(f"WorkGroup {name} is not found.")
        return found

    async def primary_stored(self, call: Call, name: str) -> None:
        """See that a workgroup is stored, which `primary` is not before it is changed. Raises as `group`."""
        if self.group(call, name)["created"] is None:
            try:
                await self.resources.create(KIND, scope_of(call), PRIMARY, _primary())
            except ResourceExists:
                return


def scope_of(call: Call) -> str:
    return f"{call.account}/{call.region}"


def _primary() -> Document:
    return {"description": "", "state": "ENABLED", "configuration": {"EnforceWorkGroupConfiguration": False}}


def _summary(found: Document) -> Document:
    summary = {"Name": found["name"], "State": found["state"], "Description": found["description"]}
    created = {"CreationTime": found["created"]} if found["created"] else {}
    return summary | created | {"EngineVersion": _engine(found["configuration"])}


def _engine(configuration: Document) -> Document:
    return {"SelectedEngineVersion": configuration.get("EngineVersion", "AUTO"), "EffectiveEngineVersion": ENGINE}


def _shown(configuration: Document) -> Document:
    fixed = {"PublishCloudWatchMetricsEnabled": False, "RequesterPaysEnabled": False, "ResultConfiguration": {}}
    return fixed | configuration | {"EngineVersion": _engine(configuration)}


def changed(before: Document, given: Document) -> Document:
    """A configuration with what is given in place of what was. Raises InvalidRequestException."""
    for name, reason in _REFUSED.items():
        if given.get(name) and not _off(given[name]):
            raise invalid(f"{name} is not supported: {reason}.")
    after = dict(before)
    if "EnforceWorkGroupConfiguration" in given:
        after["EnforceWorkGroupConfiguration"] = given["EnforceWorkGroupConfiguration"]
    if "BytesScannedCutoffPerQuery" in given:
        after["BytesScannedCutoffPerQuery"] = given["BytesScannedCutoffPerQuery"]
    if given.get("RemoveBytesScannedCutoffPerQuery"):
        after.pop("BytesScannedCutoffPerQuery", None)
    if "EngineVersion" in given:
        after["EngineVersion"] = _selected(given["EngineVersion"])
    if given.get("RemoveCustomerContentEncryptionConfiguration"):
        after.pop("CustomerContentEncryptionConfiguration", None)  # There never is one.
    result = given.get("ResultConfiguration") or given.get("ResultConfigurationUpdates")
    if result:
        after["ResultConfiguration"] = _changed_result(after.get("ResultConfiguration") or {}, result)
    managed = given.get("ManagedQueryResultsConfiguration") or given.get("ManagedQueryResultsConfigurationUpdates")
    if managed:
        if managed.get("EncryptionConfiguration"):
            raise invalid(f"EncryptionConfiguration is not supported: {_NOT_ENCRYPTED}.")
        after["ManagedQueryResultsConfiguration"] = {"Enabled": bool(managed.get("Enabled", is_managed(after)))}
    if is_managed(after) and (after.get("ResultConfiguration") or {}).get("OutputLocation"):
        raise invalid("OutputLocation cannot be specified where ManagedQueryResultsConfiguration is enabled.")
    return after


def is_managed(configuration: Document) -> bool:
    """Whether results are kept by lakemill itself, and not in a bucket."""
    return bool((configuration.get("ManagedQueryResultsConfiguration") or {}).get("Enabled"))


def _off(value: Any) -> bool:
    return isinstance(value, dict) and value.get("Enabled", value.get("EnableS3AccessGrants")) is False


def _selected(version: Document) -> str:
    selected: str = version.get("SelectedEngineVersion", "AUTO")
    if selected not in VERSIONS:
        raise invalid(f"SelectedEngineVersion must be one of {', '.join(VERSIONS)}; got {selected}.")
    return selected


def _changed_result(before: Document, given: Document) -> Document:
    checked_result(given)
    after = dict(before)
    for name in ("OutputLocation", "ExpectedBucketOwner"):
        if name in given:
            after[name] = given[name]
        if given.get(f"Remove{name}"):
            after.pop(name, None)
    return after


def checked_result(given: Document) -> None:
    """Refuse what of a ResultConfiguration is not honoured, and a location that is none."""
    for name, reason in _RESULT_REFUSED.items():
        if given.get(name):
            raise invalid(f"{name} is not supported: {reason}.")
    if given.get("OutputLocation"):
        prefix_of(given["OutputLocation"])


def prefix_of(location: str) -> str:
    """A location with its slash at the end. Raises InvalidRequestException."""
    bucket, _, _ = location.removeprefix("s3://").partition("/")
    if not location.startswith("s3://") or not re.match(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\Z", bucket):
        raise invalid("outputLocation is not a valid S3 path.")
    return location if location.endswith("/") else f"{location}/"
