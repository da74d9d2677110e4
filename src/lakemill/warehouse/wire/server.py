"""Listening for clients: a thread for each."""

import contextlib
import socket
import ssl
import threading
from typing import TYPE_CHECKING

from lakemill.warehouse.wire.connection import Connection

if TYPE_CHECKING:
    from lakemill.warehouse.instance import Instance

_BACKLOG = 512
CLIENTS_MAX = 1000
"""Also those who have not said yet who they are."""


class Server:
    """Listens until it is closed."""

    def __init__(self, warehouse: "Instance") -> None:
        """Raises OSError where the port is taken, or the certificate is none."""
        options = warehouse.options
        self._warehouse = warehouse
        self._context: ssl.SSLContext | None = None
        if options.certificate:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(options.certificate)
        self._connections: set[Connection] = set()
        self._turn = threading.Lock()
        self._closed = False
        self._listening = socket.create_server((options.host, options.port), backlog=_BACKLOG)
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Listen no more, and end all connections."""
        self._closed = True
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        with self._turn:
            connections = list(self._connections)
        for connection in connections:
            connection.close()

    def _accept(self) -> None:
        while not self._closed:
            try:
                accepted, _ = self._listening.accept()
            except OSError:
                if self._closed:
                    return
                continue
            with self._turn:
                full = len(self._connections) >= CLIENTS_MAX
            if full:
                accepted.close()
                continue
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            accepted.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            try:
                threading.Thread(target=self._serve, args=(accepted,), daemon=True).start()
            except RuntimeError:  # There is no room for another one.
                accepted.close()

    def _serve(self, accepted: socket.socket) -> None:
        connection = Connection(self._warehouse, accepted, self._context)
        with self._turn:
            self._connections.add(connection)
        try:
            connection.serve()
        finally:
            with self._turn:
                self._connections.discard(connection)
