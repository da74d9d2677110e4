"""What has happened in a warehouse: queries, connections, loads. It survives a rollback, as Redshift's STL tables do.

It is a file of its own, `history.duckdb`. Rows are gathered, and written when somebody reads, every second, and at
the end.
"""

import datetime
import threading
from pathlib import Path
from typing import Any

import duckdb

FILE = "history"
KEPT_DAYS = 7
_WAIT_S = 1.0
_ROWS_AT_ONCE = 200

TABLES = {
    "queries": (
        "query BIGINT, xid BIGINT, pid INTEGER, userid INTEGER, username VARCHAR, database VARCHAR, label VARCHAR, "
        "text VARCHAR, starttime TIMESTAMP, endtime TIMESTAMP, aborted INTEGER, code VARCHAR, error VARCHAR, "
        "kind VARCHAR"
    ),
    "connections": (
        "event VARCHAR, recordtime TIMESTAMP, remotehost VARCHAR, remoteport VARCHAR, pid INTEGER, dbname VARCHAR, "
        "username VARCHAR, authmethod VARCHAR, duration BIGINT, sslversion VARCHAR, application_name VARCHAR"
    ),
}


def now() -> datetime.datetime:
    """The time in UTC, without a zone, as the tables hold it."""
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None)


class History:
    """Threads use it at the same time."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
        self._connection, self._turn = connection, threading.RLock()
        self._rows, self._adding = dict[str, list[tuple[Any, ...]]](), threading.Lock()
        path = str(folder / "history.duckdb").replace("'", "''")
        connection.execute(f"ATTACH '{path}' AS {FILE}")
        self._closed = threading.Event()
        for name, columns in TABLES.items():
            self.make(name, columns)
        row = connection.execute(f"SELECT coalesce(max(query), 0) FROM {FILE}.queries").fetchone()
        self._query = row[0] if row else 0
        connection.execute(f"DELETE FROM {FILE}.queries WHERE endtime < ?", [now() - datetime.timedelta(KEPT_DAYS)])
        threading.Thread(target=self._write_often, daemon=True).start()

    def make(self, table: str, columns: str) -> None:
        """Have such a table, with a definition as CREATE TABLE takes it."""
        with self._turn:
            self._connection.execute(f"CREATE TABLE IF NOT EXISTS {FILE}.{table} ({columns})")

    def number(self) -> int:
        """The next query's."""
        with self._adding:
            self._query += 1
            return self._query

    def add(self, table: str, *rows: tuple[Any, ...]) -> None:
        """Rows for one of the tables; written soon."""
        with self._adding:
            self._rows.setdefault(table, []).extend(rows)

    def write(self) -> None:
        """Write what was gathered; durable on return."""
        with self._turn:
            with self._adding:
                rows, self._rows = self._rows, {}
            if not rows:
                return
            self._connection.execute("BEGIN")
            for table, added in rows.items():
                for start in range(0, len(added), _ROWS_AT_ONCE):
                    part = added[start : start + _ROWS_AT_ONCE]
                    marks = ", ".join([f"({', '.join('?' * len(part[0]))})"] * len(part))
                    values = [value for row in part for value in row]
                    self._connection.execute(f"INSERT INTO {FILE}.{table} VALUES {marks}", values)
            self._connection.execute("COMMIT")

    def read(self, sql: str, parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
        """Rows of a query on its tables (`history.name`), with everything that was added."""
        with self._turn:
            self.write()
            return self._connection.execute(sql, parameters or []).fetchall()

    def close(self) -> None:
        """Write all of it, and let go."""
        self._closed.set()
        with self._turn:
            self.write()
            self._connection.execute(f"CHECKPOINT {FILE}")

    def _write_often(self) -> None:
        while not self._closed.wait(_WAIT_S):
            with self._turn:
                if not self._closed.is_set():
                    self.write()
