"""Workgroups: each opens the warehouse of a namespace, which runs as long as there is one.

A workgroup is a resource of kind `workgroup`. Members of its document that are ours:

    id            a UUID
    namespace     the namespace's name
    details       what the service keeps
"""

from lakemill.engines.warehouses.document import Document
from lakemill.engines.warehouses.engine import Warehouses

KIND = "workgroup"
FAMILY = "namespace"


class Workgroups:
    """All of them."""

    def __init__(self, warehouses: Warehouses) -> None:
        self._warehouses, self._resources = warehouses, warehouses.resources

    def find(self, scope: str, name: str, *, by_id: bool = False) -> Document | None:
        """One by its name, or by its id."""
        if not by_id:
            return self._resources.find(KIND, scope, name)
        return next((one for one in self._resources.all(KIND, scope) if one["id"] == name), None)

    def of_namespace(self, scope: str, namespace: str) -> Document | None:
        """The one that opens it, if there is one."""
        return next((one for one in self._resources.all(KIND, scope) if one["namespace"] == namespace), None)

    def warehouse(self, workgroup: Document) -> Document:
        """What it opens. Raises ResourceMissing."""
        return self._warehouses.get(workgroup["scope"], f"{FAMILY}/{workgroup['namespace']}")
