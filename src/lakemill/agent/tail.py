"""Files as they grow: found by pattern, followed through renaming and truncation, read by the piece."""

import dataclasses
import glob
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from lakemill.agent.checkpoints import Checkpoint, FileId

PIECE_BYTES = 4 << 20


@dataclasses.dataclass
class Tailed:
    """An open file and how far it was read."""

    id: FileId
    path: str
    file: BinaryIO
    offset: int
    """Of the first byte that no record has been made of yet."""
    header_lines: int
    """Lines at the beginning that are still to be skipped."""
    size: int = 0
    """Of the file, when it was last looked at."""
    quiet_polls: int = 0
    """Polls in a row that found nothing new."""


class Tail:
    """The files of one pattern. `~` and `**` are understood in it."""

    def __init__(self, pattern: str, known: dict[FileId, Checkpoint], *, from_start: bool, header_lines: int) -> None:
        self._pattern = os.path.expanduser(pattern)
        self._header_lines = header_lines
        self.files: dict[FileId, Tailed] = {}
        self._first_look(known, from_start)

    def _first_look(self, known: dict[FileId, Checkpoint], from_start: bool) -> None:
        """Go on where an earlier run ended, also in files that were renamed meanwhile; begin the others."""
        for path in self._paths():
            self._open(path, known, at_end=not from_start and not known)
        for identity, checkpoint in known.items():
            if identity not in self.files and (renamed := _beside(checkpoint.path, identity)):
                self._open(renamed, known, at_end=False)

    def look(self) -> list[FileId]:
        """Find new files, from their beginning; those that are gone and read to the end are given back."""
        present = set()
        for path in self._paths():
            if identity := self._open(path, {}, at_end=False):
                present.add(identity)
        gone = [one.id for one in self.files.values() if one.id not in present and one.quiet_polls > 2]
        for identity in gone:
            self.files.pop(identity).file.close()
        return gone

    def read(self, tailed: Tailed) -> bytes:
        """What stands after its offset, at most a piece. A file that became shorter is read anew from its start."""
        size = os.fstat(tailed.file.fileno()).st_size
        tailed.quiet_polls = 0 if size != tailed.size else tailed.quiet_polls + 1
        tailed.size = size
        if size < tailed.offset:
            tailed.offset, tailed.header_lines = 0, self._header_lines
        self._skip_header(tailed)
        if tailed.header_lines or size <= tailed.offset:
            return b""
        tailed.file.seek(tailed.offset)
        return tailed.file.read(PIECE_BYTES)

    def close(self) -> None:
        for one in self.files.values():
            one.file.close()

    def _paths(self) -> Iterator[str]:
        return (path for path in sorted(glob.iglob(self._pattern, recursive=True)) if os.path.isfile(path))

    def _open(self, path: str, known: dict[FileId, Checkpoint], *, at_end: bool) -> FileId | None:
        try:
            stat = os.stat(path)
            identity = FileId(stat.st_dev, stat.st_ino)
            if identity in self.files:
                self.files[identity].path = path
                return identity
            file = open(path, "rb")  # noqa: SIM115
        except OSError:  # It went away, or may not be read; the next look tries again.
            return None
        offset = known[identity].offset if identity in known else 0
        if offset > stat.st_size:
            offset = 0
        tailed = Tailed(identity, path, file, offset, self._header_lines if offset == 0 else 0)
        if at_end:
            file.seek(0)
            tailed.offset, tailed.header_lines = _after_last_line(file, stat.st_size), 0
        self.files[identity] = tailed
        return identity

    @staticmethod
    def _skip_header(tailed: Tailed) -> None:
        tailed.file.seek(tailed.offset)
        while tailed.header_lines:
            line = tailed.file.readline()
            if not line.endswith(b"\n"):
                return
            tailed.offset += len(line)
            tailed.header_lines -= 1


def _after_last_line(file: BinaryIO, size: int) -> int:
    """Where the line begins that may still be being written."""
    start = max(0, size - PIECE_BYTES)
    file.seek(start)
    return start + file.read(size - start).rfind(b"\n") + 1


def _beside(path: str, identity: FileId) -> str | None:
    """The file's name now, if it was renamed within its folder."""
    folder = Path(path).parent
    try:
        for entry in os.scandir(folder):
            if entry.inode() == identity.inode and entry.is_file() and entry.stat().st_dev == identity.device:
                return entry.path
    except OSError:
        return None
    return None
