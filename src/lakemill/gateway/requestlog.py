"""The request log: one line per request that people can grep.

Text: `2026-01-31T12:00:00.123Z kinesis.PutRecord 200 3.1ms 480B AKIA... 6f1c...`, or `... 400 ValidationException`.
JSON: the same as one object per line.
"""

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
        self._enabled = enabled

    def request(
        self, time_s: float, name: str, status: int, ms: float, *, code: str = "", key: str = "", request_id: str = ""
    ) -> None:
        """One answered request. name is `service.Operation`, code an error's code."""
        if not self._enabled:
            return
        stamp = datetime.datetime.fromtimestamp(time_s, datetime.UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
        if self._json:
            record: dict[str, Any] = {"time": stamp, "operation": name, "status": status, "ms": round(ms, 2)}
            record |= {k: v for k, v in (("error", code), ("key", key), ("request_id", request_id)) if v}
            line = _encode(record).decode()
        else:
            line = " ".join(filter(None, (stamp, name, str(status), f"{ms:.1f}ms", code, key, request_id)))
        self._write(line)

    def note(self, text: str) -> None:
        """A sentence about something other than one request (what soft mode would have denied, a crash's trace)."""
        if self._json:
            text = _encode({"note": text}).decode()
        self._write(text)

    def _write(self, line: str) -> None:
        try:
            self._stream.write(line + "\n")
        except (OSError, ValueError):
            self._enabled = False  # Nobody reads any more (closed pipe): serving goes on.
