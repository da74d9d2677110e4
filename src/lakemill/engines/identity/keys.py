"""Access keys that stay: a user's, and an account root's."""

from typing import Any

from lakemill.engines.identity.errors import EntityMissing, QuotaReached
from lakemill.engines.identity.store import (
    ACCOUNTS,
    KEYS,
    USERS,
    Store,
    entity_key,
    new_access_key_id,
    new_secret,
)
from lakemill.ports.metadata import Transaction

KEYS_MAX = 2

Owner = str | None
"""A user's name; None is the account's root."""


class AccessKey:
    """A key as `create` and `root_key` give it. The secret is not shown again."""

    __slots__ = ("access_key_id", "account", "active", "created_s", "secret", "user")

    def __init__(self, document: dict[str, Any]) -> None:
        self.access_key_id: str = document["id"]
        self.secret: str = document["secret"]
        self.account: str = document["account"]
        self.user: Owner = document["user"]
        self.active: bool = document["active"]
        self.created_s: float = document["created"]


class AccessKeys:
    """Keys by owner."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def create(self, account: str, owner: Owner) -> AccessKey:
        """Raises EntityMissing, QuotaReached."""
        return AccessKey(await self._store.write(lambda transaction: self._create(transaction, account, owner)))

    def root_key(self, account: str) -> AccessKey:
        """The root's first active key, made when there is none. Blocks; durable when it returns."""
        held = self._root_of(self._store, account)
        return held or AccessKey(self._store.write_blocking(lambda transaction: self._root(transaction, account)))

    @staticmethod
    def _root_of(reader: Any, account: str) -> AccessKey | None:
        for key_id in (reader.get(ACCOUNTS, account) or {}).get("keys", ()):
            document = reader.get(KEYS, key_id)
            if document and document["active"]:
                return AccessKey(document)
        return None

    def _root(self, transaction: Transaction, account: str) -> dict[str, Any]:
        held = transaction.get(ACCOUNTS, account) or {}
        for key_id in held.get("keys", ()):
            if (document := transaction.get(KEYS, key_id)) and document["active"]:
                return document
        # Nobody could get in any more if inactive keys counted here.
        return self._add(transaction, account, None)

    def _create(self, transaction: Transaction, account: str, owner: Owner) -> dict[str, Any]:
        if len(_key_ids(transaction, account, owner)) >= KEYS_MAX:
            raise QuotaReached(f"Cannot exceed quota for AccessKeysPerUser: {KEYS_MAX}")
        return self._add(transaction, account, owner)

    def _add(self, transaction: Transaction, account: str, owner: Owner) -> dict[str, Any]:
        key_id = new_access_key_id()
        document = {
            "id": key_id,
            "secret": new_secret(),
            "account": account,
            "user": owner,
            "active": True,
            "created": self._store.clock.time(),
        }
        transaction.put(KEYS, key_id, document)
        _set_key_ids(transaction, account, owner, [*_key_ids(transaction, account, owner), key_id])
        return document

    def listing(self, account: str, owner: Owner) -> list[AccessKey]:
        """Raises EntityMissing."""
        documents = (self._store.get(KEYS, key_id) for key_id in _key_ids(self._store, account, owner))
        return [AccessKey(document) for document in documents if document]

    def find(self, access_key_id: str, account: str | None = None) -> AccessKey:
        """The key, of this account if one is given. Raises EntityMissing."""
        document = self._store.get(KEYS, access_key_id)
        if document is None or account not in (None, document["account"]):
            raise _missing(access_key_id)
        return AccessKey(document)

    async def activate(self, account: str, owner: Owner, access_key_id: str, active: bool) -> None:
        """Switch a key on or off. Raises EntityMissing."""

        def change(transaction: Transaction) -> None:
            document = _owned(transaction, account, owner, access_key_id)
            transaction.put(KEYS, access_key_id, document | {"active": active})

        await self._store.write(change)

    async def delete(self, account: str, owner: Owner, access_key_id: str) -> None:
        """Raises EntityMissing."""

        def remove(transaction: Transaction) -> None:
            _owned(transaction, account, owner, access_key_id)
            transaction.delete(KEYS, access_key_id)
            kept = [key_id for key_id in _key_ids(transaction, account, owner) if key_id != access_key_id]
            _set_key_ids(transaction, account, owner, kept)

        await self._store.write(remove)


def _missing(access_key_id: str) -> EntityMissing:
    return EntityMissing(f"The Access Key with id {access_key_id} cannot be found.")


def _owned(transaction: Transaction, account: str, owner: Owner, access_key_id: str) -> dict[str, Any]:
    if access_key_id not in _key_ids(transaction, account, owner):
        raise _missing(access_key_id)
    return dict(transaction.get(KEYS, access_key_id) or {})


def _key_ids(reader: Any, account: str, owner: Owner) -> list[str]:
    if owner is None:
        return list((reader.get(ACCOUNTS, account) or {}).get("keys", ()))
    user = reader.get(USERS, entity_key(account, owner))
    if user is None:
        raise EntityMissing(f"The user with name {owner} cannot be found.")
    return list(user["keys"])


def _set_key_ids(transaction: Transaction, account: str, owner: Owner, key_ids: list[str]) -> None:
    if owner is None:
        transaction.put(ACCOUNTS, account, (transaction.get(ACCOUNTS, account) or {}) | {"keys": key_ids})
    else:
        key = entity_key(account, owner)
        transaction.put(USERS, key, (transaction.get(USERS, key) or {}) | {"keys": key_ids})
