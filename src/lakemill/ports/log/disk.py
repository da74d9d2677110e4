"""The file system as the log uses it: a small seam, so that tests can hand in a disk that crashes, fills up and fails.

Offsets and sizes are in bytes. Everything raises OSError.
"""

import asyncio
import contextlib
import errno
import mmap
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from lakemill.ports.log.kernelsyncs import kernel_syncs

_PIECES_MAX = 1024
"""As many as the system takes in one call (IOV_MAX of Linux)."""

HUGE_BYTES = 2 << 20
"""A huge page, of most processors."""


class File(Protocol):
    """An open file. It stays readable when its name is gone, and is closed when nobody holds it any more."""

    def write(self, offset: int, pieces: Sequence[bytes]) -> None:
        """Write all pieces, one after another; after an OSError any part of them may have been written."""
        ...

    def read(self, offset: int, size: int, *, wait: bool = True) -> bytes:
        """Up to size bytes. With wait=False, BlockingIOError if the disk would have to be waited for."""
        ...

    def view(self, offset: int, size: int, *, wait: bool = True) -> memoryview:
        """As read, for much at a time: no byte of it is copied again, and slices of it keep all of it in memory."""
        ...

    def sync(self) -> None:
        """Return when data and size are on disk."""
        ...

    def fileno(self) -> int:
        """What the disk's `Syncs` know it by."""
        ...

    def truncate(self, size: int) -> None: ...

    def size(self) -> int: ...

    def close(self) -> None: ...


class Syncs(Protocol):
    """Syncs that the system carries out by itself, while no thread of Python waits. Begun by one loop at a time."""

    def begin(self, fileno: int, loop: asyncio.AbstractEventLoop, done: Callable[[OSError | None], None]) -> None:
        """Sync an open file, which stays open meanwhile; the loop calls done. OSError if there is no room for more."""
        ...

    def move(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let another loop call what is still to be called."""
        ...

    def finish(self) -> None:
        """Wait for all that is under way, and call what is to be called."""
        ...

    def close(self) -> None: ...


class Disk(Protocol):
    """Names, folders and files."""

    def create(self, path: Path) -> File:
        """A new file, or an old one emptied."""
        ...

    def open(self, path: Path) -> File: ...

    def rename(self, old: Path, new: Path) -> None: ...

    def remove(self, path: Path) -> None:
        """No error if it is not there."""
        ...

    def names(self, folder: Path) -> list[str]: ...

    def make_folder(self, folder: Path) -> None:
        """With its parents; no error if it is there."""
        ...

    def remove_folder(self, folder: Path) -> None:
        """With all that is in it."""
        ...

    def sync_folder(self, folder: Path) -> None:
        """Return when the names in it are on disk."""
        ...

    def syncs(self) -> Syncs | None:
        """None where only threads can wait for the disk."""
        ...


class RealFile:
    """A file of the machine."""

    def __init__(self, path: Path, flags: int) -> None:
        self._descriptor = -1
        self._descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)

    def write(self, offset: int, pieces: Sequence[bytes]) -> None:
        for start in range(0, len(pieces), _PIECES_MAX):
            some = pieces[start : start + _PIECES_MAX]
            size = sum(map(len, some))
            written = os.pwritev(self._descriptor, some, offset)
            while written < size:
                written += os.pwrite(self._descriptor, b"".join(some)[written:], offset + written)
            offset += size

    def read(self, offset: int, size: int, *, wait: bool = True) -> bytes:
        if not wait:
            return self._read_cached(offset, size)
        data = os.pread(self._descriptor, size, offset)
        while len(data) < size:
            more = os.pread(self._descriptor, size - len(data), offset + len(data))
            if not more:
                break
            data += more
        return data

    def view(self, offset: int, size: int, *, wait: bool = True) -> memoryview:
        buffer = _room(size)
        if not wait:
            self._fill_cached(buffer, offset)
            return buffer.toreadonly()
        count = 0
        while count < size and (more := os.preadv(self._descriptor, [buffer[count:]], offset + count)):
            count += more
        return buffer[:count].toreadonly()

    def _read_cached(self, offset: int, size: int) -> bytes:
        """What the page cache holds, if it holds all of it."""
        buffer = bytearray(size)
        self._fill_cached(buffer, offset)
        return bytes(buffer)

    def _fill_cached(self, buffer: bytearray | memoryview, offset: int) -> None:
        try:
            count = os.preadv(self._descriptor, [buffer], offset, os.RWF_NOWAIT)
        except (AttributeError, OSError) as error:  # Other systems, and file systems that cannot say.
            if isinstance(error, OSError) and error.errno not in (errno.EAGAIN, errno.EOPNOTSUPP, errno.ENOSYS):
                raise
            raise BlockingIOError(errno.EAGAIN, "not in the page cache") from None
        if count < len(buffer):
            raise BlockingIOError(errno.EAGAIN, "not all of it is in the page cache")

    def sync(self) -> None:
        os.fdatasync(self._descriptor)  # Includes the size.

    def fileno(self) -> int:
        return self._descriptor

    def truncate(self, size: int) -> None:
        os.ftruncate(self._descriptor, size)

    def size(self) -> int:
        return os.fstat(self._descriptor).st_size

    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __del__(self) -> None:
        with contextlib.suppress(OSError):
            self.close()


def _room(size: int) -> memoryview:
    """Memory to read into: a huge page where half of one is filled, as getting it by small ones takes longer than
    reading."""
    if HUGE_BYTES // 2 <= size <= HUGE_BYTES and hasattr(mmap, "MADV_HUGEPAGE"):
        room = mmap.mmap(-1, HUGE_BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        with contextlib.suppress(OSError):  # A system without huge pages.
            room.madvise(mmap.MADV_HUGEPAGE)
        return memoryview(room)[:size]
    return memoryview(bytearray(size))


class RealDisk:
    """The machine's file system."""

    def create(self, path: Path) -> File:
        return RealFile(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)

    def open(self, path: Path) -> File:
        return RealFile(path, os.O_RDWR)

    def rename(self, old: Path, new: Path) -> None:
        os.rename(old, new)

    def remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)

    def names(self, folder: Path) -> list[str]:
        return os.listdir(folder)

    def make_folder(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)

    def remove_folder(self, folder: Path) -> None:
        shutil.rmtree(folder)

    def sync_folder(self, folder: Path) -> None:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def syncs(self) -> Syncs | None:
        return kernel_syncs()
