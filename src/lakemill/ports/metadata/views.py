"""Reading and writing documents over one SQLite connection, and the cache of what was read lately.

A table is an SQLite table `"t_<name>" (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID`; values are MessagePack.
"""

import sqlite3
from collections.abc import Iterator

import msgspec

from lakemill.ports.metadata.port import Document

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode

SCAN_ROWS = 500
"""Rows a scan reads at a time."""
CACHED_VALUES_MAX = 4096
CACHED_BYTES_MAX = 4096
"""The cache of read documents holds this many, each at most this large: 16 MiB at worst."""


class Statements:
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


class Cache:
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


class Reads:
    """get and scan over one connection; a table nobody wrote to is empty."""

    def __init__(self, connection: sqlite3.Connection, statements: Statements) -> None:
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


class WriterTransaction(Reads):
    """The writer's view, handed to work. written: what the open group has touched."""

    def __init__(self, connection: sqlite3.Connection, statements: Statements) -> None:
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


class CachedReads(Reads):
    """A reading thread's view; small documents come from the cache."""

    def __init__(self, connection: sqlite3.Connection, statements: Statements, cache: Cache) -> None:
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
