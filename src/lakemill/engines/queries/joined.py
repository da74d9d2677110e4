"""Objects of several parts, each as one file that is kept for the next statement.

A statement reads files. An object that was written in one piece is one already; one of many parts must be put together,
which takes as long as to read it.
"""

import hashlib
import os
import shutil
import threading
from pathlib import Path

from lakemill.engines.objects import DataVanished, ObjectRecord, Objects

LEAST_BYTES = 1 << 20
"""What is smaller is put together again each time."""
KEPT_BYTES_MAX = 64 << 30
"""All files that are kept; also no more than a quarter of what is free."""


class Joined:
    """folder: on the disk of the objects; what is in it may be removed at any time. Blocks; safe across threads."""

    def __init__(self, objects: Objects, folder: Path, kept_max: int = KEPT_BYTES_MAX) -> None:
        self._objects, self._folder, self._kept_max = objects, folder, kept_max
        self._guard = threading.Lock()
        self._making: dict[Path, threading.Lock] = {}

    def link(self, bucket: str, key: str, path: Path) -> None:
        """Make an object's bytes a file, to be read only; it stays until its name is removed. Raises as `head`."""
        while True:
            record = self._objects.head(bucket, key)
            if record.size < LEAST_BYTES or self._objects.data.file(record) is not None:
                self._objects.link(bucket, key, path)
                return
            try:
                if self._link_kept(record, path):
                    return
            except DataVanished:  # Replaced just now: take the new one.
                continue

    def _link_kept(self, record: ObjectRecord, path: Path) -> bool:
        """False if its file went at this very moment."""
        self._folder.mkdir(parents=True, exist_ok=True)
        kept = self._folder / hashlib.sha256(record.data.encode()).hexdigest()
        with self._guard:
            making = self._making.setdefault(kept, threading.Lock())
        with making:
            if not kept.exists():
                self._objects.data.copy_to(record, kept)
        try:
            os.utime(kept)
            os.link(kept, path)
        except FileNotFoundError:
            return False
        self._tidy()
        return True

    def _tidy(self) -> None:
        """Remove those that were not used for the longest time, when there is too much."""
        with self._guard:
            found = []
            for one in self._folder.glob("[!.]*"):
                about = one.stat()
                found.append((about.st_mtime_ns, about.st_size, one))
            room = min(self._kept_max, shutil.disk_usage(self._folder).free // 4)
            total = sum(size for _, size, _ in found)
            for _, size, one in sorted(found):
                if total <= room:
                    return
                one.unlink()
                self._making.pop(one, None)
                total -= size
