"""Where applications stand, one file each: written beside, flushed, and renamed over the one before.

A checkpoint is a document: `run` (the number of the run it is of), `positions` (of each input by its id), `snapshot`
(the program's state), `now` (the program's time, ms since 1970), `fingerprint` (of the program the state belongs to).
"""

import contextlib
import hashlib
import os
from pathlib import Path
from typing import Any

from lakemill.formats.messages import decode, encode

Checkpoint = dict[str, Any]


class Checkpoints:
    """Those of all applications, by their id. All methods block; call them from a thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, id: str) -> Checkpoint | None:
        try:
            return decode((self._folder / id).read_bytes())
        except FileNotFoundError:
            return None

    def save(self, id: str, checkpoint: Checkpoint) -> None:
        """Durable on return."""
        self._folder.mkdir(parents=True, exist_ok=True)
        beside = self._folder / f"{id}.new"
        with open(beside, "wb") as file:
            file.write(encode(checkpoint))
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, self._folder / id)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def remove(self, id: str) -> None:
        for name in (id, f"{id}.new"):
            with contextlib.suppress(FileNotFoundError):
                (self._folder / name).unlink()


def fingerprint(program: dict[str, Any]) -> str:
    """The same for programs whose state can be exchanged: same code, inputs and tables, whatever the outputs."""
    same = [program["code"], program["inputs"], [[one["table"], one["form"]] for one in program["references"]]]
    return hashlib.sha256(encode(same)).hexdigest()
