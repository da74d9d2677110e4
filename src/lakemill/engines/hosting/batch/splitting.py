"""Cutting an object into records, and records into request bodies, with no more in memory than one body.

Splits and their framing on disk (integers little-endian):

- `none`      the whole object is one record.
- `line`      records end with `\\n`; empty lines are none. A `\\r` before it belongs to the record.
- `recordio`  magic 0xCED7230A (u32), 3 bits of continuation flag and 29 bits of length (u32), payload, padding to 4
              bytes. A record cut into parts (flags 1, 2, 3) had the magic between them.
- `tfrecord`  length (u64), masked CRC32C of it (u32), payload, masked CRC32C of the payload (u32).
"""

import dataclasses
import struct
from collections.abc import Iterable, Iterator

import awscrt.checksums

RECORDIO_MAGIC = 0xCED7230A
_MAGIC_BYTES = struct.pack("<I", RECORDIO_MAGIC)


class SplitError(ValueError):
    """The object's bytes are not what the split says. The text is for the user."""


class RecordTooLarge(SplitError):
    """One record is longer than a request may be."""


@dataclasses.dataclass(frozen=True, slots=True)
class Record:
    """payload: the record alone. wire: as it stood in the object, framing and padding included."""

    payload: bytes
    wire: bytes


class _Pieces:
    """Exact reads from pieces of bytes."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._buffer = bytearray()

    def take(self, size: int, *, what: str, or_end: bool = False) -> bytes:
        while len(self._buffer) < size:
            piece = next(self._pieces, None)
            if piece is None:
                if or_end and not self._buffer:
                    return b""
                raise SplitError(f"the object ends in the middle of {what}")
            self._buffer += piece
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken


def records(pieces: Iterable[bytes], split: str, bytes_max: int | None) -> Iterator[Record]:
    """The records of an object given by its pieces. Raises SplitError, RecordTooLarge (bytes_max None: no limit)."""
    return _SPLITS[split](pieces, bytes_max)


def _whole(pieces: Iterable[bytes], bytes_max: int | None) -> Iterator[Record]:
    parts, size = [], 0
    for piece in pieces:
        parts.append(piece)
        size += len(piece)
        _check_size(size, bytes_max, "The object")
    data = b"".join(parts)
    yield Record(data, data)


def _lines(pieces: Iterable[bytes], bytes_max: int | None) -> Iterator[Record]:
    rest = b""
    for piece in pieces:
        head, end, tail = piece.rpartition(b"\n")
        if end:
            for line in (rest + head).split(b"\n"):
                _check_size(len(line), bytes_max, "A record")
                if line:
                    yield Record(line, line)
            rest = tail
        else:
            rest += piece
        _check_size(len(rest), bytes_max, "A record")
    if rest:
        yield Record(rest, rest)


def _recordio(pieces: Iterable[bytes], bytes_max: int | None) -> Iterator[Record]:
    source = _Pieces(pieces)
    parts: list[bytes] = []
    wire: list[bytes] = []
    while head := source.take(8, what="a RecordIO header", or_end=True):
        magic, word = struct.unpack("<II", head)
        if magic != RECORDIO_MAGIC:
            raise SplitError("the object is not RecordIO: a record does not begin with the magic number 0xCED7230A")
        flag, length = word >> 29, word & 0x1FFFFFFF
        if flag > 3 or (flag in (0, 1)) != (not parts):
            raise SplitError("the object is not RecordIO: the parts of a record are out of order")
        _check_size(sum(map(len, wire)) + length, bytes_max, "A record")
        padded = source.take(length + -length % 4, what="a RecordIO record")
        parts.append(padded[:length])
        wire += (head, padded)
        if flag in (0, 3):
            yield Record(_MAGIC_BYTES.join(parts), b"".join(wire))
            parts, wire = [], []
    if parts:
        raise SplitError("the object ends in the middle of a RecordIO record")


def _tfrecord(pieces: Iterable[bytes], bytes_max: int | None) -> Iterator[Record]:
    source = _Pieces(pieces)
    while head := source.take(12, what="a TFRecord header", or_end=True):
        length, check = struct.unpack("<QI", head)
        if masked_crc(head[:8]) != check:
            raise SplitError("the object is not TFRecord: the checksum of a record's length is wrong")
        _check_size(length, bytes_max, "A record")
        payload = source.take(length, what="a TFRecord record")
        tail = source.take(4, what="a TFRecord record")
        if masked_crc(payload) != struct.unpack("<I", tail)[0]:
            raise SplitError("the object is damaged: the checksum of a TFRecord record is wrong")
        yield Record(payload, head + payload + tail)


_SPLITS = {"none": _whole, "line": _lines, "recordio": _recordio, "tfrecord": _tfrecord}


def masked_crc(data: bytes) -> int:
    """TensorFlow's checksum: CRC32C, rotated right by 15 bits, plus a constant.

    >>> hex(masked_crc(b""))
    '0xa282ead8'
    """
    crc = awscrt.checksums.crc32c(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def _check_size(size: int, bytes_max: int | None, what: str) -> None:
    if bytes_max is not None and size > bytes_max:
        raise RecordTooLarge(f"{what} is larger than one request may be ({bytes_max} bytes)")


def bodies(found: Iterator[Record], split: str, several: bool, bytes_max: int | None) -> Iterator[list[Record]]:
    """Records grouped into requests: one each, or (several) as many as fit into bytes_max on the wire."""
    group: list[Record] = []
    size = 0
    separator = 1 if split == "line" else 0
    for record in found:
        length = len(record.wire) + separator
        if group and (not several or (bytes_max is not None and size + length - separator > bytes_max)):
            yield group
            group, size = [], 0
        group.append(record)
        size += length
    if group:
        yield group


def body(group: list[Record], split: str, several: bool) -> bytes:
    """The bytes of one request: a lone record without its framing, several as they stood in the object."""
    if not several or split == "none":
        return group[0].payload
    return (b"\n" if split == "line" else b"").join(record.wire for record in group)
