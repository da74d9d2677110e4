"""Results that are in no bucket: kept here for a day, and read through GetQueryResults alone."""

import contextlib
import os
import time
from pathlib import Path

KEPT_S = 24 * 3600


class Kept:
    """A file for each execution, in a folder on the disk where executions have theirs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def take(self, id: str, file: Path) -> None:
        """Keep a file as the result of an execution; durable on return. Blocks."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with file.open("rb") as written:
            os.fsync(written.fileno())
        file.replace(self._folder / id)
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def find(self, id: str) -> Path | None:
        """The result of an execution, unless it was too long ago."""
        path = self._folder / id
        with contextlib.suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime < KEPT_S:
                return path
        return None

    def expire(self) -> None:
        """Remove those of more than a day ago."""
        if not self._folder.is_dir():
            return
        for path in self._folder.iterdir():
            if self.find(path.name) is None:
                path.unlink(missing_ok=True)
