"""The container's HTTP protocol, spoken to byte by byte over real sockets."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from lakemill.container.http import HttpConnection, HttpRequest, HttpResponse, Reply


class Server:
    """Answers every request with its method, target and body; `hold` delays the answer."""

    def __init__(self) -> None:
        self.seen: list[HttpRequest] = []
        self.hold: asyncio.Event | None = None
        self.connections: set[HttpConnection] = set()
        self.port = 0

    def handle(self, request: HttpRequest, reply: Reply) -> None:
        self.seen.append(request)
        response = HttpResponse(200, f"{request.method} {request.target} ".encode() + request.body)
        if self.hold is None:
            reply(response)
        else:
            self._later = asyncio.ensure_future(self._after(self.hold, response, reply))

    async def _after(self, hold: asyncio.Event, response: HttpResponse, reply: Reply) -> None:
        await hold.wait()
        reply(response)

    async def talk(self, data: bytes, *pieces: bytes) -> bytes:
        """Send, half-close after the last piece, and read until the server closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        for piece in (data, *pieces):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.01)
        answer = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        return answer


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: HttpConnection(made.handle, 100, made.connections), "127.0.0.1", 0)
    made.port = listening.sockets[0].getsockname()[1]
    yield made
    for one in list(made.connections):
        one.drain()
    listening.close()


async def test_a_request_is_answered_with_length_and_type(server: Server) -> None:
    answer = await server.talk(b"GET /ping?x=1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert body == b"GET /ping "
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"content-length: 10" in head
    assert b"connection: close" in head


async def test_header_names_do_not_depend_on_case(server: Server) -> None:
    await server.talk(
        b"POST /a HTTP/1.1\r\nCONTENT-type:  text/csv \r\ncontent-LENGTH: 2\r\nConnection: close\r\n\r\nhi"
    )
    assert server.seen[0].headers["content-type"] == "text/csv"
    assert server.seen[0].body == b"hi"


async def test_a_body_may_come_in_pieces(server: Server) -> None:
    answer = await server.talk(b"POST /a HTTP/1.1\r\nContent-Le", b"ngth: 4\r\nConnection: close\r\n\r\nab", b"cd")
    assert answer.endswith(b"POST /a abcd")


async def test_pipelined_requests_are_answered_in_order(server: Server) -> None:
    one = b"POST /%d HTTP/1.1\r\nContent-Length: 1\r\n%s\r\nx"
    answer = await server.talk(one % (1, b"") + one % (2, b"") + one % (3, b"Connection: close\r\n"))
    assert [answer.find(b"POST /%d x" % number) for number in (1, 2, 3)] == sorted(
        answer.find(b"POST /%d x" % number) for number in (1, 2, 3)
    )
    assert answer.count(b"HTTP/1.1 200 OK") == 3


async def test_a_chunked_body_is_put_together(server: Server) -> None:
    head = b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    answer = await server.talk(head, b"3;x=y\r\nabc\r\n", b"2\r\nde\r\n0\r\nTrailer: 1\r\n\r\n")
    assert answer.endswith(b"POST /a abcde")


async def test_chunked_bodies_follow_each_other_on_one_connection(server: Server) -> None:
    one = b"POST /%d HTTP/1.1\r\nTransfer-Encoding: chunked\r\n%s\r\n"
    body = b"".join(b"1\r\n%c\r\n" % letter for letter in b"abcdefgh") + b"0\r\n\r\n"
    data = one % (1, b"") + body + one % (2, b"Connection: close\r\n") + body
    pieces = [data[at : at + 7] for at in range(0, len(data), 7)]
    answer = await server.talk(*pieces)
    assert b"POST /1 abcdefgh" in answer
    assert answer.endswith(b"POST /2 abcdefgh")


async def test_expect_100_continue_is_granted(server: Server) -> None:
    head = b"POST /a HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
    answer = await server.talk(head, b"ok")
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")


async def test_a_larger_body_gets_413_and_the_connection_lives_on(server: Server) -> None:
    large = b"POST /a HTTP/1.1\r\nContent-Length: 101\r\n\r\n"
    after = b"POST /b HTTP/1.1\r\nContent-Length: 1\r\nConnection: close\r\n\r\nz"
    answer = await server.talk(large, b"x" * 101 + after)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert answer.endswith(b"POST /b z")
    assert len(server.seen) == 1


async def test_a_larger_chunked_body_gets_413(server: Server) -> None:
    head = b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert (await server.talk(head, b"65\r\n")).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "wrong",
    [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n"],
)
async def test_what_is_no_request_gets_400_and_is_cut_off(server: Server, wrong: bytes) -> None:
    assert (await server.talk(wrong)).startswith(b"HTTP/1.1 400 ")


async def test_headers_without_end_get_431(server: Server) -> None:
    assert (await server.talk(b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000)).startswith(b"HTTP/1.1 431 ")


async def test_draining_waits_for_the_answer_under_way(server: Server) -> None:
    server.hold = asyncio.Event()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"POST /slow HTTP/1.1\r\nContent-Length: 1\r\n\r\nx")
    while not server.seen:
        await asyncio.sleep(0.01)
    for one in list(server.connections):
        one.drain()
    server.hold.set()
    assert (await asyncio.wait_for(reader.read(), 5)).endswith(b"POST /slow x")
    writer.close()
