"""Names of clusters and what belongs to them, and their ARNs."""

from typing import Any

from lakemill.engines.warehouses import Warehouses
from lakemill.services.base import Call
from lakemill.services.redshift.errors import missing
from lakemill.services.warehouseaccess import arn_in

__all__ = ["FAMILY", "arn_in", "cluster_of", "named", "plain", "scope_of"]

FAMILY = "cluster"
Document = dict[str, Any]


def scope_of(call: Call) -> str:
    """ "account/region"."""
    return f"{call.account}/{call.region}"


def named(name: str) -> str:
    """A cluster's name in the engine."""
    return f"{FAMILY}/{name.lower()}"


def plain(document: Document) -> str:
    """The name as callers know it."""
    name: str = document["name"].partition("/")[2]
    return name


def cluster_of(warehouses: Warehouses, call: Call, name: str) -> Document:
    """Raises ClusterNotFound."""
    found = warehouses.find(scope_of(call), named(name))
    if found is None:
        raise missing(name)
    return found
