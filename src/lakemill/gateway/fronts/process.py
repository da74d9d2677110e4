"""The front itself: reads HTTP on the connections it is given, checks signatures, forwards, and sends the answers.

It ends when the platform does: then the link is lost. Its arguments are two sockets it was started with: the link, and
the one that connections come by.
"""

import array
import asyncio
import collections
import contextlib
import itertools
import signal
import socket
import sys
import time
from collections.abc import Coroutine
from typing import Any, NamedTuple

import uvloop

from lakemill.engines.workers import keep_memory
from lakemill.gateway import sigv4
from lakemill.gateway.collecting import collect_seldom
from lakemill.gateway.fronts.frames import (
    Answer,
    Begin,
    Body,
    End,
    FromPlatform,
    Leave,
    Piece,
    Request,
    Room,
    Wanted,
    Whole,
)
from lakemill.gateway.fronts.fronts import FIRST_BYTES_MAX
from lakemill.gateway.fronts.link import Link
from lakemill.gateway.sigfaults import SignatureFault
from lakemill.gateway.wire import Answering, ClientGone, RequestBody, Server
from lakemill.gateway.wire.http1 import JOINED_BYTES_MAX, Http1
from lakemill.services.base import HttpRequest, Signed

WHOLE_BYTES_MAX = 1 << 20
"""A body that is declared to be larger is sent on piece by piece, as the platform wants it, and not checked here."""
KNOWN_MAX = 4096
"""Keys whose secrets are kept."""
LEAVE_S_MAX = 3600
"""The platform has less patience, and kills what is left then."""
_DESCRIPTOR_BYTES = array.array("i").itemsize


class _Forwarded:
    """A request that the platform has, and whose answer is awaited."""

    def __init__(self, http: HttpRequest, body: RequestBody) -> None:
        self.http = http
        self.body = body
        self._frames: collections.deque[Answer] = collections.deque()
        self._waiter: asyncio.Future[None] | None = None

    def put(self, frame: Answer) -> None:
        self._frames.append(frame)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def next(self) -> Answer:
        """The platform's next word about it."""
        if not self._frames:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._frames.popleft()


class _AtOnce(NamedTuple):
    """A request that the platform has; nobody waits for its answer, which is sent as it comes."""

    http: HttpRequest
    body: RequestBody
    connection: Http1


