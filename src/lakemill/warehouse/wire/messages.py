"""Messages of PostgreSQL's protocol 3.0: a type (1 byte), a length (4 bytes, big-endian, with itself), a body."""

import struct
from typing import Protocol

from lakemill.lakesql.dialects.redshift import cases
from lakemill.lakesql.errors import SqlFailed

STARTUP_BYTES_MAX = 10_000
"""Of what a client sends before it is known."""
MESSAGE_BYTES_MAX = 64 << 20
PROTOCOL, SSL_REQUEST, GSS_REQUEST, CANCEL_REQUEST = 196608, 80877103, 80877104, 80877102
_INT = struct.Struct(">I")


class Reader(Protocol):
    """Something to read from."""

    def read(self, size: int, /) -> bytes | None:
        """So many bytes, fewer only at the end."""
        ...


class Gone(Exception):
    """The client is no longer there."""


def malformed(what: str) -> SqlFailed:
    """A message is not what the protocol says."""
    return SqlFailed("08P01", what)


def exactly(source: Reader, size: int) -> bytes:
    """So many bytes. Raises Gone."""
    data = source.read(size) or b""
    if len(data) < size:
        raise Gone
    return data


def receive(source: Reader, most: int = MESSAGE_BYTES_MAX) -> tuple[bytes, bytes]:
    """Type and body of the next message. Raises Gone, and SqlFailed 08P01 for a length that cannot be."""
    head = exactly(source, 5)
    size = _INT.unpack_from(head, 1)[0]
    if not 4 <= size <= most:
        raise malformed(f"invalid message length {size}")
    return head[:1], exactly(source, size - 4)


def message(kind: bytes, body: bytes = b"") -> bytes:
    """A message.

    >>> message(b"Z", b"I")
    b'Z\\x00\\x00\\x00\\x05I'
    """
    return kind + _INT.pack(len(body) + 4) + body


def text(value: str) -> bytes:
    """A text as messages have it: it ends with a zero."""
    return value.encode("utf-8", "replace").replace(b"\0", b"") + b"\0"


class Body:
    """The fields of a message, one after the other. Every method raises SqlFailed 08P01 where it ends too early."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def int16(self) -> int:
        """Two bytes, signed."""
        return int.from_bytes(self.bytes(2), "big", signed=True)

    def int32(self) -> int:
        """Four bytes, signed."""
        return int.from_bytes(self.bytes(4), "big", signed=True)

    def bytes(self, size: int) -> bytes:
        """So many bytes."""
        if size < 0 or self._at + size > len(self._data):
            raise malformed("insufficient data left in message")
        found = self._data[self._at : self._at + size]
        self._at += size
        return found

    def text(self) -> str:
        """A text that ends with a zero. Raises SqlFailed 22021 where it is not UTF-8."""
        end = self._data.find(b"\0", self._at)
        if end < 0:
            raise malformed("invalid string in message")
        found, self._at = self._data[self._at : end], end + 1
        return decoded(found)

    def count(self) -> int:
        """Two bytes that count something."""
        found = self.int16()
        if found < 0:
            raise malformed("invalid count in message")
        return found

    def ended(self) -> bool:
        """Whether nothing is left."""
        return self._at >= len(self._data)

    def end(self) -> None:
        """Nothing may be left."""
        if not self.ended():
            raise malformed("invalid message format")


def decoded(data: bytes) -> str:
    """Bytes of a client as text. Raises SqlFailed 22021."""
    try:
        return data.decode()
    except UnicodeDecodeError as wrong:
        raise SqlFailed("22021", f'invalid byte sequence for encoding "UTF8": 0x{data[wrong.start]:02x}') from None


def failure(error: SqlFailed, severity: str = "ERROR") -> bytes:
    """ErrorResponse; severity FATAL ends the connection."""
    fields = [(b"S", severity), (b"C", error.code), (b"M", error.message)]
    fields += [(b"D", error.detail), (b"H", error.hint)]
    fields += [(b"P", str(error.position) if error.position else "")]
    fields += [(b"W", error.context)]
    return message(b"E", b"".join(kind + text(cases.shown(value)) for kind, value in fields if value) + b"\0")


def notice(said: str) -> bytes:
    """NoticeResponse of a text that begins with its severity: `INFO:  something`."""
    severity, _, rest = said.partition(":  ")
    fields = [(b"S", severity), (b"C", "01000" if severity == "WARNING" else "00000"), (b"M", rest)]
    return message(b"N", b"".join(kind + text(cases.shown(value)) for kind, value in fields) + b"\0")
