"""A warehouse that is open: the instance of DuckDB with its file, and what its sessions share."""

import itertools
import secrets
import shutil
import threading
from pathlib import Path
from typing import Any

import duckdb

from lakemill.lakesql.dialects import redshift
from lakemill.warehouse import spectrum
from lakemill.warehouse.cache import Cache
from lakemill.warehouse.history import History
from lakemill.warehouse.interface import Warehouse
from lakemill.warehouse.locks import Locks
from lakemill.warehouse.objects import User
from lakemill.warehouse.platform import Platform
from lakemill.warehouse.session import Session
from lakemill.warehouse.store import FILE, Store, create_database, prepare

_CONFIGURATION: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
}
_NAME = "warehouse.duckdb"
_SPILL_BYTES_MAX = 64 << 30


class Instance:
    """Made by opening a folder; threads use it at the same time."""

    def __init__(self, options: Warehouse, platform: Platform) -> None:
        self.options, self.platform = options, platform
        self.folder, self.scratch = Path(options.folder), Path(options.scratch)
        self.folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir(parents=True)
        self.locks, self.cache = Locks(), Cache()
        self.parameters = dict(options.parameters)
        """Defaults of the settings of sessions that come."""
        self.sessions: dict[int, Session] = {}
        self.pids = itertools.count(secrets.randbelow(1 << 20) + 1000)
        self._turn = threading.Lock()
        self._connection = duckdb.connect(":memory:", config=_CONFIGURATION)
        self._configure()
        self._begin()
        self.history = History(self._connection.cursor(), self.folder)
        self._close()

    def connection(self) -> duckdb.DuckDBPyConnection:
        """A connection of its own to the instance."""
        with self._turn:
            return self._connection.cursor()

    def session(self, user: str, database: str, **also: object) -> Session:
        """Begin a session. Raises SqlFailed 3D000."""
        session = Session(self, next(self.pids), user, database, **also)  # type: ignore[arg-type]
        with self._turn:
            self.sessions[session.pid] = session
        return session

    def known(self, kind: str, name: str) -> Any:
        """An object that is committed, None where there is none."""
        with self.connection() as connection:
            return Store(connection).get(kind, name)

    def make_user(self, name: str, superuser: bool = False) -> None:
        """Make a user whom the platform knows, with no password of its own; nothing where there is one."""
        with self._turn, self._connection.cursor() as connection:
            store = Store(connection)
            self.cache.committing()
            try:
                connection.execute("BEGIN")
                if store.get("user", name) is None:
                    store.put("user", name, User(id=store.number(), superuser=superuser))
                connection.execute("COMMIT")
            finally:
                self.cache.committed()

    def ended(self, session: Session) -> None:
        """A session has ended."""
        with self._turn:
            self.sessions.pop(session.pid, None)

    def checkpoint(self) -> bool:
        """Write everything into the file, unless somebody's work stands against it; whether it was done."""
        with self.connection() as connection:
            try:
                connection.execute(f"CHECKPOINT {FILE}")
                return True
            except duckdb.Error:
                return False

    def close(self) -> None:
        """End all sessions, and write everything into the files."""
        with self._turn:
            sessions = list(self.sessions.values())
        for session in sessions:
            session.end()
        self.history.close()
        self.checkpoint()
        self._connection.close()

    def _configure(self) -> None:
        spill = self.scratch / "spill"
        spill.mkdir()
        room = min(_SPILL_BYTES_MAX, shutil.disk_usage(self.scratch).free // 2)
        settings = {
            "memory_limit": f"{max(64, self.options.memory_mib * 3 // 4)}MiB",
            "threads": self.options.threads,
            "temp_directory": str(spill),
            "max_temp_directory_size": f"{room >> 20}MiB",
            "TimeZone": "UTC",
        }
        for name, value in settings.items():
            self._connection.execute(f"SET {name} = ?", [value])

    def _begin(self) -> None:
        path = str(self.folder / _NAME).replace("'", "''")
        self._connection.execute(f"ATTACH '{path}' AS {FILE}")
        redshift.prelude(self._connection)
        spectrum.prepare(self._connection)
        prepare(self._connection)
        store = Store(self._connection)
        self._connection.execute("BEGIN")
        if store.get("user", self.options.master) is None:
            store.put("user", self.options.master, User(id=100, superuser=True, create_databases=True))
        if store.get("database", self.options.database) is None:
            create_database(store, self._connection, self.options.database, self.options.master)
        self._connection.execute("COMMIT")

    def _close(self) -> None:
        """Let nothing be opened any more but what is the warehouse's."""
        self._connection.execute("SET allowed_directories = ?", [[str(self.folder), str(self.scratch)]])
        self._connection.execute("SET enable_external_access = false")
        self._connection.execute("SET lock_configuration = true")
