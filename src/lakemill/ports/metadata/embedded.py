"""The embedded metadata store: SQLite in WAL mode with group commit (see `group`).

Reads use a connection per thread and never wait for a writer.
"""

import asyncio
import errno
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from lakemill.ports.clock import Clock, SystemClock
from lakemill.ports.metadata.group import GroupCommit
from lakemill.ports.metadata.port import Document, Transaction
from lakemill.ports.metadata.views import Cache, CachedReads, Reads, Statements, WriterTransaction

T = TypeVar("T")
LEASES = "leases"
PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", "cache_size = -16000", "wal_autocheckpoint = 4000")


class EmbeddedMetadata:
    """Documents in one SQLite file. Safe across threads and tasks of one process.

    >>> import tempfile
    >>> store = EmbeddedMetadata(Path(tempfile.mkdtemp()) / "metadata.sqlite")
    >>> store.transact_blocking(lambda t: t.put("streams", "orders", {"shards": 2}))
    >>> store.get("streams", "orders")
    {'shards': 2}
    >>> store.close()
    """

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._clock = clock or SystemClock()
        self._statements = Statements()
        self._cache = Cache()
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        writing = self._connect()
        self._group = GroupCommit(writing, WriterTransaction(writing, self._statements), self._cache.committed)

    def get(self, table: str, key: str) -> Document | None:
        return self._reads().get(table, key)

    def scan(
        self, table: str, start: str = "", stop: str | None = None, *, limit: int | None = None, reverse: bool = False
    ) -> Iterator[tuple[str, Document]]:
        return self._reads().scan(table, start, stop, limit=limit, reverse=reverse)

    async def transact(self, work: Callable[[Transaction], T]) -> T:
        return await self._group.from_loop(work, asyncio.get_running_loop())

    def transact_blocking(self, work: Callable[[Transaction], T]) -> T:
        return self._group.from_thread(work)

    async def acquire(self, lease: str, owner: str, ttl_s: float) -> bool:
        now = self._clock.time()

        def take(transaction: Transaction) -> bool:
            held = transaction.get(LEASES, lease)
            if held and held["owner"] != owner and held["until"] > now:
                return False
            transaction.put(LEASES, lease, {"owner": owner, "until": now + ttl_s})
            return True

        return await self.transact(take)

    async def release(self, lease: str, owner: str) -> None:
        def give(transaction: Transaction) -> None:
            held = transaction.get(LEASES, lease)
            if held and held["owner"] == owner:
                transaction.delete(LEASES, lease)

        await self.transact(give)

    def close(self) -> None:
        self._group.close()
        connections, self._connections = self._connections, []
        for connection in connections:
            connection.close()

    def _connect(self) -> sqlite3.Connection:
        # Autocommit mode: BEGIN and COMMIT are ours. Each connection is used by one thread, closed by another.
        try:
            connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=30)
            for pragma in PRAGMAS:
                connection.execute(f"PRAGMA {pragma}")
        except sqlite3.DatabaseError as error:
            raise OSError(errno.EIO, f"{self._path.name} cannot be opened: {error}", self._path) from error
        self._connections.append(connection)
        return connection

    def _reads(self) -> Reads:
        reads = getattr(self._local, "reads", None)
        if reads is None:
            reads = self._local.reads = CachedReads(self._connect(), self._statements, self._cache)
        return reads
