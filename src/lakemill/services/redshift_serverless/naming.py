"""Names and ARNs of namespaces, workgroups and snapshots."""

from typing import Any

from lakemill.engines.resources import by_name
from lakemill.engines.resources import page as pages
from lakemill.engines.warehouses import Warehouses
from lakemill.engines.warehouses.workgroups import FAMILY, Workgroups
from lakemill.services.base import Call
from lakemill.services.redshift_serverless.errors import missing
from lakemill.services.warehouseaccess import arn_in

SERVICE = "redshift-serverless"
Document = dict[str, Any]


def scope_of(call: Call) -> str:
    """ "account/region"."""
    return f"{call.account}/{call.region}"


def named(name: str) -> str:
    """A namespace's or snapshot's name in the engine."""
    return f"{FAMILY}/{name}"


def plain(document: Document) -> str:
    """The name as callers know it."""
    name: str = document["name"].rpartition("/")[2]
    return name


def arn_of(kind: str, document: Document) -> str:
    """kind: namespace, workgroup, snapshot."""
    return arn_in(document["scope"], f"{kind}/{document['id']}", SERVICE)


def namespace_of(warehouses: Warehouses, call: Call, name: str) -> Document:
    """Raises ResourceNotFoundException."""
    found = warehouses.find(scope_of(call), named(name))
    if found is None:
        raise missing(f"Namespace {name} not found.")
    return found


def workgroup_of(workgroups: Workgroups, call: Call, name: str) -> Document:
    """By name or ARN. Raises ResourceNotFoundException."""
    found = workgroups.find(scope_of(call), name.rpartition("/")[2], by_id=name.startswith("arn:"))
    if found is None:
        raise missing(f"Workgroup {name} not found.")
    return found


def tags_of(request: Document) -> dict[str, str]:
    """Tags as a dict."""
    return {tag["key"]: tag["value"] for tag in request.get("tags") or []}


def page(found: list[Document], request: Document, member: str, shape: Any, limit: int = 100) -> Document:
    """A page of documents by their names. Raises TokenMangled."""
    taken = pages(found, by_name, limit=request.get("maxResults") or limit, token=request.get("nextToken"))
    return {member: [shape(one) for one in taken.items]} | ({"nextToken": taken.token} if taken.token else {})
