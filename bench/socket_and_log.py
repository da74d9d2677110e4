"""What a server gets out of the log if it does nothing else: each message becomes a record, each record an answer.

No HTTP is read, no signature is checked, and the answer is always the same. So this is the limit of any server that has
the log behind sockets of one process.
"""

import asyncio
import json
from pathlib import Path

import uvloop

from bench import peers
from lakemill.ports.clock import SystemClock
from lakemill.ports.log import EmbeddedLog, Entry

ANSWER_BYTES = 120
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (ANSWER_BYTES, b"x" * ANSWER_BYTES)


class Connection(asyncio.Protocol):
    """A caller."""

    def __init__(self, log: EmbeddedLog, value: bytes) -> None:
        self._log, self._value = log, value

    def connection_made(self, transport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._log.append("limit", [Entry(0, 1, b"key", self._value)]).add_done_callback(self._answer)

    def _answer(self, _) -> None:
        if not self._transport.is_closing():
            self._transport.write(ANSWER)


def rate(folder: Path, callers: int, *, seconds: int, value_bytes: int) -> float:
    """Records a second of callers that each send a message and wait for the answer."""
    script = folder / "socket.lua"
    script.write_text(f'wrk.method = "POST"\nwrk.body = {json.dumps("x" * value_bytes)}')

    async def serve() -> float:
        log = EmbeddedLog(folder / "socket", SystemClock())
        await log.create("limit", 1)
        server = await asyncio.get_running_loop().create_server(
            lambda: Connection(log, b"x" * value_bytes), "127.0.0.1", 0
        )
        endpoint = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        found = await asyncio.to_thread(peers.wrk, endpoint, connections=callers, seconds=seconds, script=script)
        server.close()
        log.close()
        return found

    return uvloop.run(serve())
