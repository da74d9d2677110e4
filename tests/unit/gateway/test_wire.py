"""The HTTP server: what is read, what is sent, and when a connection ends. A small application answers."""

import asyncio
import contextlib
import gc
import re
import socket
import struct

import h2.connection
import httpx
import pytest

from lakemill.gateway import wire
from lakemill.gateway.fronts import Fronts, fronts
from lakemill.gateway.fronts import running as running_front
from lakemill.gateway.wire import body as bodies
from lakemill.gateway.wire import http1
from lakemill.gateway.wire import server as serving
from lakemill.services.base import FileBody


class Site:
    """A server whose application answers by the path; what it saw is kept."""

    def __init__(self, folder):
        self.file = folder / "file"
        self.file.write_bytes(bytes(range(256)) * 20_000)
        self.seen = []
        self.ended = []
        self.notes = []
        self.go_on = asyncio.Event()

    async def __call__(self, http, body, answering):
        self.seen.append(http)
        answer = getattr(self, http.raw_path.decode().strip("/").partition("/")[0] or "echo", self.echo)
        status, headers, content = await answer(http)
        head = http.method == "HEAD"
        await wire.respond(answering, status, headers, content, body, head=head)

    async def stop(self, timeout_s):
        await self.fronts.stop(timeout_s)
        await self.server.stop(timeout_s)

    async def echo(self, http):
        pieces = []
        while (piece := await http.receive()) is not None:
            pieces.append(piece)
        return 200, [("x-size", str(sum(map(len, pieces))))], b"".join(pieces)

    async def impatient(self, http):
        async def pieces():
            waiting = True
            while waiting:
                with contextlib.suppress(TimeoutError):
                    waiting = await asyncio.wait_for(http.receive(), 0.01)
                    yield waiting or b"."

        return 200, [], pieces()

    async def deaf(self, http):
        return 403, [], b"no"

    async def late(self, http):
        await self.go_on.wait()
        return 200, [], http.query_string

    async def wide(self, http):
        await self.go_on.wait()
        return 200, [], b"w" * 3_000_000

    async def stored(self, http):
        return 200, [], FileBody(self.file, 100, 5_000_000)

    async def broken(self, http):
        return 200, [], FileBody(self.file, 0, 6_000_000)

    async def empty(self, http):
        return 204, [], b""

    async def injected(self, http):
        return 200, [("x-a", "one\r\nx-b: two")], b""

    async def large(self, http):
        return 200, [], b"l" * 3_000_000

    async def ticking(self, http):
        async def pieces():
            try:
                for i in range(5 if http.query_string == b"5" else 1000):
                    yield b"%d," % i
                    await asyncio.sleep(0)
                    if i == 4 and http.query_string != b"5":
                        await self.go_on.wait()
            finally:
                self.ended.append(i)

        return 200, [], pieces()


@contextlib.asynccontextmanager
async def running(folder, *, fronts=0):
    """A running server of a Site, with its port; with fronts, they are given all its connections."""
    site = Site(folder)
    listening = socket.create_server(("127.0.0.1", 0))
    site.port = listening.getsockname()[1]
    site.fronts = Fronts(site, fronts, site.notes.append)
    for _ in range(fronts):
        await site.fronts.start()
    site.server = wire.Server(site, listening, give=lambda *given: site.fronts.give(*given))
    await site.server.start()
    yield site
    await site.stop(1)


@pytest.fixture
def giving(monkeypatch):
    """Every connection is given to a front, whatever comes by it."""
    monkeypatch.setattr(fronts, "FEW", 0)
    monkeypatch.setattr(fronts, "OF_JSON", b"")


@pytest.fixture(params=["alone", "fronted"])
async def site(request, tmp_path, giving):
    async with running(tmp_path, fronts=int(request.param == "fronted")) as site:
        yield site


