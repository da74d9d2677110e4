"""The metadata port: small documents, transactions, ordered scans, leases.

Promises every adapter keeps (tests/contracts/metadata.py holds them to it):

- `transact` returns only when what the work wrote is on disk; a crash before that leaves nothing of it.
- Transactions are serialisable: work sees no other transaction's half, and never runs beside another.
- If work raises, nothing it wrote stays, and the caller gets that very exception.
- Concurrent callers share one disk flush (group commit), so 128 callers are nearly as fast as one.
- Reads outside a transaction see everything that was acknowledged before they began.
- Keys of a table are ordered by their UTF-8 bytes.

A document is a dict (or list, str, bytes, int, float, bool, None, aware datetime) nested as one likes.
"""

from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
Document = Any


class Reader(Protocol):
    """What can be asked, inside a transaction and outside."""

    def get(self, table: str, key: str) -> Document | None:
        """The document under this key, or None."""
        ...

    def scan(
        self,
        table: str,
        start: str = "",
        stop: str | None = None,
        *,
        limit: int | None = None,
        reverse: bool = False,
    ) -> Iterator[tuple[str, Document]]:
        """Documents with start <= key < stop in key order (from the far end with reverse)."""
        ...


class Transaction(Reader, Protocol):
    """What work may do inside `transact`."""

    def put(self, table: str, key: str, document: Document) -> None:
        """Write the document under this key, replacing what was there."""
        ...

    def delete(self, table: str, key: str) -> bool:
        """Remove the document; False if there was none."""
        ...


class Metadata(Reader, Protocol):
    """The store. `work` must be quick, must not wait for anything, and must not keep the transaction."""

    async def transact(self, work: Callable[[Transaction], T]) -> T:
        """Run work in a transaction, from the event loop; durable when it returns."""
        ...

    def transact_blocking(self, work: Callable[[Transaction], T]) -> T:
        """The same from a thread that is not the event loop's."""
        ...

    async def acquire(self, lease: str, owner: str, ttl_s: float) -> bool:
        """Take or renew a lease; False while another owner's has not run out."""
        ...

    async def release(self, lease: str, owner: str) -> None:
        """Give a lease back; nothing happens if it is someone else's."""
        ...

    def close(self) -> None:
        """Finish what was accepted and close the store."""
        ...


def prefix_end(prefix: str) -> str | None:
    """The first key after all keys that start with prefix: `scan(table, prefix, prefix_end(prefix))`.

    >>> prefix_end("a/b")
    'a/c'
    >>> prefix_end("") is None
    True
    """
    while prefix:
        last = ord(prefix[-1])
        if last < 0x10FFFF:
            following = last + 1
            if 0xD800 <= following <= 0xDFFF:  # Surrogates are no characters; step over them.
                following = 0xE000
            return prefix[:-1] + chr(following)
        prefix = prefix[:-1]
    return None
