"""How far each file has been sent, kept in a SQLite file."""

import sqlite3
from pathlib import Path
from typing import NamedTuple


class FileId(NamedTuple):
    """What a file is recognised by when its name changes."""

    device: int
    inode: int


class Checkpoint(NamedTuple):
    """Everything before offset has been sent. path: where the file was last."""

    path: str
    offset: int


class Checkpoints:
    """The store. A write is on disk when it returns."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=FULL")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS files (flow TEXT, device INTEGER, inode INTEGER, path TEXT, offset INTEGER,"
            " PRIMARY KEY (flow, device, inode))"
        )

    def of(self, flow: str) -> dict[FileId, Checkpoint]:
        """All files of a flow."""
        rows = self._database.execute("SELECT device, inode, path, offset FROM files WHERE flow = ?", (flow,))
        return {FileId(device, inode): Checkpoint(path, offset) for device, inode, path, offset in rows}

    def write(self, flow: str, found: dict[FileId, Checkpoint]) -> None:
        """Replace those of these files, all or none."""
        rows = [(flow, *file, *checkpoint) for file, checkpoint in found.items()]
        with self._database:
            self._database.execute("BEGIN")
            self._database.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?)", rows)

    def forget(self, flow: str, file: FileId) -> None:
        """The file is gone."""
        self._database.execute("DELETE FROM files WHERE flow = ? AND device = ? AND inode = ?", (flow, *file))

    def close(self) -> None:
        self._database.close()
