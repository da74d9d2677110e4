"""What each operation must be allowed: itself, on workgroups and data catalogs."""

from typing import Any

from lakemill.engines.queries import ExecutionMissing, Queries
from lakemill.engines.resources import Resources
from lakemill.services.athena import named
from lakemill.services.athena.catalogs import CATALOG
from lakemill.services.athena.prepared import wanted
from lakemill.services.athena.workgroups import PRIMARY, scope_of
from lakemill.services.base import Call, Need

OF_CATALOGS = ("GetDataCatalog", "ListDatabases", "GetDatabase", "ListTableMetadata", "GetTableMetadata")
OF_ALL = ("ListWorkGroups", "ListDataCatalogs", "ListEngineVersions")
Document = dict[str, Any]


def needs(call: Call, request: Document, queries: Queries, resources: Resources) -> list[Need]:
    """Everything the caller must be allowed."""
    action = f"athena:{call.operation}"
    if call.operation in OF_ALL:
        return [Need(action)]
    if "ResourceARN" in request:
        return [Need(action, request["ResourceARN"])]
    if call.operation in OF_CATALOGS:
        return [Need(action, call.arn(f"datacatalog/{_catalog(request)}"))]
    found = [Need(action, call.arn(f"workgroup/{name}")) for name in _groups(call, request, queries, resources)]
    if call.operation == "StartQueryExecution" and (more := wanted(request["QueryString"])):
        found.append(Need(f"athena:{more}", found[0].resource))
    return found


def _catalog(request: Document) -> str:
    name: str = request.get("CatalogName") or request.get("Name") or CATALOG
    return CATALOG if name.lower() == CATALOG.lower() else name


def _groups(call: Call, request: Document, queries: Queries, resources: Resources) -> list[str]:
    """The workgroups of what a request names; of things that are not there, nobody knows it."""
    if call.operation == "CreateWorkGroup":
        return [request["Name"]]
    ids = request.get("QueryExecutionIds") or [one for one in (request.get("QueryExecutionId"),) if one]
    named_ids = request.get("NamedQueryIds") or [one for one in (request.get("NamedQueryId"),) if one]
    if not ids and not named_ids:
        return [request.get("WorkGroup", PRIMARY)]
    groups = {_of_execution(call, id, queries) for id in ids}
    groups |= {_of_named(call, id, resources) for id in named_ids}
    return sorted(groups)


def _of_execution(call: Call, id: str, queries: Queries) -> str:
    try:
        return queries.get(scope_of(call), id).request.group
    except ExecutionMissing:
        return "*"


def _of_named(call: Call, id: str, resources: Resources) -> str:
    found = resources.find(named.KIND, scope_of(call), id)
    return found["group"] if found else "*"
