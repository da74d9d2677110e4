"""Handing records to another process: through a file in memory, which both map. A pipe would copy them five times."""

import array
import contextlib
import mmap
import os
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import msgspec

from lakemill.engines.delivery.records import Record
from lakemill.engines.delivery.rows import Rows

BUFFER_BYTES = 256 << 10


class Handed(msgspec.Struct):
    """Where the records are: their data, and then for each part where in it that of each record ends.

    parts: for each, how many records, how many bytes, and what is to be taken off its ends.
    """

    path: str
    parts: list[tuple[int, int, int]]


@contextlib.contextmanager
def shared_file() -> Iterator[tuple[BinaryIO, str]]:
    """An empty file, and the path under which other processes find it until this ends."""
    if hasattr(os, "memfd_create") and os.stat("/proc/self/fd").st_uid == os.geteuid():
        with open(os.memfd_create("records"), "wb", BUFFER_BYTES) as file:
            yield file, f"/proc/{os.getpid()}/fd/{file.fileno()}"
    else:  # No such thing here, or another process may not look into this one.
        with tempfile.NamedTemporaryFile() as named, open(named.name, "wb", BUFFER_BYTES) as file:
            yield file, named.name


def write(records: Sequence[Record], file: BinaryIO, path: str) -> Handed:
    """Write records to a file that is shared."""
    parts, ends = [], []
    for part in Rows.of(records).parts:
        data, part_ends, base = part.joined()
        file.write(data)
        ends.append(part_ends)
        parts.append((len(part_ends), len(data), base))
    for one in ends:
        file.write(one if isinstance(one, array.array) else array.array("I", one))
    file.flush()
    return Handed(path, parts)


def arrow(given: Handed) -> Any:
    """The data of records that were handed over, as an Arrow array over the file. For worker processes only."""
    import numpy as np
    import pyarrow as pa

    with open(given.path, "rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    counts, sizes, bases = np.array(given.parts, np.int64).reshape(-1, 3).T
    size = int(sizes.sum())
    ends = np.frombuffer(mapped, np.uint32, int(counts.sum()), size)
    offsets = np.zeros(len(ends) + 1, np.int32)
    offsets[1:] = ends + np.repeat(np.cumsum(sizes) - sizes - bases, counts)
    return pa.Array.from_buffers(pa.binary(), len(ends), [None, pa.py_buffer(offsets), pa.py_buffer(mapped)])
