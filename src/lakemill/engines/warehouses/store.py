"""Statements on the disk, for 24 hours.

Tables of the metadata store, with U+0001 between the parts of a key:

warehouse_statements   scope, id: the statement
warehouse_times        scope, time (inverted), id: its owner; newest first
warehouse_ids          id: scope
warehouse_active       id: scope; those that have not ended
warehouse_tokens       scope, owner, token: the id that its request got, a digest of the request, and when
"""

from collections.abc import Iterator

from lakemill.engines.warehouses.errors import StatementMissing, TokenTaken
from lakemill.engines.warehouses.statement import Statement, document_of, statement_of
from lakemill.ports.clock import Clock
from lakemill.ports.metadata import Metadata, Transaction, prefix_end
from lakemill.ports.metadata.port import Reader

STATEMENTS, TIMES, IDS, ACTIVE, TOKENS = (
    *("warehouse_statements", "warehouse_times", "warehouse_ids", "warehouse_active", "warehouse_tokens"),
)
KEPT_S = 24 * 3600
TOKEN_S = 8 * 3600
_SEPARATOR = "\x01"
_TIME_MAX = 10**15
_STEP = 500


class StatementStore:
    """All statements of one store."""

    def __init__(self, metadata: Metadata, clock: Clock) -> None:
        self._metadata, self._clock = metadata, clock

    def get(self, scope: str, id: str) -> Statement:
        """Raises StatementMissing."""
        found = self._metadata.get(STATEMENTS, _joined(scope, id))
        if found is None:
            raise StatementMissing
        return statement_of(found)

    def has(self, id: str) -> bool:
        """Whether there is one with this id, in whatever scope."""
        return self._metadata.get(IDS, id) is not None

    def newest(self, scope: str, after: str = "") -> Iterator[tuple[str, Statement]]:
        """Each with its place. after: the last one's place; "" for the beginning."""
        start = _joined(scope, "")
        rows = self._metadata.scan(TIMES, start + after + ("\x00" if after else ""), prefix_end(start))
        for key, _ in rows:
            yield key.removeprefix(start), self.get(scope, key.rpartition(_SEPARATOR)[2])

    def known(self, statement: Statement, token: str) -> Statement | None:
        """The one that a token has got before, if there is one. Raises TokenTaken."""
        return self._known(self._metadata, statement, token)

    def _known(self, reader: Reader, statement: Statement, token: str) -> Statement | None:
        before = reader.get(TOKENS, _joined(statement.scope, statement.owner, token))
        if before is None or before["ms"] <= int(self._clock.time() * 1000) - TOKEN_S * 1000:
            return None
        if before["digest"] != statement.digest():
            raise TokenTaken
        found = reader.get(STATEMENTS, _joined(statement.scope, before["id"]))
        return None if found is None else statement_of(found)

    def unfinished(self) -> list[Statement]:
        """Those an earlier run left."""
        return [self.get(scope, id) for id, scope in list(self._metadata.scan(ACTIVE))]

    async def add(self, statement: Statement, token: str = "") -> tuple[Statement, bool]:
        """Write it down, or give the one that its token has got before (then False). Raises TokenTaken."""
        now_ms = int(self._clock.time() * 1000)

        def work(transaction: Transaction) -> tuple[Statement, bool]:
            if token:
                if (found := self._known(transaction, statement, token)) is not None:
                    return found, False
                key = _joined(statement.scope, statement.owner, token)
                transaction.put(TOKENS, key, {"id": statement.id, "digest": statement.digest(), "ms": now_ms})
            transaction.put(STATEMENTS, _joined(statement.scope, statement.id), document_of(statement))
            transaction.put(TIMES, _place(statement), statement.owner)
            transaction.put(IDS, statement.id, statement.scope)
            transaction.put(ACTIVE, statement.id, statement.scope)
            return statement, True

        return await self._metadata.transact(work)

    async def end(self, statement: Statement) -> None:
        """Its last form."""

        def work(transaction: Transaction) -> None:
            transaction.put(STATEMENTS, _joined(statement.scope, statement.id), document_of(statement))
            transaction.delete(ACTIVE, statement.id)

        await self._metadata.transact(work)

    async def expire(self) -> list[str]:
        """Remove those that are past their time; their ids."""
        oldest = self._clock.time() - KEPT_S
        late = [one for _, one in self._all() if one.ended and one.updated.timestamp() < oldest]
        tokens = [key for key, one in self._metadata.scan(TOKENS) if one["ms"] < (self._clock.time() - TOKEN_S) * 1000]

        def work(transaction: Transaction) -> None:
            for one in late:
                transaction.delete(STATEMENTS, _joined(one.scope, one.id))
                transaction.delete(TIMES, _place(one))
                transaction.delete(IDS, one.id)
            for key in tokens:
                transaction.delete(TOKENS, key)

        await self._metadata.transact(work)
        return [one.id for one in late]

    def _all(self) -> Iterator[tuple[str, Statement]]:
        return ((key, statement_of(one)) for key, one in self._metadata.scan(STATEMENTS))


def _place(statement: Statement) -> str:
    ms = int(statement.created.timestamp() * 1000)
    return _joined(statement.scope, f"{_TIME_MAX - ms:015d}", statement.id)


def _joined(*parts: str) -> str:
    return _SEPARATOR.join(parts)
