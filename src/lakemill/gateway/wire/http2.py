"""A connection that speaks HTTP/2: with prior knowledge in clear text, or as TLS agrees. h2 reads and writes frames.

Requests of a connection are under way at the same time, a stream each. A body is taken from the client as fast as it is
taken here: windows open again when pieces are.
"""

import asyncio
import contextlib
import time
from typing import Any

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

from lakemill.gateway.wire.answering import Application, Headers, date, has_length, without_breaks
from lakemill.gateway.wire.body import ClientGone, RequestBody
from lakemill.services.base import HttpRequest

WINDOW_BYTES = 1 << 20
STREAMS_MAX = 200
HEAD_BYTES_MAX = 128 << 10
OF_A_CONNECTION = frozenset({"connection", "keep-alive", "transfer-encoding", "upgrade", "proxy-connection"})
"""Headers that HTTP/2 does not have."""


class Http2:
    """What a connection does with bytes while HTTP/2 is spoken on it."""

    def __init__(self, transport: asyncio.Transport, application: Application, client: str, scheme: str) -> None:
        self.transport = transport
        self.application = application
        self._client = client
        self._scheme = scheme
        self.loop = asyncio.get_running_loop()
        config = h2.config.H2Configuration(client_side=False, header_encoding="latin-1")
        self.state = h2.connection.H2Connection(config)
        self.state.local_settings = h2.settings.Settings(
            client=False,
            initial_values={
                h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: STREAMS_MAX,
                h2.settings.SettingCodes.MAX_HEADER_LIST_SIZE: HEAD_BYTES_MAX,
                h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: WINDOW_BYTES,
            },
        )
        self.state.initiate_connection()
        self.state.increment_flow_control_window(WINDOW_BYTES)
        self._streams: dict[int, _Stream] = {}
        self._last = False
        self._room: asyncio.Future[None] | None = None
        self._unsent = False
        self.since_s = time.monotonic()
        """When the last stream ended."""
        self.flush()

    resting = False
    """It is never given away."""

    @property
    def busy(self) -> bool:
        """Whether a request is under way."""
        return bool(self._streams)

    # Bytes in

    def data_received(self, data: bytes) -> None:
        try:
            for event in self.state.receive_data(data):
                self._take(event)
        except h2.exceptions.ProtocolError:
            self.flush()  # h2 has written why.
            self.transport.close()
            return
        self.flush()

    def _take(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.RequestReceived):
            self._begin(event.stream_id, event.headers)
        elif isinstance(event, h2.events.DataReceived):
            self._feed(event.stream_id, event.data, event.flow_controlled_length)
        elif isinstance(event, h2.events.StreamEnded):
            if stream := self._streams.get(event.stream_id):
                stream.body.end()
        elif isinstance(event, h2.events.StreamReset):
            if stream := self._streams.get(event.stream_id):
                stream.lose()
        elif isinstance(event, (h2.events.WindowUpdated, h2.events.RemoteSettingsChanged)):
            for stream in self._streams.values():
                stream.wake()
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.close_when_idle()

    def _begin(self, stream_id: int, headers: Any) -> None:
        pseudo = {name: value for name, value in headers if name[:1] == ":"}
        fields = [(name, value.strip()) for name, value in headers if name[:1] != ":"]
        if ":authority" in pseudo and not any(name == "host" for name, _ in fields):
            fields.insert(0, ("host", pseudo[":authority"]))
        path, _, query = pseudo.get(":path", "").encode("latin-1").partition(b"?")
        if path[:1] != b"/":
            self._turn_away(stream_id, h2.errors.ErrorCodes.PROTOCOL_ERROR)
            return
        if len(self._streams) >= 2 * STREAMS_MAX:  # It resets streams faster than we can leave them.
            self._turn_away(stream_id, h2.errors.ErrorCodes.REFUSED_STREAM)
            return
        stream = self._streams[stream_id] = _Stream(self, stream_id)
        body = stream.body
        request = HttpRequest(pseudo[":method"], path, query, fields, self._scheme, self._client, body.next)
        body.expects = any(field == ("expect", "100-continue") for field in fields)
        stream.task = self.loop.create_task(stream.run(request))

    def _turn_away(self, stream_id: int, code: h2.errors.ErrorCodes) -> None:
        with contextlib.suppress(h2.exceptions.ProtocolError):  # The client has given it up itself.
            self.state.reset_stream(stream_id, code)

    def _feed(self, stream_id: int, data: bytes, flow_bytes: int) -> None:
        stream = self._streams.get(stream_id)
        if stream is None:  # It has its answer.
            self.state.acknowledge_received_data(flow_bytes, stream_id)
            return
        stream.body.expects = False
        if padding := flow_bytes - len(data):
            self.state.acknowledge_received_data(padding, stream_id)
        if data:
            stream.body.feed(data)

    # Bytes out

    def flush(self) -> None:
        """Send what h2 has to send."""
        self._unsent = False
        if (data := self.state.data_to_send()) and not self.transport.is_closing():
            self.transport.write(data)

    def flush_soon(self) -> None:
        """Send it at the end of this turn of the event loop."""
        if not self._unsent:
            self._unsent = True
            self.loop.call_soon(self.flush)

    async def room(self) -> None:
        """Wait until the client takes more."""
        if self._room is not None:
            await self._room

    # The connection's life

    def forget(self, stream_id: int) -> None:
        """A stream has ended."""
        self._streams.pop(stream_id, None)
        self.since_s = time.monotonic()
        if self._last and not self._streams:
            self.close_when_idle()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self) -> None:
        for stream in list(self._streams.values()):
            stream.lose()
        self.resume_writing()

    def close_when_idle(self) -> None:
        """Take no more requests."""
        self._last = True
        if not self._streams and not self.transport.is_closing():
            self.state.close_connection()
            self.flush()
            self.transport.close()

    def pause_writing(self) -> None:
        self._room = self.loop.create_future()

    def resume_writing(self) -> None:
        if self._room is not None and not self._room.done():
            self._room.set_result(None)
        self._room = None


