"""Everything that can hold policies: what users, groups and roles have in common.

A document has id, name, path, created (epoch seconds), inline (policy name -> text) and attached (ARNs of managed
policies, in order); users and roles also boundary (an ARN or None) and tags; users groups and keys; roles trust (text),
pins, description, session_s_max and last_used.
"""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from lakemill.engines.identity.errors import (
    EntityExists,
    EntityInUse,
    EntityMissing,
    QuotaReached,
)
from lakemill.engines.identity.policy import compile_policy, size
from lakemill.engines.identity.store import Store, entity_key, new_id
from lakemill.ports.metadata import Transaction

ATTACHED_MAX = 10
TAGS_MAX = 50

Document = dict[str, Any]


class Holders:
    """What users, groups and roles have in common. Every name may come in any case."""

    word: ClassVar[str]
    """As in ARNs and in AWS's sentences: user, group, role."""
    table: ClassVar[str]
    id_prefix: ClassVar[str]
    inline_bytes_max: ClassVar[int]

    def __init__(self, store: Store) -> None:
        self._store = store

    def arn(self, account: str, document: Document) -> str:
        return f"arn:aws:iam::{account}:{self.word}{document['path']}{document['name']}"

    def find(self, account: str, name: str) -> Document | None:
        return self._store.get(self.table, entity_key(account, name))

    def named(self, account: str, name: str) -> Document:
        """Raises EntityMissing."""
        return self.find(account, name) or self._raise_missing(name)

    def listing(self, account: str, path_prefix: str = "/") -> Iterator[Document]:
        """In order of the lower-case names."""
        return (one for one in self._store.under(self.table, account) if one["path"].startswith(path_prefix))

    def _raise_missing(self, name: str) -> Any:
        raise EntityMissing(f"The {self.word} with name {name} cannot be found.")

    async def create(self, account: str, name: str, path: str = "/", **attributes: Any) -> Document:
        """Raises EntityExists."""

        def work(transaction: Transaction) -> Document:
            key = entity_key(account, name)
            if transaction.get(self.table, key) is not None:
                raise EntityExists(f"{self.word.capitalize()} with name {name} already exists.")
            document = {
                "id": new_id(self.id_prefix),
                "name": name,
                "path": path,
                "created": self._store.clock.time(),
                "inline": {},
                "attached": [],
                **attributes,
            }
            transaction.put(self.table, key, document)
            return document

        return await self._store.write(work)

    async def change(
        self, account: str, name: str, work: Callable[[Transaction, Document], None], *, protected: bool = True
    ) -> Document:
        """Let work change the document. Raises EntityMissing, and EntityProtected where protected roles are meant."""

        def run(transaction: Transaction) -> Document:
            key = entity_key(account, name)
            document = transaction.get(self.table, key) or self._raise_missing(name)
            if protected:
                self._check_changeable(document)
            work(transaction, document)
            transaction.put(self.table, key, document)
            return document

        return await self._store.write(run)

    def _check_changeable(self, document: Document) -> None:
        """Raise EntityProtected for what only its service may change."""

    async def rename(self, account: str, name: str, new_name: str | None, new_path: str | None) -> None:
        """Raises EntityMissing, EntityExists."""

        def work(transaction: Transaction) -> None:
            old = entity_key(account, name)
            document = transaction.get(self.table, old) or self._raise_missing(name)
            document["path"] = new_path or document["path"]
            document["name"] = new_name or document["name"]
            new = entity_key(account, document["name"])
            if new != old and transaction.get(self.table, new) is not None:
                raise EntityExists(f"{self.word.capitalize()} with name {new_name} already exists.")
            transaction.delete(self.table, old)
            transaction.put(self.table, new, document)
            self._renamed(transaction, account, name, document)

        await self._store.write(work)

    def _renamed(self, transaction: Transaction, account: str, old: str, document: Document) -> None:
        """Carry a new name to where the old one stands."""

    async def delete(self, account: str, name: str) -> None:
        """Raises EntityMissing, EntityInUse, EntityProtected."""

        def work(transaction: Transaction) -> None:
            key = entity_key(account, name)
            document = transaction.get(self.table, key) or self._raise_missing(name)
            self._check_changeable(document)
            self._check_free(transaction, account, document)
            transaction.delete(self.table, key)

        await self._store.write(work)

    def _check_free(self, transaction: Transaction, account: str, document: Document) -> None:
        """Raise EntityInUse while anything hangs on it."""
        if document["attached"]:
            raise EntityInUse("Cannot delete entity, must detach all policies first.")
        if document["inline"]:
            raise EntityInUse("Cannot delete entity, must delete policies first.")

    # Policies

    def inline(self, account: str, name: str, policy: str) -> str:
        """The text of an inline policy. Raises EntityMissing."""
        document = self.named(account, name)
        if policy not in document["inline"]:
            self._raise_no_policy(policy)
        return document["inline"][policy]

    def _raise_no_policy(self, policy: str) -> None:
        raise EntityMissing(f"The {self.word} policy with name {policy} cannot be found.")

    async def put_inline(self, account: str, name: str, policy: str, text: str) -> None:
        """Raises EntityMissing, PolicyMalformed, QuotaReached."""
        compile_policy(text)

        def work(transaction: Transaction, document: Document) -> None:
            document["inline"][policy] = text
            if sum(map(size, document["inline"].values())) > self.inline_bytes_max:
                raise QuotaReached(
                    f"Maximum policy size of {self.inline_bytes_max} bytes exceeded for {self.word} {document['name']}"
                )

        await self.change(account, name, work)

    async def delete_inline(self, account: str, name: str, policy: str) -> None:
        """Raises EntityMissing."""

        def work(transaction: Transaction, document: Document) -> None:
            if document["inline"].pop(policy, None) is None:
                self._raise_no_policy(policy)

        await self.change(account, name, work)

    async def attach(self, account: str, name: str, policy_arn: str) -> None:
        """Attach a managed policy, which the caller has looked up. Raises EntityMissing, QuotaReached."""

        def work(transaction: Transaction, document: Document) -> None:
            if policy_arn in document["attached"]:
                return
            if len(document["attached"]) >= ATTACHED_MAX:
                raise QuotaReached(f"Cannot exceed quota for PoliciesPer{self.word.capitalize()}: {ATTACHED_MAX}")
            document["attached"].append(policy_arn)

        await self.change(account, name, work)

    async def detach(self, account: str, name: str, policy_arn: str) -> None:
        """Raises EntityMissing."""

        def work(transaction: Transaction, document: Document) -> None:
            if policy_arn not in document["attached"]:
                raise EntityMissing(f"Policy {policy_arn} was not found.")
            document["attached"].remove(policy_arn)

        await self.change(account, name, work)

    async def bound(self, account: str, name: str, policy_arn: str | None) -> None:
        """Set or take away the boundary. Raises EntityMissing (also when there is none to take away)."""

        def work(transaction: Transaction, document: Document) -> None:
            if policy_arn is None and document.get("boundary") is None:
                raise EntityMissing(f"{self.word.capitalize()} {document['name']} does not have a permissions boundary")
            document["boundary"] = policy_arn

        await self.change(account, name, work)

    # Tags

    async def tag(self, account: str, name: str, tags: dict[str, str]) -> None:
        """Raises EntityMissing, QuotaReached."""
        await self.change(account, name, lambda _, document: add_tags(document, tags), protected=False)

    async def untag(self, account: str, name: str, keys: list[str]) -> None:
        """Raises EntityMissing."""
        await self.change(account, name, lambda _, document: drop_tags(document, keys), protected=False)


def add_tags(document: Document, tags: dict[str, str]) -> None:
    """Tag keys are one whatever their case; the newest spelling stays. Raises QuotaReached."""
    fresh = {key.lower() for key in tags}
    kept = {key: value for key, value in document.get("tags", {}).items() if key.lower() not in fresh}
    document["tags"] = kept | tags
    if len(document["tags"]) > TAGS_MAX:
        raise QuotaReached(f"The number of tags has reached the maximum limit of {TAGS_MAX}.")


def drop_tags(document: Document, keys: list[str]) -> None:
    gone = {key.lower() for key in keys}
    document["tags"] = {key: value for key, value in document.get("tags", {}).items() if key.lower() not in gone}
