"""Messages between processes: a length (4 bytes, big-endian) and a document in MessagePack."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    import asyncio

LENGTH = struct.Struct(">I")
BYTES_MAX = (1 << 31) - 1

encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder().decode


def framed(message: Any) -> bytes:
    """A message as bytes. Raises ValueError beyond 2 GiB.

    >>> framed({"do": 1})
    b'\\x00\\x00\\x00\\x05\\x81\\xa2do\\x01'
    """
    body = encode(message)
    if len(body) > BYTES_MAX:
        raise ValueError(f"a message has {len(body)} bytes; at most {BYTES_MAX} are possible")
    return LENGTH.pack(len(body)) + body


def read_message(read: Callable[[int], bytes]) -> Any:
    """The next message from a blocking `read(size)`; None at the end, also in the middle of a message."""
    head = read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    size = LENGTH.unpack(head)[0]
    body = read(size)
    return decode(body) if len(body) == size else None


async def receive_message(stream: asyncio.StreamReader) -> Any:
    """The next message from a stream. Raises IncompleteReadError at the end, ValueError if it is none."""
    size = LENGTH.unpack(await stream.readexactly(LENGTH.size))[0]
    try:
        return decode(await stream.readexactly(size))
    except msgspec.DecodeError as error:
        raise ValueError(f"not a message: {error}") from None
