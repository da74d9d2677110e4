"""Grants: that somebody may do this and that with a key, beside what its policy says."""

import dataclasses
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from lakemill.engines.keys.errors import GrantMissing, KeysError
from lakemill.engines.keys.key import Key
from lakemill.ports.clock import Clock
from lakemill.ports.metadata import Metadata, Transaction, prefix_end

GRANTS = "key_grants"
PER_KEY_MAX = 50_000


class TooManyGrants(KeysError):
    """The key has as many as one may."""


@dataclasses.dataclass(frozen=True)
class Grant:
    """One. grantee and retirer are principals, as their owner writes them."""

    id: str
    token: str
    scope: str
    key_id: str
    grantee: str
    operations: tuple[str, ...]
    issuer: str = ""
    """The account that made it."""
    created_s: float = 0.0
    name: str = ""
    retirer: str = ""
    context_equals: Mapping[str, str] | None = None
    """If set, only with exactly this encryption context."""
    context_subset: Mapping[str, str] | None = None
    """If set, only with a context that has these pairs."""

    def covers(self, operation: str, context: Mapping[str, str]) -> bool:
        """Whether it is about an operation with this encryption context."""
        if operation not in self.operations:
            return False
        if self.context_equals is not None:
            return dict(context) == dict(self.context_equals)
        if self.context_subset is not None:
            return all(context.get(name) == value for name, value in self.context_subset.items())
        return True

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Grant":
        return cls(**{**document, "operations": tuple(document["operations"])})


class Grants:
    """By scope, key and id."""

    def __init__(self, metadata: Metadata, clock: Clock) -> None:
        self._metadata, self._clock = metadata, clock

    def all(self, scope: str, key_id: str | None = None) -> Iterator[Grant]:
        """Those of a key, or of a whole scope, ordered by id within each key."""
        prefix = f"{scope}\x01" if key_id is None else f"{scope}\x01{key_id}\x01"
        return (Grant.of(one) for _, one in self._metadata.scan(GRANTS, prefix, prefix_end(prefix)))

    def find(self, scope: str, key_id: str, grant_id: str) -> Grant:
        """Raises GrantMissing."""
        found = self._metadata.get(GRANTS, _key(scope, key_id, grant_id))
        if found is None:
            raise GrantMissing(f"the key {key_id} has no grant {grant_id}")
        return Grant.of(found)

    def with_token(self, scope: str, token: str) -> Grant:
        """Raises GrantMissing."""
        for grant in self.all(scope):
            if secrets.compare_digest(grant.token, token):
                return grant
        raise GrantMissing("no grant has this token")

    async def create(self, key: Key, grantee: str, operations: list[str], **fields: Any) -> Grant:
        """A new one; with a name, the one that was made with all the same, if there is. fields: as of Grant.

        Raises TooManyGrants.
        """
        made = Grant(
            secrets.token_hex(32),
            secrets.token_urlsafe(96),
            key.scope,
            key.id,
            grantee,
            tuple(operations),
            created_s=self._clock.time(),
            **fields,
        )

        def work(transaction: Transaction) -> Grant:
            prefix = f"{key.scope}\x01{key.id}\x01"
            found = [Grant.of(one) for _, one in transaction.scan(GRANTS, prefix, prefix_end(prefix))]
            if len(found) >= PER_KEY_MAX:
                raise TooManyGrants(f"a key has at most {PER_KEY_MAX} grants")
            for grant in found:
                same = dataclasses.replace(made, id=grant.id, token=grant.token, created_s=grant.created_s)
                if made.name and same == grant:
                    return grant
            transaction.put(GRANTS, _key(key.scope, key.id, made.id), dataclasses.asdict(made))
            return made

        return await self._metadata.transact(work)

    async def delete(self, grant: Grant) -> None:
        """Raises GrantMissing."""

        def work(transaction: Transaction) -> None:
            if not transaction.delete(GRANTS, _key(grant.scope, grant.key_id, grant.id)):
                raise GrantMissing(f"the key {grant.key_id} has no grant {grant.id}")

        await self._metadata.transact(work)

    def drop_in(self, transaction: Transaction, key: Key) -> None:
        """Remove all of a key's."""
        prefix = f"{key.scope}\x01{key.id}\x01"
        for name, _ in list(transaction.scan(GRANTS, prefix, prefix_end(prefix))):
            transaction.delete(GRANTS, name)


def _key(scope: str, key_id: str, grant_id: str) -> str:
    return f"{scope}\x01{key_id}\x01{grant_id}"
