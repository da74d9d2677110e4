"""Shipping what a serving process prints to the log engine, line by line, each line once.

A stream belongs to one run of one process, and nothing else writes to it; so the number of its events tells how many
lines were shipped, and a platform that comes back goes on exactly there without a record of its own.
"""

import asyncio
import logging
from pathlib import Path

from lakemill.engines.loglines import LogError, LogLines
from lakemill.ports.clock import Clock

PIECE_BYTES = 1 << 18
LINE_BYTES_MAX = 200_000
"""A longer line becomes several: an event must stay below 256 KiB."""
PERIOD_S = 0.5
RETRY_S = 5.0

log = logging.getLogger(__name__)


class LogShipper:
    """Follows one log file, once it is told which."""

    def __init__(self, lines: LogLines, clock: Clock, scope: str, group: str, stream: str) -> None:
        self._lines = lines
        self._clock = clock
        self.path: Path | None = None
        self._scope, self._group, self._stream = scope, group, stream
        self._offset = 0
        self._rest = b""
        self._skip: int | None = None

    async def follow(self) -> None:
        """Ship until cancelled; then what is left is the caller's to ship with `ship`."""
        while True:
            try:
                busy = await self.ship()
            except Exception:  # A full disk, say. What was not shipped is read again.
                log.exception("the log %s cannot be shipped now", self.path)
                busy, self._offset, self._rest, self._skip = False, 0, b"", None
                await asyncio.sleep(RETRY_S)
            if not busy:
                await asyncio.sleep(PERIOD_S)

    async def ship(self, *, last: bool = False) -> bool:
        """Ship what there is, up to one piece; whether there was any. last: an unended line counts too."""
        if self._skip is None:
            self._skip = self._shipped()
        data = self._read()
        if not data and not (last and self._rest):
            return False
        messages = self._cut(data, last=not data)
        skipped = min(self._skip, len(messages))
        self._skip -= skipped
        now_ms = int(self._clock.time() * 1000)
        events = [(now_ms, message.decode("utf-8", "replace").rstrip("\r")) for message in messages[skipped:]]
        if events:
            await self._lines.put(self._scope, self._group, self._stream, events)
        return True

    async def finish(self) -> None:
        """Ship all that is left, once the process has ended."""
        while await self.ship(last=True):
            pass

    def _cut(self, data: bytes, *, last: bool) -> list[bytes]:
        """The messages that are complete; where a line is cut depends on its own length only, never on when we read."""
        *lines, rest = (self._rest + data).split(b"\n")
        messages = []
        for line in lines:
            messages += [line[at : at + LINE_BYTES_MAX] for at in range(0, max(len(line), 1), LINE_BYTES_MAX)]
        while len(rest) > LINE_BYTES_MAX:
            messages.append(rest[:LINE_BYTES_MAX])
            rest = rest[LINE_BYTES_MAX:]
        if last and rest:
            messages.append(rest)
            rest = b""
        self._rest = rest
        return messages

    def _shipped(self) -> int:
        try:
            return self._lines.stream(self._scope, self._group, self._stream)["events"]
        except LogError:
            return 0

    def _read(self) -> bytes:
        if self.path is None:
            return b""
        try:
            with self.path.open("rb") as file:
                file.seek(self._offset)
                data = file.read(PIECE_BYTES)
        except FileNotFoundError:
            return b""
        self._offset += len(data)
        return data
