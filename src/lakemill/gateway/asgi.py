"""ASGI in, HttpRequest out; WireResponse in, ASGI out. The only module that knows the server's interface.

The raw target is kept untouched (signatures and keys need it). Bodies stream both ways: a request's pieces are asked
for one by one, a response may be bytes, a range of a file, or anything that can be iterated asynchronously.
"""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from typing import Any

from lakemill.services.base import FileBody, HttpRequest

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

FILE_PIECE_BYTES = 1 << 20
DRAIN_BYTES_MAX = 8 << 20
"""Unread request bytes we take off the wire after answering early, so that the client reads the answer."""


class ClientGone(ConnectionResetError):
    """The client closed the connection before its request or our answer was complete."""


class RequestBody:
    """The pieces of a request body as the server hands them over."""

    def __init__(self, receive: Receive, length: int | None = None) -> None:
        """length: bytes that will come, None if that is not known. The server is not asked for more than those."""
        self._receive = receive
        self._left = length
        self.ended = length == 0

    async def next(self) -> bytes | None:
        while not self.ended:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self.ended = True
                raise ClientGone("the client closed the connection")
            self.ended = not message.get("more_body", False)
            if piece := message.get("body"):
                if self._left is not None:
                    # Asking once more only to hear that there is no more would cost a turn of the event loop.
                    self._left -= len(piece)
                    self.ended = self.ended or self._left <= 0
                return piece
        return None

    async def gone(self) -> None:
        """Return when the client closes the connection; at once while there is body left, for then reading tells."""
        while self.ended:
            if (await self._receive())["type"] == "http.disconnect":
                return

    async def drain(self) -> bool:
        """Read and forget what is left, within reason; False if there is still more."""
        size = 0
        with contextlib.suppress(ClientGone):
            while (piece := await self.next()) is not None:
                size += len(piece)
                if size > DRAIN_BYTES_MAX:
                    return False
        return True


def body_length(scope: Scope) -> int | None:
    """Bytes of the request body as its framing tells, None where it does not."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else None
        if name == b"transfer-encoding":
            return None
    # HTTP/1 says that a body comes; HTTP/2 need not.
    return 0 if scope["http_version"].startswith("1") or scope["method"] in ("GET", "HEAD") else None


def request_of(scope: Scope, body: RequestBody) -> HttpRequest:
    """The request line and headers of an ASGI scope."""
    client = scope.get("client") or ("", 0)
    return HttpRequest(
        method=scope["method"],
        raw_path=scope["raw_path"],
        query_string=scope["query_string"],
        headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]],
        scheme=scope["scheme"],
        client=client[0],
        receive=body.next,
    )


def _start(status: int, headers: list[tuple[str, str]]) -> dict[str, Any]:
    encoded = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers]
    return {"type": "http.response.start", "status": status, "headers": encoded}


def _has_length(headers: list[tuple[str, str]]) -> bool:
    return "content-length" in [name.lower() for name, _ in headers]


async def respond(
    send: Send,
    status: int,
    headers: list[tuple[str, str]],
    body: Any,
    *,
    head: bool = False,
    request: RequestBody | None = None,
) -> None:
    """Send an answer. With head, a content-length that is given stays and no body follows.

    request: tells when the client goes, so that a body that is made piece by piece is not made for nobody.
    """
    if isinstance(body, bytes):
        if status not in (204, 304) and not _has_length(headers):
            headers.append(("content-length", str(len(body))))
        await send(_start(status, headers))
        await send({"type": "http.response.body", "body": b"" if head else body})
    elif isinstance(body, FileBody):
        if not _has_length(headers):
            headers.append(("content-length", str(body.length)))
        if head:
            await send(_start(status, headers))
            await send({"type": "http.response.body", "body": b""})
        else:
            await _send_file(send, _start(status, headers), body)
    else:
        await send(_start(status, headers))
        # The server holds the headers back until there is some body; the first piece may be long in coming.
        await send({"type": "http.response.body", "body": b"", "more_body": True})
        gone = asyncio.ensure_future(request.gone()) if request is not None and request.ended else None
        try:
            async with contextlib.aclosing(body) if hasattr(body, "aclose") else contextlib.nullcontext(body) as pieces:
                async for piece in pieces:
                    if gone is not None and gone.done():
                        break
                    if piece:
                        await send({"type": "http.response.body", "body": piece, "more_body": True})
        finally:
            if gone is not None:
                gone.cancel()
        await send({"type": "http.response.body", "body": b""})


async def _send_file(send: Send, start: dict[str, Any], body: FileBody) -> None:
    # The file is opened before the first byte goes out: a missing one must still become an error answer.
    descriptor = os.open(body.path, os.O_RDONLY)
    try:
        await send(start)
        offset, left = body.offset, body.length
        while left > 0:
            size = min(left, FILE_PIECE_BYTES)
            piece = await asyncio.to_thread(os.pread, descriptor, size, offset)
            if not piece:
                raise OSError(f"{body.path} is shorter than its record says")
            offset, left = offset + len(piece), left - len(piece)
            await send({"type": "http.response.body", "body": piece, "more_body": left > 0})
        if body.length == 0:
            await send({"type": "http.response.body", "body": b""})
    finally:
        os.close(descriptor)
