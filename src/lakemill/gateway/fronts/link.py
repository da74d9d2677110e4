"""A Unix socket that carries frames, many at once: a message is its size (4 bytes, little-endian) and a MessagePack
array of them."""

import asyncio
import struct
from collections.abc import Callable
from typing import Any, cast

import msgspec

FRAMES_MAX = 32
"""So many are sent without waiting for the end of the event loop's turn: the other side is to work meanwhile."""
BUFFER_BYTES = 4 << 20
"""Asked of the kernel for a socket's sending side; it may give less."""
_SIZE = struct.Struct("<I")


class Link(asyncio.Protocol):
    """One end. frames: the union of what comes; received is called with each, lost when the other end is gone."""

    def __init__(self, frames: Any, received: Callable[[Any], None], lost: Callable[[], None]) -> None:
        self._decode = msgspec.msgpack.Decoder(list[frames]).decode
        self._encode = msgspec.msgpack.Encoder().encode
        self._received = received
        self._lost = lost
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._sending: list[Any] = []
        self._pieces: list[bytes] = []
        """Of a message that is not whole yet."""
        self._held_bytes = 0
        self._wanted_bytes = _SIZE.size
        """How many must be held before there is something to read."""

    def send(self, frame: Any) -> None:
        """Send it soon. Nothing is done when the other end is gone."""
        self._sending.append(frame)
        if len(self._sending) == 1:
            self._loop.call_soon(self._flush)
        elif len(self._sending) >= FRAMES_MAX:
            self._flush()

    def _flush(self) -> None:
        frames, self._sending = self._sending, []
        if frames and self._transport is not None and not self._transport.is_closing():
            data = self._encode(frames)
            self._transport.writelines((_SIZE.pack(len(data)), data))

    # asyncio calls these

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclasses.

    def connection_lost(self, error: Exception | None) -> None:
        self._lost()

    def data_received(self, data: bytes) -> None:
        self._pieces.append(data)
        self._held_bytes += len(data)
        if self._held_bytes < self._wanted_bytes:
            return
        if len(self._pieces) > 1:
            data = b"".join(self._pieces)
        view, at = memoryview(data), 0
        stop = self._end_of_message(data, at)
        while stop <= len(data):
            for frame in self._decode(view[at + _SIZE.size : stop]):
                self._received(frame)
            at = stop
            stop = self._end_of_message(data, at)
        self._pieces = [data[at:]] if at < len(data) else []
        self._held_bytes, self._wanted_bytes = len(data) - at, stop - at

    @staticmethod
    def _end_of_message(data: bytes, at: int) -> int:
        """Where the message that begins there ends; or at least its size, while that has not come."""
        start = at + _SIZE.size
        return start if start > len(data) else start + _SIZE.unpack_from(data, at)[0]
