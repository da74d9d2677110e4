"""The door of `lakemill run`: an HTTPS proxy through which `https://*.amazonaws.com` ends at lakemill.

A client that honours HTTPS_PROXY asks the door to CONNECT to a host. For an AWS host the door speaks TLS itself, with a
certificate of the data folder's own authority, and passes the bytes on to lakemill; any other host is reached as it
would be without the door (through the proxy that was set before, if there was one) and nobody looks inside.
"""

import asyncio
import contextlib
import re
from urllib.parse import urlsplit

from lakemill.gateway.authority import Authority

_AWS = re.compile(r"(^|\.)amazonaws\.com(\.cn)?$")
PIECE_BYTES = 1 << 18
HEAD_BYTES_MAX = 16_384


def is_aws(host: str) -> bool:
    """
    >>> is_aws("sts.us-east-1.amazonaws.com"), is_aws("amazonaws.com.example.org")
    (True, False)
    """
    return _AWS.search(host.lower()) is not None


class Door:
    """The proxy. `endpoint` is (host, port) of lakemill, `upstream` the URL of the proxy that was set before."""

    def __init__(
        self, authority: Authority, endpoint: tuple[str, int], *, tls: bool = False, upstream: str | None = None
    ) -> None:
        self._authority = authority
        self._endpoint = endpoint
        self._tls = tls
        self._upstream = urlsplit(upstream) if upstream else None
        self._server: asyncio.Server | None = None
        self.port = 0

    async def open(self) -> None:
        """Listen on a free port of 127.0.0.1."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            host, port = await self._asked(reader)
            if is_aws(host):
                await self._to_lakemill(host, reader, writer)
            else:
                await self._past(host, port, reader, writer)
        except _BadRequest as error:
            writer.write(f"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nx-reason: {error}\r\n\r\n".encode())
        except (OSError, asyncio.IncompleteReadError):
            with contextlib.suppress(OSError):
                writer.write(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n")
        finally:
            with contextlib.suppress(OSError, RuntimeError):
                writer.close()

    @staticmethod
    async def _asked(reader: asyncio.StreamReader) -> tuple[str, int]:
        """Host and port of the CONNECT request."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            raise _BadRequest("the request head is too long") from None
        method, _, rest = head.split(b"\r\n", 1)[0].decode("latin-1").partition(" ")
        target = rest.rsplit(" ", 1)[0]
        host, _, port = target.rpartition(":")
        if method != "CONNECT" or not port.isdigit():
            raise _BadRequest("this proxy understands CONNECT host:port only")
        return host.strip("[]"), int(port)

    async def _to_lakemill(self, host: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        context = None
        if self._tls:
            import ssl

            context = ssl.create_default_context(cafile=str(self._authority.certificate_path))
        there_reader, there_writer = await asyncio.open_connection(*self._endpoint, ssl=context)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await writer.drain()
        await writer.start_tls(self._authority.context(host))
        await _splice(reader, writer, there_reader, there_writer)

    async def _past(self, host: str, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._upstream:
            there_reader, there_writer = await asyncio.open_connection(
                self._upstream.hostname, self._upstream.port or 80
            )
            there_writer.write(f"CONNECT {host}:{port} HTTP/1.1\r\nhost: {host}:{port}\r\n\r\n".encode())
        else:
            there_reader, there_writer = await asyncio.open_connection(host, port)
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await _splice(reader, writer, there_reader, there_writer)


class _BadRequest(ValueError):
    """What was asked of the proxy is no CONNECT."""


async def _splice(
    here_reader: asyncio.StreamReader,
    here_writer: asyncio.StreamWriter,
    there_reader: asyncio.StreamReader,
    there_writer: asyncio.StreamWriter,
) -> None:
    """Carry bytes both ways until both sides have ended."""

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while piece := await reader.read(PIECE_BYTES):
                writer.write(piece)
                await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()
        except OSError:
            pass  # One side hung up; the other side's reader sees the end when we close below.
        finally:
            writer.close()

    await asyncio.gather(carry(here_reader, there_writer), carry(there_reader, here_writer))
