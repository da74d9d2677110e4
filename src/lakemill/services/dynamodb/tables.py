"""Tables: create, describe, list, update, delete; tags; expiry; what is said of backups."""

import itertools
import re
from typing import Any

from lakemill.engines.tables import Table, add_index
from lakemill.engines.tables.errors import IndexExists, IndexMissing, TableMissing, TableProtected
from lakemill.services.base import Call, ServiceError, operation
from lakemill.services.dynamodb.describing import (
    INDEXES_MAX,
    check_definitions,
    described,
    index_of,
    indexes_of,
    key_of_schema,
)
from lakemill.services.dynamodb.legacy import wrong
from lakemill.services.dynamodb.names import (
    Answer,
    Part,
    Request,
    described_table,
    invalid,
    not_found,
    scope_of,
    table_name,
)

NAME = re.compile(r"[a-zA-Z0-9_.-]{3,255}")
LIMITS = "lakemill has no limits of throughput"
COPIES = "lakemill has no global tables"
REFUSED_BY_BOTH = {
    "WarmThroughput": LIMITS,
    "OnDemandThroughput": LIMITS,
    "GlobalTableSettingsReplicationMode": COPIES,
}
PROTECTED = (
    "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first."
)
TAGS_PAGE = 10


class TableOperations(Part):
    """Operations on tables."""

    @operation(
        "CreateTable",
        refuses=REFUSED_BY_BOTH
        | {
            "ResourcePolicy": "tables have no policies of their own",
            "GlobalTableSourceArn": COPIES,
            "VectorIndexes": "there are no vector indexes",
        },
    )
    async def create_table(self, call: Call, request: Request) -> Answer:
        name = table_name(request["TableName"])
        if not NAME.fullmatch(name):
            raise invalid(
                "Invalid table/index name.  Table/index names must be between 3 and 255 characters long, "
                "and may contain only the characters a-z, A-Z, 0-9, '_', '-', and '.'"
            )
        _refuse_settings(request)
        for member in ("KeySchema", "AttributeDefinitions"):
            if member not in request:
                raise wrong(f"{member} must be given")
        types = _types(request)
        key = key_of_schema(request["KeySchema"], types)
        indexes = indexes_of(request, key, types)
        check_definitions(key, indexes, types)
        table = await self._tables.create(
            scope_of(call),
            name,
            key,
            indexes,
            protected=request.get("DeletionProtectionEnabled", False),
            settings=_billing(request, {}),
            tags=_tags(request.get("Tags", [])),
        )
        return {"TableDescription": described(self._tables, call, table)}

    @operation("DescribeTable")
    def describe_table(self, call: Call, request: Request) -> Answer:
        table = described_table(self._tables, call, request["TableName"])
        return {"Table": described(self._tables, call, table)}

    @operation("ListTables")
    def list_tables(self, call: Call, request: Request) -> Answer:
        limit, after = request.get("Limit", 100), request.get("ExclusiveStartTableName", "")
        names = (name for name in self._tables.names(scope_of(call)) if name > after)
        page = list(itertools.islice(names, limit + 1))
        answer: Answer = {"TableNames": page[:limit]}
        return answer | ({"LastEvaluatedTableName": page[limit - 1]} if len(page) > limit else {})

    @operation(
        "UpdateTable",
        refuses=REFUSED_BY_BOTH
        | {
            "ReplicaUpdates": COPIES,
            "MultiRegionConsistency": COPIES,
            "GlobalTableWitnessUpdates": COPIES,
            "DisassociationProtectionEnabled": COPIES,
            "VectorIndexUpdates": "there are no vector indexes",
        },
    )
    async def update_table(self, call: Call, request: Request) -> Answer:
        _refuse_settings(request)
        if not set(request) - {"TableName", "AttributeDefinitions"}:
            raise invalid(
                "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates "
                "or SSESpecification or ReplicaUpdates is required"
            )

        def change(table: Table) -> None:
            if "DeletionProtectionEnabled" in request:
                table.protected = request["DeletionProtectionEnabled"]
            if "BillingMode" in request or "ProvisionedThroughput" in request:
                table.settings = _billing(request, table.settings)
            for one in request.get("GlobalSecondaryIndexUpdates", []):
                _update_index(table, one, _types(request))

        try:
            table = await self._tables.update(scope_of(call), table_name(request["TableName"]), change)
        except TableMissing as error:
            raise not_found(f"Requested resource not found: Table: {error.name} not found") from None
        except IndexMissing as error:
            raise not_found(f"Requested resource not found: Index: {error.name} not found") from None
        except IndexExists as error:
            raise invalid(str(error)) from None
        return {"TableDescription": described(self._tables, call, table, "UPDATING")}

    @operation("DeleteTable")
    async def delete_table(self, call: Call, request: Request) -> Answer:
        table = described_table(self._tables, call, request["TableName"])
        answer = described(self._tables, call, table, "DELETING")
        try:
            await self._tables.delete(scope_of(call), table.name)
        except TableProtected:
            raise invalid(PROTECTED) from None
        except TableMissing as error:
            raise not_found(f"Requested resource not found: Table: {error.name} not found") from None
        return {"TableDescription": answer}

    # Tags

    @operation("TagResource")
    async def tag_resource(self, call: Call, request: Request) -> Answer:
        await self._tables.tag(scope_of(call), self._tagged(call, request), _tags(request["Tags"]))
        return {}

    @operation("UntagResource")
    async def untag_resource(self, call: Call, request: Request) -> Answer:
        await self._tables.untag(scope_of(call), self._tagged(call, request), request["TagKeys"])
        return {}

    @operation("ListTagsOfResource")
    def list_tags_of_resource(self, call: Call, request: Request) -> Answer:
        table = self._tables.named(scope_of(call), self._tagged(call, request))
        tags = [{"Key": k, "Value": v} for k, v in sorted(table.tags.items()) if k > request.get("NextToken", "")]
        answer: Answer = {"Tags": tags[:TAGS_PAGE]}
        return answer | ({"NextToken": tags[TAGS_PAGE - 1]["Key"]} if len(tags) > TAGS_PAGE else {})

    def _tagged(self, call: Call, request: Request) -> str:
        arn = request["ResourceArn"]
        name = table_name(arn)
        if not arn.startswith("arn:") or arn != call.arn(f"table/{name}"):
            raise not_found(f"Requested resource not found: ResourcArn: {arn} not found")
        try:
            return self._tables.named(scope_of(call), name).name
        except TableMissing:
            raise not_found(f"Requested resource not found: ResourcArn: {arn} not found") from None

    # Expiry

    @operation("UpdateTimeToLive")
    async def update_time_to_live(self, call: Call, request: Request) -> Answer:
        wish = request["TimeToLiveSpecification"]
        table = described_table(self._tables, call, request["TableName"])
        if wish["Enabled"] == (table.expires is not None):
            raise invalid(f"TimeToLive is already {'enabled' if wish['Enabled'] else 'disabled'}")
        if not wish["Enabled"] and table.expires != wish["AttributeName"]:
            raise invalid(
                f"TimeToLive is active on a different AttributeName: current AttributeName is {table.expires}"
            )

        def change(table: Table) -> None:
            table.expires = wish["AttributeName"] if wish["Enabled"] else None

        await self._tables.update(scope_of(call), table.name, change)
        return {"TimeToLiveSpecification": wish}

    @operation("DescribeTimeToLive")
    def describe_time_to_live(self, call: Call, request: Request) -> Answer:
        table = described_table(self._tables, call, request["TableName"])
        if table.expires is None:
            return {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}
        return {"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": table.expires}}

    # Backups

    @operation("DescribeContinuousBackups")
    def describe_continuous_backups(self, call: Call, request: Request) -> Answer:
        self._backed_up(call, request)
        return {"ContinuousBackupsDescription": NO_BACKUPS}

    @operation("UpdateContinuousBackups")
    def update_continuous_backups(self, call: Call, request: Request) -> Answer:
        self._backed_up(call, request)
        if request["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]:
            raise ServiceError(
                "ContinuousBackupsUnavailableException",
                "PointInTimeRecoveryEnabled is refused: lakemill keeps no earlier states of tables.",
            )
        return {"ContinuousBackupsDescription": NO_BACKUPS}

    def _backed_up(self, call: Call, request: Request) -> None:
        try:
            self._tables.named(scope_of(call), table_name(request["TableName"]))
        except TableMissing as error:
            raise ServiceError("TableNotFoundException", f"Table not found: {error.name}") from None


NO_BACKUPS = {
    "ContinuousBackupsStatus": "DISABLED",
    "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "DISABLED"},
}


def _types(request: Request) -> dict[str, str]:
    types = {one["AttributeName"]: one["AttributeType"] for one in request.get("AttributeDefinitions", [])}
    if len(types) < len(request.get("AttributeDefinitions", [])):
        raise wrong("Cannot have two attributes with the same name")
    return types


def _tags(tags: list[dict[str, str]]) -> dict[str, str]:
    return {one["Key"]: one["Value"] for one in tags}


def _refuse_settings(request: Request) -> None:
    """What would ask for something that is not there; to ask for its absence is fine."""
    if request.get("StreamSpecification", {}).get("StreamEnabled"):
        raise invalid("StreamSpecification is refused: lakemill's tables have no streams.")
    if request.get("SSESpecification", {}).get("Enabled"):
        raise invalid("SSESpecification is refused: lakemill does not encrypt tables with keys of their own.")
    if request.get("TableClass", "STANDARD") != "STANDARD":
        raise invalid("TableClass is refused: the only class of lakemill's tables is STANDARD.")


def _billing(request: Request, before: dict[str, Any]) -> dict[str, Any]:
    """Billing mode and throughput, kept to be described."""
    mode = request.get("BillingMode", before.get("BillingMode", "PROVISIONED"))
    throughput = request.get("ProvisionedThroughput")
    if mode == "PAY_PER_REQUEST":
        if throughput is not None:
            raise wrong(
                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"
            )
        return {"BillingMode": mode}
    throughput = throughput or before.get("ProvisionedThroughput")
    if throughput is None:
        raise wrong("ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
    return {"BillingMode": mode, "ProvisionedThroughput": throughput}


def _update_index(table: Table, update: Request, types: dict[str, str]) -> None:
    if len(update) != 1:
        raise wrong("One of GlobalSecondaryIndexUpdate Update, Create and Delete must be given")
    ((kind, one),) = update.items()
    if kind == "Create":
        known = {a.name: a.type for a in table.key.attributes} | types
        index = index_of(one, known, table=None)
        if sum(not other.local for other in table.indexes.values()) >= INDEXES_MAX["GlobalSecondaryIndexes"]:
            raise wrong(
                f"GlobalSecondaryIndexes count exceeds the per-table limit of {INDEXES_MAX['GlobalSecondaryIndexes']}"
            )
        for attribute in index.key.attributes:
            if {a.name: a.type for a in table.key.attributes}.get(attribute.name, attribute.type) != attribute.type:
                raise wrong(f"Attribute {attribute.name} has another type in the key of the table")
        add_index(table, index)
        return
    index = table.index(one["IndexName"])
    if index.local:
        raise wrong(f"The index {index.name} is local; it lives as long as its table")
    if kind == "Delete":
        del table.indexes[index.name]
    else:
        for member in ("OnDemandThroughput", "WarmThroughput"):
            if member in one:
                raise invalid(f"{member} of index {index.name} is refused: {LIMITS}.")
        index.settings = {"ProvisionedThroughput": one["ProvisionedThroughput"]}
