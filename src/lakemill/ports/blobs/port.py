"""The blobs port: immutable byte strings of any size under names we choose.

Promises every adapter keeps (tests/contracts/blobs.py holds them to it):

- A blob is not there, then after `Writing.commit` it is wholly there: no reader ever sees a part.
- When `commit` returns, the bytes are on disk. A crash before that leaves no blob under that name.
- A committed blob never changes. `delete` of a missing blob is no error.
- Names are safe on any file system: lower-case letters, digits, `-`, 2 to 64 characters.
- All methods block (call them from a thread) and are safe across threads; one Writing belongs to one thread at a time.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol


class BlobMissing(KeyError):
    """No blob has this name. Fields: name."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"no blob is named {self.name!r}"


class Writing(Protocol):
    """A blob under way."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append bytes."""
        ...

    def commit(self) -> int:
        """Make the blob visible and durable; its size in bytes."""
        ...

    def abort(self) -> None:
        """Forget it; after commit or abort this does nothing."""
        ...


class Blobs(Protocol):
    """The store."""

    def create(self, name: str) -> Writing:
        """Begin a blob. An existing blob of that name is replaced at commit."""
        ...

    def size(self, name: str) -> int:
        """Bytes in it. Raises BlobMissing."""
        ...

    def read(self, name: str, offset: int = 0, length: int | None = None) -> bytes:
        """Bytes [offset, offset + length), short at the end. Raises BlobMissing."""
        ...

    def path(self, name: str) -> Path | None:
        """A local file with these bytes, to be read only, or None where the store has no local files."""
        ...

    def delete(self, name: str) -> None:
        """Remove it; readers that have it open keep reading."""
        ...

    def names(self) -> Iterator[str]:
        """Every committed blob's name, in no order."""
        ...

    def room_for(self, size: int) -> None:
        """Raises OSError ENOSPC if that many bytes more would leave the store too little room to delete in."""
        ...

    def sweep(self) -> int:
        """Remove what crashed writers left; returns how many. Call once at start, before anybody writes."""
        ...
