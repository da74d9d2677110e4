"""Follows a log file of a process and ships its lines.

The position (bytes shipped) is kept in the job's document and written in the same transaction as the lines, so that a
crash neither loses nor doubles one.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lakemill.engines.jobs.job import Job
from lakemill.engines.jobs.kind import JobKind, Line
from lakemill.engines.loglines import LogLines
from lakemill.ports.clock import Clock
from lakemill.ports.metadata import Transaction

READ_BYTES = 1 << 20
LINE_BYTES_MAX = 256 * 1024
"""CloudWatch's old limit of an event; a longer line is cut there and goes on as the next one."""


class Follower:
    """A log of a job's nth process (`log` or `errors`) on its way to the log engine."""

    def __init__(
        self, job: Job, number: int, name: str, kind: JobKind, loglines: LogLines, clock: Clock, path: Path
    ) -> None:
        self._job, self._number, self._name, self._kind = job, number, name, kind
        self._loglines, self._clock, self._path = loglines, clock, path

    def ship(self, *, ended: bool = False) -> bool:
        """Ship whole lines that are new, up to a megabyte of them; with ended also a last line that has no end.

        Whether there is more to ship at once.
        """
        position = self._kept["position"]
        data = self._read(position)
        taken, lines = self._lines(data, position, ended=ended and len(data) < READ_BYTES)
        if taken:
            self._put(lines, position + taken)
        return len(data) == READ_BYTES

    @property
    def _process(self) -> dict[str, Any]:
        return self._job.state["processes"][self._number]

    @property
    def _kept(self) -> dict[str, Any]:
        return self._process["logs"][self._name]

    def _read(self, position: int) -> bytes:
        try:
            with open(self._path, "rb") as file:
                file.seek(position)
                return file.read(READ_BYTES)
        except FileNotFoundError:
            return b""

    def _lines(self, data: bytes, position: int, *, ended: bool) -> tuple[int, list[Line]]:
        """How many bytes are dealt with, and their lines. Empty lines are none: CloudWatch knows no empty event."""
        now_ms = int(self._clock.time() * 1000)
        taken, lines = 0, []
        for offset, piece, size in _pieces(data, ended=ended):
            taken = offset + size
            text = piece.rstrip(b"\r\n").decode(errors="replace")
            if text:
                lines.append(Line(position + offset, now_ms, self._kind.ship(text), self._process["name"]))
        return taken, lines

    def _put(self, lines: list[Line], position: int) -> None:
        """Lines, what is observed in them, and the position, in one transaction."""
        observed = self._kind.observe(self._job, lines) if lines else None
        target = self._kept["target"]
        events = [(line.timestamp_ms, line.text) for line in lines]

        def also(transaction: Transaction) -> None:
            if target and events:
                self._loglines.put_in(transaction, target["scope"], target["group"], target["stream"], events)
            if observed:
                observed(transaction)

        processes = list(self._job.state["processes"])
        logs = self._process["logs"] | {self._name: self._kept | {"position": position}}
        processes[self._number] = self._process | {"logs": logs}
        self._job.write(processes=processes, also=also)


def _pieces(data: bytes, *, ended: bool) -> Iterator[tuple[int, bytes, int]]:
    """(offset, line, bytes it takes) of the lines in data; the unfinished last one only if ended or too long."""
    offset = 0
    while offset < len(data):
        end = data.find(b"\n", offset, offset + LINE_BYTES_MAX)
        if end >= 0:
            size = end + 1 - offset
        elif len(data) - offset >= LINE_BYTES_MAX:
            size = LINE_BYTES_MAX
        elif ended:
            size = len(data) - offset
        else:
            return
        yield offset, data[offset : offset + size], size
        offset += size
