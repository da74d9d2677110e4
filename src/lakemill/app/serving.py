"""Listens until told to stop."""

import asyncio
import dataclasses
import errno
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Callable

from lakemill.app.folder import root_key
from lakemill.app.page import page
from lakemill.app.parts import App, build
from lakemill.engines.workers import keep_memory
from lakemill.gateway.authority import certificate_names, write_private
from lakemill.gateway.collecting import collect_seldom
from lakemill.gateway.fronts import Fronts
from lakemill.gateway.wire import Server, tls_context
from lakemill.settings import Settings

SWITCH_S = 0.0005
"""How long the event loop may keep a thread waiting that has come back from the disk. By default ten times that: with
eight writers it would have handled the requests of all before the next flush begins or ends."""
STOP_S_MAX = 10
"""For requests that are under way when we are told to stop."""


class AddressRefused(Exception):
    """This machine does not let us listen where we are to. Fields: host, port."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(f"{host}:{port} {reason}")
        self.host, self.port = host, port


def _bound(settings: Settings) -> socket.socket:
    """A socket with our address, before anything is started. Raises AddressRefused."""
    made = socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((settings.host, settings.port))
    except OSError as wrong:
        made.close()
        reason = f"cannot be listened on: {wrong.strerror or wrong}; choose another address with --host and --port"
        if wrong.errno == errno.EADDRINUSE:
            reason = "is in use; choose another port with --port (0 takes a free one)"
        raise AddressRefused(settings.host, settings.port, reason) from None
    return made


Said = Callable[[dict[str, object]], None]


async def run(settings: Settings, say: Said) -> None:
    """Serve until SIGINT or SIGTERM. say gets {"endpoint", "console", "access_key_id", "recovered", ...} once ready."""
    told_to_stop = _told_to_stop()  # Before anything is started: a signal during the start ends in order too.
    with _bound(settings) as listening:
        app = build(dataclasses.replace(settings, port=listening.getsockname()[1]))
        try:
            app.gateway.internal.add("/_lakemill/", lambda http: page(app, http))
            key_id, _ = root_key(app.identity, settings.data.resolve())
            recovered = await app.start()
            fronts = Fronts(app.gateway, settings.fronts, app.log.note)
            server = Server(app.gateway, listening, _tls(app), fronts.give)
            await server.start()
            collect_seldom()
            sys.setswitchinterval(SWITCH_S)
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
            await fronts.stop(STOP_S_MAX)
            await server.stop(STOP_S_MAX)
        finally:
            await app.close()


def _tls(app: App) -> ssl.SSLContext | None:
    """The server's side of TLS, where it is on, with a certificate of our own authority."""
    if not app.settings.tls:
        return None
    folder = app.settings.data.resolve()
    chain, key = app.authority.leaf(certificate_names(app.settings.host))
    (folder / "server.pem").write_bytes(chain)
    write_private(folder / "server.key", key)
    return tls_context(folder / "server.pem", folder / "server.key")


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
    keep_memory()
    if sys.platform == "win32":
        asyncio.run(run(settings, say))
    else:
        import uvloop

        uvloop.run(run(settings, say))
