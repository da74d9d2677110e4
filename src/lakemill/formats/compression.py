"""Bytes packed and unpacked, whole or as a stream: GZIP, ZIP, Snappy and HADOOP_SNAPPY.

GZIP           RFC 1952; several members one after the other are one file. The header holds no time, so equal bytes pack
               to equal bytes.
ZIP            an archive with one file in it.
Snappy         Snappy's framing format: the chunk `ff 06 00 00 sNaPpY`, then chunks of a type byte, a three-byte
               little-endian length and a body, which is a masked CRC-32C and up to 64 KiB of data, packed (type 0) or
               plain (type 1). Types 80 to fe are passed over. (github.com/google/snappy, framing_format.txt)
HADOOP_SNAPPY  Hadoop's block framing: a four-byte big-endian length of the unpacked block, then as many parts as fill
               it, each a four-byte big-endian length and raw Snappy. (Hadoop, BlockCompressorStream)

`compress` and `decompress` take whole buffers; `writer` and `reader` hold a few hundred KiB whatever the length.
Whatever does not unpack is a FormatError.
"""

import datetime
import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Literal, Protocol

from lakemill.formats.errors import FormatError

Format = Literal["GZIP", "ZIP", "Snappy", "HADOOP_SNAPPY"]
Buffer = bytes | bytearray | memoryview

_PIECE_BYTES = 256 << 10
_SNAPPY_START = b"\xff\x06\x00\x00sNaPpY"
_SNAPPY_CHUNK_BYTES_MAX = (1 << 16) + 4
# Hadoop's readers hold packed and unpacked blocks in buffers of 256 KiB. Snappy grows incompressible data by a sixth at
# the most, and works by 64 KiB.
_HADOOP_BLOCK_BYTES = 192 << 10
_HADOOP_BLOCK_BYTES_MAX = 64 << 20
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


class Writing(Protocol):
    """What `writer` gives: close() writes what is left and the end marks, and leaves the target open."""

    def write(self, data: Buffer) -> Any:
        """Pack some more."""
        ...

    def close(self) -> None:
        """Write the end. The target stays open."""
        ...


def compress(data: Buffer, format: Format, *, name: str = "data", moment: datetime.datetime | None = None) -> bytes:
    """The data packed.

    name, moment: of the file inside, for ZIP only. moment is in UTC; the default is ZIP's first day, 1980-01-01.

    >>> decompress(compress(b"abc" * 9, "Snappy"), "Snappy")
    b'abcabcabcabcabcabcabcabcabc'
    """
    target = io.BytesIO()
    packing = writer(target, format, name=name, moment=moment)
    packing.write(data)
    packing.close()
    return target.getvalue()


def decompress(data: Buffer, format: Format) -> bytes:
    """What the bytes unpack to. Raises FormatError."""
    return b"".join(_pieces(io.BytesIO(data), format))


def writer(target: BinaryIO, format: Format, *, name: str = "data", moment: datetime.datetime | None = None) -> Writing:
    """Pack what is written into target, which needs no more than write()."""
    if format == "GZIP":
        return gzip.GzipFile(filename="", mode="wb", fileobj=target, compresslevel=6, mtime=0)
    if format == "ZIP":
        return _ZipWriter(target, name, moment)
    packing = {"Snappy": _SnappyWriter, "HADOOP_SNAPPY": _HadoopWriter}
    if format not in packing:
        raise ValueError(f"format must be GZIP, ZIP, Snappy or HADOOP_SNAPPY; got {format!r}")
    return packing[format](target)


def reader(source: BinaryIO, format: Format) -> BinaryIO:
    """The unpacked stream of source; reading it raises FormatError where the bytes are damaged.

    source needs read() only, but for ZIP it must be able to seek: the list of an archive is at its end.
    """
    return io.BufferedReader(_Joined(_pieces(source, format)), _PIECE_BYTES)


class _ZipWriter:
    def __init__(self, target: BinaryIO, name: str, moment: datetime.datetime | None) -> None:
        self._archive = zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED)
        entry = zipfile.ZipInfo(name, moment.timetuple()[:6] if moment else _ZIP_EPOCH)
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = 0o644 << 16
        self._entry = self._archive.open(entry, "w", force_zip64=False)

    def write(self, data: Buffer) -> None:
        self._entry.write(data)  # type: ignore[arg-type]

    def close(self) -> None:
        self._entry.close()
        self._archive.close()


class _BlockWriter:
    """Cuts what is written into blocks of `size` and packs each for itself."""

    size: int

    def __init__(self, target: BinaryIO) -> None:
        self._target, self._held = target, bytearray()

    def write(self, data: Buffer) -> None:
        self._held += data
        whole = len(self._held) - len(self._held) % self.size
        with memoryview(self._held) as view:
            for start in range(0, whole, self.size):
                self._target.write(self.pack(view[start : start + self.size]))
        del self._held[:whole]

    def close(self) -> None:
        if self._held:
            self._target.write(self.pack(memoryview(self._held)))
        self._held = bytearray()

    def pack(self, block: memoryview) -> bytes:
        raise NotImplementedError


class _SnappyWriter(_BlockWriter):
    size = _PIECE_BYTES

    def __init__(self, target: BinaryIO) -> None:
        super().__init__(target)
        target.write(_SNAPPY_START)

    def pack(self, block: memoryview) -> bytes:
        return bytes(_snappy().compress(block))[len(_SNAPPY_START) :]


