"""Files and streams in pieces: opened (gunzipped where need be), whole records at a time, cut to an exact row count."""

import contextlib
import gzip
import io
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from lakemill.formats.block import Block, concatenate
from lakemill.formats.errors import FormatError

Source = str | os.PathLike[str] | BinaryIO
"""A file by its path, or a binary stream that is read to its end."""

PIECE_BYTES = 8 << 20
"""How much of a file is in memory at a time; a single larger record makes it grow."""

_GZIP = b"\x1f\x8b"


def gunzip(body: bytes) -> bytes:
    """The body itself, or what it unpacks to when it starts as gzip does.

    Raises
    ------
    FormatError
        If it starts as gzip and is not.

    >>> gunzip(gzip.compress(b"1,2")), gunzip(b"1,2")
    (b'1,2', b'1,2')
    """
    if body[:2] != _GZIP:
        return body
    try:
        return gzip.decompress(body)
    except (OSError, EOFError) as wrong:
        raise FormatError(f"the body starts as gzip but does not unpack: {wrong}") from None


@contextlib.contextmanager
def opened(source: Source) -> Iterator[BinaryIO]:
    """The source as a binary stream; a file that starts as gzip does is unpacked on the way.

    A stream that was handed in stays open, and is taken as it is.
    """
    if not isinstance(source, str | os.PathLike):
        yield source
        return
    with open(source, "rb") as stream:
        packed = stream.peek(2)[:2] == _GZIP  # Not by seeking: a FIFO cannot.
        yield gzip.GzipFile(fileobj=stream) if packed else stream  # type: ignore[misc]


def name_of(source: Source) -> str | None:
    """The file's name without its folder; None for a stream."""
    return Path(source).name if isinstance(source, str | os.PathLike) else None


def whole(source: Source) -> bytes:
    """Everything the source holds. Raises FormatError for a broken gzip file."""
    try:
        with opened(source) as stream:
            return stream.read()
    except (gzip.BadGzipFile, EOFError) as wrong:
        raise _broken_gzip(source, wrong) from None


def _broken_gzip(source: Source, wrong: Exception) -> FormatError:
    return FormatError(f"the file starts as gzip but does not unpack: {wrong}", file=name_of(source))


class Pieces:
    """A stream read into one reused buffer, whole records at a time.

    The caller loops over `filled()`, uses as many leading bytes as make whole records and reports them with `used()`;
    the rest moves to the front before the next read. Views of the buffer are valid until the next step.
    """

    def __init__(self, stream: BinaryIO, piece_bytes: int = PIECE_BYTES) -> None:
        self._stream = stream
        self._buffer = np.empty(piece_bytes, np.uint8)
        self._held = 0
        self.ended = False
        """Whether the view just handed out reaches to the end of the stream."""

    def filled(self) -> Iterator[np.ndarray]:
        """(m,) uint8 views, m > 0, until the stream has ended and all of it is used."""
        while True:
            self._fill()
            if not self._held:
                return
            yield self._buffer[: self._held]
            if self.ended:
                return

    def used(self, count: int) -> None:
        """The first `count` bytes of the view are done with; 0 asks for a longer view."""
        rest = self._held - count
        if count == 0:
            grown = np.empty(2 * len(self._buffer), np.uint8)
            grown[:rest] = self._buffer[:rest]
            self._buffer = grown
        elif rest:
            self._buffer[:rest] = self._buffer[count : self._held].copy()
        self._held = rest

    def _fill(self) -> None:
        view = self._buffer.data
        while self._held < len(view):
            count = self._read_into(view[self._held :])
            if not count:
                self.ended = True
                return
            self._held += count

    def _read_into(self, view: memoryview) -> int:
        if hasattr(self._stream, "readinto"):
            return self._stream.readinto(view) or 0
        data = self._stream.read(len(view))
        view[: len(data)] = data
        return len(data)


def after_last_line(view: np.ndarray) -> int:
    """The byte after the last line feed of (m,) uint8; 0 when there is none."""
    step = 1 << 16
    for stop in range(len(view), 0, -step):
        start = max(0, stop - step)
        found = view[start:stop].tobytes().rfind(b"\n")
        if found >= 0:
            return start + found + 1
    return 0


def iter_blocks(sources: Iterable[Source], rows: int, blocks: Callable[[BinaryIO], Iterator[Block]]) -> Iterator[Block]:
    """The records of several sources in blocks of exactly `rows`, the last may be shorter.

    blocks turns one stream into blocks of any size. Raises FormatError with the file's name, also when a file's records
    are not as wide as those before.
    """
    return rebatch(all_blocks(sources, blocks), rows)


def all_blocks(sources: Iterable[Source], blocks: Callable[[BinaryIO], Iterator[Block]]) -> Iterator[Block]:
    """The blocks of several sources one after the other, checked to be of one width."""
    width = None
    for source in sources:
        try:
            with opened(source) as stream:
                for block in blocks(stream):
                    width = _same_width(block, width)
                    yield block
        except (gzip.BadGzipFile, EOFError) as wrong:
            raise _broken_gzip(source, wrong) from None
        except FormatError as wrong:
            name = name_of(source)
            if name is None or wrong.file:
                raise
            raise wrong.within(name) from None


def _same_width(block: Block, width: int | None) -> int:
    found = block.features.shape[1]
    if width is not None and found != width:
        raise FormatError(f"the records have {found} features; those before have {width}")
    return found


def rebatch(blocks: Iterable[Block], rows: int) -> Iterator[Block]:
    """Blocks of any size as blocks of exactly `rows` records, in order; the last may be shorter.

    >>> [len(one) for one in rebatch([Block(np.zeros((3, 1))), Block(np.zeros((2, 1)))], 2)]
    [2, 2, 1]
    """
    if rows < 1:
        raise ValueError(f"rows must be a positive integer; got {rows}")
    held: list[Block] = []
    count = 0
    for block in blocks:
        start = 0
        while count + len(block) - start >= rows:
            end = start + rows - count
            yield concatenate([*held, block.take(slice(start, end))])
            held, count, start = [], 0, end
        if start < len(block):
            held.append(block.take(slice(start, None)))
            count += len(block) - start
    if held:
        yield concatenate(held)


def as_stream(data: Any) -> BinaryIO:
    """Bytes as a stream."""
    return io.BytesIO(data)
