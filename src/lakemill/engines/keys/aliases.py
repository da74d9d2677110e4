"""Other names for keys."""

from collections.abc import Iterator
from typing import Any

from lakemill.engines.keys.errors import AliasExists, AliasInvalid, KeyMissing
from lakemill.engines.keys.key import Key
from lakemill.ports.clock import Clock
from lakemill.ports.metadata import Metadata, Transaction, prefix_end
from lakemill.ports.metadata.port import Reader

ALIASES = "key_aliases"
PER_KEY_MAX = 50

Document = dict[str, Any]


class Aliases:
    """By scope and name (`alias/orders`). A document has name, key (its id), created_s, modified_s."""

    def __init__(self, metadata: Metadata, clock: Clock) -> None:
        self._metadata, self._clock = metadata, clock

    def find(self, scope: str, name: str) -> Document | None:
        return self._metadata.get(ALIASES, _key(scope, name))

    def all(self, scope: str, reader: Reader | None = None) -> Iterator[Document]:
        """In name order."""
        prefix = _key(scope, "")
        return (document for _, document in (reader or self._metadata).scan(ALIASES, prefix, prefix_end(prefix)))

    def of(self, key: Key) -> list[str]:
        """The names of a key."""
        return [one["name"] for one in self.all(key.scope) if one["key"] == key.id]

    async def create(self, name: str, key: Key) -> None:
        """Raises AliasExists, AliasInvalid when the key has too many."""

        def work(transaction: Transaction) -> None:
            if transaction.get(ALIASES, _key(key.scope, name)) is not None:
                raise AliasExists(key.scope, name)
            if sum(one["key"] == key.id for one in self.all(key.scope, transaction)) >= PER_KEY_MAX:
                raise AliasInvalid(f"a key has at most {PER_KEY_MAX} aliases")
            self.put_in(transaction, name, key)

        await self._metadata.transact(work)

    def put_in(self, transaction: Transaction, name: str, key: Key, created_s: float | None = None) -> None:
        """Write one inside a transaction."""
        now = self._clock.time()
        document = {"name": name, "key": key.id, "created_s": created_s or now, "modified_s": now}
        transaction.put(ALIASES, _key(key.scope, name), document)

    async def point(self, scope: str, name: str, before: Key, key: Key) -> None:
        """Let one that points to a key point to another. Raises KeyMissing (no such alias), AliasInvalid when the two
        are of different kinds."""
        if before.usage != key.usage or before.spec.asymmetric != key.spec.asymmetric:
            raise AliasInvalid("an alias can only go on to a key of the same type and usage")

        def work(transaction: Transaction) -> None:
            found = transaction.get(ALIASES, _key(scope, name))
            if found is None:
                raise KeyMissing(scope, name)
            self.put_in(transaction, name, key, found["created_s"])

        await self._metadata.transact(work)

    async def delete(self, scope: str, name: str) -> None:
        """Raises KeyMissing."""

        def work(transaction: Transaction) -> None:
            if not transaction.delete(ALIASES, _key(scope, name)):
                raise KeyMissing(scope, name)

        await self._metadata.transact(work)

    def drop_in(self, transaction: Transaction, key: Key) -> None:
        """Remove all of a key's."""
        for one in list(self.all(key.scope, transaction)):
            if one["key"] == key.id:
                transaction.delete(ALIASES, _key(key.scope, one["name"]))


def _key(scope: str, name: str) -> str:
    return f"{scope}\x01{name}"
