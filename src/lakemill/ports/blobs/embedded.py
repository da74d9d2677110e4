"""Blobs as files under a folder.

A blob is written to `incoming/`, flushed, and renamed to `<a>/<b>/<name>` (a, b: one hexadecimal digit each, of a hash
of the name), then the folder is flushed: that is the moment it exists. Whatever is in `incoming/` at start was never
acknowledged, and `sweep` removes it.

The 256 folders are made once, so that no blob has to wait for a new folder's own flush. Writers that need the same
folder flushed share one flush (`_FolderFlush`).
"""

import errno
import os
import re
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path

from lakemill.ports.blobs.port import BlobMissing

_NAME = re.compile(r"[a-z0-9-]{2,64}\Z")
_HEX = "0123456789abcdef"
INCOMING = "incoming"
SPARE_BYTES = 32 << 20
"""Blobs leave this much of the disk free: room for the metadata, without which nothing could be deleted either."""


class _FolderFlush:
    """fsync of one folder, shared: a caller is served by the first flush that begins after its rename."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._condition = threading.Condition()
        self._running = False
        self._begun = 0
        self._ended = 0
        """Number of the last flush that ended well."""

    def flush(self) -> None:
        with self._condition:
            wanted = self._begun + 1
            while self._running and self._ended < wanted:
                self._condition.wait()
            if self._ended >= wanted:
                return
            self._running = True
            self._begun += 1
            mine = self._begun
        done = False
        try:
            _flush_folder(self._folder)
            done = True
        finally:
            with self._condition:
                self._running = False
                if done:
                    self._ended = mine
                self._condition.notify_all()


class _FileWriting:
    """A blob under way in a temporary file."""

    def __init__(self, temporary: Path, final: Path, flush: _FolderFlush) -> None:
        self._temporary = temporary
        self._final = final
        self._flush = flush
        self._size = 0
        self._open = False
        self._file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._open = True

    def write(self, data: bytes | bytearray | memoryview) -> None:
        _room_for(len(data), os.fstatvfs(self._file))
        view = memoryview(data)
        while view:
            written = os.write(self._file, view)
            self._size += written
            view = view[written:]

    def commit(self) -> int:
        try:
            os.fsync(self._file)
        except OSError:
            self.abort()
            raise
        self._close()
        self._temporary.rename(self._final)
        self._flush.flush()
        return self._size

    def abort(self) -> None:
        if self._close():
            self._temporary.unlink(missing_ok=True)

    def _close(self) -> bool:
        if not self._open:
            return False
        self._open = False
        os.close(self._file)
        return True

    def __del__(self) -> None:
        self.abort()


class EmbeddedBlobs:
    """Blobs in files of a folder of one's own. Safe across threads of one process.

    >>> import tempfile
    >>> blobs = EmbeddedBlobs(Path(tempfile.mkdtemp()))
    >>> writing = blobs.create("greeting")
    >>> writing.write(b"good ")
    >>> writing.write(b"morning")
    >>> writing.commit()
    12
    >>> blobs.read("greeting", 5, 4)
    b'morn'
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._incoming = root / INCOMING
        self._counter = 0
        self._guard = threading.Lock()
        self._flushes: dict[Path, _FolderFlush] = {}
        if not (root / "f" / "f").is_dir():
            self._make_folders()
        self._incoming.mkdir(exist_ok=True)

    def create(self, name: str) -> _FileWriting:
        final = self._place(name)
        with self._guard:
            self._counter += 1
            temporary = self._incoming / f"{os.getpid()}-{self._counter}-{name}"
            flush = self._flushes.setdefault(final.parent, _FolderFlush(final.parent))
        return _FileWriting(temporary, final, flush)

    def size(self, name: str) -> int:
        try:
            return self._place(name).stat().st_size
        except FileNotFoundError:
            raise BlobMissing(name) from None

    def read(self, name: str, offset: int = 0, length: int | None = None) -> bytes:
        try:
            with open(self._place(name), "rb", buffering=0) as file:
                size = os.fstat(file.fileno()).st_size
                left = max(0, size - offset) if length is None else min(length, max(0, size - offset))
                return _pread(file.fileno(), left, offset)
        except FileNotFoundError:
            raise BlobMissing(name) from None

    def path(self, name: str) -> Path | None:
        return self._place(name)

    def delete(self, name: str) -> None:
        self._place(name).unlink(missing_ok=True)

    def names(self) -> Iterator[str]:
        for first in _HEX:
            for second in _HEX:
                with os.scandir(self._root / first / second) as entries:
                    for entry in entries:
                        yield entry.name

    def room_for(self, size: int) -> None:
        _room_for(size, os.statvfs(self._root))

    def sweep(self) -> int:
        removed = 0
        for leftover in self._incoming.iterdir():
            leftover.unlink()
            removed += 1
        return removed

    def _place(self, name: str) -> Path:
        if not _NAME.match(name):
            raise ValueError(f"a blob's name must be 2 to 64 of a-z, 0-9 and '-'; got {name!r}")
        spread = zlib.crc32(name.encode())
        return self._root / _HEX[spread >> 4 & 15] / _HEX[spread & 15] / name

    def _make_folders(self) -> None:
        """All folders, durably: the last one made tells that the others are there."""
        self._root.mkdir(parents=True, exist_ok=True)
        for first in _HEX:
            for second in _HEX:
                (self._root / first / second).mkdir(parents=True, exist_ok=True)
            _flush_folder(self._root / first)
        _flush_folder(self._root)


def _room_for(size: int, disk: os.statvfs_result) -> None:
    if disk.f_bavail * disk.f_frsize < SPARE_BYTES + size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _pread(descriptor: int, length: int, offset: int) -> bytes:
    """length bytes from offset; the kernel may hand over less than asked (2 GiB at most a call)."""
    data = os.pread(descriptor, length, offset)
    if len(data) == length:
        return data
    parts = [data]
    while data and (length := length - len(data)) > 0:
        offset += len(data)
        data = os.pread(descriptor, length, offset)
        parts.append(data)
    return b"".join(parts)
