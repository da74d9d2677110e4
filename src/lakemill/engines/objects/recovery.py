"""What is done at start about a crash: nothing acknowledged is lost, nothing unacknowledged stays."""

import msgspec

from lakemill.engines.objects import rows
from lakemill.engines.objects.references import forget
from lakemill.ports.blobs import Blobs
from lakemill.ports.clock import Clock
from lakemill.ports.metadata import Metadata, Transaction


class Recovery(msgspec.Struct, frozen=True):
    """What was found and removed."""

    unfinished: int
    """Blobs that were being written."""
    unreferenced: int
    """Blobs whose document was never written."""
    garbage: int
    """Data whose last reference was dropped, but not yet the bytes."""

    def __str__(self) -> str:
        return (
            f"Object store: removed {self.unfinished} unfinished, {self.unreferenced} unreferenced blobs"
            f" and {self.garbage} dropped pieces of data."
        )


def recover(metadata: Metadata, blobs: Blobs, clock: Clock) -> Recovery:
    """Remove what a crash left. Call once at start, before anybody writes.

    Costs one listing of blob names, and one lookup for each blob made since the last start.
    """
    unfinished = blobs.sweep()
    began = rows.time_mark(clock.time())
    garbage = [name for name, _ in list(metadata.scan(rows.GARBAGE))]
    for name in garbage:
        if name.startswith(rows.BLOB_DATA):
            blobs.delete(name)
    checked_until = (metadata.get(rows.STATE, "checked_until") or {}).get("mark", "")
    since = rows.BLOB_DATA + checked_until
    unreferenced = [
        name
        for name in blobs.names()
        if name.startswith(rows.BLOB_DATA) and name >= since and metadata.get(rows.BLOBS, name) is None
    ]
    for name in unreferenced:
        blobs.delete(name)

    def note(transaction: Transaction) -> None:
        forget(transaction, garbage)
        transaction.put(rows.STATE, "checked_until", {"mark": began})

    metadata.transact_blocking(note)
    return Recovery(unfinished, len(unreferenced), len(garbage))
