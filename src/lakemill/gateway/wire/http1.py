"""A connection that speaks HTTP/1.1 (or 1.0). httptools, which is llhttp in C, reads the requests.

One request is under way at a time. Those that a client sends before it has its answer wait, and meanwhile nothing is
read from it; so is nothing while more than HELD_BYTES_MAX of a body wait to be taken.
"""

import asyncio
import collections
import functools
import time

import httptools
import msgspec

from lakemill.gateway.wire.answering import Application, AtOnce, Headers, date, has_length, without_breaks
from lakemill.gateway.wire.body import HELD_BYTES_MAX, ClientGone, RequestBody
from lakemill.gateway.wire.refusals import TARGET_BYTES_MAX, Refused, path_of, refusal, status_line
from lakemill.gateway.wire.usual import Usual, UsualReader
from lakemill.services.base import HttpRequest

HEAD_BYTES_MAX = 128 << 10
"""Of request line and headers."""
HEADERS_MAX = 200
UNREAD_BYTES_MAX = 2 * HEAD_BYTES_MAX
"""So much may come before a head or trailer is whole; the parser hands us no header before its end."""
JOINED_BYTES_MAX = 64 << 10
"""Head and body of an answer up to this are sent as one string."""
FRAMING = ("content-length", "transfer-encoding")
PARTING_S = 2
"""How long a client that is still sending may go on after its answer."""
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


_text = functools.lru_cache(maxsize=64)(bytes.decode)


@functools.lru_cache(maxsize=1024)
def _name(raw: bytes) -> str:
    return raw.decode("latin-1").lower()


class _Request(msgspec.Struct, frozen=True):
    http: HttpRequest
    body: RequestBody
    keep: bool
    """Whether the connection goes on after it."""
    bare: bool
    """Whether the client is one of HTTP/1.0, which knows no chunks."""


