"""Requests read in one go are what the parser, which reads them header by header, makes of the same bytes."""

import asyncio
import random

import pytest

from lakemill.gateway.wire.http1 import Http1
from lakemill.gateway.wire.usual import UsualReader

GET = b"GET /bucket/a%20key?list-type=2&prefix=a HTTP/1.1\r\nHost: here:4566\r\nAccept: */*\r\n\r\n"
POST = (
    b"POST / HTTP/1.1\r\nHost: here\r\nX-Amz-Target: Kinesis_20131202.PutRecord\r\nX-A:  two words \t\r\n"
    b'Content-Type: application/x-amz-json-1.1\r\nContent-Length: 12\r\n\r\n{"Data": ""}'
)
KEPT = b"PUT /b/k HTTP/1.1\r\nhost: a\r\nConnection: keep-alive\r\ncontent-length: 3\r\nx-a: \xe4\xf6\r\n\r\nabc"
CUTS = (b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b"\0", b"\r\n ", b"\r\n\t", b",", b"0", b"HTTP/1.0", b"\xff")
LINES = (
    b"Content-Length: 0\r\n",
    b"Content-Length: 12\r\n",
    b"content-length: +3\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Connection: close\r\n",
    b"Connection: Upgrade\r\nUpgrade: h2c\r\n",
    b"Expect: 100-continue\r\n",
    b"host: there\r\n",
    b"x y: 1\r\n",
    b"x: 1\n",
    b": empty\r\n",
    b"folded: one\r\n two\r\n",
)


class Wire:
    """A transport, and an application that answers nothing: what it was asked is kept."""

    def __init__(self):
        self.asked, self.sent, self.open = [], b"", True

    async def __call__(self, http, body, answering):
        self.asked.append((http, body))
        await answering.whole(200, [], b"")

    def write(self, data):
        self.sent += data.partition(b"date:")[0]

    def is_closing(self):
        return not self.open

    def close(self):
        self.open = False

    def abort(self):
        self.open = False

    def pause_reading(self):
        pass

    def resume_reading(self):
        pass

    def can_write_eof(self):
        return False


async def read(*pieces, usual):
    """What a connection makes of bytes, with and without reading in one go."""
    wire = Wire()
    connection = Http1(wire, wire, "127.0.0.1", "http")
    if not usual:
        connection._usual.read = lambda data: None
    for piece in pieces:
        connection.data_received(piece)
        for _ in range(3):
            await asyncio.sleep(0)
    connection.connection_lost()
    found = []
    for http, body in wire.asked:
        taken = []
        while body._pieces:
            taken.append(await body.next())
        about = (http.method, http.raw_path, http.query_string, http.headers, http.first_headers(), body.arrived)
        found.append((*about, b"".join(taken)))
    return found, wire.sent, wire.open


@pytest.mark.parametrize("request_", [GET, POST, KEPT])
async def test_a_usual_request_is_read_in_one_go(request_):
    assert UsualReader().read(request_) is not None
    found, sent, kept = await read(request_, usual=True)
    assert len(found) == 1 and sent.startswith(b"HTTP/1.1 200 ") and kept
    assert await read(request_, usual=False) == (found, sent, kept)


@pytest.mark.parametrize("seed", range(40))
async def test_altered_requests_are_read_alike(seed):
    draw = random.Random(seed)
    for _ in range(60):
        data = draw.choice((GET, POST, KEPT))
        for _ in range(draw.randrange(3)):
            at = draw.randrange(len(data))
            if draw.random() < 0.5:
                at = data.index(b"\r\n") + 2
                data = data[:at] + draw.choice(LINES) + data[at:]
            else:
                data = data[:at] + draw.choice(CUTS) + data[at + draw.randrange(3) :]
        pieces = [data, draw.choice((GET, POST, KEPT))]
        if draw.random() < 0.3:
            at = draw.randrange(len(data))
            pieces[:1] = [data[:at], data[at:]]
        assert await read(*pieces, usual=True) == await read(*pieces, usual=False), pieces


async def test_the_rest_of_a_head_is_no_request_of_its_own():
    """Whoever put bytes of theirs into a header's value must not have them read as a request."""
    inside = b"GET /inside HTTP/1.1\r\nHost: a\r\n\r\n"
    for first in (POST + b"GET / HTTP/1.1\r\nx: ", b"PUT /k HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(inside)):
        found, _, _ = await read(first, inside, usual=True)
        assert b"/inside" not in [path for _, path, *_ in found]
