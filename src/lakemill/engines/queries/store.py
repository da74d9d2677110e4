"""Executions on the disk, for 45 days.

Tables of the metadata store, with U+0001 between the parts of a key:

query_executions   scope, id: the execution
query_groups       scope, group, time (inverted), id: newest first
query_times        time, scope, group, id
query_active       id: scope; those that have not ended
query_written      id, number: what an execution has put into the lake so far, to be taken back if it fails
query_tokens       scope, token: the id that its request got, and a digest of the request
query_reusable     scope, group, digest of a request: the id of the last execution that answered it
"""

import hashlib
import uuid
from collections.abc import Iterator
from typing import Any

import msgspec

from lakemill.engines.queries.errors import ExecutionMissing, TokenTaken
from lakemill.engines.queries.execution import Document, Execution, Request, document_of, execution_of
from lakemill.ports.clock import Clock
from lakemill.ports.metadata import Metadata, Transaction, prefix_end

EXECUTIONS, GROUPS, TIMES, ACTIVE, WRITTEN, TOKENS, REUSABLE = (
    *("query_executions", "query_groups", "query_times", "query_active", "query_written", "query_tokens"),
    "query_reusable",
)
KEPT_S = 45 * 86400
_SEPARATOR = "\x01"
_TIME_MAX = 10**15
_STEP = 500


class Executions:
    """All executions of one store."""

    def __init__(self, metadata: Metadata, clock: Clock) -> None:
        self._metadata, self._clock = metadata, clock

    # Reading

    def get(self, scope: str, id: str) -> Execution:
        """Raises ExecutionMissing."""
        found = self._metadata.get(EXECUTIONS, _joined(scope, id))
        if found is None:
            raise ExecutionMissing(id)
        return execution_of(found)

    def listed(self, scope: str, group: str, after: str, limit: int) -> list[tuple[str, str]]:
        """Id and place of those of a group, newest first. after: the last one's place; "" for the beginning."""
        start = _joined(scope, group, "")
        rows = self._metadata.scan(GROUPS, start + after + ("\x00" if after else ""), prefix_end(start), limit=limit)
        return [(key.rpartition(_SEPARATOR)[2], key.removeprefix(start)) for key, _ in rows]

    def unfinished(self) -> Iterator[Execution]:
        """Those an earlier run left."""
        for id, scope in list(self._metadata.scan(ACTIVE)):
            yield self.get(scope, id)

    def written(self, id: str) -> list[Document]:
        """What it has put into the lake, the last first."""
        start = _joined(id, "")
        return [one for _, one in self._metadata.scan(WRITTEN, start, prefix_end(start), reverse=True)]

    def reusable(self, request: Request) -> Execution | None:
        """The last execution that answered such a request, if there is one."""
        id = self._metadata.get(REUSABLE, _joined(request.scope, request.group, digest(request)))
        found = id and self._metadata.get(EXECUTIONS, _joined(request.scope, id))
        return execution_of(found) if found else None

    # Writing

    async def add(self, request: Request) -> tuple[Execution, bool]:
        """A new execution, or the one that its token has got before (then False). Raises TokenTaken."""
        execution = Execution(id=str(uuid.uuid4()), request=request, submitted=self._clock.now())

        def work(transaction: Transaction) -> tuple[Execution, bool]:
            if request.token:
                key = _joined(request.scope, request.token)
                before = transaction.get(TOKENS, key)
                if before is not None:
                    if before["digest"] != whole_digest(request):
                        raise TokenTaken
                    found: Any = transaction.get(EXECUTIONS, _joined(request.scope, before["id"]))
                    return execution_of(found), False
                transaction.put(TOKENS, key, {"id": execution.id, "digest": whole_digest(request)})
            transaction.put(EXECUTIONS, _joined(request.scope, execution.id), document_of(execution))
            group_key, time_key = _places(execution)
            transaction.put(GROUPS, group_key, True)
            transaction.put(TIMES, time_key, True)
            transaction.put(ACTIVE, execution.id, request.scope)
            return execution, True

        return await self._metadata.transact(work)

    async def note_written(self, id: str, number: int, what: Document) -> None:
        """Write down what is about to be put into the lake."""
        key = _joined(id, f"{number:08d}")
        await self._metadata.transact(lambda transaction: transaction.put(WRITTEN, key, what))

    async def unnote_written(self, id: str, number: int) -> None:
        """It was not put there."""
        key = _joined(id, f"{number:08d}")
        await self._metadata.transact(lambda transaction: transaction.delete(WRITTEN, key))

    @staticmethod
    def settle_in(transaction: Transaction, id: str) -> None:
        """Inside a transaction: nothing that it has put into the lake so far is to be taken back."""
        start = _joined(id, "")
        for key, _ in list(transaction.scan(WRITTEN, start, prefix_end(start))):
            transaction.delete(WRITTEN, key)

    async def end(self, execution: Execution, *, reusable: bool = False) -> None:
        """Its last form; what it wrote is there to stay, or was taken back."""

        def work(transaction: Transaction) -> None:
            request = execution.request
            transaction.put(EXECUTIONS, _joined(request.scope, execution.id), document_of(execution))
            transaction.delete(ACTIVE, execution.id)
            self.settle_in(transaction, execution.id)
            if reusable:
                key = _joined(request.scope, request.group, digest(request))
                transaction.put(REUSABLE, key, execution.id)

        await self._metadata.transact(work)

    async def forget(self, execution: Execution) -> None:
        """Remove one that is not to have been."""
        await self._metadata.transact(lambda transaction: _remove(transaction, execution))

    async def forget_group(self, scope: str, group: str) -> None:
        """Remove those of a group that have ended."""
        start = _joined(scope, group, "")
        while rows := self._ended(self._metadata.scan(GROUPS, start, prefix_end(start)), scope):
            await self._remove_all(rows)

    async def expire(self) -> None:
        """Remove those that are past their time."""
        stop = f"{_ms(self._clock.now()) - KEPT_S * 1000:015d}"
        while rows := list(self._metadata.scan(TIMES, stop=stop, limit=_STEP)):
            gone = []
            for key, _ in rows:
                _, scope, _, id = key.split(_SEPARATOR)
                gone.append(self.get(scope, id))
            await self._remove_all(gone)

    def _ended(self, rows: Iterator[tuple[str, Any]], scope: str) -> list[Execution]:
        found = []
        for key, _ in rows:
            execution = self.get(scope, key.rpartition(_SEPARATOR)[2])
            if execution.ended:
                found.append(execution)
            if len(found) == _STEP:
                break
        return found

    async def _remove_all(self, executions: list[Execution]) -> None:
        def work(transaction: Transaction) -> None:
            for one in executions:
                _remove(transaction, one)

        await self._metadata.transact(work)


