"""A sample of a file: its beginning and end, unpacked where the whole file is packed."""

import bz2
import contextlib
import functools
import io
import os
import zlib
from typing import Any, BinaryIO

import msgspec

from lakemill.classifiers.findings import MoreNeeded
from lakemill.formats.compression import reader
from lakemill.formats.errors import FormatError

UNPACKED_BYTES_MAX = 1 << 20
"""So much is unpacked of a file."""
_PIECE_BYTES, _BZIP2_BYTES = 16 << 10, 1 << 20
_SNAPPY_START = b"\xff\x06\x00\x00sNaPpY"
ZIP_START, ZIP_END = b"PK\x03\x04", b"PK\x05\x06"
_MAGICS = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    ZIP_START: "zip",
    _SNAPPY_START: "snappy",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x04\x22\x4d\x18": "lz4",
}


class Sample(msgspec.Struct, dict=True):
    """name: the key. head: the first bytes; tail: the last ones, empty when head is all of it."""

    name: str
    size: int
    head: bytes
    tail: bytes = b""

    @property
    def whole(self) -> bool:
        """Whether head is the whole file."""
        return len(self.head) >= self.size

    @functools.cached_property
    def compression(self) -> str:
        """How the whole file is packed; `none` for not at all."""
        for magic, name in _MAGICS.items():
            if self.head.startswith(magic):
                return name
        return "snappy" if _hadoop_snappy(self.head, self.name) else "none"

    @functools.cached_property
    def _unpacked(self) -> tuple[bytes, bool, int]:
        if self.compression == "none":
            return self.head, self.whole, len(self.head)
        unpack = {"gzip": _gzip, "bzip2": _bzip2, "zip": _zip}.get(self.compression, _streamed)
        data, taken = unpack(self)
        return data[:UNPACKED_BYTES_MAX], taken >= self.size and len(data) <= UNPACKED_BYTES_MAX, taken

    @property
    def data(self) -> bytes:
        """The first bytes, unpacked."""
        return self._unpacked[0]

    @property
    def complete(self) -> bool:
        """Whether `data` is all of it."""
        return self._unpacked[1]

    @property
    def taken(self) -> int:
        """Bytes of the file that became `data`."""
        return max(1, self._unpacked[2])

    @functools.cached_property
    def text(self) -> str | None:
        """The first bytes as text, without a character cut in two at the end; None when they are none."""
        data = self.data.removeprefix(b"\xef\xbb\xbf")
        if b"\x00" in data[:4096]:
            return None
        for cut in range(4 if not self.complete else 1):
            try:
                return data[: len(data) - cut].decode()
            except UnicodeDecodeError:
                continue
        latin = data.decode("latin-1")
        return latin if not any(ord(one) < 32 and one not in "\t\n\r\x01\x0c\x1b" for one in latin[:4096]) else None

    @functools.cached_property
    def lines(self) -> list[str]:
        """Whole lines of the text, without empty ones; a last one that may be cut off is left out."""
        if self.text is None:
            return []
        lines = self.text.splitlines() if "\x01" not in self.text else self.text.split("\n")
        if not self.complete and len(lines) > 1 and not self.text.endswith("\n"):
            lines.pop()
        return [line.rstrip("\r") for line in lines if line.strip()]

    def opened(self) -> BinaryIO:
        """The file as far as it is here. Reading what is not raises MoreNeeded."""
        return io.BufferedReader(_Sparse(self))


class _Sparse(io.RawIOBase):
    def __init__(self, sample: Sample) -> None:
        self._sample, self._at = sample, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._sample.size}[whence]
        self._at = base + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        sample = self._sample
        wanted = min(len(buffer), sample.size - self._at)
        tail_at = sample.size - len(sample.tail)
        if wanted <= 0:
            return 0
        if self._at < len(sample.head):
            piece = sample.head[self._at : self._at + wanted]
        elif self._at >= tail_at:
            piece = sample.tail[self._at - tail_at : self._at - tail_at + wanted]
        else:
            raise MoreNeeded(tail=sample.size - self._at)
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)


