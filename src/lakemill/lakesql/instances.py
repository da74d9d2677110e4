"""Instances of DuckDB: each statement has one of its own, made before it comes."""

import shutil
from pathlib import Path
from typing import Any, cast

import duckdb

from lakemill.lakesql.dialects import athena
from lakemill.lakesql.dialects.macros import Macros
from lakemill.lakesql.interface import Statement

SPILL_BYTES_MAX = 64 << 30
"""What a statement may put aside on the disk; also no more than half of what is free."""
_CONFIGURATION: dict[str, str | bool | int | float | list[str]] = {
    "preserve_insertion_order": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
}
_ready: list["_Connection"] = []
_limits: dict[str, str | int] = {"threads": 1}
"""Those of the last statement: the next one's are probably the same."""
_given_up: list[duckdb.DuckDBPyConnection] = []
_called: set[str] = set()
"""The macros that statements have called: the next instance has them from the start, for the next may be alike."""


def prepare() -> None:
    """Make an instance for the next statement, so that it does not wait for one."""
    while _given_up:
        _given_up.pop().close()
    if not _ready:
        _ready.append(_made())


def take(statement: Statement, folder: Path) -> duckdb.DuckDBPyConnection:
    """An instance with a statement's limits, that nothing has used."""
    connection = _ready.pop() if _ready else _made()
    _limits["memory_limit"] = f"{max(64, statement.memory_mib * 3 // 4)}MiB"
    _limits["threads"] = statement.threads
    spill = folder / "spill"
    spill.mkdir(exist_ok=True)
    room = min(SPILL_BYTES_MAX, shutil.disk_usage(folder).free // 2)
    connection.limit(_limits | {"temp_directory": str(spill), "max_temp_directory_size": f"{room >> 20}MiB"})
    return cast(duckdb.DuckDBPyConnection, connection)


def give_up(connection: duckdb.DuckDBPyConnection) -> None:
    """It is used no more. Closing takes a while: the next `prepare` does it, when the outcome has been told."""
    while _given_up:
        _given_up.pop().close()
    _given_up.append(connection)


def close(connection: duckdb.DuckDBPyConnection, paths: list[str], out: Path) -> None:
    """Let nothing be opened any more but these files and, to write, what is in a folder."""
    connection.execute("SET allowed_paths = ?", [paths])
    connection.execute("SET allowed_directories = ?", [[str(out)]])
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


class _Connection:
    """A connection of DuckDB that has the macros which statements call, from the first that calls them."""

    def __init__(self, inside: duckdb.DuckDBPyConnection) -> None:
        self._inside, self._macros = inside, Macros(inside, _called)
        self._limits: dict[str, str | int] = {}

    def limit(self, limits: dict[str, str | int]) -> None:
        """Set what is not as it should be."""
        for name, value in limits.items():
            if self._limits.get(name) != value:
                self._inside.execute(f"SET {name} = ?", [value])
                self._limits[name] = value

    def execute(self, query: str, parameters: Any = None) -> duckdb.DuckDBPyConnection:
        self._macros.make(query)
        return self._inside.execute(query, parameters)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inside, name)


def _made() -> _Connection:
    connection = duckdb.connect(":memory:", config=_CONFIGURATION)
    athena.settle(connection)
    made = _Connection(connection)
    made.limit(_limits)
    return made
