"""The catalog as Athena shows it: one, `AwsDataCatalog`, which is Glue's."""

import contextlib
import itertools
from collections.abc import Callable, Iterator
from typing import Any

from lakemill.engines.catalog import Catalog, CatalogError, Database, Table
from lakemill.engines.catalog.entries import Column
from lakemill.engines.queries import Refused
from lakemill.services.athena.errors import invalid
from lakemill.services.athena.paging import opened, sealed
from lakemill.services.athena.workgroups import ENGINE, VERSIONS, scope_of
from lakemill.services.base import Call, ServiceError, operation
from lakemill.services.lakerights import LakeRights
from lakemill.services.regexes import Regex, RegexInvalid

CATALOG = "AwsDataCatalog"
PAGE_MAX = 50
ONE_PAGE = {"NextToken": "there is one page"}
Document = dict[str, Any]


class CatalogOperations:
    """Mixed into the service."""

    catalog: Catalog

    @operation("ListDataCatalogs", refuses=ONE_PAGE)
    def list_data_catalogs(self, call: Call, request: Document) -> Document:
        self._used_group(call, request)  # One catalog: fewer than the least "MaxResults" allows.
        return {"DataCatalogsSummary": [{"CatalogName": CATALOG, "Type": "GLUE", "Status": "CREATE_COMPLETE"}]}

    @operation("GetDataCatalog")
    def get_data_catalog(self, call: Call, request: Document) -> Document:
        self._used_group(call, request)
        checked_catalog(request["Name"])
        described = {"Name": CATALOG, "Type": "GLUE", "Parameters": {"catalog-id": call.account}}
        return {"DataCatalog": described | {"Status": "CREATE_COMPLETE"}}

    @operation("ListEngineVersions", refuses=ONE_PAGE)
    def list_engine_versions(self, call: Call, request: Document) -> Document:
        versions = [{"SelectedEngineVersion": one, "EffectiveEngineVersion": ENGINE} for one in VERSIONS]
        return {"EngineVersions": versions[: request.get("MaxResults", len(versions))]}

    @operation("ListDatabases")
    def list_databases(self, call: Call, request: Document) -> Document:
        self._checked(call, request)
        with glues_errors(call):
            self.rights(call).catalog("databases")
        limit, after = request.get("MaxResults", PAGE_MAX), opened(request.get("NextToken"))
        found = list(itertools.islice(self.catalog.databases(scope_of(call), after), limit + 1))
        token = {"NextToken": sealed(found[limit - 1].name)} if len(found) > limit else {}
        names_only = request.get("AttributesToGet") == ["NAME"]
        listed = [{"Name": one.name} if names_only else _database(one) for one in found[:limit]]
        return {"DatabaseList": listed} | token

    @operation("GetDatabase")
    def get_database(self, call: Call, request: Document) -> Document:
        self._checked(call, request)
        with glues_errors(call):
            self.rights(call).catalog("database", request["DatabaseName"])
            return {"Database": _database(self.catalog.database(scope_of(call), request["DatabaseName"]))}

    @operation("ListTableMetadata")
    def list_table_metadata(self, call: Call, request: Document) -> Document:
        self._checked(call, request)
        with glues_errors(call):
            self.rights(call).catalog("tables", request["DatabaseName"], "*")
            self.catalog.database(scope_of(call), request["DatabaseName"])
        limit, after = request.get("MaxResults", PAGE_MAX), opened(request.get("NextToken"))
        matches = _matcher(request.get("Expression") or "")
        tables = self.catalog.tables(scope_of(call), request["DatabaseName"], after)
        found = list(itertools.islice((one for one in tables if matches(one.name)), limit + 1))
        token = {"NextToken": sealed(found[limit - 1].name)} if len(found) > limit else {}
        return {"TableMetadataList": [_told(_table(one), request) for one in found[:limit]]} | token

    @operation("GetTableMetadata")
    def get_table_metadata(self, call: Call, request: Document) -> Document:
        self._checked(call, request)
        database, name = request["DatabaseName"], request["TableName"]
        with glues_errors(call):
            self.rights(call).catalog("table", database, name)
            return {"TableMetadata": _table(self.catalog.table(scope_of(call), database, name))}

    def rights(self, call: Call) -> LakeRights:
        raise NotImplementedError

    def group(self, call: Call, name: str) -> Document:
        raise NotImplementedError

    def _checked(self, call: Call, request: Document) -> None:
        self._used_group(call, request)
        checked_catalog(request["CatalogName"])

    def _used_group(self, call: Call, request: Document) -> None:
        """A workgroup that is named must be there."""
        if (name := request.get("WorkGroup")) is not None:
            self.group(call, name)


@contextlib.contextmanager
def glues_errors(call: Call) -> Iterator[None]:
    """Glue's errors as Athena passes them on: clients read the code from the text."""
    try:
        yield
    except (CatalogError, Refused) as error:
        code = error.code if isinstance(error, Refused) else "EntityNotFoundException"
        whence = f"Service: AmazonDataCatalog; Status Code: 400; Error Code: {code}; Request ID: {call.request_id}"
        raise ServiceError("MetadataException", f"{error} ({whence}; Proxy: null)") from None


def checked_catalog(name: str) -> None:
    """The one catalog there is, in any case. Raises InvalidRequestException."""
    if name.lower() != CATALOG.lower():
        raise invalid(f"DataCatalog {name} was not found")


def _matcher(expression: str) -> Callable[[str], bool]:
    if not expression:
        return lambda name: True
    try:
        found = Regex(expression, ignore_case=True)
    except RegexInvalid:
        raise invalid(f"Expression {expression!r} is not a regular expression.") from None

    def matches(name: str) -> bool:
        try:
            return found.fullmatch(name)
        except RegexInvalid as wrong:
            raise invalid(f"Expression {expression!r} cannot be used: {wrong}.") from None

    return matches


def _told(table: Document, request: Document) -> Document:
    """What was asked for of a table."""
    kept = {"NAME": "Name", "TABLE_TYPE": "TableType"}
    asked = request.get("AttributesToGet")
    return {kept[one]: table[kept[one]] for one in asked if kept[one] in table} if asked else table


def _database(found: Database) -> Document:
    described = {name: found.definition.get(name.lower()) for name in ("Description", "Parameters")}
    return {"Name": found.name} | {name: value for name, value in described.items() if value}


def _table(found: Table) -> Document:
    storage = found.storage
    formats = {
        "inputformat": found.input_format,
        "outputformat": found.output_format,
        "location": found.location,
        "serde.serialization.lib": found.serde.library,
    }
    parameters = {name: value for name, value in formats.items() if value}
    parameters |= {f"serde.param.{name}": value for name, value in found.serde.parameters.items()}
    table = {
        "Name": found.name,
        "CreateTime": found.created,
        "Columns": [_column(one) for one in found.columns] if storage else [],
        "PartitionKeys": [_column(one) for one in found.partition_keys],
        "Parameters": found.parameters | parameters,
    }
    accessed = found.definition.get("last_access_time")
    table |= {"LastAccessTime": accessed} if accessed else {}
    return table | ({"TableType": found.kind} if found.kind else {})


def _column(found: Column) -> Document:
    column = {"Name": found.name, "Type": found.type}
    return column | ({"Comment": found.comment} if found.comment else {})
