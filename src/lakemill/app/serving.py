"""Listens until told to stop."""

import asyncio
import contextlib
import dataclasses
import gc
import signal
import socket
import sys
import threading
from collections.abc import Callable
from typing import Any

from lakemill.app.folder import root_key
from lakemill.app.page import page
from lakemill.app.parts import App, build
from lakemill.gateway.authority import certificate_names, write_private
from lakemill.settings import Settings

COLLECT_AFTER = 20_000
"""Objects made and kept before cycles are looked for. By default 700: with hundreds of requests under way, each look
goes through all of them, finds nothing, and takes a sixth of the processor's time."""


class PortTaken(Exception):
    """Something listens on our port already. Fields: host, port."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(f"{host}:{port} is in use; choose another port with --port (0 takes a free one)")
        self.host, self.port = host, port


@contextlib.contextmanager
def _listening(settings: Settings):
    """A bound socket's port, checked before anything is started."""
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError:
            raise PortTaken(settings.host, settings.port) from None
        port = probe.getsockname()[1]
    yield port


Said = Callable[[dict[str, object]], None]


async def run(settings: Settings, say: Said) -> None:
    """Serve until SIGINT or SIGTERM. say gets {"endpoint", "console", "access_key_id", "recovered", ...} once ready."""
    told_to_stop = _told_to_stop()  # Before anything is started: a signal during the start ends in order too.
    with _listening(settings) as port:
        app = build(dataclasses.replace(settings, port=port))
        try:
            app.gateway.internal.add("/_lakemill/", lambda http: page(app, http))
            key_id, _ = root_key(app.identity, settings.data.resolve())
            recovered = await app.start()
            server, serving = await _serve(app, port)
            gc.freeze()  # What is there now stays.
            gc.set_threshold(COLLECT_AFTER)
            endpoint = app.settings.endpoint
            (settings.data / "endpoint").write_text(endpoint)
            say(
                {
                    "endpoint": endpoint,
                    "console": f"{endpoint}/_lakemill/",
                    "access_key_id": key_id,
                    "data": str(settings.data.resolve()),
                    "recovered": recovered,
                }
            )
            await told_to_stop.wait()
            app.streams.close()  # Subscriptions would hold the server for minutes.
            server.stop()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(asyncio.shield(serving), timeout=10)
        finally:
            await app.close()


async def _serve(app: App, port: int):
    """Start granian inside this event loop; returns when it accepts connections."""
    from granian.constants import HTTPModes, Interfaces, SSLProtocols
    from granian.server.embed import Server

    settings = app.settings
    options: dict[str, Any] = {}
    if settings.tls:
        folder = settings.data.resolve()
        chain, key = app.authority.leaf(certificate_names(settings.host))
        (folder / "server.pem").write_bytes(chain)
        write_private(folder / "server.key", key)
        options = {
            "ssl_cert": folder / "server.pem",
            "ssl_key": folder / "server.key",
            "ssl_protocol_min": SSLProtocols.tls12,
        }
    server = Server(
        app.gateway,
        address=settings.host,
        port=port,
        interface=Interfaces.ASGINL,  # No lifespan events: `run` starts and stops the parts.
        http=HTTPModes.auto,
        websockets=False,
        backlog=2048,
        log_enabled=False,
        **options,
    )
    serving = asyncio.create_task(server.serve())
    for _ in range(500):
        if serving.done():
            serving.result()
        try:
            _, writer = await asyncio.open_connection(settings.host, port)
        except OSError:
            await asyncio.sleep(0.01)
        else:
            writer.close()
            return server, serving
    raise RuntimeError(f"the server did not begin to listen on {settings.host}:{port}")


def _told_to_stop() -> asyncio.Event:
    """Set by SIGINT or SIGTERM from now on."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stop.set)
        except (NotImplementedError, RuntimeError):  # Windows, or not the main thread (tests).
            if threading.current_thread() is threading.main_thread():
                signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    return stop


def main(settings: Settings, say: Said) -> None:
    """`run` on the fastest event loop there is."""
    if sys.platform == "win32":
        asyncio.run(run(settings, say))
    else:
        import uvloop

        uvloop.run(run(settings, say))
