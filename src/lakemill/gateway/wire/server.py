"""Listens, tells HTTP/1 from HTTP/2, closes idle connections, and ends in order."""

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

from lakemill.gateway.wire.answering import Application
from lakemill.gateway.wire.http1 import Http1
from lakemill.gateway.wire.http2 import Http2

Give = Callable[[int, bytes, int], bool]
"""Gives a connection to another process, if it likes: its descriptor, what the client said, how many there are."""
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""What every client of HTTP/2 says first (RFC 9113, 3.4)."""
BACKLOG = 2048
IDLE_S_MAX = 60
"""A connection without a request for so long is closed; so is one whose request's head takes so long."""
LOOK_S = 5


class Connection(asyncio.Protocol):
    """A client's connection, whatever is spoken on it."""

    def __init__(
        self, application: Application, connections: set["Connection"], give: Give | None = None, first: bytes = b""
    ) -> None:
        self._application = application
        self._connections = connections
        self._give = give
        self._spoken: Http1 | Http2 | None = None
        self._first = b""
        self._said = first

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclasses.
        self._connections.add(self)
        agreed = transport.get_extra_info("ssl_object")
        self._scheme = "http" if agreed is None else "https"
        self._client = (transport.get_extra_info("peername") or ("",))[0]
        if agreed is None or agreed.selected_alpn_protocol() != "h2":
            self._spoken = self._speak(Http1)
            self._sure = False
        else:
            self._spoken = self._speak(Http2)
            self._sure = True
        if self._said:
            self.data_received(self._said)

    def _speak(self, kind: type[Http1] | type[Http2]) -> Http1 | Http2:
        return kind(self._transport, self._application, self._client, self._scheme)

    def data_received(self, data: bytes) -> None:
        assert self._spoken is not None
        if self._give is not None and self._spoken.resting and self._give_away(data):
            return
        if not self._sure:
            data = self._first + data
            if PREFACE.startswith(data[: len(PREFACE)]):
                if len(data) < len(PREFACE):
                    self._first = data
                    return
                self._spoken = self._speak(Http2)
            self._sure, self._first = True, b""
        self._spoken.data_received(data)

    def _give_away(self, data: bytes) -> bool:
        assert self._give is not None
        if self._transport.get_write_buffer_size():  # Some of the last answer has not gone yet.
            return False
        descriptor = self._transport.get_extra_info("socket").fileno()
        if self._give(descriptor, data, len(self._connections)):
            self._transport.abort()
            return True
        return False

    def eof_received(self) -> bool:
        return self._spoken is not None and self._spoken.eof_received()

    def connection_lost(self, error: Exception | None) -> None:
        self._connections.discard(self)
        if self._spoken is not None:
            self._spoken.connection_lost()

    def pause_writing(self) -> None:
        if self._spoken is not None:
            self._spoken.pause_writing()

    def resume_writing(self) -> None:
        if self._spoken is not None:
            self._spoken.resume_writing()

    def close_when_idle(self) -> None:
        """Take no more requests."""
        if self._spoken is not None:
            self._spoken.close_when_idle()

    def close_if_idle_since(self, moment_s: float) -> None:
        """Close if nothing is under way since then (time.monotonic())."""
        if self._spoken is not None and not self._spoken.busy and self._spoken.since_s < moment_s:
            self._spoken.close_when_idle()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()


class Server:
    """Serves an application on one bound socket."""

    def __init__(
        self,
        application: Application,
        bound: socket.socket | None = None,
        tls: ssl.SSLContext | None = None,
        give: Give | None = None,
    ) -> None:
        self._application = application
        self._socket = bound
        self._tls = tls
        self._give = give if tls is None else None
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._looking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Accept connections from now on."""
        loop = asyncio.get_running_loop()
        if self._socket is not None:
            self._server = await loop.create_server(
                lambda: Connection(self._application, self._connections, self._give),
                sock=self._socket,
                backlog=BACKLOG,
                ssl=self._tls,
            )
        self._looking = asyncio.create_task(self._look_after())

    async def adopt(self, accepted: socket.socket, first: bytes) -> None:
        """Serve a connection that another process accepted, and read these bytes from."""
        await asyncio.get_running_loop().connect_accepted_socket(
            lambda: Connection(self._application, self._connections, first=first), accepted
        )

    async def stop(self, timeout_s: float) -> None:
        """Accept none any more, and let what is under way end; what has not ended by then is cut off."""
        assert self._looking is not None
        self._looking.cancel()
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.close_when_idle()
        with contextlib.suppress(asyncio.TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self._connections:
                    await asyncio.sleep(0.01)
        for connection in list(self._connections):
            connection.abort()

    async def _look_after(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            for connection in list(self._connections):
                connection.close_if_idle_since(time.monotonic() - IDLE_S_MAX)


def tls_context(chain: Path, key: Path) -> ssl.SSLContext:
    """For a server with this certificate chain and key (PEM files), which agrees on HTTP/2 or HTTP/1.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["h2", "http/1.1"])
    context.load_cert_chain(chain, key)
    return context
