"""Workgroups: each opens the warehouse of a namespace, which runs as long as there is one.

A workgroup is a resource of kind `workgroup`. Members of its document that are ours:

    id            a UUID
    namespace     the namespace's name
    details       what the service keeps
"""

import uuid

from lakemill.engines.warehouses.document import CREATING, IDLE, Document
from lakemill.engines.warehouses.document import KIND as WAREHOUSE
from lakemill.engines.warehouses.engine import Warehouses
from lakemill.engines.warehouses.errors import StateWrong
from lakemill.ports.metadata import Transaction

KIND = "workgroup"
FAMILY = "namespace"


class Workgroups:
    """All of them."""

    def __init__(self, warehouses: Warehouses) -> None:
        self._warehouses, self.resources = warehouses, warehouses.resources

    def find(self, scope: str, name: str, *, by_id: bool = False) -> Document | None:
        """One by its name, or by its id."""
        if not by_id:
            return self.resources.find(KIND, scope, name)
        return next((one for one in self.resources.all(KIND, scope) if one["id"] == name), None)

    def get(self, scope: str, name: str) -> Document:
        """Raises ResourceMissing."""
        return self.resources.get(KIND, scope, name)

    def of_namespace(self, scope: str, namespace: str) -> Document | None:
        """The one that opens it, if there is one."""
        return next((one for one in self.resources.all(KIND, scope) if one["namespace"] == namespace), None)

    def warehouse(self, workgroup: Document) -> Document:
        """What it opens. Raises ResourceMissing."""
        return self._warehouses.get(workgroup["scope"], f"{FAMILY}/{workgroup['namespace']}")

    async def create(
        self, scope: str, name: str, namespace: str, opening: Document, details: Document, tags: dict[str, str]
    ) -> Document:
        """Make one, and open the namespace's warehouse. opening: members of the warehouse's document.

        Raises ResourceExists, ResourceMissing (there is no such namespace), StateWrong (it is open), TooManyTags.
        """
        document = {"id": str(uuid.uuid4()), "namespace": namespace, "details": details}

        def change(warehouse: Document) -> None:
            if warehouse["state"] != IDLE:
                raise StateWrong(warehouse["name"], warehouse["state"])
            warehouse.update(opening | {"state": CREATING, "wanted": True})

        def work(transaction: Transaction) -> tuple[Document, Document]:
            made = self.resources.create_in(transaction, KIND, scope, name, document, tags)
            return made, self.resources.update_in(transaction, WAREHOUSE, scope, f"{FAMILY}/{namespace}", change)

        made, warehouse = await self.resources.metadata.transact(work)
        self._warehouses.begin(warehouse)
        return made

    async def delete(self, scope: str, name: str) -> Document:
        """Remove one, and close the warehouse; its data stays. Raises ResourceMissing."""

        def change(warehouse: Document) -> None:
            warehouse.update(state=IDLE, wanted=False)

        def work(transaction: Transaction) -> Document:
            gone = self.resources.delete_in(transaction, KIND, scope, name)
            self.resources.update_in(transaction, WAREHOUSE, scope, f"{FAMILY}/{gone['namespace']}", change)
            return gone

        gone = await self.resources.metadata.transact(work)
        await self._warehouses.idle(scope, f"{FAMILY}/{gone['namespace']}")
        return gone
