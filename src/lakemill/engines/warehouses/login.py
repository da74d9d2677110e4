"""Whether somebody may connect: by PostgreSQL's own protocol, as any client would.

Source: https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-START-UP
"""

import asyncio
import hashlib
import ssl
import struct

from lakemill.engines.warehouses.credentials import verifier
from lakemill.engines.warehouses.errors import NotRunning, SqlFailed

PROTOCOL, SSL_REQUEST = 196608, 80877103
TIMEOUT_S = 30.0
OK, MD5 = 0, 5


async def prove(host: str, port: int, database: str, user: str, password: str) -> None:
    """Return if a server lets this user in. Raises SqlFailed (28000 ...), NotRunning."""
    try:
        async with asyncio.timeout(TIMEOUT_S):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                await _secure(reader, writer)
                parameters = b"".join(one.encode() + b"\0" for one in ("user", user, "database", database))
                _send(writer, b"", struct.pack(">I", PROTOCOL) + parameters + b"\0")
                await _shown(reader, writer, user, password)
                _send(writer, b"X", b"")
            finally:
                writer.close()
    except (OSError, EOFError, TimeoutError) as fault:
        raise NotRunning(f"{host}:{port} cannot be reached: {fault!r}") from None


async def _secure(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """TLS where there is some. Whose certificate it is does not matter: it is a process of ours on this machine."""
    _send(writer, b"", struct.pack(">I", SSL_REQUEST))
    if await reader.readexactly(1) == b"S":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        await writer.start_tls(context)


async def _shown(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, user: str, password: str) -> None:
    """Show the password in the form that is asked for, until that is enough."""
    while True:
        kind, size = struct.unpack(">cI", await reader.readexactly(5))
        body = await reader.readexactly(size - 4)
        if kind == b"E":
            fields = {one[:1]: one[1:].decode(errors="replace") for one in body.split(b"\0") if one}
            raise SqlFailed(fields.get(b"C", ""), fields.get(b"M", "the server refused the connection"))
        if kind != b"R":
            continue
        asked = struct.unpack_from(">I", body)[0]
        if asked == OK:
            return
        if asked != MD5:
            raise NotRunning(f"the server asks for a password in the form {asked}")
        answer = hashlib.md5(verifier(password, user).encode() + body[4:8], usedforsecurity=False).hexdigest()
        _send(writer, b"p", b"md5" + answer.encode() + b"\0")


def _send(writer: asyncio.StreamWriter, kind: bytes, body: bytes) -> None:
    writer.write(kind + struct.pack(">I", len(body) + 4) + body)
