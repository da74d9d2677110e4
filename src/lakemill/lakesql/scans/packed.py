"""Objects of text as plain bytes: packed in what the end of their name says."""

import io
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

import pyarrow as pa

from lakemill.formats import compression
from lakemill.formats.errors import FormatError
from lakemill.lakesql.errors import SqlFailed
from lakemill.lakesql.scans.objects import File

BLOCK_BYTES = 4 << 20
_BY_ARROW = {".gz": "gzip", ".gzip": "gzip", ".bz2": "bz2", ".zst": "zstd", ".zstd": "zstd", ".lz4": "lz4"}
_REFUSED = (".lzo", ".deflate", ".z", ".br", ".xz", ".zip")


def opened(file: File) -> BinaryIO:
    """The unpacked bytes of a local file. Raises SqlFailed for a form that is not read."""
    end = "." + file.uri.rsplit("/", 1)[-1].rsplit(".", 1)[-1].lower()
    if end in _REFUSED:
        raise SqlFailed("HIVE_CANNOT_OPEN_SPLIT", f"Error opening Hive split {file.uri}: {end} is not unpacked here")
    if end == ".snappy":
        return compression.reader(_seekable(file), "Snappy" if _is_framed(file) else "HADOOP_SNAPPY")
    if end in _BY_ARROW:
        # Arrow's stream ends with the first of several members; Python's readers go on.
        return cast(BinaryIO, _Members(file, _BY_ARROW[end]))
    return _seekable(file)


def blocks(file: File) -> Iterator[bytes]:
    """Whole lines, some MiB at a time; the last one may lack its end. Raises SqlFailed."""
    rest = b""
    with opened(file) as source:
        while piece := read(file, source, BLOCK_BYTES):
            cut = piece.rfind(b"\n") + 1
            if not cut:
                rest += piece
                continue
            yield rest + piece[:cut]
            rest = piece[cut:]
    if rest:
        yield rest


def read(file: File, source: BinaryIO, size: int) -> bytes:
    """Some of the unpacked bytes. Raises SqlFailed where they do not unpack."""
    try:
        return source.read(size)
    except (OSError, EOFError, FormatError, pa.ArrowException) as wrong:
        raise damaged(file, wrong) from None


def damaged(file: File, wrong: Exception) -> SqlFailed:
    """What is said of a file that does not unpack."""
    return SqlFailed("HIVE_CURSOR_ERROR", f"Failed to read file: {file.uri}: {wrong}")


def _seekable(file: File) -> BinaryIO:
    return open(file.path, "rb", buffering=1 << 20)


def _is_framed(file: File) -> bool:
    with open(file.path, "rb") as source:
        return source.read(10) == b"\xff\x06\x00\x00sNaPpY"


class _Members(io.RawIOBase):
    """A packed file, of one or more members one after the other."""

    def __init__(self, file: File, kind: str) -> None:
        self._source: Any = _python_reader(file.path, kind)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._source.read(size)

    def readinto(self, buffer: Any) -> int:
        piece = self._source.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        self._source.close()
        super().close()


def _python_reader(path: str, kind: str) -> Any:
    import bz2
    import gzip

    if kind == "gzip":
        return gzip.open(path, "rb")
    if kind == "bz2":
        return bz2.open(path, "rb")
    return pa.CompressedInputStream(pa.OSFile(path, "rb"), kind)