def _remove(transaction: Transaction, execution: Execution) -> None:
    request = execution.request
    transaction.delete(EXECUTIONS, _joined(request.scope, execution.id))
    for table, key in zip((GROUPS, TIMES), _places(execution), strict=True):
        transaction.delete(table, key)
    transaction.delete(ACTIVE, execution.id)
    if request.token:
        transaction.delete(TOKENS, _joined(request.scope, request.token))
    key = _joined(request.scope, request.group, digest(request))
    if transaction.get(REUSABLE, key) == execution.id:
        transaction.delete(REUSABLE, key)


def _places(execution: Execution) -> tuple[str, str]:
    request, ms = execution.request, _ms(execution.submitted)
    group = _joined(request.scope, request.group, f"{_TIME_MAX - ms:015d}", execution.id)
    return group, _joined(f"{ms:015d}", request.scope, request.group, execution.id)


def digest(request: Request) -> str:
    """The same for requests that ask the same."""
    same = (request.text, request.body, request.body_parameters, request.database, request.parameters, request.prefix)
    return hashlib.sha256(msgspec.msgpack.encode(same)).hexdigest()


def whole_digest(request: Request) -> str:
    """The same for requests that are the same."""
    return hashlib.sha256(msgspec.msgpack.encode(request)).hexdigest()


def _joined(*parts: str) -> str:
    return _SEPARATOR.join(parts)


def _ms(moment: Any) -> int:
    return int(moment.timestamp() * 1000)
