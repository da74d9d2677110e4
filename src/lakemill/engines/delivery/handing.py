"""Handing records to another process, and back: through a file in memory. A pipe would copy them five times."""

import array
import asyncio
import contextlib
import mmap
import os
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import msgspec

from lakemill.engines.delivery.parts import Logged, Origin
from lakemill.engines.delivery.records import Record
from lakemill.engines.delivery.rows import Rows

PIECES_MAX = 1024
"""Written at once, at most."""
KEPT_S = 30.0
"""How long a file waits to be used again."""


class InFile(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Where the data of a part lies that was not read: in which of the files, in which block, and where in that."""

    file: int
    offset: int
    block_bytes: int
    begin: int


class Handed(msgspec.Struct):
    """Where the records are: their data, and then for each part where in it that of each record ends.

    parts: for each, how many records, how many bytes, and what is to be taken off its ends. places: whether the time of
    every record follows, and then the position of every record. unread: by their number, parts with data in `files`;
    watched: whether among those are some of data streams, which may be packed.
    """

    path: str
    inode: int
    parts: list[tuple[int, int, int]]
    places: bool = False
    files: list[str] = []
    unread: dict[int, InFile] = {}
    watched: bool = False

    @property
    def data_bytes(self) -> int:
        """Bytes of the data that is here."""
        return sum([size for number, (_, size, _) in enumerate(self.parts) if number not in self.unread])

    @property
    def count(self) -> int:
        """How many records."""
        return sum([count for count, _, _ in self.parts])

    @property
    def size(self) -> int:
        """Bytes of all that is here."""
        return self.data_bytes + (20 if self.places else 4) * self.count


class SharedFile:
    """A file in memory, and the path under which other processes find it while it is open."""

    def __init__(self) -> None:
        self.file: BinaryIO
        self.used_s = 0.0
        if hasattr(os, "memfd_create") and os.stat("/proc/self/fd").st_uid == os.geteuid():
            self.file = open(os.memfd_create("records"), "w+b", 0)  # noqa: SIM115 - kept open.
            self.path = f"/proc/{os.getpid()}/fd/{self.file.fileno()}"
        else:  # No such thing here, or another process may not look into this one.
            self._named = tempfile.NamedTemporaryFile()  # noqa: SIM115
            self.path = self._named.name
            self.file = open(self.path, "w+b", 0)  # noqa: SIM115

    def __del__(self) -> None:  # Not before: a thread that still wrote would do it to what came to its number.
        self.file.close()


class SharedFiles:
    """Files that are used again for some time: to write to memory that is there already takes half the time."""

    def __init__(self) -> None:
        self._free: list[SharedFile] = []

    @contextlib.contextmanager
    def borrowed(self) -> Iterator[SharedFile]:
        """A file for oneself. If a thread or process may not be done with it, nobody else gets it."""
        loop = asyncio.get_running_loop()
        one = self._free.pop() if self._free else SharedFile()
        yield one
        one.used_s = loop.time()
        self._free.append(one)
        loop.call_later(KEPT_S, self._forget, one, one.used_s)

    def _forget(self, one: SharedFile, used_s: float) -> None:
        if one in self._free and one.used_s == used_s:
            self._free.remove(one)


def write(records: Sequence[Record], shared: SharedFile, *, places: bool = False, unread: bool = False) -> Handed:
    """Write records to a file, over what it has.

    places: with their times and positions, if all parts have those. unread: without the data that lies in the log.
    """
    rows = Rows.of(records)
    parts: list[tuple[int, int, int]] = []
    pieces: list[Any] = []
    columns: list[Any] = []
    files: dict[str, int] = {}
    there: dict[int, InFile] = {}
    watched = False
    for part in rows.parts:
        if unread and (lying := part.unread()):
            values, ends, base = lying
            begin = values.block_bytes - values.size + base
            place = files.setdefault(str(values.path), len(files))
            there[len(parts)] = InFile(place, values.offset, values.block_bytes, begin)
            watched |= isinstance(part, Logged) and bool(part.origin.shard)
        else:
            data, ends, base = part.joined()
            pieces.append(data)
        columns.append(ends if isinstance(ends, array.array) else array.array("I", ends))
        parts.append((len(ends), part.size, base))
    found = [part.places() for part in rows.parts] if places else [None]
    if None not in found:
        columns += [array.array("q", one.times) for one in found if one]
        columns += [array.array("q", one.positions) for one in found if one]
    _write(shared.file.fileno(), pieces + columns, 0)
    inode = os.fstat(shared.file.fileno()).st_ino
    return Handed(shared.path, inode, parts, None not in found, list(files), there, watched)


def _write(file: int, pieces: list[Any], offset: int) -> None:
    """Write pieces of bytes one after the other, without another copy."""
    for start in range(0, len(pieces), PIECES_MAX):
        some = [memoryview(one).cast("B") for one in pieces[start : start + PIECES_MAX] if len(one)]
        while some:
            written = os.pwritev(file, some, offset)
            offset += written
            while some and written >= len(some[0]):
                written -= len(some.pop(0))
            if written:
                some[0] = some[0][written:]


def opened(given: Handed, mode: str) -> BinaryIO:
    """The file, in another process. Raises FileNotFoundError when it is no more; its path may be another one's then."""
    file: BinaryIO = open(given.path, mode)  # type: ignore[assignment]  # noqa: SIM115
    if os.fstat(file.fileno()).st_ino == given.inode:
        return file
    file.close()
    raise FileNotFoundError(given.path)


def arrow(given: Handed) -> Any:
    """The data of records that were handed over, none of it unread, as an Arrow array over the file.

    For worker processes only.
    """
    import numpy as np
    import pyarrow as pa

    counts, sizes, bases = np.array(given.parts, np.int64).reshape(-1, 3).T
    count, size = int(counts.sum()), int(sizes.sum())
    # At once what will be read: to find each page when it is touched takes longer.
    flags = mmap.MAP_SHARED | getattr(mmap, "MAP_POPULATE", 0)
    with opened(given, "rb") as file:
        mapped = mmap.mmap(file.fileno(), size + 4 * count, flags, mmap.PROT_READ)
    ends = np.frombuffer(mapped, np.uint32, count, size)
    offsets = np.zeros(len(ends) + 1, np.int32)
    offsets[1:] = ends + np.repeat(np.cumsum(sizes) - sizes - bases, counts)
    return pa.Array.from_buffers(pa.binary(), len(ends), [None, pa.py_buffer(offsets), pa.py_buffer(mapped)])


def append(given: Handed, made: bytes) -> None:
    """Write bytes behind the records that were handed over. For worker processes only."""
    with opened(given, "r+b") as file:
        _write(file.fileno(), [made], given.size)


def taken(shared: SharedFile, given: Handed, size: int) -> bytes:
    """So many bytes that were written behind them, in the process that handed them over."""
    return os.pread(shared.file.fileno(), size, given.size)


def give_back(given: Handed, records: Any, order: Any, counts: Any, delimiter: bytes) -> None:
    """Write records behind those that were handed over with places. For worker processes only.

    records: as `arrow` gave them. order (m,): which, one after the other. counts: how many make a part; all ends are
    told from the beginning of theirs. delimiter: follows the data of each.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    taken = records.take(pa.array(order))
    if delimiter:
        taken = pc.binary_join_element_wise(taken, pa.scalar(b"", pa.binary()), pa.scalar(delimiter, pa.binary()))
    _, offsets, data = taken.buffers()
    bounds = np.frombuffer(offsets, np.int32, len(taken) + 1)
    begins = bounds[np.cumsum(counts) - counts]
    with opened(given, "r+b") as file:
        file.seek(given.size - 16 * len(records))
        places = np.fromfile(file, np.int64, 2 * len(records)).reshape(2, len(records))
        ends = (bounds[1:] - np.repeat(begins, counts)).astype(np.uint32)
        _write(file.fileno(), [ends, *np.take(places, order, 1), data or b""], given.size)


def read_back(shared: SharedFile, given: Handed, counts: Sequence[int], origins: Sequence[Origin]) -> list[Logged]:
    """What was given back, in the process that handed it over. origins: of the records of each part."""
    file, offset = shared.file.fileno(), given.size
    columns = array.array("I"), array.array("q"), array.array("q")
    for column in columns:
        size = column.itemsize * sum(counts)
        column.frombytes(os.pread(file, size, offset))
        offset += size
    found, start = [], 0
    for count, origin in zip(counts, origins, strict=True):
        ends, times, positions = (column[start : start + count] for column in columns)
        found.append(Logged(os.pread(file, ends[-1], offset), ends, times, positions, origin))
        offset += ends[-1]
        start += count
    return found