class Front:
    """given: a socket that brings a connection with each message, whose bytes are what was read from it."""

    def __init__(self, given: socket.socket) -> None:
        self._given = given
        self._link = Link(FromPlatform, self._received, self._lost)
        self._server = Server(self)
        self._numbers = itertools.count()
        self._under_way: dict[int, _Forwarded | _AtOnce] = {}
        self._known: dict[tuple[str, str | None, str, str], Signed] = {}
        """By what a claim says, without its secret."""
        self._adopting: set[asyncio.Task[None]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._pulling: set[int] = set()
        self._over = asyncio.Event()

    async def run(self, link: socket.socket) -> None:
        """Serve until the platform is gone or says to leave."""
        loop = asyncio.get_running_loop()
        await loop.create_unix_connection(lambda: self._link, sock=link)
        await self._server.start()
        loop.add_reader(self._given.fileno(), self._take)
        await self._over.wait()

    def _take(self) -> None:
        """Take the connections that have been given."""
        with contextlib.suppress(BlockingIOError):
            while True:
                first, carried, _, _ = self._given.recvmsg(FIRST_BYTES_MAX, socket.CMSG_SPACE(_DESCRIPTOR_BYTES))
                if not carried:  # The platform is gone.
                    asyncio.get_running_loop().remove_reader(self._given.fileno())
                    return
                (descriptor,) = array.array("i", carried[0][2])
                self._begin(self._adopt(socket.socket(fileno=descriptor), first), self._adopting)

    async def _adopt(self, accepted: socket.socket, first: bytes) -> None:
        with contextlib.suppress(OSError):  # Its client has gone.
            await self._server.adopt(accepted, first)

    @staticmethod
    def _begin(work: Coroutine[Any, Any, None], among: set[asyncio.Task[None]]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        among.add(task)
        task.add_done_callback(among.discard)

    # A request's way

    def at_once(self, http: HttpRequest, data: bytes, body: RequestBody, connection: Http1) -> None:
        """Forward a request that came whole; see AtOnce."""
        number = next(self._numbers)
        self._under_way[number] = _AtOnce(http, body, connection)
        self._link.send(self._request(number, http, data, True, False, False))

    async def __call__(self, http: HttpRequest, body: RequestBody, answering: Answering) -> None:
        number = next(self._numbers)
        data, lost = b"", False
        if _comes_whole(http, body):
            try:
                data = await body.next() or b""
                while (more := await body.next()) is not None:
                    data += more
            except ClientGone:
                lost = True
        forwarded = self._under_way[number] = _Forwarded(http, body)
        self._link.send(self._request(number, http, data, body.ended, lost, body.expects))
        try:
            await self._answer(number, forwarded, answering)
        finally:
            del self._under_way[number]

    def _request(self, number: int, http: HttpRequest, data: bytes, ended: bool, lost: bool, expects: bool) -> Request:
        first = http.first_headers()
        return Request(
            number,
            http.method,
            http.raw_path,
            http.query_string,
            first if len(first) == len(http.headers) else http.headers,
            http.client,
            data,
            ended,
            lost,
            expects,
            self._signed(http, data) if ended else None,
        )

    async def _answer_at_length(self, number: int, waiting: _Forwarded, connection: Http1) -> None:
        """Answer what was taken at once and needs more than that."""
        try:
            await self._answer(number, waiting, connection)
        except ClientGone:
            connection.abort()
        else:
            connection.finished()
        finally:
            del self._under_way[number]

    async def _answer(self, number: int, forwarded: _Forwarded, answering: Answering) -> None:
        """Do what the platform says until it was all."""
        while True:
            frame = await forwarded.next()
            if isinstance(frame, Whole):
                if frame.signed is not None:
                    self._learn(frame.signed)
                await answering.whole(frame.status, frame.headers, frame.body)
                return
            if isinstance(frame, Begin):
                await answering.begin(frame.status, frame.headers, bodiless=frame.bodiless)
            elif isinstance(frame, Piece):
                await answering.piece(frame.data)
                self._link.send(Room(number, forwarded.body.lost, forwarded.body.closed))
            elif isinstance(frame, End):
                await answering.end()
                return
            else:
                raise ClientGone("the platform gave it up")

    async def _pull(self, number: int, body: RequestBody) -> None:
        """Send the platform some more of a request's body."""
        if number in self._pulling:  # Somebody gave up waiting, and begins anew.
            return
        self._pulling.add(number)
        try:
            data = await body.next()
        except ClientGone:
            self._link.send(Body(number, b"", False, True))
        else:
            self._link.send(Body(number, data or b"", body.ended, False))
        finally:
            self._pulling.discard(number)

    # Signatures

    def _signed(self, http: HttpRequest, body: bytes) -> Signed | None:
        """What the signature is right with; None if it is not, or cannot be told here."""
        try:
            claim = sigv4.read_claim(http)
            if claim is None or claim.service == "s3":
                return None
            known = self._known.get((claim.access_key_id, claim.session_token, claim.region, claim.service))
            if known is not None:
                sigv4.verify(http, claim, known.secret, now=time.time(), body=body)
        except SignatureFault:
            return None  # The platform says what is wrong with it.
        return known

    def _learn(self, signed: Signed) -> None:
        if len(self._known) >= KNOWN_MAX:
            self._known.clear()
        self._known[signed.access_key_id, signed.session_token, signed.region, signed.service] = signed

    # The platform

    def _received(self, frame: FromPlatform) -> None:
        if isinstance(frame, Leave):
            self._begin(self._leave(), self._tasks)
            return
        one = self._under_way.get(frame.number)
        if one is None:  # Its client has gone.
            return
        if isinstance(frame, Wanted):
            self._begin(self._pull(frame.number, one.body), self._tasks)
        elif isinstance(one, _Forwarded):
            one.put(frame)
        elif isinstance(frame, Whole) and len(frame.body) <= JOINED_BYTES_MAX:
            if frame.signed is not None:
                self._learn(frame.signed)
            del self._under_way[frame.number]
            one.connection.finish(frame.status, frame.headers, frame.body)
        else:
            waiting = self._under_way[frame.number] = _Forwarded(one.http, one.body)
            waiting.put(frame)
            self._begin(self._answer_at_length(frame.number, waiting, one.connection), self._tasks)

    async def _leave(self) -> None:
        self._take()
        await asyncio.gather(*self._adopting)
        await self._server.stop(LEAVE_S_MAX)
        self._over.set()

    def _lost(self) -> None:
        self._over.set()


def _comes_whole(http: HttpRequest, body: RequestBody) -> bool:
    """Whether a body is short, and is sent without waiting to be asked."""
    declared = http.header("content-length")
    if declared is None:
        return http.header("transfer-encoding") is None
    return not body.expects and declared.isdigit() and int(declared) <= WHOLE_BYTES_MAX


async def _run(link: int, given: int) -> None:
    collect_seldom()
    connections = socket.socket(fileno=given)
    connections.setblocking(False)
    await Front(connections).run(socket.socket(fileno=link))


def main() -> None:
    """Arguments: the descriptors of the link and of the socket that connections come by."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # It ends with the platform, and not before.
    keep_memory()
    uvloop.run(_run(int(sys.argv[1]), int(sys.argv[2])))


if __name__ == "__main__":
    main()
