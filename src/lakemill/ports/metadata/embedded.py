"""The embedded metadata store: SQLite in WAL mode with group commit.

One writer thread owns the only writing connection. It takes all transactions that wait, runs each inside a savepoint
of one SQLite transaction, commits once (synchronous=FULL: one fsync of the WAL) and only then answers everybody.
Reads use a second connection per thread and never wait for the writer.

A table is an SQLite table `"t_<name>" (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID`; values are MessagePack.
"""

import asyncio
import concurrent.futures
import itertools
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from lakemill.ports.clock import Clock, SystemClock
from lakemill.ports.metadata.port import Document, Transaction

T = TypeVar("T")
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode

GROUP_MAX = 512
"""Transactions that share one commit at most; bounds the time the first of them waits."""

SCAN_ROWS = 500
"""Rows a scan reads at once."""

LEASES = "leases"
CACHED_VALUES_MAX = 4096
CACHED_BYTES_MAX = 4096
"""The cache of read documents holds this many, each at most this large: 16 MiB at worst."""


class _Statements:
    """SQL per table name, made once."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, str]] = {}

    def of(self, table: str) -> dict[str, str]:
        found = self._known.get(table)
        if found is None:
            if not table.isidentifier():
                raise ValueError(f"a table's name must be an identifier; got {table!r}")
            name = f'"t_{table}"'
            found = self._known[table] = {
                "create": f"CREATE TABLE IF NOT EXISTS {name} (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID",
                "get": f"SELECT value FROM {name} WHERE key = ?",
                "put": f"INSERT INTO {name} VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                "delete": f"DELETE FROM {name} WHERE key = ?",
                "scan": f"SELECT key, value FROM {name}",
            }
        return found


class _Cache:
    """Values that were read lately, so that a hot document costs no query. Exact: a commit removes what it wrote.

    A reader may only enter what it read if no commit came in between; `epoch` counts the commits.
    """

    def __init__(self) -> None:
        self.epoch = 0
        self._values: dict[tuple[str, str], bytes] = {}

    def get(self, table: str, key: str) -> bytes | None:
        return self._values.get((table, key))

    def enter(self, table: str, key: str, value: bytes, epoch: int) -> None:
        if len(value) > CACHED_BYTES_MAX:
            return
        if len(self._values) >= CACHED_VALUES_MAX:
            self._values.clear()
        self._values[table, key] = value
        if self.epoch != epoch:  # Looked at last: a commit that comes after this removes the value itself.
            self._values.pop((table, key), None)

    def committed(self, written: set[tuple[str, str]]) -> None:
        self.epoch += 1
        for place in written:
            self._values.pop(place, None)


class _Reads:
    """get and scan over one connection; a table nobody wrote to is empty."""

    def __init__(self, connection: sqlite3.Connection, statements: _Statements) -> None:
        self._connection = connection
        self._statements = statements

    def get(self, table: str, key: str) -> Document | None:
        value = self._value(table, key)
        return None if value is None else _decode(value)

    def _value(self, table: str, key: str) -> bytes | None:
        try:
            row = self._connection.execute(self._statements.of(table)["get"], (key,)).fetchone()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return None
            raise
        return None if row is None else row[0]

    def scan(
        self, table: str, start: str = "", stop: str | None = None, *, limit: int | None = None, reverse: bool = False
    ) -> Iterator[tuple[str, Document]]:
        """Read in batches, each to its end: a statement left half-read would pin its connection to an old state."""
        select = self._statements.of(table)["scan"]
        order = "DESC" if reverse else "ASC"
        above, low, high, left = ">=", start, stop, limit
        while left is None or left > 0:
            batch = SCAN_ROWS if left is None else min(left, SCAN_ROWS)
            below = "" if high is None else "AND key < ?"
            bounds = (low,) if high is None else (low, high)
            try:
                sql = f"{select} WHERE key {above} ? {below} ORDER BY key {order} LIMIT ?"
                rows = self._connection.execute(sql, (*bounds, batch)).fetchall()
            except sqlite3.OperationalError as error:
                if "no such table" in str(error):
                    return
                raise
            for key, value in rows:
                yield key, _decode(value)
            if len(rows) < batch:
                return
            left = None if left is None else left - batch
            if reverse:
                high = rows[-1][0]
            else:
                above, low = ">", rows[-1][0]


class _Transaction(_Reads):
    """The writer's view, handed to work. written: what the open group has touched."""

    def __init__(self, connection: sqlite3.Connection, statements: _Statements) -> None:
        super().__init__(connection, statements)
        self.written: set[tuple[str, str]] = set()

    def put(self, table: str, key: str, document: Document) -> None:
        self.written.add((table, key))
        sql = self._statements.of(table)
        value = _encode(document)
        try:
            self._connection.execute(sql["put"], (key, value))
        except sqlite3.OperationalError as error:
            if "no such table" not in str(error):
                raise
            self._connection.execute(sql["create"])
            self._connection.execute(sql["put"], (key, value))

    def delete(self, table: str, key: str) -> bool:
        self.written.add((table, key))
        try:
            return self._connection.execute(self._statements.of(table)["delete"], (key,)).rowcount > 0
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return False
            raise


