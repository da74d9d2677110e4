"""Where identities are kept: tables of the metadata port, and the rule that a change is seen at once.

Keys: `account/name` with the name in lower case (names are unique whatever their case) in `identity_users`,
`identity_groups`, `identity_roles`, `identity_policies`, `identity_profiles`; the account in `identity_accounts`; the
access key id in `identity_keys` and `identity_sessions`; `expiry second/access key id` in `identity_expiries`.
What is remembered from these tables is forgotten at every write, before the writer gets its answer.
"""

import secrets
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from lakemill.ports.clock import Clock
from lakemill.ports.metadata import Metadata, Transaction, prefix_end

T = TypeVar("T")

USERS, GROUPS, ROLES = "identity_users", "identity_groups", "identity_roles"
POLICIES, PROFILES, ACCOUNTS = "identity_policies", "identity_profiles", "identity_accounts"
KEYS, SESSIONS, EXPIRIES = "identity_keys", "identity_sessions", "identity_expiries"

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_SECRET_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def new_id(prefix: str) -> str:
    """A unique id: AIDA (user), AROA (role), AGPA (group), ANPA (policy) or AIPA (profile) and 17 characters."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(17))


def new_access_key_id(*, temporary: bool = False) -> str:
    """20 characters: AKIA for keys that stay, ASIA for those of sessions."""
    return ("ASIA" if temporary else "AKIA") + "".join(secrets.choice(_ALPHABET) for _ in range(16))


def new_secret() -> str:
    """40 characters."""
    return "".join(secrets.choice(_SECRET_ALPHABET) for _ in range(40))


def entity_key(account: str, name: str) -> str:
    return f"{account}/{name.lower()}"


class Store:
    """Reads and writes; `forget` is called after each write."""

    def __init__(self, metadata: Metadata, clock: Clock, forget: Callable[[], None]) -> None:
        self._metadata = metadata
        self.clock = clock
        self._forget = forget

    def get(self, table: str, key: str) -> Any:
        return self._metadata.get(table, key)

    def under(self, table: str, account: str) -> Iterator[Any]:
        """The documents of an account, in order of their names."""
        prefix = f"{account}/"
        for _, document in self._metadata.scan(table, prefix, prefix_end(prefix)):
            yield document

    async def write(self, work: Callable[[Transaction], T]) -> T:
        try:
            return await self._metadata.transact(work)
        finally:
            self._forget()

    def write_blocking(self, work: Callable[[Transaction], T]) -> T:
        try:
            return self._metadata.transact_blocking(work)
        finally:
            self._forget()
