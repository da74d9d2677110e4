"""Users, groups and roles, where they differ."""

from lakemill.engines.identity.errors import EntityInUse, EntityMissing, EntityProtected, QuotaReached
from lakemill.engines.identity.holders import Document, Holders
from lakemill.engines.identity.store import GROUPS, KEYS, PROFILES, ROLES, USERS, Store, entity_key
from lakemill.ports.metadata import Transaction

GROUPS_MAX = 10
DELETIONS = "identity_deletions"
SERVICE_LINKED_PATH = "/aws-service-role/"


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