class Http1:
    """What a connection does with bytes while HTTP/1 is spoken on it. It is also where answers go."""

    def __init__(self, transport: asyncio.Transport, application: Application, client: str, scheme: str) -> None:
        self._transport = transport
        self._application = application
        self._client = client
        self._scheme = scheme
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._at_once = application.at_once if isinstance(application, AtOnce) else None
        self._usual = UsualReader()
        self._headers: Headers = []
        self._target = b""
        self._head_bytes = 0
        self._unread_bytes = 0
        """Of a head or trailer that is not whole yet."""
        self._within = False
        """Whether the parser is in the middle of a request."""
        self._reading: RequestBody | None = None
        """The body that comes in just now."""
        self._paused = False
        self._waiting: collections.deque[_Request] = collections.deque()
        self._request: _Request | None = None
        """The one under way."""
        self._task: asyncio.Task[None] | None = None
        self._last = False
        """Whether the connection ends with this answer."""
        self._silent = False
        """Whether the client sends no more."""
        self._refusal = 0
        """The status of what was no request."""
        self._offered = False
        """Whether the head was read of a request that offers another protocol, and its body was not begun."""
        self._parted = False
        self._chunked = False
        self._room: asyncio.Future[None] | None = None
        self.since_s = time.monotonic()
        """When the last answer ended, or the head that is coming in began."""

    @property
    def busy(self) -> bool:
        """Whether a request is under way."""
        return self._request is not None

    @property
    def resting(self) -> bool:
        """Whether nothing is under way, nor has begun to come in."""
        return self._request is None and not self._within and not self._last

    # Bytes in

    def data_received(self, data: bytes) -> None:
        if self._refusal or self._parted:
            return
        if self.resting and (usual := self._usual.read(data)) is not None:
            self._take(usual)
            return
        self._unread_bytes += len(data)
        try:
            self._parser.feed_data(data)
            if self._unread_bytes > UNREAD_BYTES_MAX:
                self._refuse(431)
        except httptools.HttpParserUpgrade as upgrade:
            self._go_on(data[upgrade.args[0] :])
        except httptools.HttpParserCallbackError as error:
            self._refuse(error.__context__.status if isinstance(error.__context__, Refused) else 400)
        except httptools.HttpParserInvalidMethodError:
            self._refuse(405)
        except httptools.HttpParserError:
            self._refuse(400)
        if self._reading is not None or self._waiting:
            self._hold()

    def _take(self, found: Usual) -> None:
        """Take a usual request."""
        body = RequestBody(self._wanted, self._taken)
        http = HttpRequest(
            *(found.method, found.target, found.query, list(found.headers.items()), self._scheme, self._client),
            *(body.next, None, None, found.headers),
        )
        request = _Request(http, body, True, False)
        if self._at_once is not None:
            body.end()
            self._request = request
            self._at_once(http, found.body, body, self)
            return
        if found.body:
            body.feed(found.body)
        body.end()
        self._start(request)

    def _go_on(self, rest: bytes) -> None:
        """After a head that offers another protocol. None is spoken, so the request counts as if it had not.

        llhttp stops there and takes the request to have no body; a new parser, shown how long the body is, reads on.
        """
        self._parser = httptools.HttpRequestParser(self)
        framing = "".join([f"{name}: {value}\r\n" for name, value in self._headers if name in FRAMING])
        self._parser.feed_data(f"POST / HTTP/1.1\r\n{framing}\r\n".encode("latin-1"))
        self._offered = False
        self.data_received(rest)

    def _refuse(self, status: int) -> None:
        """Answer what is no request, after those before it; then close."""
        self._refusal = status
        if self._reading is not None:
            self._reading.lose()
        if self._request is None:
            self._say_refusal()

    def _say_refusal(self) -> None:
        self._write(refusal(self._refusal))
        self._part()

    # httptools calls these

    def on_message_begin(self) -> None:
        if self._offered:
            return
        self._within = True
        self._headers, self._target, self._head_bytes = [], b"", 0
        self.since_s = time.monotonic()

    def on_url(self, url: bytes) -> None:
        if self._offered:
            return
        self._target += url
        if len(self._target) > TARGET_BYTES_MAX:
            raise Refused(414)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._offered or self._reading is not None:  # A trailer after chunks says nothing here.
            return
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > HEAD_BYTES_MAX or len(self._headers) >= HEADERS_MAX:
            raise Refused(431)
        self._headers.append((_name(name), value.decode("latin-1").rstrip(" \t")))

    def on_headers_complete(self) -> None:
        if self._offered:
            return
        parser = self._parser
        self._offered = parser.should_upgrade()
        self._unread_bytes = 0
        target, _, query = self._target.partition(b"?")
        if target[:1] != b"/":
            target = path_of(target)
        body = self._reading = RequestBody(self._wanted, self._taken)
        method = _text(parser.get_method())
        http = HttpRequest(method, target, query, self._headers, self._scheme, self._client, body.next)
        if (expects := http.header("expect")) is not None:
            body.expects = expects.lower() == "100-continue"
        request = _Request(http, body, parser.should_keep_alive(), parser.get_http_version() == "1.0")
        if self._request is None:
            self._start(request)
        else:
            self._waiting.append(request)

    def on_body(self, data: bytes) -> None:
        assert self._reading is not None
        self._unread_bytes = 0
        self._reading.expects = False
        self._reading.feed(data)

    def on_message_complete(self) -> None:
        if self._offered and self._parser.should_upgrade():
            return
        assert self._reading is not None
        self._unread_bytes = 0
        self._reading.expects = False
        self._reading.end()
        self._reading = None
        self._within = False

    # A request's way

    def _start(self, request: _Request) -> None:
        self._request, self._last = request, self._last or not request.keep
        self._task = self._loop.create_task(self._run(request))

    async def _run(self, request: _Request) -> None:
        try:
            await self._application(request.http, request.body, self)
        except ClientGone:
            self._transport.abort()
            return
        except BaseException:
            self._transport.abort()  # Whatever was sent is not the whole answer, and must not look so.
            raise
        self._answered(request)

    def _answered(self, request: _Request) -> None:
        """Go on after an answer."""
        self._request = self._task = None
        self.since_s = time.monotonic()
        if not request.body.arrived:
            self._part()
        elif self._last:
            self._transport.close()
        elif self._waiting:
            self._start(self._waiting.popleft())
            self._release()
        elif self._refusal:
            self._say_refusal()
        elif self._silent:
            self._transport.close()
        elif self._paused:
            self._release()

    def _part(self) -> None:
        """Close, but go on to throw away what the client sends for a while: else it may lose our answer."""
        self._parted = True
        if self._silent or self._transport.is_closing():
            self._transport.close()
            return
        self._release()
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._loop.call_later(PARTING_S, self._transport.close)

    def _wanted(self) -> None:
        body = self._request.body if self._request is not None else None
        if body is not None and body.expects:
            body.expects = False
            self._write(CONTINUE)
        if self._paused:
            self._release()

    def _taken(self, size: int) -> None:
        if self._paused:
            self._release()

    def _too_much(self) -> bool:
        if self._parted:
            return False
        return bool(self._waiting) or (self._reading is not None and self._reading.held_bytes > HELD_BYTES_MAX)

    def _hold(self) -> None:
        if not self._paused and self._too_much():
            self._paused = True
            self._transport.pause_reading()

    def _release(self) -> None:
        if self._paused and not self._too_much():
            self._paused = False
            if not self._transport.is_closing():
                self._transport.resume_reading()

    # The connection's life

    def eof_received(self) -> bool:
        """The client sends no more, but may still read."""
        self._lose(closed=False)
        return self._request is not None

    def connection_lost(self) -> None:
        self._lose(closed=True)
        self.resume_writing()

    def _lose(self, *, closed: bool) -> None:
        self._silent = True
        for request in (self._request, *self._waiting):
            if request is not None:
                request.body.lose(closed=closed)

    def close_when_idle(self) -> None:
        """Take no more requests."""
        self._last = True
        if self._request is None:
            self._transport.close()

    def pause_writing(self) -> None:
        self._room = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._room is not None and not self._room.done():
            self._room.set_result(None)
        self._room = None

    # Answers (see Answering)

    def _head(self, status: int, headers: Headers, more: str) -> bytes:
        assert self._request is not None
        if ("connection", "close") in headers:
            self._last = True
        elif self._last or ((self._silent or self._refusal) and not self._waiting):
            more += "connection: close\r\n"
        elif self._request.bare:
            more += "connection: keep-alive\r\n"
        fields = "".join([f"{name}: {value}\r\n" for name, value in headers])
        if fields.count("\n") != len(headers) or fields.count("\r") != len(headers) or "\0" in fields:
            fields = "".join([f"{name}: {value}\r\n" for name, value in without_breaks(headers)])
        return f"{status_line(status)}{fields}{more}date: {date()}\r\n\r\n".encode("latin-1", "replace")

    def finish(self, status: int, headers: Headers, body: bytes) -> None:
        """Answer what was taken at once, with a short body."""
        assert self._request is not None
        length = "" if has_length(headers) else f"content-length: {len(body)}\r\n"
        self._write(self._head(status, headers, length) + body)
        self._answered(self._request)

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def finished(self) -> None:
        """What was taken at once was answered otherwise."""
        if self._request is not None:
            self._answered(self._request)

    async def whole(self, status: int, headers: Headers, body: bytes) -> None:
        length = "" if has_length(headers) else f"content-length: {len(body)}\r\n"
        head = self._head(status, headers, length)
        if len(body) <= JOINED_BYTES_MAX:
            self._write(head + body)
        else:
            self._write(head)
            await self.piece(body)

    async def begin(self, status: int, headers: Headers, *, bodiless: bool = False) -> None:
        more = ""
        self._chunked = False
        if not bodiless and not has_length(headers):
            if self._request is not None and self._request.bare:
                self._last = True  # The end of the connection is the end of the body.
            else:
                self._chunked = True
                more = "transfer-encoding: chunked\r\n"
        self._write(self._head(status, headers, more))

    async def piece(self, data: bytes) -> None:
        if self._transport.is_closing():
            return
        if self._chunked:
            self._transport.writelines((b"%x\r\n" % len(data), data, b"\r\n"))
        else:
            self._transport.write(data)
        if self._room is not None:
            await self._room

    async def end(self) -> None:
        if self._chunked:
            self._write(b"0\r\n\r\n")
            self._chunked = False

    def _write(self, data: bytes) -> None:
        """Send it, unless the client has gone: uvloop's transports do not forgive that."""
        if not self._transport.is_closing():
            self._transport.write(data)
