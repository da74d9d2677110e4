"""HTTP/1.1 for a serving container, small and quick: one asyncio protocol, no framework.

It reads whole requests (Content-Length or chunked bodies), answers whole responses, keeps connections alive, and
answers pipelined requests in order. The peer is the platform on the same machine; TLS and HTTP/2 are not spoken. A
round trip costs about 70 us (same machine, empty handler).
"""

import asyncio
import dataclasses
import http
from collections.abc import Callable

_HEAD_BYTES_MAX = 64 * 1024
_REASONS = {status.value: status.phrase for status in http.HTTPStatus}


@dataclasses.dataclass(slots=True)
class HttpRequest:
    """headers: lower-case names; of a repeated header the last counts. target: path without the query."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclasses.dataclass(slots=True)
class HttpResponse:
    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"


Reply = Callable[[HttpResponse], None]
Handler = Callable[[HttpRequest, Reply], None]
"""Called on the event loop; calls the reply once, on the loop, now or later."""


class BadRequest(Exception):
    """The bytes are not a request we can read; the connection is closed after the answer."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.response = HttpResponse(status, text.encode())


class HttpConnection(asyncio.Protocol):
    """One client connection. body_bytes_max: a larger body is answered 413. open: connections register there."""

    def __init__(self, handler: Handler, body_bytes_max: int, open_connections: set["HttpConnection"]) -> None:
        self._handler = handler
        self._body_bytes_max = body_bytes_max
        self._open = open_connections
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._head: tuple[str, str, dict[str, str], bool] | None = None
        self._chunks: list[bytes] = []
        self._chunk_bytes = 0
        self._discard = 0
        self._busy = False
        self._closing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        self._open.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._open.discard(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._advance()

    def drain(self) -> None:
        """Close as soon as nothing is under way."""
        self._closing = True
        if not self._busy and not self._buffer:
            self._close()

    def _advance(self) -> None:
        try:
            while not self._busy and self._transport is not None and (request := self._next()):
                self._busy = True
                self._handler(request, self._reply)
        except BadRequest as wrong:
            self._closing = True
            self._reply(wrong.response)

    def _next(self) -> HttpRequest | None:
        """The next whole request in the buffer; None while bytes are missing."""
        if self._discard:
            gone = min(self._discard, len(self._buffer))
            del self._buffer[:gone]
            self._discard -= gone
            if self._discard:
                return None
        if self._head is None and not self._read_head():
            return None
        method, target, headers, chunked = self._head  # type: ignore[misc]
        body = self._chunked_body() if chunked else self._sized_body(headers)
        if body is None:
            return None
        self._head = None
        return HttpRequest(method, target, headers, body)

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > _HEAD_BYTES_MAX:
                raise BadRequest(431, "The request's headers are too long")
            return False
        first, *lines = bytes(self._buffer[:end]).decode("latin-1").split("\r\n")
        del self._buffer[: end + 4]
        try:
            method, target, version = first.split(" ")
            headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
        except ValueError:
            raise BadRequest(400, "Not an HTTP/1.1 request") from None
        connection = headers.get("connection", "").lower()
        if connection == "close" or (version == "HTTP/1.0" and connection != "keep-alive"):
            self._closing = True
        chunked = "chunked" in headers.get("transfer-encoding", "").lower()
        self._head = (method, target.partition("?")[0], headers, chunked)
        if headers.get("expect", "").lower() == "100-continue" and self._transport:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return True

    def _sized_body(self, headers: dict[str, str]) -> bytes | None:
        text = headers.get("content-length", "0")
        if not text.isdigit():
            raise BadRequest(400, "Content-Length must be a number")
        size = int(text)
        if size > self._body_bytes_max:
            # The client may be reading only after it has sent everything: answer now, throw the body away as it comes.
            self._discard = size
            self._head = None
            self._busy = True
            self._reply(self._too_large())
            return None
        if len(self._buffer) < size:
            return None
        body = bytes(self._buffer[:size])
        del self._buffer[:size]
        return body

    def _chunked_body(self) -> bytes | None:
        """Takes whole chunks off the buffer as they come; the body once the last one is there."""
        while True:
            line_end = self._buffer.find(b"\r\n")
            if line_end < 0:
                return None
            try:
                size = int(bytes(self._buffer[:line_end]).split(b";")[0], 16)
            except ValueError:
                raise BadRequest(400, "A chunk must begin with its size") from None
            if size == 0:
                return self._after_trailer(line_end + 2)
            if self._chunk_bytes + size > self._body_bytes_max:
                raise BadRequest(413, f"The body is larger than {self._body_bytes_max} bytes")
            start, end = line_end + 2, line_end + 2 + size
            if len(self._buffer) < end + 2:
                return None
            self._chunks.append(bytes(self._buffer[start:end]))
            self._chunk_bytes += size
            del self._buffer[: end + 2]

    def _after_trailer(self, start: int) -> bytes | None:
        if self._buffer[start : start + 2] == b"\r\n":
            end = start + 2
        else:
            found = self._buffer.find(b"\r\n\r\n", start)
            if found < 0:
                return None
            end = found + 4
        del self._buffer[:end]
        body = b"".join(self._chunks)
        self._chunks, self._chunk_bytes = [], 0
        return body

    def _too_large(self) -> HttpResponse:
        return HttpResponse(413, f"The body is larger than {self._body_bytes_max} bytes".encode())

    def _reply(self, response: HttpResponse) -> None:
        self._busy = False
        if self._transport is None:  # The client went away while we worked.
            return
        reason = _REASONS.get(response.status, "Unknown")
        close = "connection: close\r\n" if self._closing else ""
        # A 204 has no body and must not announce one.
        size = "" if response.status == 204 else f"content-length: {len(response.body)}\r\n"
        head = f"HTTP/1.1 {response.status} {reason}\r\ncontent-type: {response.content_type}\r\n{size}{close}\r\n"
        self._transport.write(head.encode("latin-1") + response.body)
        if self._closing:
            self._close()
        elif self._buffer:
            asyncio.get_running_loop().call_soon(self._advance)

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()
