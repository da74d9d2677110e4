"""A web server that answers as it is told, for tests of sinks."""

import contextlib

from aiohttp import web


class Server:
    """Keeps what it is asked; answers with what `answer(request, body)` gives: (status, headers, body)."""

    def __init__(self):
        self.requests, self.answer, self.url = [], None, ""

    async def handle(self, request):
        body = await request.read()
        self.requests.append((request, body))
        status, headers, answer = await self.answer(request, body)
        return web.Response(status=status, headers=headers, body=answer)


@contextlib.asynccontextmanager
async def serving(ssl=None):
    server = Server()
    app = web.Application(client_max_size=1 << 30)
    app.router.add_route("*", "/{tail:.*}", server.handle)
    runner = web.AppRunner(app, access_log=None, auto_decompress=False, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=ssl)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]
    server.url = f"{'https' if ssl else 'http'}://127.0.0.1:{port}"
    try:
        yield server
    finally:
        await runner.cleanup()
