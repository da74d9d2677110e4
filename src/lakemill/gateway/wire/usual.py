"""The usual request, read in one go: of HTTP/1.1, head and body there at once, the connection to be kept.

httptools calls Python for every header, which takes longer than all else about a small request. Here llhttp still says
whether what has come is HTTP, but tells nothing; the head is then split by its lines.
"""

import functools
import re
from typing import NamedTuple

import httptools

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
UNUSUAL = frozenset({"transfer-encoding", "expect", "upgrade", ""})
KEPT = "keep-alive"
HEAD_BYTES_MAX = 16 << 10
HEADERS_MAX = 100
"""Whatever has more is read in the other way, and refused there when it is too much."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@functools.lru_cache(maxsize=1024)
def _name(text: str) -> str:
    """A header's name in lower case; empty for what is none."""
    return text.lower() if _TOKEN.fullmatch(text) else ""


class Usual(NamedTuple):
    """A request."""

    method: str
    target: bytes
    """The path as sent, without the query."""
    query: bytes
    headers: dict[str, str]
    """By lower-case name; none came twice."""
    body: bytes


class _Nobody:
    """Whom the parser tells nothing."""


_NOBODY = _Nobody()


class UsualReader:
    """Of one connection."""

    def __init__(self) -> None:
        self._judge = httptools.HttpRequestParser(_NOBODY)

    def read(self, data: bytes) -> Usual | None:
        """The request these bytes are; None if they are not exactly one, or no usual one.

        >>> UsualReader().read(b"GET /a?b HTTP/1.1\\r\\nHost: here\\r\\n\\r\\n")
        Usual(method='GET', target=b'/a', query=b'b', headers={'host': 'here'}, body=b'')
        """
        end = data.find(b"\r\n\r\n", 0, HEAD_BYTES_MAX)
        if end < 0:
            return None
        line, *lines = data[:end].decode("latin-1").split("\r\n")
        method, _, target = line.partition(" ")
        if method not in METHODS or target[:1] != "/" or target[-9:] != " HTTP/1.1" or len(lines) > HEADERS_MAX:
            return None
        headers = {_name(name): value.strip(" \t") for name, _, value in [line.partition(":") for line in lines]}
        if len(headers) != len(lines) or not UNUSUAL.isdisjoint(headers):
            return None
        if headers.get("content-length", "0") != str(len(data) - end - 4):
            return None
        if headers.get("connection", KEPT).lower() != KEPT:
            return None
        try:
            self._judge.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._judge = httptools.HttpRequestParser(_NOBODY)
            return None
        path, _, query = target[:-9].encode("latin-1").partition(b"?")
        return Usual(method, path, query, headers, data[end + 4 :])
