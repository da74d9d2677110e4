"""Labels and trained models, as blobs that nothing changes: a transform's document says which are its own.

A blob is on the disk before the document names it, and is removed after no document does. What a crash leaves between
the two is removed at the next start.
"""

import secrets
from pathlib import Path

from lakemill.ports.blobs import Blobs


class Artifacts:
    """Over blobs of their own."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    def keep(self, path: Path) -> str:
        """A file's bytes as a new blob, durable on return; its name. Blocks."""
        name = f"artifact-{secrets.token_hex(16)}"
        writing = self._blobs.create(name)
        try:
            with path.open("rb") as file:
                while piece := file.read(1 << 20):
                    writing.write(piece)
            writing.commit()
        finally:
            writing.abort()
        return name

    def read(self, name: str) -> bytes:
        """Raises BlobMissing. Blocks."""
        return self._blobs.read(name)

    def drop(self, *names: str | None) -> None:
        """Remove those that no document names any more. Blocks."""
        for name in names:
            if name:
                self._blobs.delete(name)

    def recover(self, named: set[str]) -> int:
        """Remove all but those that documents name; how many. Call once at start."""
        lost = self._blobs.sweep()
        for name in list(self._blobs.names()):
            if name not in named:
                self._blobs.delete(name)
                lost += 1
        return lost
