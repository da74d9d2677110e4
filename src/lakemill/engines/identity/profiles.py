"""Instance profiles: a box that holds one role."""

from collections.abc import Callable, Iterator
from typing import Any

from lakemill.engines.identity.errors import EntityExists, EntityInUse, EntityMissing, QuotaReached
from lakemill.engines.identity.holders import add_tags, drop_tags
from lakemill.engines.identity.store import PROFILES, ROLES, Store, entity_key, new_id
from lakemill.ports.metadata import Transaction

Document = dict[str, Any]


class InstanceProfiles:
    """A document has id, name, path, created, tags and roles (at most one, in lower case)."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @staticmethod
    def arn(account: str, document: Document) -> str:
        return f"arn:aws:iam::{account}:instance-profile{document['path']}{document['name']}"

    async def create(self, account: str, name: str, path: str, tags: dict[str, str]) -> Document:
        """Raises EntityExists, QuotaReached."""

        def work(transaction: Transaction) -> Document:
            key = entity_key(account, name)
            if transaction.get(PROFILES, key) is not None:
                raise EntityExists(f"Instance Profile {name} already exists.")
            document: Document = {"id": new_id("AIPA"), "name": name, "path": path, "roles": []}
            document["created"] = self._store.clock.time()
            add_tags(document, tags)
            transaction.put(PROFILES, key, document)
            return document

        return await self._store.write(work)

    def named(self, account: str, name: str) -> Document:
        """Raises EntityMissing."""
        document = self._store.get(PROFILES, entity_key(account, name))
        return document if document is not None else _raise_missing(name)

    def listing(self, account: str, path_prefix: str = "/") -> Iterator[Document]:
        return (one for one in self._store.under(PROFILES, account) if one["path"].startswith(path_prefix))

    def holding(self, account: str, role: str) -> list[Document]:
        """The profiles a role is in."""
        return [one for one in self.listing(account) if role.lower() in one["roles"]]

    async def _change(self, account: str, name: str, work: Callable[[Transaction, Document], None]) -> None:
        def run(transaction: Transaction) -> None:
            key = entity_key(account, name)
            document = transaction.get(PROFILES, key) or _raise_missing(name)
            work(transaction, document)
            transaction.put(PROFILES, key, document)

        await self._store.write(run)

    async def add_role(self, account: str, name: str, role: str) -> None:
        """Raises EntityMissing, QuotaReached."""

        def work(transaction: Transaction, document: Document) -> None:
            if transaction.get(ROLES, entity_key(account, role)) is None:
                raise EntityMissing(f"The role with name {role} cannot be found.")
            if document["roles"]:
                raise QuotaReached("Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1")
            document["roles"].append(role.lower())

        await self._change(account, name, work)

    async def remove_role(self, account: str, name: str, role: str) -> None:
        """Raises EntityMissing."""

        def work(_: Transaction, document: Document) -> None:
            if role.lower() not in document["roles"]:
                raise EntityMissing(f"The role with name {role} cannot be found in instance profile {name}.")
            document["roles"].remove(role.lower())

        await self._change(account, name, work)

    async def delete(self, account: str, name: str) -> None:
        """Raises EntityMissing, EntityInUse."""

        def work(transaction: Transaction) -> None:
            document = transaction.get(PROFILES, entity_key(account, name)) or _raise_missing(name)
            if document["roles"]:
                raise EntityInUse("Cannot delete entity, must remove roles from instance profile first.")
            transaction.delete(PROFILES, entity_key(account, name))

        await self._store.write(work)

    async def tag(self, account: str, name: str, tags: dict[str, str]) -> None:
        """Raises EntityMissing, QuotaReached."""
        await self._change(account, name, lambda _, document: add_tags(document, tags))

    async def untag(self, account: str, name: str, keys: list[str]) -> None:
        """Raises EntityMissing."""
        await self._change(account, name, lambda _, document: drop_tags(document, keys))


def _raise_missing(name: str) -> Any:
    raise EntityMissing(f"Instance Profile {name} cannot be found.")