async def said(site, *parts, eof=False):
    """All that comes back for these bytes until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0)
        if eof:
            writer.write_eof()
    received = b""
    with contextlib.suppress(ConnectionResetError):
        received = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return received


CLOSE = b"Host: a\r\nConnection: close\r\n"


@pytest.mark.parametrize("cut", [1, 7, 1000])
async def test_a_request_may_come_in_any_pieces(site, cut):
    request = b"POST /a%2Fb//c?x=%20 HTTP/1.1\r\nX-Two:  words \r\nContent-Length: 5\r\n" + CLOSE + b"\r\nhello"
    answer = await said(site, *(request[i : i + cut] for i in range(0, len(request), cut)))
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n") and answer.endswith(b"\r\n\r\nhello")
    (http,) = site.seen
    assert (http.method, http.raw_path, http.query_string) == ("POST", b"/a%2Fb//c", b"x=%20")
    assert http.header("x-two") == "words" and (http.scheme, http.client) == ("http", "127.0.0.1")


async def test_chunks_are_one_body(site):
    body = b"3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nx-after: 1\r\n\r\n"
    answer = await said(site, b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + CLOSE + b"\r\n" + body)
    assert answer.endswith(b"abcdefg")
    assert site.seen[0].header("x-after") is None


async def test_a_trailer_without_an_end_is_the_end(site):
    head = b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + CLOSE + b"\r\n0\r\nx: "
    assert await said(site, head, *[b"a" * 65_536] * 40, eof=True) == b""


async def test_requests_sent_ahead_are_answered_in_order(site):
    first = b"GET /late?first HTTP/1.1\r\nHost: a\r\n\r\n"
    second = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\ntwo"
    asyncio.get_running_loop().call_later(0.05, site.go_on.set)
    answer = await said(site, first + second + b"GET /deaf HTTP/1.1\r\n" + CLOSE + b"\r\n")
    assert re.findall(rb"\r\n\r\n(first|two|no)", answer) == [b"first", b"two", b"no"]
    assert len(site.seen) == 3


async def test_a_client_that_asks_is_told_to_go_on_when_the_body_is_wanted(site):
    head = b"POST %s HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n" + CLOSE + b"\r\n"
    answer = await said(site, head % b"/", b"ab")
    assert answer.startswith((http1.CONTINUE + b"HTTP/1.1 200", b"HTTP/1.1 200")) and answer.endswith(b"ab")
    refused = await said(site, head % b"/deaf")
    assert refused.startswith(b"HTTP/1.1 403 ") and b"100 Continue" not in refused


@pytest.mark.parametrize("unsent", [0, 5])
async def test_a_connection_is_given_away_when_its_last_answer_has_gone(unsent):
    class Transport:
        aborted = False

        def get_extra_info(self, name):
            return {"peername": ("127.0.0.1", 1), "socket": self}.get(name)

        def fileno(self):
            return 7

        def get_write_buffer_size(self):
            return unsent

        def abort(self):
            self.aborted = True

    given, transport = [], Transport()
    connection = serving.Connection(Site.echo, set(), lambda *one: given.append(one) or True)
    connection.connection_made(transport)
    begun = b"POST / HTTP/1.1\r\nHost: a\r\n"
    connection.data_received(begun)
    assert given == ([] if unsent else [(7, begun, 1)]) and transport.aborted == (not unsent)
    if unsent:
        unsent = 0
        connection.data_received(b"x: y\r\n")  # In the middle of a request it stays where it is.
        assert not given


async def test_a_front_that_ends_while_it_starts_is_given_nothing(giving, monkeypatch):
    monkeypatch.setattr(running_front, "MODULE", "lakemill.there_is_none")
    notes = []
    fronts_ = Fronts(Site.echo, 1, notes.append)
    await fronts_.start()
    while not notes:
        await asyncio.sleep(0.01)
    assert not fronts_.give(0, b"", 1) and "ended" in notes[0]
    await fronts_.stop(1)


async def test_a_body_may_be_waited_for_again_and_again(site):
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(b"POST /impatient HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + CLOSE + b"\r\n")
    for piece in (b"3\r\none\r\n", b"3\r\ntwo\r\n", b"0\r\n\r\n"):
        await asyncio.sleep(0.1)
        writer.write(piece)
    answer = await asyncio.wait_for(reader.read(), 10)
    assert re.findall(rb"one|two|\.", answer.partition(b"\r\n\r\n")[2]) == [b"one", b"two", b"."]
    writer.close()


async def test_a_body_nobody_reads_ends_the_connection_after_the_answer(site):
    head = b"POST /deaf HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n"
    assert (await said(site, head, b"x" * 2_000_000, eof=True)).endswith(b"\r\n\r\nno")


async def test_a_body_is_read_no_faster_than_it_is_taken(site):
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(b"POST /late HTTP/1.1\r\nContent-Length: 50000000\r\n" + CLOSE + b"\r\n")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            for _ in range(50):
                writer.write(b"x" * 1_000_000)
                await writer.drain()
    site.go_on.set()
    assert (await asyncio.wait_for(reader.read(), 10)).startswith(b"HTTP/1.1 200 ")
    writer.close()


@pytest.mark.parametrize(
    ("status", "request_"),
    [
        (400, b"GET / HTTP/1.1\r\nno colon\r\n\r\n"),
        (400, b"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"),
        (400, b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        (400, b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),
        (405, b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n"),
        (414, b"GET /" + b"a" * http1.TARGET_BYTES_MAX + b" HTTP/1.1\r\nHost: a\r\n\r\n"),
        (431, b"GET / HTTP/1.1\r\nx: " + b"a" * http1.HEAD_BYTES_MAX + b"\r\n\r\n"),
        (431, b"GET / HTTP/1.1\r\n" + b"x: a\r\n" * (http1.HEADERS_MAX + 1) + b"\r\n"),
    ],
)
async def test_what_is_no_request_is_refused_and_ends_the_connection(site, status, request_):
    good = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\ngood"
    answer = await said(site, good + request_, eof=True)
    assert re.findall(rb"HTTP/1.1 (\d+) ", answer) == [b"200", b"%d" % status]
    assert answer.endswith(b"</Error>") and b"connection: close" in answer


async def test_a_header_without_an_end_is_refused(site):
    answer = await said(site, b"GET / HTTP/1.1\r\nx: ", *[b"a" * 65_536] * 40, eof=True)
    assert answer.startswith(b"HTTP/1.1 431 ")


async def test_an_offer_to_speak_otherwise_is_passed_over(site):
    offer = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
    sized, chunked = b"Content-Length: 4\r\n\r\nsize", b"Transfer-Encoding: chunked\r\n\r\n5\r\nchunk\r\n0\r\n\r\n"
    last = b"POST / HTTP/1.1\r\nContent-Length: 2\r\n" + CLOSE + b"\r\nok"
    answer = await said(site, offer + sized + offer + chunked + offer + b"\r\n" + last)
    assert re.findall(rb"x-size: (\d)", answer) == [b"4", b"5", b"0", b"2"]


async def test_a_client_of_http_1_0_gets_no_chunks(site):
    answer = await said(site, b"GET /ticking?5 HTTP/1.0\r\n\r\n")
    assert answer.endswith(b"\r\n\r\n0,1,2,3,4,") and b"chunked" not in answer


async def test_an_answer_to_head_has_a_length_and_no_body(site):
    answer = await said(site, b"HEAD /stored HTTP/1.1\r\n" + CLOSE + b"\r\n")
    assert b"content-length: 5000000\r\n" in answer and answer.endswith(b"\r\n\r\n")
    assert b"content-length" not in await said(site, b"GET /empty HTTP/1.1\r\n" + CLOSE + b"\r\n")


async def test_a_header_begins_no_other(site):
    assert b"x-a: one  x-b: two\r\n" in await said(site, b"GET /injected HTTP/1.1\r\n" + CLOSE + b"\r\n")


async def test_an_answer_that_fails_does_not_look_whole(site):
    with pytest.raises(httpx.RemoteProtocolError):
        async with httpx.AsyncClient() as client:
            await client.get(f"http://127.0.0.1:{site.port}/broken")


async def test_nothing_more_is_made_for_a_client_that_has_gone(site):
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(b"GET /ticking HTTP/1.1\r\nHost: a\r\n\r\n")
    await reader.readuntil(b"4,")
    writer.close()
    await asyncio.sleep(0.05)
    site.go_on.set()
    async with asyncio.timeout(5):
        while not site.ended:
            await asyncio.sleep(0.01)
    assert site.ended[0] < 10


def over_http_2(path):
    """What a client of HTTP/2 sends that asks for a path."""
    state = h2.connection.H2Connection()
    state.initiate_connection()
    state.send_headers(1, [(":method", "GET"), (":path", path), (":scheme", "http"), (":authority", "a")], True)
    return state.data_to_send()


@pytest.mark.parametrize("path", ["/late", "/wide", "/ticking", "/echo"])
@pytest.mark.parametrize("second", [False, True])
def test_an_answer_for_a_client_that_has_gone_is_no_fault(tmp_path, path, second):
    faults = []

    async def main():
        asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
        async with running(tmp_path) as site:
            length = b"Content-Length: 9\r\n" if path == "/echo" else b""
            asked = over_http_2(path) if second else b"GET %s HTTP/1.1\r\nHost: a\r\n%s\r\n" % (path.encode(), length)
            client = socket.create_connection(("127.0.0.1", site.port))
            client.sendall(asked)
            while not site.seen:
                await asyncio.sleep(0.01)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            while site.server._connections:
                await asyncio.sleep(0.01)
            site.go_on.set()
            await asyncio.sleep(0.05)
            site.seen.clear()
            gc.collect()  # A task whose fault nobody has asked for says so when it goes.

    # The event loop that serves: asyncio's own does not mind.
    pytest.importorskip("uvloop").run(asyncio.wait_for(main(), 10))
    assert faults == []


async def test_a_body_that_is_cut_short_is_the_clients_going(site):
    gone = []

    async def reading(http):
        try:
            return await Site.echo(site, http)
        except wire.ClientGone as error:
            gone.append(error)
            return 400, [], b"cut"

    site.echo = reading
    answer = await said(site, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf", eof=True)
    assert gone and answer.endswith(b"\r\n\r\ncut")


@pytest.mark.parametrize("site", ["alone"], indirect=True)  # A front's clock is out of reach here.
async def test_idle_connections_are_closed(site, monkeypatch):
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(b"GET /deaf HTTP/1.1\r\nHost: a\r\n\r\n")
    await reader.readuntil(b"no")
    monkeypatch.setattr(serving, "IDLE_S_MAX", 0)
    for connection in list(site.server._connections):
        connection.close_if_idle_since(float("inf"))
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()


async def test_a_stop_waits_for_what_is_under_way(site):
    asking = asyncio.create_task(said(site, b"GET /late?x HTTP/1.1\r\nHost: a\r\n\r\n"))
    while not site.seen:
        await asyncio.sleep(0.01)
    asyncio.get_running_loop().call_later(0.05, site.go_on.set)
    await site.stop(5)
    answer = await asking
    assert answer.endswith(b"\r\n\r\nx") and b"connection: close" in answer


@pytest.mark.parametrize("second", [False, True])
async def test_bodies_go_both_ways_on_either_protocol(site, second):
    sent = bytes(range(256)) * 10_000
    async with httpx.AsyncClient(http1=not second, http2=second, timeout=10) as client:
        base = f"http://127.0.0.1:{site.port}"
        got = await asyncio.gather(*(client.post(base, content=sent) for _ in range(3)))
        assert {answer.http_version for answer in got} == {"HTTP/2" if second else "HTTP/1.1"}
        assert all(answer.content == sent for answer in got)
        assert (await client.get(f"{base}/stored")).content == site.file.read_bytes()[100:5_000_100]
        assert (await client.get(f"{base}/large")).content == b"l" * 3_000_000
        assert (await client.get(f"{base}/ticking?5")).text == "0,1,2,3,4,"
        assert (await client.head(f"{base}/stored")).headers["content-length"] == "5000000"
        assert (await client.get(f"{base}/empty")).status_code == 204
        assert (await client.post(f"{base}/deaf", content=b"x" * 100_000)).text == "no"
    assert site.seen[0].header("host") == f"127.0.0.1:{site.port}"


async def test_an_answer_ends_when_its_stream_is_given_up(site):
    state = h2.connection.H2Connection()
    state.initiate_connection()
    state.send_headers(1, [(":method", "GET"), (":path", "/ticking"), (":scheme", "http"), (":authority", "a")], True)
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(state.data_to_send())
    await reader.readuntil(b"4,")
    state.reset_stream(1)
    state.send_headers(3, [(":method", "GET"), (":path", "/deaf"), (":scheme", "http"), (":authority", "a")], True)
    writer.write(state.data_to_send())
    await reader.readuntil(b"no")
    site.go_on.set()
    async with asyncio.timeout(5):
        while not site.ended:
            await asyncio.sleep(0.01)
    assert site.ended[0] < 10
    writer.close()


async def test_streams_given_up_at_once_do_not_pile_up(site):
    state = h2.connection.H2Connection()
    state.initiate_connection()
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    head = [(":method", "GET"), (":scheme", "http"), (":authority", "a")]
    for number in range(1, 1601, 2):
        state.send_headers(number, [*head, (":path", "/late")], True)
        state.reset_stream(number)
    writer.write(state.data_to_send())
    async with asyncio.timeout(10):
        while len(site.seen) < 400:
            await asyncio.sleep(0.01)
        site.go_on.set()
        await asyncio.sleep(0.1)
        state.send_headers(1601, [*head, (":path", "/deaf")], True)
        writer.write(state.data_to_send())
        await reader.readuntil(b"no")
    assert len(site.seen) == 401
    writer.close()


async def test_draining_has_an_end():
    body = bodies.RequestBody(lambda: None)
    for _ in range(10):
        body.feed(b"x" * (1 << 20))
    assert not await body.drain()
