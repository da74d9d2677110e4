"""The client of serving processes against servers that say exactly what a test wants."""

import asyncio

import pytest

from lakemill.engines.hosting.client import ServingClient
from lakemill.engines.hosting.errors import AnswerTooLarge, AnswerTooLate, AnswerUnreadable, ServerGone

CLOSE = None


class Script:
    """A server that answers the n-th request of each connection with the n-th of its answers.

    An answer is bytes, or a tuple of steps: bytes to send, seconds to wait, CLOSE.
    """

    def __init__(self, *answers):
        self.answers, self.requests, self.connections = answers, [], 0

    async def __aenter__(self):
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.lost = 0
        self.client = ServingClient(self.server.sockets[0].getsockname(), on_lost=self._on_lost)
        self._serving = set()
        return self

    async def __aexit__(self, *_):
        self.client.close()
        self.server.close()
        for task in self._serving:
            task.cancel()

    def _on_lost(self):
        self.lost += 1

    async def _serve(self, reader, writer):
        self.connections += 1
        self._serving.add(asyncio.current_task())
        try:
            for answer in self.answers:
                head = await reader.readuntil(b"\r\n\r\n")
                size = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0] or 0)
                self.requests.append(head + await reader.readexactly(size))
                for step in answer if isinstance(answer, tuple) else (answer,):
                    if step is CLOSE:
                        return
                    if isinstance(step, float):
                        await asyncio.sleep(step)
                    else:
                        writer.write(step)
                        await writer.drain()
            await reader.read()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def ask(self, body=b"", **options):
        return await self.client.request("POST", "/invocations", {"A": "b"}, body, **({"timeout_s": 5.0} | options))


OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"


async def test_a_request_is_sent_as_it_is_and_the_connection_kept():
    async with Script(OK, OK) as script:
        answer = await script.ask(b"body")
        assert (answer.status, answer.headers["content-type"], answer.body) == (200, "text/plain", b"ok")
        await script.ask(b"x")
        first, second = script.requests
        assert first.startswith(b"POST /invocations HTTP/1.1\r\nHost: 127.0.0.1:")
        assert first.endswith(b"A: b\r\nContent-Length: 4\r\n\r\nbody")
        assert second.endswith(b"\r\n\r\nx")
        assert script.connections == 1


async def test_parallel_requests_have_connections_of_their_own():
    async with Script((0.1, OK)) as script:
        await asyncio.gather(*(script.ask() for _ in range(5)))
        assert script.connections == 5
        assert script.client.in_flight == 0


@pytest.mark.parametrize(
    ("given", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", b"abcde"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, b"ok"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 500 Oops\r\ncontent-length: 4\r\n\r\noops", b"oops"),
    ],
    ids=["chunked", "continue", "no content", "error"],
)
async def test_answers_of_every_framing_are_read(given, body):
    async with Script(given, OK) as script:
        assert (await script.ask()).body == body
        assert (await script.ask()).body == b"ok"
        assert script.connections == 1


async def test_an_answer_without_a_length_ends_with_its_connection():
    async with Script((b"HTTP/1.1 200 OK\r\n\r\nall of it", CLOSE)) as script:
        assert (await script.ask()).body == b"all of it"


async def test_a_connection_the_server_gives_up_is_not_kept():
    async with Script(OK.replace(b"Content-Type", b"Connection: close\r\nContent-Type")) as script:
        await script.ask()
        await script.ask()
        assert script.connections == 2


async def test_a_kept_connection_that_was_closed_is_not_used_and_is_told():
    async with Script(OK, (CLOSE,)) as script:
        await script.ask()
        with pytest.raises(ServerGone) as caught:
            await script.ask()
        assert caught.value.stale and not caught.value.unsent
        assert script.connections == 1
        await script.ask()
        assert script.connections == 2


async def test_an_idle_connection_that_dies_is_reported():
    async with Script(OK) as script:
        await script.ask()
        script.server.close()
        for connection in script.client._idle:
            connection.transport.abort()
        await asyncio.sleep(0.05)
        assert script.lost == 1


async def test_nobody_there_is_known_to_be_unsent():
    async with Script() as script:
        script.server.close()
        await script.server.wait_closed()
        with pytest.raises(ServerGone) as caught:
            await script.ask()
        assert caught.value.unsent


async def test_too_late_too_large_and_unreadable_are_told_apart():
    async with Script((5.0, OK)) as script:
        with pytest.raises(AnswerTooLate):
            await script.ask(timeout_s=0.05)
    async with Script(OK) as script:
        with pytest.raises(AnswerTooLarge):
            await script.ask(bytes_max=1)
    async with Script(b"SSH-2.0-OpenSSH_9.9\r\n") as script:
        with pytest.raises(AnswerUnreadable):
            await script.ask()
    async with Script((b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", CLOSE)) as script:
        with pytest.raises(ServerGone):
            await script.ask()


async def test_a_connection_whose_answer_was_given_up_is_not_used_again():
    async with Script((0.2, OK)) as script:
        with pytest.raises(AnswerTooLate):
            await script.ask(timeout_s=0.05)
        assert (await script.ask()).body == b"ok"
        assert script.connections == 2


async def test_headers_cannot_smuggle_a_line():
    async with Script(OK) as script:
        with pytest.raises(ValueError, match="line break"):
            await script.client.request("POST", "/", {"A": "b\r\nC: d"}, timeout_s=1.0)
        assert script.client.in_flight == 0


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
FIRST = CHUNKED + b"3\r\nabc\r\n"


async def test_a_stream_is_given_piece_by_piece_and_its_connection_kept():
    async with Script((FIRST, 0.05, b"2\r\nde\r\n0\r\n\r\n"), OK) as script:
        answer = await script.client.stream("POST", "/", timeout_s=1.0, total_s=5.0)
        assert [piece async for piece in answer] == [b"abc", b"de"]
        answer.close()
        answer.close()
        assert script.client.in_flight == 0
        assert (await script.ask()).body == b"ok"
        assert script.connections == 1


async def test_a_stream_left_early_gives_its_connection_up():
    async with Script((FIRST, 5.0)) as script:
        answer = await script.client.stream("POST", "/", timeout_s=1.0, total_s=5.0)
        async for _ in answer:
            break
        answer.close()
        assert script.client._idle == []


async def test_a_stream_has_a_time_limit():
    async with Script((FIRST, 5.0)) as script:
        answer = await script.client.stream("POST", "/", timeout_s=1.0, total_s=0.1)
        with pytest.raises(AnswerTooLate):
            [piece async for piece in answer]
        answer.close()


async def test_a_slow_consumer_holds_the_server_back():
    piece = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    async with Script(CHUNKED + piece * 100 + b"0\r\n\r\n") as script:
        answer = await script.client.stream("POST", "/", timeout_s=1.0, total_s=5.0)
        await asyncio.sleep(0.1)
        assert answer._connection._size < 1 << 20
        assert sum([len(piece) async for piece in answer]) == 100 << 16
        answer.close()
