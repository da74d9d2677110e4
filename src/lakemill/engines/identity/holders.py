"""Users, groups and roles: everything that can hold policies, told apart by a few words.

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
    EntityProtected,
    QuotaReached,
)
from lakemill.engines.identity.policy import compile_policy, size
from lakemill.engines.identity.store import GROUPS, KEYS, PROFILES, ROLES, USERS, Store, entity_key, new_id
from lakemill.ports.metadata import Transaction

ATTACHED_MAX = 10
TAGS_MAX = 50
GROUPS_MAX = 10
DELETIONS = "identity_deletions"
SERVICE_LINKED_PATH = "/aws-service-role/"

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


class Users(Holders):
    """People and programs with keys of their own."""

    word, table, id_prefix, inline_bytes_max = "user", USERS, "AIDA", 2048

    def _check_free(self, transaction: Transaction, account: str, document: Document) -> None:
        super()._check_free(transaction, account, document)
        if document["keys"]:
            raise EntityInUse("Cannot delete entity, must delete access keys first.")
        if document["groups"]:
            raise EntityInUse("Cannot delete entity, must remove users from group first.")

    def _renamed(self, transaction: Transaction, account: str, old: str, document: Document) -> None:
        for key_id in document["keys"]:
            transaction.put(KEYS, key_id, (transaction.get(KEYS, key_id) or {}) | {"user": document["name"]})

    def with_id(self, account: str, user_id: str) -> Document | None:
        """The user who has this id, whatever the name is by now."""
        return next((user for user in self.listing(account) if user["id"] == user_id), None)


class Groups(Holders):
    """Users that share policies. A user's document lists its groups in lower case."""

    word, table, id_prefix, inline_bytes_max = "group", GROUPS, "AGPA", 5120

    def __init__(self, store: Store, users: Users) -> None:
        super().__init__(store)
        self._users = users

    def members(self, account: str, name: str) -> list[Document]:
        """Raises EntityMissing."""
        self.named(account, name)
        return [user for user in self._users.listing(account) if name.lower() in user["groups"]]

    def of(self, account: str, user: str) -> list[Document]:
        """The groups of a user. Raises EntityMissing."""
        found = (self.find(account, name) for name in self._users.named(account, user)["groups"])
        return [group for group in found if group]

    async def add(self, account: str, name: str, user: str) -> None:
        """Raises EntityMissing, QuotaReached."""

        def work(transaction: Transaction, document: Document) -> None:
            if transaction.get(self.table, entity_key(account, name)) is None:
                self._raise_missing(name)
            if name.lower() in document["groups"]:
                return
            if len(document["groups"]) >= GROUPS_MAX:
                raise QuotaReached(f"Cannot exceed quota for GroupsPerUser: {GROUPS_MAX}")
            document["groups"].append(name.lower())

        await self._users.change(account, user, work)

    async def remove(self, account: str, name: str, user: str) -> None:
        """Raises EntityMissing."""
        self.named(account, name)

        def work(transaction: Transaction, document: Document) -> None:
            if name.lower() not in document["groups"]:
                raise EntityMissing(f"The user with name {user} is not in the group {name}.")
            document["groups"].remove(name.lower())

        await self._users.change(account, user, work)

    def _check_free(self, transaction: Transaction, account: str, document: Document) -> None:
        super()._check_free(transaction, account, document)
        if self._members_in(transaction, account, document["name"]):
            raise EntityInUse("Cannot delete entity, must remove users from group first.")

    def _renamed(self, transaction: Transaction, account: str, old: str, document: Document) -> None:
        for user in self._members_in(transaction, account, old):
            user["groups"] = [document["name"].lower() if one == old.lower() else one for one in user["groups"]]
            transaction.put(USERS, entity_key(account, user["name"]), user)

    @staticmethod
    def _members_in(transaction: Transaction, account: str, name: str) -> list[Document]:
        found = [user for _, user in transaction.scan(USERS, f"{account}/", f"{account}0")]
        return [user for user in found if name.lower() in user["groups"]]


class Roles(Holders):
    """What programs and services take on."""

    word, table, id_prefix, inline_bytes_max = "role", ROLES, "AROA", 10240

    def _check_changeable(self, document: Document) -> None:
        if document["path"].startswith(SERVICE_LINKED_PATH):
            service = document["path"].removeprefix(SERVICE_LINKED_PATH).strip("/")
            raise EntityProtected(
                f"Cannot perform the operation on the protected role '{document['name']}' - "
                f"this role is only modifiable by AWS. It belongs to {service}."
            )

    def _check_free(self, transaction: Transaction, account: str, document: Document) -> None:
        super()._check_free(transaction, account, document)
        for _, profile in transaction.scan(PROFILES, f"{account}/", f"{account}0"):
            if document["name"].lower() in profile["roles"]:
                raise EntityInUse("Cannot delete entity, must remove roles from instance profile first.")

    async def delete_linked(self, account: str, name: str, task: str) -> None:
        """Delete a service-linked role and keep the task's id as proof. Raises EntityMissing."""

        def work(transaction: Transaction) -> None:
            if not transaction.delete(self.table, entity_key(account, name)):
                self._raise_missing(name)
            transaction.put(DELETIONS, f"{account}/{task}", self._store.clock.time())

        await self._store.write(work)

    def linked_deleted(self, account: str, task: str) -> bool:
        """Whether this task deleted a service-linked role."""
        return self._store.get(DELETIONS, f"{account}/{task}") is not None
