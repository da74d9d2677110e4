"""Answers that are made piece by piece end with the client."""

import asyncio

from lakemill.gateway import asgi


class Connection:
    """A client that has sent its request and closes when told to."""

    def __init__(self):
        self.sent = []
        self.closed = asyncio.Event()

    async def receive(self):
        await self.closed.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        self.sent.append(message.get("body"))


async def test_nothing_more_is_made_for_a_client_that_has_gone():
    connection, ended = Connection(), []

    async def pieces():
        try:
            for i in range(1000):
                yield b"%d" % i
                if i == 2:
                    connection.closed.set()
                await asyncio.sleep(0)
        finally:
            ended.append(i)

    body = asgi.RequestBody(connection.receive, 0)
    await asgi.respond(connection.send, 200, [], pieces(), request=body)
    assert ended and ended[0] < 10
    assert b"2" in connection.sent and len(connection.sent) < 15


async def test_a_client_that_stays_gets_everything():
    connection = Connection()

    async def pieces():
        for i in range(5):
            yield b"%d" % i

    await asgi.respond(connection.send, 200, [], pieces(), request=asgi.RequestBody(connection.receive, 0))
    assert b"".join(filter(None, connection.sent)) == b"01234"
