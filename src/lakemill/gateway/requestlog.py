"""The request log: one line per request that people can grep.

Text: `2026-01-31T12:00:00.123Z kinesis.PutRecord 200 3.1ms 480B AKIA... 6f1c...`, or `... 400 ValidationException`.
JSON: the same as one object per line.
"""

import asyncio
import datetime
import sys
from typing import IO, Any

import msgspec

_encode = msgspec.json.Encoder().encode


class RequestLog:
    """Writes lines to a text stream (standard error)."""

    def __init__(self, form: str = "text", stream: IO[str] | None = None, enabled: bool = True) -> None:
        self._json = form == "json"
        self._stream = stream or sys.stderr
        self.enabled = enabled
        self._second = -1
        self._stamp = ""
        """Of that second, without its fraction."""
        self._lines: list[str] = []

    def request(
        self, time_s: float, name: str, status: int, ms: float, *, code: str = "", key: str = "", request_id: str = ""
    ) -> None:
        """One answered request. name is `service.Operation`, code an error's code."""
        if not self.enabled:
            return
        second = int(time_s)
        if second != self._second:
            whole = datetime.datetime.fromtimestamp(second, datetime.UTC)
            self._second, self._stamp = second, whole.isoformat(timespec="seconds")[:-6]
        stamp = f"{self._stamp}.{min(999, round((time_s - second) * 1e6) // 1000):03d}Z"
        if self._json:
            record: dict[str, Any] = {"time": stamp, "operation": name, "status": status, "ms": round(ms, 2)}
            record |= {k: v for k, v in (("error", code), ("key", key), ("request_id", request_id)) if v}
            line = _encode(record).decode()
        else:
            line = " ".join([part for part in (stamp, name, str(status), f"{ms:.1f}ms", code, key, request_id) if part])
        self._write(line)

    def note(self, text: str) -> None:
        """A sentence about something other than one request (what soft mode would have denied, a crash's trace)."""
        if self._json:
            text = _encode({"note": text}).decode()
        self._write(text)

    def _write(self, line: str) -> None:
        """What comes in one turn of the event loop is written at once."""
        self._lines.append(line + "\n")
        if len(self._lines) > 1:
            return
        try:
            asyncio.get_running_loop().call_soon(self._flush)
        except RuntimeError:  # Not in an event loop.
            self._flush()

    def _flush(self) -> None:
        lines, self._lines = self._lines, []
        try:
            self._stream.write("".join(lines))
        except (OSError, ValueError):
            self.enabled = False  # Nobody reads any more (closed pipe): serving goes on.
