"""A front that runs, seen from the platform: the requests it forwards are handed to the application as others are."""

import asyncio
import functools
import socket
import sys
from collections.abc import Callable

from lakemill.gateway.fronts.frames import (
    Begin,
    Body,
    Broken,
    End,
    FromFront,
    Headers,
    Leave,
    Piece,
    Request,
    Room,
    Wanted,
    Whole,
)
from lakemill.gateway.fronts.link import BUFFER_BYTES, Link
from lakemill.gateway.wire import Application, ClientGone, RequestBody
from lakemill.services.base import HttpRequest

MODULE = "lakemill.gateway.fronts.process"


def _nothing() -> None:
    """Nobody needs to be told that more is wanted of a body that is all there."""


class Forwarded:
    """A request that a front sent, and where its answer goes (see Answering)."""

    def __init__(self, link: Link, request: Request) -> None:
        self._link = link
        self._number = request.number
        self._checked = request.signed is not None
        self._room: asyncio.Future[None] | None = None
        # Not a method of this: there shall be no cycle, so that all of it goes when the answer has gone.
        wanted = _nothing if request.ended else functools.partial(link.send, Wanted(request.number))
        self.body = RequestBody(wanted, expects=request.expects)
        if request.body:
            self.body.feed(request.body)
        if request.ended:
            self.body.end()
        elif request.lost:
            self.body.lose()
        first: dict[str, str] | None = None
        if isinstance(headers := request.headers, dict):
            first, headers = headers, list(headers.items())
        self.http = HttpRequest(
            *(request.method, request.raw_path, request.query_string, headers, "http", request.client, self.body.next),
            signed=request.signed,
            first=first,
        )

    # The front's side

    def more(self, frame: Body) -> None:
        """Some more of the body came."""
        self.body.expects = False
        if frame.data:
            self.body.feed(frame.data)
        if frame.ended:
            self.body.end()
        elif frame.lost:
            self.body.lose()

    def room(self, frame: Room) -> None:
        """A piece of the answer was sent."""
        if frame.lost:
            self.body.lose(closed=frame.closed)
        self._go_on()

    def lose(self) -> None:
        """The front is gone, and the client's connection with it."""
        self.body.lose(closed=True)
        self._go_on()

    def _go_on(self) -> None:
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    # The application's side

    async def whole(self, status: int, headers: Headers, body: bytes) -> None:
        self._link.send(Whole(self._number, status, headers, body, None if self._checked else self.http.signed))

    async def begin(self, status: int, headers: Headers, *, bodiless: bool = False) -> None:
        self._link.send(Begin(self._number, status, headers, bodiless))

    async def piece(self, data: bytes) -> None:
        if self.body.closed:
            return
        self._room = asyncio.get_running_loop().create_future()
        self._link.send(Piece(self._number, data))
        await self._room

    async def end(self) -> None:
        self._link.send(End(self._number))


class RunningFront:
    """Made by `start`. gone is called when it has ended."""

    def __init__(self, application: Application, gone: Callable[["RunningFront"], None]) -> None:
        self._application = application
        self._gone = gone
        self._loop = asyncio.get_running_loop()
        self._link = Link(FromFront, self._received, self._lost)
        self._under_way: dict[int, tuple[Forwarded, asyncio.Task[None]]] = {}
        self._giving, self._taking = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._process: asyncio.subprocess.Process | None = None
        self.lost = False
        """Whether it has ended."""

    async def start(self) -> None:
        """Raises OSError."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._giving.setblocking(False)
        for end in (ours, theirs, self._giving):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
        with theirs, self._taking:
            passed = (theirs.fileno(), self._taking.fileno())
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", MODULE, *map(str, passed)),
                pass_fds=passed,
                stdin=asyncio.subprocess.DEVNULL,
                start_new_session=True,  # An interrupt at the terminal is for the platform, which ends it in order.
            )
        await self._loop.create_unix_connection(lambda: self._link, sock=ours)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def give(self, descriptor: int, first: bytes) -> bool:
        """Give it a connection and what was read from it; False if it does not keep up, or is gone."""
        try:
            socket.send_fds(self._giving, [first], [descriptor])
        except OSError:
            return False
        return True

    async def end(self, timeout_s: float) -> None:
        """Let it answer what is under way; kill it when that takes longer."""
        assert self._process is not None
        self._link.send(Leave())
        try:
            await asyncio.wait_for(self._process.wait(), timeout_s)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    def _lost(self) -> None:
        self.lost = True
        self._giving.close()
        for forwarded, _ in self._under_way.values():
            forwarded.lose()
        self._gone(self)

    def _received(self, frame: FromFront) -> None:
        if isinstance(frame, Request):
            forwarded = Forwarded(self._link, frame)
            self._under_way[frame.number] = forwarded, self._loop.create_task(self._run(frame.number, forwarded))
        elif (known := self._under_way.get(frame.number)) is not None:
            if isinstance(frame, Body):
                known[0].more(frame)
            else:
                known[0].room(frame)

    async def _run(self, number: int, forwarded: Forwarded) -> None:
        try:
            await self._application(forwarded.http, forwarded.body, forwarded)
        except ClientGone:
            self._link.send(Broken(number))
        except BaseException:
            self._link.send(Broken(number))
            raise
        finally:
            del self._under_way[number]
