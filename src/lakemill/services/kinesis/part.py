"""What the parts of the service share."""

from typing import Any

from lakemill.engines.streams import Stream, Streams
from lakemill.services.base import Call
from lakemill.services.kinesis.naming import named


class Part:
    """Base of the parts: the engine, and the stream a request means."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams

    def _place(self, call: Call, request: dict[str, Any]) -> tuple[str, str]:
        """Scope and name of the stream a request names. Raises ServiceError."""
        return named(call, request, self._streams)

    def _stream(self, call: Call, request: dict[str, Any]) -> Stream:
        """The stream itself. Raises StreamMissing."""
        return self._streams.registry.get(*named(call, request, self._streams))

    def _now_ms(self) -> int:
        return self._streams.registry.now_ms()
