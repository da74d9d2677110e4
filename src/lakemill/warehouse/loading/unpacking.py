"""Objects as plain files of UTF-8, in which DuckDB finds its way: unpacked, brought over from other encodings."""

import bz2
import codecs
import gzip
import io
import mmap
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from lakemill.lakesql.errors import SqlFailed
from lakemill.warehouse.loading.sources import Object
from lakemill.warehouse.loading.statement import Copy

_BLOCK_BYTES = 4 << 20
_BOM = codecs.BOM_UTF8


def plain(objects: list[Object], copy: Copy, folder: Path, stopped: Callable[[], None]) -> None:
    """Let `path` of each be a file of plain UTF-8; of those that are that already, it stays. Raises SqlFailed."""
    for number, one in enumerate(objects):
        stopped()
        if not copy.packing and copy.encoding == "utf-8" and copy.replacement is None and not _has_mark(one.path):
            continue
        target = folder / f"plain{number}"
        try:
            with target.open("wb") as file:
                for piece in _recoded(_blocks(one.path, copy.packing), copy):
                    file.write(piece)
        except (OSError, EOFError, zlib.error, pa.ArrowException) as wrong:
            raise SqlFailed("XX000", f"The file {one.uri} cannot be unpacked with {copy.packing}: {wrong}") from None
        one.path = str(target)


def _has_mark(path: str) -> bool:
    with open(path, "rb") as file:
        return file.read(3) == _BOM


def _blocks(path: str, packing: str) -> Iterator[bytes]:
    with _opened(path, packing) as source:
        while piece := source.read(_BLOCK_BYTES):
            yield piece


def _opened(path: str, packing: str) -> Any:
    if packing == "ZSTD":
        return pa.CompressedInputStream(pa.OSFile(path, "rb"), "zstd")
    if packing:
        return (gzip.GzipFile if packing == "GZIP" else bz2.BZ2File)(path, "rb")
    return pa.OSFile(path, "rb")


def _recoded(blocks: Iterator[bytes], copy: Copy) -> Iterator[bytes]:
    if copy.encoding != "utf-8":
        decoder = codecs.getincrementaldecoder(copy.encoding)("replace" if copy.replacement is not None else "strict")
        try:
            for piece in blocks:
                yield _exchanged(decoder.decode(piece), copy).encode()
            yield _exchanged(decoder.decode(b"", final=True), copy).encode()
        except UnicodeDecodeError as wrong:
            raise SqlFailed("XX000", f"The file is not of the encoding that COPY names: {wrong}") from None
        return
    first, rest = True, b""
    for piece in blocks:
        piece = rest + (piece.removeprefix(_BOM) if first else piece)
        first = False
        if copy.replacement is None:
            yield piece
            continue
        cut = piece.rfind(b"\n") + 1
        rest = piece[cut:]
        yield replaced(piece[:cut], copy.replacement)
    if rest:
        yield replaced(rest, copy.replacement or "?")


def _exchanged(text: str, copy: Copy) -> str:
    return text if copy.replacement is None else text.replace("\ufffd", copy.replacement)


def replaced(data: bytes, replacement: str) -> bytes:
    r"""Each byte that is no part of UTF-8 as the replacement.

    >>> replaced(b"a\xe9\xe9\nb", "?")
    b'a??\nb'
    """
    try:
        data.decode()
        return data
    except UnicodeDecodeError:
        text = data.decode("utf-8", "surrogateescape")
    return text.encode("utf-8", "surrogateescape") if replacement == "" else _without(text, replacement)


def _without(text: str, replacement: str) -> bytes:
    return text.translate({code: replacement for code in range(0xDC80, 0xDD00)}).encode()


def holds(path: str, *signs: bytes) -> bool:
    """Whether any of these is in a file."""
    with open(path, "rb") as file:
        if not file.seek(0, io.SEEK_END):
            return False
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return any(data.find(sign) >= 0 for sign in signs)


def begins(path: str, *signs: bytes) -> bool:
    """Whether a file begins with any of these."""
    with open(path, "rb") as file:
        return file.read(max(map(len, signs))).startswith(signs)