class _HadoopWriter(_BlockWriter):
    size = _HADOOP_BLOCK_BYTES

    def pack(self, block: memoryview) -> bytes:
        packed = bytes(_snappy().compress_raw(block))
        return struct.pack(">II", len(block), len(packed)) + packed


class _Joined(io.RawIOBase):
    """Pieces as a stream that can be read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._rest = pieces, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        taken = self._rest[: len(buffer)]
        buffer[: len(taken)] = taken
        self._rest = self._rest[len(taken) :]
        return len(taken)


def _pieces(source: BinaryIO, format: Format) -> Iterator[bytes]:
    kinds: dict[str, Callable[[BinaryIO], Iterator[bytes]]] = {
        "GZIP": _gzip_pieces,
        "ZIP": _zip_pieces,
        "Snappy": _snappy_pieces,
        "HADOOP_SNAPPY": _hadoop_pieces,
    }
    if format not in kinds:
        raise ValueError(f"format must be GZIP, ZIP, Snappy or HADOOP_SNAPPY; got {format!r}")
    return kinds[format](source)


def _gzip_pieces(source: BinaryIO) -> Iterator[bytes]:
    stream = gzip.GzipFile(fileobj=source)
    try:
        while piece := stream.read(_PIECE_BYTES):
            yield piece
    except (OSError, EOFError, zlib.error) as wrong:
        raise FormatError(f"the bytes do not unpack as GZIP: {wrong}") from None


def _zip_pieces(source: BinaryIO) -> Iterator[bytes]:
    try:
        with zipfile.ZipFile(source) as archive:
            files = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(files) != 1:
                raise FormatError(f"a ZIP archive must hold one file; this one holds {len(files)}")
            with archive.open(files[0]) as stream:
                while piece := stream.read(_PIECE_BYTES):
                    yield piece
    except (zipfile.BadZipFile, EOFError, OSError, zlib.error, RuntimeError, NotImplementedError) as wrong:
        raise FormatError(f"the bytes do not unpack as ZIP: {wrong}") from None


def _snappy_pieces(source: BinaryIO) -> Iterator[bytes]:
    """Whole chunks are gathered, and unpacked (and their checksums held against them) some at a time."""
    held = bytearray()
    begun = False
    offset = 0
    while head := _exactly(source, 4, "Snappy", may_end=True):
        kind, length = head[0], int.from_bytes(head[1:], "little")
        if kind == 0xFF and length == 6:
            begun = True
        elif not begun:
            raise FormatError("the bytes do not unpack as Snappy: they do not begin with its identifier", offset=0)
        elif kind in (0, 1) and length > _SNAPPY_CHUNK_BYTES_MAX + (1 << 14):
            raise FormatError(f"the bytes do not unpack as Snappy: a chunk of {length} bytes", offset=offset)
        body = _exactly(source, length, "Snappy")
        offset += 4 + length
        if not 0x80 <= kind <= 0xFE:
            held += head + body
        if len(held) >= _PIECE_BYTES:
            yield _unframed(held)
            held.clear()
    if held:
        yield _unframed(held)


def _unframed(chunks: bytearray) -> bytes:
    import cramjam

    start = b"" if chunks.startswith(_SNAPPY_START) else _SNAPPY_START
    try:
        return bytes(cramjam.snappy.decompress(start + chunks))
    except cramjam.DecompressionError as wrong:
        raise FormatError(f"the bytes do not unpack as Snappy: {wrong}") from None


def _hadoop_pieces(source: BinaryIO) -> Iterator[bytes]:
    import cramjam

    while head := _exactly(source, 4, "HADOOP_SNAPPY", may_end=True):
        left = int.from_bytes(head, "big")
        if left > _HADOOP_BLOCK_BYTES_MAX:
            raise FormatError(f"the bytes do not unpack as HADOOP_SNAPPY: a block of {left} bytes")
        while left:
            length = int.from_bytes(_exactly(source, 4, "HADOOP_SNAPPY"), "big")
            if length > 2 * _HADOOP_BLOCK_BYTES_MAX:
                raise FormatError(f"the bytes do not unpack as HADOOP_SNAPPY: a part of {length} bytes")
            packed = _exactly(source, length, "HADOOP_SNAPPY")
            try:
                size = cramjam.snappy.decompress_raw_len(packed)
                if not 0 < size <= left:
                    raise FormatError(f"the bytes do not unpack as HADOOP_SNAPPY: {size} bytes where {left} are left")
                yield bytes(cramjam.snappy.decompress_raw(packed))
            except cramjam.DecompressionError as wrong:
                raise FormatError(f"the bytes do not unpack as HADOOP_SNAPPY: {wrong}") from None
            left -= size


def _exactly(source: BinaryIO, count: int, format: str, *, may_end: bool = False) -> bytes:
    """So many bytes; none at the end of the stream, where that is allowed."""
    got = source.read(count)
    while len(got) < count:
        more = source.read(count - len(got))
        if not more:
            if may_end and not got:
                return b""
            raise FormatError(f"the bytes do not unpack as {format}: they end too early")
        got += more
    return got


def _snappy() -> Any:
    """Loaded where it is needed: it comes with an extra."""
    import cramjam

    return cramjam.snappy
