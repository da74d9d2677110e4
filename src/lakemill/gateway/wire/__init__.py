"""The HTTP server: bytes of clients in, requests to the application, answers out.

    body.py       a request's body, piece by piece
    answering.py  an answer: bytes, a range of a file, or pieces as they are made
    http1.py      a connection that speaks HTTP/1.1 (httptools reads it)
    http2.py      one that speaks HTTP/2 (h2 reads it)
    server.py     listens, tells the two apart, and ends in order

All of it runs in the event loop's thread. The request's target is kept as it was sent: signatures and keys need it.
"""

from lakemill.gateway.wire.answering import Answering, Application, respond
from lakemill.gateway.wire.body import ClientGone, RequestBody
from lakemill.gateway.wire.server import Server, tls_context

__all__ = ["Answering", "Application", "ClientGone", "RequestBody", "Server", "respond", "tls_context"]
