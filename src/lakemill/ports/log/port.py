"""The log port: records in order, kept until they are too old.

A log has shards, numbered from 0; each is an ordered sequence of records under rising positions. All shards of a log
are appended to in one go and flushed together. Promises every adapter keeps (tests/contracts/log.py holds them to it):

- `append` returns only when all its records are on disk. Callers that wait at the same time share a flush.
- Positions of a shard rise with every record; those of one `append` are in the order given. They are never used twice,
  not even after a crash or after `trim`.
- A reader sees a record only when it is on disk, always in order, without gaps among what was acknowledged.
- Records that were never acknowledged may be there or not, whole. A torn end of a file is cut off at the next start;
  damage elsewhere is an error that names the file, never a silent loss.
- Times of a shard never fall: a record older than its predecessor gets the predecessor's.
- If the disk is full, `append` raises OSError, nothing of it is read later, and the log goes on when there is room.
"""

import dataclasses
import itertools
import re
from collections.abc import Awaitable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol, Self, overload

import msgspec


class LogMissing(Exception):
    """There is no log of this name, or no such shard in it."""


class LogExists(Exception):
    """There is a log of this name already."""


class LogDamaged(Exception):
    """What was written can no longer be read. The text names file and offset."""


# Entry and Record are made by the hundred thousand a second: a msgspec structure takes a seventh of a dataclass's time.


class Entry(msgspec.Struct, frozen=True, gc=False):
    """What is appended to a shard."""

    shard: int
    time_ms: int
    """Milliseconds since 1970."""
    key: bytes
    value: bytes
    note: bytes = b""
    """A few bytes beside the value that belong to the writer (how it is encrypted, say)."""


class Record(msgspec.Struct, frozen=True, gc=False):
    """What is read from a shard."""

    position: int
    time_ms: int
    key: bytes
    value: bytes
    note: bytes


class Records(Sequence[Record]):
    """Records of a shard in order, as columns. A Record is made when somebody takes one.

    >>> found = Records.of([Record(7, 0, b"ann", b"one", b""), Record(8, 5, b"bob", b"two", b"")])
    >>> found.values, found.notes, found[-1].position
    ([b'one', b'two'], [], 8)
    """

    __slots__ = ("keys", "notes", "positions", "times", "values")

    def __init__(self) -> None:
        self.positions: list[int] = []
        self.times: list[int] = []
        """Milliseconds since 1970."""
        self.keys: list[bytes] = []
        self.values: list[bytes] = []
        self.notes: list[bytes] = []
        """Of each record; none at all if no record has one."""

    @classmethod
    def of(cls, records: Iterable[Record]) -> Self:
        made = cls()
        for one in records:
            made.append(one.position, one.time_ms, one.key, one.value, one.note)
        return made

    def append(self, position: int, time_ms: int, key: bytes, value: bytes, note: bytes) -> None:
        """Have one more record at the end."""
        if self.notes or note:
            self.notes += [b""] * (len(self.values) - len(self.notes))
            self.notes.append(note)
        self.positions.append(position)
        self.times.append(time_ms)
        self.keys.append(key)
        self.values.append(value)

    def add(
        self,
        positions: Iterable[int],
        times: Iterable[int],
        keys: Iterable[bytes],
        values: Sequence[bytes],
        notes: Sequence[bytes] = (),
    ) -> None:
        """Have more records at the end."""
        if self.notes or any(notes):
            self.notes += [b""] * (len(self.values) - len(self.notes))
            self.notes += notes or [b""] * len(values)
        self.positions += positions
        self.times += times
        self.keys += keys
        self.values += values

    def size(self) -> int:
        """Bytes of keys and values."""
        return sum(map(len, self.keys)) + sum(map(len, self.values))

    def __len__(self) -> int:
        return len(self.positions)

    def __iter__(self) -> Iterator[Record]:
        notes = self.notes or itertools.repeat(b"")
        return map(Record, self.positions, self.times, self.keys, self.values, notes)

    @overload
    def __getitem__(self, index: int) -> Record: ...

    @overload
    def __getitem__(self, index: slice) -> "Records": ...

    def __getitem__(self, index: "int | slice") -> "Record | Records":
        columns = self.positions[index], self.times[index], self.keys[index], self.values[index]
        if isinstance(index, slice):
            part = Records()
            part.add(*columns, self.notes[index])  # type: ignore[arg-type]
            return part
        return Record(*columns, self.notes[index] if self.notes else b"")  # type: ignore[arg-type]