class _CachedReads(_Reads):
    """A reading thread's view; small documents come from the cache."""

    def __init__(self, connection: sqlite3.Connection, statements: _Statements, cache: _Cache) -> None:
        super().__init__(connection, statements)
        self._cache = cache

    def get(self, table: str, key: str) -> Document | None:
        value = self._cache.get(table, key)
        if value is not None:
            return _decode(value)
        epoch = self._cache.epoch
        value = self._value(table, key)
        if value is None:
            return None
        self._cache.enter(table, key, value, epoch)
        return _decode(value)


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
        self._statements = _Statements()
        self._cache = _Cache()
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._closed = False
        self._guard = threading.Lock()
        writing = self._connect()
        self._writer = threading.Thread(target=self._write, args=(writing,), name="metadata-writer", daemon=True)
        self._writer.start()

    def get(self, table: str, key: str) -> Document | None:
        return self._reads().get(table, key)

    def scan(
        self, table: str, start: str = "", stop: str | None = None, *, limit: int | None = None, reverse: bool = False
    ) -> Iterator[tuple[str, Document]]:
        return self._reads().scan(table, start, stop, limit=limit, reverse=reverse)

    async def transact(self, work: Callable[[Transaction], T]) -> T:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._submit(work, future, loop)
        return await future

    def transact_blocking(self, work: Callable[[Transaction], T]) -> T:
        future: concurrent.futures.Future[T] = concurrent.futures.Future()
        self._submit(work, future, None)
        return future.result()

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
        with self._guard:
            if self._closed:
                return
            self._closed = True
            self._waiting.put(None)
        self._writer.join()
        for connection in self._connections:
            connection.close()

    def _connect(self) -> sqlite3.Connection:
        # Autocommit mode: BEGIN and COMMIT are ours. Each connection is used by one thread, closed by another.
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=30)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA cache_size = -16000")
        connection.execute("PRAGMA wal_autocheckpoint = 4000")
        self._connections.append(connection)
        return connection

    def _reads(self) -> _Reads:
        reads = getattr(self._local, "reads", None)
        if reads is None:
            reads = self._local.reads = _CachedReads(self._connect(), self._statements, self._cache)
        return reads

    def _submit(self, work: Callable[[Transaction], Any], future: Any, loop: Any) -> None:
        with self._guard:
            if self._closed:
                raise RuntimeError("the metadata store is closed")
            self._waiting.put((work, future, loop))

    def _write(self, connection: sqlite3.Connection) -> None:
        transaction = _Transaction(connection, self._statements)
        open_ = True
        while open_:
            group = []
            item = self._waiting.get()
            while item is not None:
                group.append(item)
                if len(group) >= GROUP_MAX or self._waiting.empty():
                    break
                item = self._waiting.get()
            open_ = item is not None
            if group:
                outcomes = self._commit(connection, transaction, group)
                self._cache.committed(transaction.written)
                transaction.written.clear()
                self._answer(outcomes)

    @staticmethod
    def _commit(connection: sqlite3.Connection, transaction: _Transaction, group: list[Any]) -> list[Any]:
        """Run a group in one SQLite transaction; (future, loop, result, error) for each."""
        outcomes = []
        try:
            connection.execute("BEGIN IMMEDIATE")
            for work, future, loop in group:
                connection.execute("SAVEPOINT work")
                try:
                    outcomes.append((future, loop, work(transaction), None))
                except Exception as error:
                    connection.execute("ROLLBACK TO work")
                    outcomes.append((future, loop, None, error))
                connection.execute("RELEASE work")
            connection.execute("COMMIT")
        except Exception as error:  # A full disk, say: nobody of the group may believe it was written.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            return [(future, loop, None, error) for _, future, loop in group]
        return outcomes

    @staticmethod
    def _answer(outcomes: list[Any]) -> None:
        """Wake each waiter; one wake-up per event loop, however many wait on it."""

        def settle(batch: list[Any]) -> None:
            for future, _, result, error in batch:
                if not future.done():
                    if error is None:
                        future.set_result(result)
                    else:
                        future.set_exception(error)

        for loop, batch in itertools.groupby(sorted(outcomes, key=lambda o: id(o[1])), key=lambda o: o[1]):
            if loop is None:
                settle(list(batch))
            elif not loop.is_closed():
                loop.call_soon_threadsafe(settle, list(batch))
