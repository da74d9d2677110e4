"""Texts at fixed paths of JSON records, by the block and compiled. What is unusual is named, for others to read."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from lakemill.formats import jit
from lakemill.formats.jsoncolumns import gathered, not_text

_KERNEL = "lakemill.formats.jsonpaths_kernel"


class PathReader:
    """Reads paths, each the names of members from the outermost one inwards. No path goes on where another ends.

    A text is a string, a whole number of up to 15 digits, true or false. A record is unusual if it is anything but one
    object (RFC 8259) in UTF-8, or lacks a text, or a text is empty or has escapes.

    compiled: True to insist; None reads nothing until enough bytes were asked for.

    >>> reader = PathReader([["a"], ["b", "c"]], compiled=True)
    >>> texts, unusual = reader.read(pa.array([b'{"a": "x", "b": {"c": 7}}', b'{"a": "y"}'], pa.binary()))
    >>> [text[0].as_py() for text in texts], unusual.tolist()
    (['x', '7'], [False, True])
    """

    def __init__(self, paths: Sequence[Sequence[str]], *, compiled: bool | None = None) -> None:
        self._paths, self._compiled = paths, compiled
        self._asked = 0
        self._level: _Level | None = None

    def read(self, records: pa.BinaryArray) -> tuple[list[pa.Array], np.ndarray]:
        """For each path the texts of all n records, and (n,) bool: which are unusual, and have texts without meaning.

        While nothing is read, all are.
        """
        self._asked += records.nbytes
        kernel = jit.kernels(_KERNEL, jit.COLD_BYTES if self._compiled else self._asked) if len(records) else None
        if kernel is None:
            return [pa.nulls(len(records), pa.string())] * len(self._paths), np.ones(len(records), bool)
        if self._level is None:
            self._level = _Level(list(enumerate(self._paths)), kernel)
        texts: dict[int, pa.Array] = {}
        unusual = not_text(records)
        self._level.read(records, unusual, texts)
        return [texts[place] for place in range(len(texts))], unusual


class _Level:
    """The members of one object that paths end at or go through. paths: the number of each, and its rest."""

    def __init__(self, paths: Sequence[tuple[int, Sequence[str]]], kernel: Any) -> None:
        self._kernel = kernel
        rests: dict[str, list[tuple[int, Sequence[str]]]] = {}
        for number, path in paths:
            rests.setdefault(path[0], []).append((number, path[1:]))
        self._members: list[int | _Level] = []
        """For each member the path that ends there, or where those go on that do not."""
        for rest in rests.values():
            ends = [number for number, path in rest if not path]
            self._members.append(ends[0] if ends else _Level(rest, kernel))
        keys = [name.encode() for name in rests]
        self._keys = np.frombuffer(b"".join(keys), np.uint8)
        self._bounds = np.cumsum([0, *map(len, keys)])
        self._table = np.full(1 << (2 * len(keys)).bit_length(), -1, np.int64)
        kernel.hashed(self._keys, self._bounds, self._table)
        self._kinds = np.array([kernel.TEXT if isinstance(one, int) else kernel.RAW for one in self._members], np.int64)
        self._limits = np.zeros(len(keys), np.int64)

    def read(self, records: pa.BinaryArray, unusual: np.ndarray, texts: dict[int, pa.Array]) -> None:
        """Put the texts of all paths in; mark the records that are unusual."""
        address, size, valid, cells = self._taken(records, unusual)
        for column, member in enumerate(self._members):
            if isinstance(member, int):
                self._kernel.unfit(address, cells[column], valid[column], unusual)
                texts[member] = gathered(self._kernel, pa.string(), None, address, size, valid[column], cells[column])
            else:
                inner = gathered(self._kernel, pa.binary(), None, address, size, valid[column], cells[column])
                member.read(inner, unusual, texts)

    def _taken(self, records: pa.BinaryArray, unusual: np.ndarray) -> tuple[int, int, np.ndarray, np.ndarray]:
        """The address and size of the bytes, and (members, n) what was found in each record that is one object."""
        _, offsets, data = records.buffers()
        count, address = len(records), data.address if data is not None else 0
        bounds = np.frombuffer(offsets, np.int32, count + 1, 4 * records.offset)
        rows = np.zeros(count, np.int64)
        # Some more, so that the columns do not all begin at the same place of the cache.
        valid = np.zeros((len(self._members), count + 37), np.uint8)
        cells = np.zeros((len(self._members), count + 37), np.int64)
        kernel = self._kernel
        gone, _ = kernel.taken(
            *(address, bounds, unusual, rows, False, False, False, 1),
            *(self._keys, self._bounds, self._table, self._kinds, self._limits, self._limits),
            *(valid, cells),
        )
        single = rows == 1
        single[gone:] = False  # So many had several objects that there was no room.
        if not single.all():
            unusual |= ~single
            row = np.where(single, np.cumsum(rows) - rows, 0)
            valid, cells = np.take(valid, row, 1), np.take(cells, row, 1)
            valid[:, ~single] = kernel.NULL
        return address, int(bounds[-1]), valid[:, :count], cells[:, :count]
