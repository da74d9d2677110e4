"""Copies of a warehouse, while it is being written to."""

import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from lakemill.warehouse import history
from lakemill.warehouse.store import FILE

if TYPE_CHECKING:
    from lakemill.warehouse.instance import Instance

_WRITING_S = 60.0
_FILES = {FILE: "warehouse.duckdb", history.FILE: "history.duckdb"}


def snapshot(warehouse: "Instance", folder: str) -> int:
    """Put a copy of what is committed into an empty folder; durable on return. Its bytes.

    DuckDB copies a database in a transaction: who writes goes on, and what they commit meanwhile is not in it.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    # DuckDB may write to the warehouse's folders only.
    work = warehouse.scratch / f"snapshot-{os.urandom(8).hex()}"
    work.mkdir()
    warehouse.history.write()
    total = 0
    try:
        with warehouse.connection() as connection:
            for name, file in _FILES.items():
                copy = f"copy_{os.urandom(8).hex()}"
                path = str(work / file).replace("'", "''")
                connection.execute(f"ATTACH '{path}' AS {copy}")
                connection.execute(f"COPY FROM DATABASE {name} TO {copy}")
                _write(connection, copy)
                connection.execute(f"DETACH {copy}")
                shutil.move(work / file, target / file)
                total += _kept(target / file)
        _kept(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return total


def _write(connection: duckdb.DuckDBPyConnection, database: str) -> None:
    """Write a database into its file. DETACH alone would put that off while somebody's transaction has met it."""
    until = time.monotonic() + _WRITING_S
    while True:
        try:
            connection.execute(f"CHECKPOINT {database}")
            return
        except duckdb.TransactionException:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)


def _kept(path: Path) -> int:
    """Make sure that a file or folder is on the disk; its bytes."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
        return os.fstat(handle).st_size
    finally:
        os.close(handle)
