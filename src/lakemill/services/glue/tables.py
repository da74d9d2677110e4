"""Tables and their versions."""

import itertools
import re
from collections.abc import Callable
from typing import Any

from lakemill.engines.catalog import Catalog, CatalogError, TableMissing
from lakemill.services.base import Call, operation
from lakemill.services.glue import shapes
from lakemill.services.regexes import Regex, RegexInvalid

PAGE_MAX = 100
NO_TIME = {
    "TransactionId": shapes.LAKE_FORMATION,
    "QueryAsOfTime": shapes.LAKE_FORMATION,
    "AuditContext": shapes.LAKE_FORMATION,
}
NO_VIEWS = "multi-dialect views are not provided"
NO_FORMATS = "open table formats are created by their own clients"
_REFUSED = {
    "TargetTable": "resource links are not provided",
    "FederatedTable": "connections to other catalogs are not provided",
    "ViewDefinition": NO_VIEWS,
}


class TableOperations:
    """Mixed into the service."""

    catalog: Catalog

    @operation(
        "CreateTable",
        refuses={
            "TransactionId": shapes.LAKE_FORMATION,
            "PartitionIndexes": "partitions are found by ranges of their values",
            "OpenTableFormatInput": NO_FORMATS,
        },
    )
    async def create_table(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        definition = _definition(request)
        scope = shapes.scope(call, request)
        await self.catalog.create_table(scope, request["DatabaseName"], definition, call.principal.arn)
        return {}

    @operation("GetTable", refuses=NO_TIME | {"IncludeStatusDetails": NO_VIEWS})
    def get_table(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        found = self.catalog.table(shapes.scope(call, request), request["DatabaseName"], request["Name"])
        return {"Table": _attributes(request)(shapes.table(call, found))}

    @operation("GetTables", refuses=NO_TIME | {"IncludeStatusDetails": NO_VIEWS})
    def get_tables(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        limit, only = request.get("MaxResults", PAGE_MAX), _attributes(request)
        tables = self.catalog.tables(shapes.scope(call, request), request["DatabaseName"], shapes.after(request))
        if expression := request.get("Expression"):
            matches = matcher(expression)
            tables = (one for one in tables if matches(one.name))
        found = list(itertools.islice(tables, limit + 1))
        if request.get("ResourceShareType", "ALL") != "ALL":
            found = []  # Nobody shares tables with the account.
        token = {"NextToken": shapes.token_for(found[limit - 1].name)} if len(found) > limit else {}
        return {"TableList": [only(shapes.table(call, one)) for one in found[:limit]]} | token

    @operation(
        "UpdateTable",
        refuses={
            "TransactionId": shapes.LAKE_FORMATION,
            "ViewUpdateAction": NO_VIEWS,
            "Force": NO_VIEWS,
            "UpdateOpenTableFormatInput": NO_FORMATS,
        },
    )
    async def update_table(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        await self.catalog.update_table(
            shapes.scope(call, request),
            request["DatabaseName"],
            _definition(request),
            archive=not request.get("SkipArchive", False),
            expected=request.get("VersionId"),
        )
        return {}

    @operation("DeleteTable", refuses={"TransactionId": shapes.LAKE_FORMATION})
    async def delete_table(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        await self.catalog.delete_table(shapes.scope(call, request), request["DatabaseName"], request["Name"])
        return {}

    @operation("BatchDeleteTable", refuses={"TransactionId": shapes.LAKE_FORMATION})
    async def batch_delete_table(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        scope = shapes.scope(call, request)
        self.catalog.database(scope, request["DatabaseName"])
        errors = []
        for name in request["TablesToDelete"]:
            try:
                await self.catalog.delete_table(scope, request["DatabaseName"], name)
            except TableMissing as missing:
                errors.append({"TableName": name, "ErrorDetail": shapes.detail(missing)})
        return {"Errors": errors}

    # Versions

    @operation("GetTableVersion", refuses={"AuditContext": shapes.LAKE_FORMATION})
    def get_table_version(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        found = self.catalog.table(
            shapes.scope(call, request), request["DatabaseName"], request["TableName"], request.get("VersionId")
        )
        return {"TableVersion": {"Table": shapes.table(call, found), "VersionId": str(found.version)}}

    @operation("GetTableVersions", refuses={"AuditContext": shapes.LAKE_FORMATION})
    def get_table_versions(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        limit, last = request.get("MaxResults", PAGE_MAX), shapes.after(request)
        if last and not last.isdecimal():
            raise shapes.invalid("The NextToken is not valid.")
        scope, before = shapes.scope(call, request), int(last) if last else None
        versions = self.catalog.versions(scope, request["DatabaseName"], request["TableName"], before)
        found = list(itertools.islice(versions, limit + 1))
        token = {"NextToken": shapes.token_for(str(found[limit - 1].version))} if len(found) > limit else {}
        listed = [{"Table": shapes.table(call, one), "VersionId": str(one.version)} for one in found[:limit]]
        return {"TableVersions": listed} | token

    @operation("DeleteTableVersion")
    async def delete_table_version(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        scope = shapes.scope(call, request)
        await self.catalog.delete_version(scope, request["DatabaseName"], request["TableName"], request["VersionId"])
        return {}

    @operation("BatchDeleteTableVersion")
    async def batch_delete_table_version(self, call: Call, request: dict[str, Any]) -> dict[str, Any]:
        scope, database, table = shapes.scope(call, request), request["DatabaseName"], request["TableName"]
        self.catalog.table(scope, database, table)
        errors = []
        for version in request["VersionIds"]:
            try:
                await self.catalog.delete_version(scope, database, table, version)
            except CatalogError as error:
                errors.append({"TableName": table, "VersionId": version, "ErrorDetail": shapes.detail(error)})
        return {"Errors": errors}


def _definition(request: dict[str, Any]) -> dict[str, Any]:
    given = request.get("TableInput")
    if given is None:
        raise shapes.invalid("TableInput must be given.")
    if request.get("Name", given["Name"]).lower() != given["Name"].lower():
        raise shapes.invalid("Name and TableInput.Name must be the same.")
    shapes.refuse(given, _REFUSED)
    shapes.refuse_storage(given)
    return shapes.definition_of(given)


def _attributes(request: dict[str, Any]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """What leaves of a table only what was asked for."""
    asked = request.get("AttributesToGet")
    if asked is None or "DEFAULT" in asked:
        return lambda table: table
    if "LATEST_ICEBERG_METADATA" in asked:
        raise shapes.invalid(
            "AttributesToGet LATEST_ICEBERG_METADATA is not supported: Iceberg is read by its clients."
        )
    if "NAME" not in asked:
        raise shapes.invalid("AttributesToGet must include NAME.")
    kept = {"Name", "DatabaseName", "CatalogId"} | ({"TableType"} if "TABLE_TYPE" in asked else set())
    return lambda table: {name: value for name, value in table.items() if name in kept}


def matcher(expression: str) -> Callable[[str], bool]:
    """Whether a name matches the regular expression, in any case.

    As in Hive, an asterisk with nothing before it that it could repeat stands for any text: `sales_*`, but `sales_.*`.
    """

    def matches(name: str) -> bool:
        try:
            return found.fullmatch(name)
        except RegexInvalid as invalid:
            raise shapes.invalid(f"The expression {expression!r} cannot be used: {invalid}.") from None

    try:
        found = Regex(re.sub(r"(?<![.\])\\])\*", ".*", expression), ignore_case=True)
    except RegexInvalid:
        raise shapes.invalid(f"The expression {expression!r} is not a regular expression.") from None
    return matches
