"""The end of a log, where it is written. Used by one thread at a time.

What fails leaves nothing behind. A write that failed (a full disk) is cut off again, on disk too. After a flush that
failed, nobody knows what the file has, and no later flush tells: writing goes on in a new segment, whose header says
that the failed one ended before. Until that new segment is on disk nothing else is written.
"""

import contextlib
from collections.abc import Sequence
from pathlib import Path

from lakemill.ports.log.disk import Disk, File
from lakemill.ports.log.segment import Segment


class Tail:
    """The segment that is written. number, end: of the last segment, also when it is written no more."""

    def __init__(self, disk: Disk, folder: Path, number: int, end: int) -> None:
        self._disk = disk
        self._folder = folder
        self._file: File | None = None
        self.segment: Segment | None = None
        """None if nothing can be written before a new segment was begun."""
        self.number = number
        self.end = end

    def begin(self, segment: Segment) -> None:
        """Go on in this new segment; its header is on disk on return."""
        self.segment = self._file = None
        temporary = segment.path.with_name(segment.path.name + ".new")
        self._disk.remove(temporary)
        file = self._disk.create(temporary)
        try:
            file.write(0, [segment.header()])
            file.sync()
        except OSError:
            with contextlib.suppress(OSError):  # It is no use; the room it takes may be.
                self._disk.remove(temporary)
            raise
        self._disk.rename(temporary, segment.path)
        try:
            self._disk.sync_folder(self._folder)
        except OSError:
            with contextlib.suppress(OSError):  # Otherwise the next attempt replaces it; there are no records in it.
                self._disk.rename(segment.path, temporary)
            raise
        segment.file = self._file = file
        self.segment, self.number, self.end = segment, segment.number, segment.start

    def write(self, pieces: Sequence[bytes]) -> File:
        """Append; what is in the file now is not on disk before a `sync` of it that is told to `synced`."""
        file = self._file
        assert file is not None
        try:
            file.write(self.end, pieces)
        except OSError:
            self._cut(file)
            raise
        return file

    def synced(self, pieces: Sequence[bytes], error: Exception | None = None) -> None:
        """These pieces are on disk, or nobody knows whether they are."""
        if error is None:
            self.end += sum(map(len, pieces))
        else:
            self.segment = self._file = None

    def _cut(self, file: File) -> None:
        try:
            file.truncate(self.end)
            file.sync()
        except OSError:
            self.segment = self._file = None
