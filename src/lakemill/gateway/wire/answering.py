"""Answers: how the application gives one, and what is sent for each kind of body."""

import asyncio
import contextlib
import email.utils
import os
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, runtime_checkable

from lakemill.gateway.wire.body import RequestBody
from lakemill.services.base import FileBody, HttpRequest

Headers = list[tuple[str, str]]
"""Names in lower case."""

FILE_PIECE_BYTES = 1 << 20


class Answering(Protocol):
    """Where one request's answer goes. Nothing is raised when the client has gone."""

    async def whole(self, status: int, headers: Headers, body: bytes) -> None:
        """An answer at once, with a content-length."""
        ...

    async def begin(self, status: int, headers: Headers, *, bodiless: bool = False) -> None:
        """The head of an answer that comes piece by piece. bodiless: no piece will come, whatever the headers say."""
        ...

    async def piece(self, data: bytes) -> None:
        """Some of the body; returns when the client has room for more."""
        ...

    async def end(self) -> None:
        """That was all of it."""
        ...


Application = Callable[[HttpRequest, RequestBody, Answering], Awaitable[None]]
"""Handles a request; must begin and end one answer. What it raises closes the connection; ClientGone is no fault."""


@runtime_checkable
class AtOnce(Protocol):
    """An application that takes usual requests of HTTP/1.1 when they have come whole, without a task for each.

    It answers by the connection's `finish`, or by its methods of Answering and then `finished`.
    """

    def at_once(self, http: HttpRequest, data: bytes, body: RequestBody, connection: Any) -> None:
        """data: the request's body; `body` holds none of it, and only tells when the client goes."""
        ...


async def respond(
    answering: Answering, status: int, headers: Headers, body: Any, request: RequestBody, *, head: bool = False
) -> None:
    """Send an answer. body: bytes, a FileBody, or anything that can be iterated asynchronously for bytes.

    With head, a content-length that is given stays and no body follows. request: tells when the client goes, so that a
    body that is made piece by piece is not made for nobody.
    """
    if isinstance(body, bytes):
        if not head and status not in (204, 304):
            await answering.whole(status, headers, body)
            return
        if status not in (204, 304) and not has_length(headers):
            headers.append(("content-length", str(len(body))))
        await answering.begin(status, headers, bodiless=True)
    elif isinstance(body, FileBody):
        if not has_length(headers):
            headers.append(("content-length", str(body.length)))
        if head:
            await answering.begin(status, headers, bodiless=True)
        else:
            await _send_file(answering, status, headers, body, request)
    else:
        await answering.begin(status, headers)
        async with contextlib.aclosing(body) if hasattr(body, "aclose") else contextlib.nullcontext(body) as pieces:
            async for piece in pieces:
                if request.lost:
                    break
                if piece:
                    await answering.piece(piece)
    await answering.end()


async def _send_file(answering: Answering, status: int, headers: Headers, body: FileBody, request: RequestBody) -> None:
    # The file is opened before the first byte goes out: a missing one must still become an error answer.
    descriptor = os.open(body.path, os.O_RDONLY)
    try:
        await answering.begin(status, headers)
        offset, left = body.offset, body.length
        while left > 0 and not request.closed:
            piece = await asyncio.to_thread(os.pread, descriptor, min(left, FILE_PIECE_BYTES), offset)
            if not piece:
                raise OSError(f"{body.path} is shorter than its record says")
            offset, left = offset + len(piece), left - len(piece)
            await answering.piece(piece)
    finally:
        os.close(descriptor)


def has_length(headers: Headers) -> bool:
    """Whether a content-length is among them."""
    for name, _ in headers:  # noqa: SIM110 - any() takes four times as long.
        if name == "content-length":
            return True
    return False


class _Date:
    """The Date header's value, made once a second."""

    def __init__(self) -> None:
        self._second, self._text = 0, ""

    def __call__(self) -> str:
        second = int(time.time())
        if second != self._second:
            self._second, self._text = second, email.utils.formatdate(second, usegmt=True)
        return self._text


date = _Date()
"""Now, as the Date header has it."""

_BREAKS = str.maketrans("\r\n\0", "   ")


def without_breaks(headers: Headers) -> Headers:
    """Headers that cannot begin another line, whatever a caller had us put in."""
    return [(name.translate(_BREAKS), value.translate(_BREAKS)) for name, value in headers]