def _gzip(sample: Sample) -> tuple[bytes, int]:
    out, rest = bytearray(), sample.head
    while rest.startswith(b"\x1f\x8b") and len(out) <= UNPACKED_BYTES_MAX:
        unpacking = zlib.decompressobj(wbits=31)
        out += _tolerant(lambda one=unpacking, given=rest: one.decompress(given, UNPACKED_BYTES_MAX + 1))  # type: ignore[misc]
        if not unpacking.eof:
            rest = unpacking.unconsumed_tail
            break
        rest = unpacking.unused_data
    return bytes(out), len(sample.head) - len(rest)


def _bzip2(sample: Sample) -> tuple[bytes, int]:
    unpacking, out, at = bz2.BZ2Decompressor(), bytearray(), 0
    with contextlib.suppress(OSError, EOFError):  # Damaged bytes: what came before them is enough.
        while at < len(sample.head) and len(out) <= UNPACKED_BYTES_MAX and not unpacking.eof:
            piece = sample.head[at : at + _PIECE_BYTES] if unpacking.needs_input else b""
            at += len(piece)
            out += unpacking.decompress(piece, UNPACKED_BYTES_MAX + 1 - len(out))
    if not out and not sample.whole and at == len(sample.head) < _BZIP2_BYTES:
        raise MoreNeeded(head=_BZIP2_BYTES)  # It unpacks by the block, of up to 900 kB.
    return bytes(out), at


def _zip(sample: Sample) -> tuple[bytes, int]:
    """The one file of an archive. Nothing when there are more."""
    end = sample.tail or sample.head
    at = end.rfind(ZIP_END)
    if at < 0 and not sample.whole and not sample.tail:
        raise MoreNeeded(tail=66 << 10)
    if at >= 0 and int.from_bytes(end[at + 10 : at + 12], "little") != 1:
        return b"", 1
    header = sample.head[:30]
    start = 30 + int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    if int.from_bytes(header[8:10], "little") == 0:
        size = int.from_bytes(header[22:26], "little")
        return sample.head[start : start + size], len(sample.head)
    unpacking = zlib.decompressobj(wbits=-15)
    out = _tolerant(lambda: unpacking.decompress(sample.head[start:], UNPACKED_BYTES_MAX + 1))
    if unpacking.eof:
        return out, sample.size
    return out, len(sample.head) - len(unpacking.unconsumed_tail)


def _streamed(sample: Sample) -> tuple[bytes, int]:
    """Snappy in its frames or Hadoop's, Zstandard, LZ4: what comes out before the part that is here ends."""
    framed = sample.head.startswith(_SNAPPY_START)
    source = io.BytesIO(_whole_frames(sample.head) if framed else sample.head)
    out = bytearray()
    with contextlib.suppress(FormatError, OSError, ValueError):  # It ends in the middle of a block.
        stream = _stream(source, sample.compression, framed)
        while len(out) <= UNPACKED_BYTES_MAX and (piece := stream.read1(_PIECE_BYTES)):
            out += piece
    return bytes(out), source.tell()


def _stream(source: BinaryIO, compression: str, framed: bool) -> Any:
    if compression == "snappy":
        return reader(source, "Snappy" if framed else "HADOOP_SNAPPY")
    import pyarrow as pa

    return pa.CompressedInputStream(source, compression)


def _whole_frames(head: bytes) -> bytes:
    """Snappy's frames up to the last that is here as a whole."""
    at = 0
    while (end := at + 4 + int.from_bytes(head[at + 1 : at + 4], "little")) <= len(head) and at + 4 <= len(head):
        at = end
    return head[:at]


def _hadoop_snappy(head: bytes, name: str) -> bool:
    if not name.endswith(".snappy") or len(head) < 8:
        return False
    with contextlib.suppress(FormatError):
        return bool(reader(io.BytesIO(head), "HADOOP_SNAPPY").read(1))
    return False


def _tolerant(unpack: Any) -> bytes:
    """What unpacks; nothing where the bytes are damaged."""
    try:
        return bytes(unpack())
    except (zlib.error, OSError, EOFError):
        return b""
