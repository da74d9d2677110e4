"""How a worker and the platform speak: frames over the worker's standard input and output.

A frame is two lengths (big-endian, four bytes each), a JSON header of the first length and a payload of the second.

The platform sends {"id", ...} with the event as payload. The worker answers {"outcome": "answered" | "failed", "type",
"message", "peak_mib"} with the result's or the error's document; its very first frame is {"outcome": "ready", "pid"},
or a failure to load the code. Whatever the code prints goes to standard error; before each answer the worker ends its
lines there with NUL, the id and a newline, so that it is known which lines belong to which invocation.
"""

import asyncio
import json
import struct
from typing import Any

LENGTHS = struct.Struct(">II")
PAYLOAD_BYTES_MAX = 64 << 20
HEADER_BYTES_MAX = 1 << 20


def framed(header: dict[str, Any], payload: bytes) -> bytes:
    """A frame's bytes."""
    head = json.dumps(header).encode()
    return LENGTHS.pack(len(head), len(payload)) + head + payload


async def read_frame(stream: asyncio.StreamReader) -> tuple[dict[str, Any], bytes]:
    """The next frame. Raises IncompleteReadError at the end, ValueError if what comes is no frame."""
    head, body = LENGTHS.unpack(await stream.readexactly(LENGTHS.size))
    if head > HEADER_BYTES_MAX or body > PAYLOAD_BYTES_MAX:
        raise ValueError("no frame")
    header = json.loads(await stream.readexactly(head))
    return header, await stream.readexactly(body)