class _Stream:
    """A request and its answer (see Answering)."""

    def __init__(self, connection: Http2, stream_id: int) -> None:
        self._connection = connection
        self._state = connection.state
        self._id = stream_id
        self._waiter: asyncio.Future[None] | None = None
        self.body = RequestBody(self._wanted, self._taken)
        self.task: asyncio.Task[None] | None = None

    async def run(self, request: HttpRequest) -> None:
        try:
            await self._connection.application(request, self.body, self)
            if not self.body.ended and not self.body.lost:
                self._reset(h2.errors.ErrorCodes.NO_ERROR)  # As RFC 9113, 8.1 says: we need no more of it.
        except ClientGone:
            pass
        except BaseException:
            self._reset(h2.errors.ErrorCodes.INTERNAL_ERROR)
            raise
        finally:
            self._connection.forget(self._id)

    def _reset(self, code: h2.errors.ErrorCodes) -> None:
        if not self.body.lost:
            try:
                self._state.reset_stream(self._id, code)
            except h2.exceptions.ProtocolError:  # It is closed already.
                return
            self._connection.flush_soon()

    def lose(self) -> None:
        """The client has given it up."""
        self.body.lose(closed=True)
        self.wake()

    def wake(self) -> None:
        """There may be room."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _wanted(self) -> None:
        if self.body.expects:
            self.body.expects = False
            self._state.send_headers(self._id, [(":status", "100")])
            self._connection.flush_soon()

    def _taken(self, size: int) -> None:
        if not self.body.lost:
            self._state.acknowledge_received_data(size, self._id)
            self._connection.flush_soon()

    async def whole(self, status: int, headers: Headers, body: bytes) -> None:
        if not has_length(headers):
            headers.append(("content-length", str(len(body))))
        self._send_head(status, headers, last=not body)
        if body:
            await self._send(body, last=True)

    async def begin(self, status: int, headers: Headers, *, bodiless: bool = False) -> None:
        self._send_head(status, headers, last=False)

    async def piece(self, data: bytes) -> None:
        await self._send(data, last=False)

    async def end(self) -> None:
        if not self.body.closed:
            self._state.end_stream(self._id)
            self._connection.flush_soon()

    def _send_head(self, status: int, headers: Headers, *, last: bool) -> None:
        if self.body.closed:
            return
        fields = [(name.lower(), value) for name, value in without_breaks(headers)]
        kept = [field for field in fields if field[0] not in OF_A_CONNECTION]
        self._state.send_headers(self._id, [(":status", str(status)), *kept, ("date", date())], end_stream=last)
        self._connection.flush_soon()

    async def _send(self, data: bytes, *, last: bool) -> None:
        rest = memoryview(data)
        while rest and not self.body.closed:
            room = min(self._state.local_flow_control_window(self._id), self._state.max_outbound_frame_size)
            if room <= 0:
                self._waiter = self._connection.loop.create_future()
                await self._waiter
                continue
            piece, rest = rest[:room], rest[room:]
            self._state.send_data(self._id, bytes(piece), end_stream=last and not rest)
            self._connection.flush_soon()
            if rest or not last:
                await self._connection.room()
