"""Event stream frames (`application/vnd.amazon.eventstream`), both ways.

A frame: total length (4 bytes), headers length (4), CRC-32 of those eight bytes (4), headers, payload, CRC-32 of all
before it (4). A header: name length (1), name, type (1), value. All integers are big-endian.
"""

import dataclasses
import datetime
import struct
import uuid
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

PRELUDE_BYTES = 12
FRAME_BYTES_MAX = 24 << 20
HEADERS_BYTES_MAX = 128 << 10
CONTENT_TYPE = "application/vnd.amazon.eventstream"

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MILLISECOND = datetime.timedelta(milliseconds=1)


class FrameBroken(Exception):
    """A frame that cannot be read: wrong checksum, impossible length, unknown header type, or cut off."""


@dataclasses.dataclass(frozen=True, slots=True)
class Frame:
    """One message. Header values are bool, int, bytes, str, datetime or UUID."""

    headers: dict[str, Any]
    payload: bytes


def _header_value(value: Any) -> bytes:
    if isinstance(value, str):
        data = value.encode()
        return b"\x07" + struct.pack(">H", len(data)) + data
    if isinstance(value, bool):
        return b"\x00" if value else b"\x01"
    if isinstance(value, int):
        return (
            b"\x04" + struct.pack(">i", value) if -(1 << 31) <= value < 1 << 31 else b"\x05" + struct.pack(">q", value)
        )
    if isinstance(value, bytes):
        return b"\x06" + struct.pack(">H", len(value)) + value
    if isinstance(value, datetime.datetime):
        return b"\x08" + struct.pack(">q", (value - _EPOCH) // _MILLISECOND)
    if isinstance(value, uuid.UUID):
        return b"\x09" + value.bytes
    raise TypeError(f"an event header cannot hold a {type(value).__name__}")


def encode(headers: Mapping[str, Any], payload: bytes = b"") -> bytes:
    """A frame as bytes.

    >>> encode({}, b"").hex()
    '000000100000000005c248eb7d98c8ff'
    """
    named = b"".join(
        bytes([len(name.encode())]) + name.encode() + _header_value(value) for name, value in headers.items()
    )
    prelude = struct.pack(">II", PRELUDE_BYTES + len(named) + len(payload) + 4, len(named))
    frame = b"".join((prelude, struct.pack(">I", zlib.crc32(prelude)), named, payload))
    return frame + struct.pack(">I", zlib.crc32(frame))


# Types 2 to 5 are signed integers of 1, 2, 4 and 8 bytes.
_INTEGERS = {2: ">b", 3: ">h", 4: ">i", 5: ">q"}


def _headers(data: bytes) -> dict[str, Any]:
    out: dict[str, Any] = {}
    at = 0
    try:
        while at < len(data):
            size = data[at]
            name = data[at + 1 : at + 1 + size].decode()
            kind = data[at + 1 + size]
            out[name], at = _read_value(kind, data, at + 2 + size)
    except (IndexError, struct.error, UnicodeDecodeError, ValueError, OverflowError) as error:
        raise FrameBroken(f"headers: {error}") from None
    return out


def _read_value(kind: int, data: bytes, at: int) -> tuple[Any, int]:
    if kind in (0, 1):
        return kind == 0, at
    if kind in _INTEGERS:
        form = _INTEGERS[kind]
        return struct.unpack_from(form, data, at)[0], at + struct.calcsize(form)
    if kind in (6, 7):
        (size,) = struct.unpack_from(">H", data, at)
        end = at + 2 + size
        if end > len(data):
            raise FrameBroken("a header reaches beyond the headers")
        return (data[at + 2 : end].decode() if kind == 7 else data[at + 2 : end]), end
    if kind == 8:
        (millis,) = struct.unpack_from(">q", data, at)
        return _EPOCH + millis * _MILLISECOND, at + 8
    if kind == 9:
        return uuid.UUID(bytes=data[at : at + 16]), at + 16
    raise FrameBroken(f"header type {kind} is unknown")


class Decoder:
    """Cuts a stream of bytes into frames: `feed` pieces of any size, take what is whole."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, piece: bytes) -> Iterator[Frame]:
        """The frames that are complete now. Raises FrameBroken."""
        self._buffer += piece
        while (frame := self._next()) is not None:
            yield frame

    def end(self) -> None:
        """Say that nothing follows. Raises FrameBroken if a frame was cut off."""
        if self._buffer:
            raise FrameBroken("the stream ends within a frame")

    def _next(self) -> Frame | None:
        buffer = self._buffer
        if len(buffer) < PRELUDE_BYTES:
            return None
        total, headers_size, checksum = struct.unpack_from(">III", buffer)
        if zlib.crc32(bytes(buffer[:8])) != checksum:
            raise FrameBroken("the prelude's checksum is wrong")
        if total > FRAME_BYTES_MAX or headers_size > HEADERS_BYTES_MAX or headers_size > total - PRELUDE_BYTES - 4:
            raise FrameBroken("the lengths are impossible")
        if len(buffer) < total:
            return None
        data = bytes(buffer[:total])
        del buffer[:total]
        if zlib.crc32(data[:-4]) != int.from_bytes(data[-4:], "big"):
            raise FrameBroken("the message's checksum is wrong")
        end = PRELUDE_BYTES + headers_size
        return Frame(_headers(data[PRELUDE_BYTES:end]), data[end:-4])


async def frames(pieces: AsyncIterator[bytes]) -> AsyncIterator[Frame]:
    """The frames of a body, signing envelopes taken off. Raises FrameBroken.

    A signed stream wraps each event in a frame with `:chunk-signature`; an empty envelope ends it. The envelope's
    signature is the gateway's concern, not checked here.
    """
    decoder = Decoder()
    async for piece in pieces:
        for frame in decoder.feed(piece):
            if ":chunk-signature" not in frame.headers:
                yield frame
            elif frame.payload:
                inner = Decoder()
                for wrapped in inner.feed(frame.payload):
                    yield wrapped
                inner.end()
    decoder.end()
