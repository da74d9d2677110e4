"""A keep-alive HTTP/1.1 client for one serving process: the hop that every inference request makes.

It does only what that hop needs (no redirects, cookies, proxies or TLS), which is why it is several times cheaper than
a general client; the parsing of answers is llhttp's, through httptools. `bench/invoke_hop.py` has the measurement.

A connection carries one exchange at a time. Connections that fell idle are kept, the latest used first. A request is
sent once: whether it may be sent again is for the caller to judge by what ServerGone says.
"""

import asyncio
import collections
import select
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httptools

from lakemill.engines.hosting.errors import AnswerTooLarge, AnswerTooLate, AnswerUnreadable, ServerGone

CONNECT_TIMEOUT_S = 5.0
IDLE_CONNECTIONS_MAX = 64
STREAM_BUFFER_BYTES = 1 << 18
"""A streamed answer stops being read from the socket while this much waits for its consumer."""

Address = tuple[str, int] | Path
"""Host and port, or the path of a unix socket."""


class Answer:
    """A whole response. headers: lower-case name -> value (the last of a repeated one)."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body


class StreamedAnswer:
    """A response whose head has come; iterate it once for the pieces of its body as they arrive.

    Iterating raises AnswerTooLate when the time allowed for the whole answer is over and ServerGone when it breaks off.
    Leave it with `close`, which gives the connection up unless the body was read to its end.
    """

    def __init__(self, connection: "_Connection", client: "ServingClient", deadline: asyncio.TimerHandle) -> None:
        self._connection = connection
        self._client = client
        self._deadline = deadline
        self.status = connection.status
        self.headers = connection.headers

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (piece := await self._connection.next_piece()) is not None:
            yield piece

    async def read(self, limit: int) -> bytes:
        """The rest of the body, at most limit bytes of it."""
        parts, size = [], 0
        async for piece in self:
            parts.append(piece)
            size += len(piece)
            if size >= limit:
                break
        return b"".join(parts)[:limit]

    def close(self) -> None:
        """Safe to call twice."""
        if self._client is not None:
            self._deadline.cancel()
            self._client._give_back(self._connection)
            self._client = None  # type: ignore[assignment]


class ServingClient:
    """Requests to one server. `in_flight` tells how busy it is.

    on_lost: called whenever an idle connection is closed by the server, which is how a crash shows first.
    """

    def __init__(self, address: Address, on_lost=None) -> None:
        self.address = address
        self.in_flight = 0
        self._host = f"{address[0]}:{address[1]}" if isinstance(address, tuple) else "localhost"
        self._idle: list[_Connection] = []
        self._on_lost = on_lost
        self._closed = False

    async def request(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        *,
        timeout_s: float,
        bytes_max: int = 1 << 31,
    ) -> Answer:
        """One exchange. Raises ServerGone, AnswerTooLate, AnswerTooLarge, AnswerUnreadable."""
        head = self._head(method, path, headers or {}, len(body))
        self.in_flight += 1
        connection: _Connection | None = None
        try:
            connection = self._kept() or await self._connect()
            return await connection.exchange(head, body, timeout_s, bytes_max)
        finally:
            self._give_back(connection)

    async def stream(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        *,
        timeout_s: float,
        total_s: float,
    ) -> StreamedAnswer:
        """Send a request and wait for the head of the answer (timeout_s); its body may take total_s altogether.

        The answer must be closed. Raises ServerGone, AnswerTooLate, AnswerUnreadable.
        """
        head = self._head(method, path, headers or {}, len(body))
        self.in_flight += 1
        connection: _Connection | None = None
        try:
            connection = self._kept() or await self._connect()
            await connection.begin(head, body, timeout_s)
        except BaseException:
            self._give_back(connection)
            raise
        deadline = asyncio.get_running_loop().call_later(total_s, connection.fail, AnswerTooLate(total_s))
        return StreamedAnswer(connection, self, deadline)

    def close(self) -> None:
        """Close idle connections now and busy ones when they are done."""
        self._closed = True
        for connection in self._idle:
            connection.transport.close()
        self._idle.clear()

    def _head(self, method: str, path: str, headers: Mapping[str, str], length: int) -> bytes:
        lines = [f"{method} {path} HTTP/1.1\r\nHost: {self._host}\r\n"]
        for name, value in headers.items():
            if "\r" in value or "\n" in value:
                raise ValueError(f"header {name} holds a line break")
            lines.append(f"{name}: {value}\r\n")
        lines.append(f"Content-Length: {length}\r\n\r\n" if length or method == "POST" else "\r\n")
        return "".join(lines).encode("latin-1", "replace")

    def _kept(self) -> "_Connection | None":
        while self._idle:
            connection = self._idle.pop()
            if connection.quiet():
                connection.reused = True
                return connection
            connection.transport.abort()
        return None

    async def _connect(self) -> "_Connection":
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                if isinstance(self.address, tuple):
                    _, made = await loop.create_connection(lambda: _Connection(loop, self), *self.address)
                else:
                    _, made = await loop.create_unix_connection(lambda: _Connection(loop, self), str(self.address))
        except (OSError, TimeoutError) as error:
            raise ServerGone(f"cannot connect: {error or 'no answer'}", unsent=True) from error
        return made

    def _give_back(self, connection: "_Connection | None") -> None:
        self.in_flight -= 1
        if connection is None or connection.lost:
            return
        if connection.clean and not self._closed and len(self._idle) < IDLE_CONNECTIONS_MAX:
            self._idle.append(connection)
        else:
            connection.transport.abort()

    def _lost(self, connection: "_Connection") -> None:
        if connection in self._idle:
            self._idle.remove(connection)
            if self._on_lost is not None and not self._closed:
                self._on_lost()


class _Connection(asyncio.Protocol):
    """One connection; also the receiver of httptools' callbacks."""

    def __init__(self, loop: asyncio.AbstractEventLoop, client: ServingClient) -> None:
        self._loop = loop
        self._client = client
        self._parser = httptools.HttpResponseParser(self)
        self._waiter: asyncio.Future | None = None
        self.lost = False
        self.reused = False
        self.clean = True
        """Nothing is under way, so another exchange may start."""
        self._reset()

    def _reset(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self._pieces: collections.deque[bytes] = collections.deque()
        self._size = 0
        self._bytes_max = 1 << 62
        self._streaming = False
        self._paused = False
        self._head_done = False
        self._done = False
        self._answered = False
        self._error: Exception | None = None

    def quiet(self) -> bool:
        """Whether it is open and nothing came in: asked of the kernel, which knows of a death before the loop does."""
        return not self.lost and not self._watch.poll(0)

    # Exchanges

    async def exchange(self, head: bytes, body: bytes, timeout_s: float, bytes_max: int) -> Answer:
        self._send(head, body)
        self._bytes_max = bytes_max
        timer = self._loop.call_later(timeout_s, self.fail, AnswerTooLate(timeout_s))
        try:
            if not self._done:
                await self._wait()
        finally:
            timer.cancel()
        pieces = self._pieces
        return Answer(self.status, self.headers, pieces[0] if len(pieces) == 1 else b"".join(pieces))

    async def begin(self, head: bytes, body: bytes, timeout_s: float) -> None:
        self._send(head, body)
        self._streaming = True
        timer = self._loop.call_later(timeout_s, self.fail, AnswerTooLate(timeout_s))
        try:
            while not self._head_done:
                await self._wait()
        finally:
            timer.cancel()

    async def next_piece(self) -> bytes | None:
        while not self._pieces:
            if self._error is not None:
                raise self._error
            if self._done:
                return None
            await self._wait()
        piece = self._pieces.popleft()
        self._size -= len(piece)
        if self._paused and self._size < STREAM_BUFFER_BYTES // 2 and not self.lost:
            self._paused = False
            self.transport.resume_reading()
        return piece

    def _send(self, head: bytes, body: bytes) -> None:
        self._reset()
        self.clean = False
        if self.lost:
            raise ServerGone("the server closed the connection", unsent=True)
        if len(body) < 1 << 16:
            self.transport.write(head + body)
        else:
            self.transport.write(head)
            self.transport.write(body)

    async def _wait(self) -> None:
        if self._error is not None:
            raise self._error
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def fail(self, error: Exception) -> None:
        """Whoever waits for this exchange gets the error; the connection is of no more use."""
        if self._done or self._error is not None:
            return
        self._error = error
        self.clean = False
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_exception(error)

    # asyncio.Protocol

    def connection_made(self, transport) -> None:
        self.transport = transport
        self._watch = select.poll()
        self._watch.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        self._answered = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self.fail(AnswerUnreadable(f"the server's answer is not HTTP: {error}"))
            self.transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self.lost = True
        framed = "content-length" in self.headers or "transfer-encoding" in self.headers
        if self._head_done and not framed and error is None:
            self._finish(False)  # An answer without a length ends with the connection.
        stale = self.reused and not self._answered
        self.fail(ServerGone("the server closed the connection before its answer was complete", stale=stale))
        self._client._lost(self)

    # httptools

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        if self.status >= 200:
            self._head_done = True
            if self._streaming:
                self._wake()

    def on_body(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._size += len(piece)
        if self._streaming:
            self._wake()
            if self._size > STREAM_BUFFER_BYTES and not self._paused:
                self._paused = True
                self.transport.pause_reading()
        elif self._size > self._bytes_max:
            self.fail(AnswerTooLarge(self._bytes_max, self.status))
            self.transport.abort()

    def on_message_complete(self) -> None:
        if self.status < 200:  # 100 Continue and its like announce an answer, they are none.
            self.status, self.headers = 0, {}
            return
        self._finish(self._parser.should_keep_alive())

    def _finish(self, reusable: bool) -> None:
        if self._error is not None:
            return
        self._done = True
        self.clean = reusable
        self._wake()
