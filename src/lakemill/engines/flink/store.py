"""What programs keep on the disk, a folder for each application:

code/<sha256>.zip            archives, by what is in them
<id>/run-<number>/           attempts and checkpoints of a run; gone when it has ended
<id>/snapshots/<number>/     saved state that stays
"""

import contextlib
import hashlib
import os
import secrets
import shutil
from collections.abc import Collection
from pathlib import Path

from lakemill.engines.flink.attempt import PREFIX, Attempt
from lakemill.ports.compute import Compute

RUN = "run-"


class Store:
    """All methods block; call them from a thread."""

    def __init__(self, folder: Path, compute: Compute) -> None:
        self._folder, self._compute = folder, compute

    def keep(self, archive: bytes) -> str:
        """Keep an archive; its SHA-256 in hexadecimal. Durable on return."""
        digest = hashlib.sha256(archive).hexdigest()
        path = self.archive(digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(f".{secrets.token_hex(4)}.new")
        with open(beside, "wb") as file:
            file.write(archive)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
        handle = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        return digest

    def archive(self, digest: str) -> Path:
        return self._folder / "code" / f"{digest}.zip"

    def sweep(self, wanted: Collection[str]) -> None:
        """Remove every archive but these."""
        for path in (self._folder / "code").glob("*"):
            if path.name.removesuffix(".zip") not in wanted:
                path.unlink(missing_ok=True)

    def run(self, id: str, number: int) -> Path:
        return self._folder / id / f"{RUN}{number}"

    def snapshot(self, id: str, number: str) -> Path:
        return self._folder / id / "snapshots" / number

    def end(self, id: str) -> None:
        """End what runs of an application, and remove what its runs left."""
        for run in (self._folder / id).glob(f"{RUN}*"):
            number = int(run.name.removeprefix(RUN))
            for attempt in run.glob(f"{PREFIX}*"):
                place = int(attempt.name.removeprefix(PREFIX))
                Attempt(self._compute, id, number, place, run).end()
            shutil.rmtree(run, ignore_errors=True)

    def remove_snapshot(self, id: str, number: str) -> None:
        shutil.rmtree(self.snapshot(id, number), ignore_errors=True)

    def remove(self, id: str) -> None:
        """Everything of an application but its archives."""
        self.end(id)
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self._folder / id)