class Stretch(msgspec.Struct, frozen=True, gc=False):
    """Records of a shard that follow one another, their values as columns: for those who carry many without a look."""

    position: int
    """Of the first record; the others' rise by one."""
    times: Sequence[int]
    """Of each record, milliseconds since 1970."""
    data: bytes | memoryview
    """All values, one after the other."""
    ends: Sequence[int]
    """Where in data each value ends."""
    notes: Sequence[bytes] = ()
    """Of each record; none at all if no record has one."""


class Unread(Protocol):
    """Values of records, one after the other, that lie in a file of this machine: at the end of a block of the log.

    A process that reads them itself looks whether the block is whole: `check_block`.
    """

    @property
    def path(self) -> Path: ...

    @property
    def offset(self) -> int:
        """Of the block in the file."""
        ...

    @property
    def block_bytes(self) -> int: ...

    @property
    def size(self) -> int:
        """Bytes of the values."""
        ...

    def read(self) -> memoryview:
        """The values, even if the file has no name any more. Waits for the disk; raises LogDamaged."""
        ...


class Located(msgspec.Struct, frozen=True, gc=False):
    """As a Stretch, with values that were not read."""

    position: int
    times: Sequence[int]
    values: Unread
    ends: Sequence[int]


@dataclasses.dataclass(frozen=True, slots=True)
class Bounds:
    """first: position of the oldest record that is kept; next: the one that the next record will have or exceed.

    Equal when nothing is kept. last_ms: time of the newest record ever, 0 when there was none.
    """

    first: int
    next: int
    last_ms: int


_NAME = re.compile(r"[A-Za-z0-9._-]{1,200}\Z")


def check_name(name: str) -> None:
    """Raises ValueError for what is not a log's name."""
    if not _NAME.match(name):
        raise ValueError(f"a log's name must have 1 to 200 letters, digits, '.', '_' or '-'; got {name!r}")


class Log(Protocol):
    """The store of all logs. Names: letters, digits, `.`, `_`, `-`, at most 200 characters."""

    async def create(self, name: str, shards: int) -> None:
        """Make a log; durable on return. Raises LogExists; ValueError for a name that is none."""
        ...

    async def grow(self, name: str, shards: int) -> None:
        """Have at least so many shards; durable on return. Raises LogMissing."""
        ...

    async def delete(self, name: str) -> None:
        """Remove a log with all records; nothing happens if there is none."""
        ...

    def exists(self, name: str) -> bool:
        """Whether there is such a log."""
        ...

    def append(self, name: str, entries: Sequence[Entry]) -> Awaitable[Sequence[int]]:
        """Append records, to any shards; their positions in the order given. Durable on return. Raises LogMissing."""
        ...

    async def read(self, name: str, shard: int, position: int, *, records: int, size: int) -> Records:
        """Records from this position on (or from the oldest kept, if that is later).

        At most `records`, and no more than `size` bytes of keys and values, but at least one if there is one.
        Raises LogMissing, LogDamaged.
        """
        ...

    async def read_stretches(self, name: str, shard: int, position: int, *, size: int) -> Sequence[Stretch]:
        """The records that `read` gives, without their keys and as they lie together, until they reach `size` bytes.

        The last stretch is whole, so that it may be more. A record counts 12 bytes beside its value.
        Raises LogMissing, LogDamaged.
        """
        ...

    async def locate(self, name: str, shard: int, position: int, *, size: int) -> Sequence[Located | Stretch]:
        """The records that `read_stretches` gives, for another process: of what can be read later, only where it is.

        Damage that one would find by reading the values is found when they are read.
        Raises LogMissing, LogDamaged.
        """
        ...

    async def position_at(self, name: str, shard: int, time_ms: int) -> int:
        """Position of the first kept record of this time or later; the next position if there is none."""
        ...

    def bounds(self, name: str, shard: int) -> Bounds:
        """What the shard holds. Raises LogMissing."""
        ...

    async def wait(self, name: str, positions: Mapping[int, int], timeout_s: float) -> bool:
        """Until some shard has a record at its position or later; False if none came in time. Raises LogMissing."""
        ...

    async def trim(self, name: str, before_ms: int) -> None:
        """Forget records older than this. They are not read any more on return; their room is freed by and by."""
        ...

    def close(self) -> None:
        """Finish what was accepted and close the files."""
        ...
