"""Requests to servers elsewhere, for sinks that are no buckets: one connection each, TLS verified, nothing followed."""

import asyncio
import ssl
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import SplitResult, quote, urlsplit

import httptools

CONNECT_S = 10.0
READ_BYTES = 1 << 16
SAFE = "/%:@!$&'()*+,;=~-._?"
"""What stays as it is in paths and queries."""


class Unreachable(Exception):
    """No answer came; the text says why."""


class TooLate(Unreachable):
    """No answer came in time."""


class Unreadable(Unreachable):
    """What came is no answer, or is too long."""


class Answer:
    """A response. headers: lower-case name -> value."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body


class WebClient:
    """authority: a file with certificates of authorities to trust beside the system's; it may be missing."""

    def __init__(self, authority: Path | None = None) -> None:
        self._authority = authority
        self._context: ssl.SSLContext | None = None

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, *, timeout_s: float, bytes_max: int = 1 << 20
    ) -> Answer:
        """Post a body. timeout_s: for all of it; bytes_max: of the answer's body. Raises Unreachable."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self._post(url, headers, body, bytes_max)
        except TimeoutError:
            raise TooLate(f"{_named(url)} did not answer within {timeout_s:g} seconds") from None
        except (OSError, ssl.SSLError) as error:
            raise Unreachable(f"{_named(url)} cannot be reached: {error}") from None
        except httptools.HttpParserError as error:
            raise Unreadable(f"{_named(url)} gave an answer that is no HTTP: {error}") from None

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes, bytes_max: int) -> Answer:
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Unreachable(f"{_named(url)} is no address of a web server")
        port = parts.port or (443 if secure else 80)
        async with asyncio.timeout(CONNECT_S):
            reader, writer = await asyncio.open_connection(
                parts.hostname, port, ssl=self._trusted() if secure else None
            )
        try:
            writer.write(_head(parts, headers, len(body)))
            writer.write(body)
            await writer.drain()
            return await _read(reader, bytes_max, url)
        finally:
            writer.transport.abort() if secure else writer.close()

    def _trusted(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = ssl.create_default_context()
            if self._authority is not None and self._authority.exists():
                self._context.load_verify_locations(self._authority)
        return self._context


def _head(parts: SplitResult, headers: Mapping[str, str], size: int) -> bytes:
    """The request's lines before its body. Raises Unreachable for what would be more than a line."""
    target = quote(parts.path or "/", safe=SAFE) + (f"?{quote(parts.query, safe=SAFE)}" if parts.query else "")
    host = parts.netloc.rpartition("@")[2]
    lines = [f"POST {target} HTTP/1.1", f"Host: {host}", f"Content-Length: {size}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if any("\r" in line or "\n" in line for line in lines):
        raise Unreachable("a header of the request has a line break in it")
    return "\r\n".join([*lines, "", ""]).encode()


class _Reading:
    """Callbacks of the parser."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.pieces: list[bytes] = []
        self.size = 0
        self.done = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, piece: bytes) -> None:
        self.pieces.append(piece)
        self.size += len(piece)

    def on_message_complete(self) -> None:
        self.done = True


async def _read(reader: asyncio.StreamReader, bytes_max: int, url: str) -> Answer:
    reading = _Reading()
    parser = httptools.HttpResponseParser(reading)
    while not reading.done:
        piece = await reader.read(READ_BYTES)
        if not piece:
            if "content-length" in reading.headers or not parser.get_status_code():
                raise Unreachable(f"{_named(url)} closed the connection before it had answered")
            break  # A body without a length ends with the connection.
        parser.feed_data(piece)
        if reading.size > bytes_max:
            raise Unreadable(f"{_named(url)} answered with more than {bytes_max} bytes")
    return Answer(parser.get_status_code(), reading.headers, b"".join(reading.pieces))


def _named(url: str) -> str:
    """An address without what may be secret in it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
