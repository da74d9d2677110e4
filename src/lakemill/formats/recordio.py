"""RecordIO: the frame around protobuf records and MXNet image records.

Everything is little-endian; a file is frames one after the other, with no header, footer or checksum.

    0        4  magic CED7230A, on disk 0A 23 D7 CE
    4        4  top 3 bits: 0 whole record, 1 first part, 2 middle part, 3 last part; low 29 bits: payload bytes
    8        n  payload
    8 + n  0-3  zeros up to a multiple of 4

The dmlc writer (MXNet's) ends a part wherever the payload holds the magic at a multiple of 4 and drops those 4 bytes,
so that a reader that lost its place finds it again; the magic goes back between the parts here. The SageMaker SDK's
writer never splits. Source: dmlc-core recordio.h and recordio.cc.
"""

import dataclasses
import struct
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

import numpy as np

from lakemill.formats import streams
from lakemill.formats.errors import FormatError

MAGIC = 0xCED7230A
MAGIC_BYTES = MAGIC.to_bytes(4, "little")
PAYLOAD_BYTES_MAX = (1 << 29) - 1
"""The longest payload of one part."""

_HEADER = struct.Struct("<II")
_WHOLE, _FIRST, _MIDDLE, _LAST = range(4)


@dataclasses.dataclass(frozen=True)
class Frames:
    """Where the records of a buffer are.

    data : (m,) uint8, the buffer itself; with split records, the buffer followed by those records joined
    offsets : (n,) int64, the first payload byte of each record in data
    lengths : (n,) int64, payload bytes of each record
    consumed : bytes of the buffer that whole records cover
    """

    data: np.ndarray
    offsets: np.ndarray
    lengths: np.ndarray
    consumed: int

    def __len__(self) -> int:
        return len(self.offsets)

    def __getitem__(self, index: int) -> memoryview:
        """The payload of one record, without a copy."""
        start = int(self.offsets[index])
        return self.data.data[start : start + int(self.lengths[index])]

    def __iter__(self) -> Iterator[memoryview]:
        view = self.data.data
        for start, length in zip(self.offsets.tolist(), self.lengths.tolist(), strict=True):
            yield view[start : start + length]


def as_bytes(buffer: Any) -> np.ndarray:
    """Anything with the buffer interface as (m,) uint8, without a copy."""
    if isinstance(buffer, np.ndarray):
        return np.ascontiguousarray(buffer).reshape(-1).view(np.uint8)
    return np.frombuffer(buffer, np.uint8)


def frames(buffer: Any, *, partial: bool = False, first_record: int = 1, first_offset: int = 0) -> Frames:
    """The frames of a buffer.

    Parameters
    ----------
    buffer : bytes-like
    partial : bool
        The buffer may end inside a record: what is incomplete is left (`consumed` says where it starts).
    first_record, first_offset : int
        The number of the first record and its place in the file, for messages.

    Raises
    ------
    FormatError
        If the bytes are not frames or end inside one; names the record (from 1) and the byte.

    >>> found = frames(encode([b"a", b"abcd"]))
    >>> found.offsets.tolist(), found.lengths.tolist(), [bytes(one) for one in found]
    ([8, 20], [1, 4], [b'a', b'abcd'])
    """
    data = as_bytes(buffer)
    walk = _Walk(data, partial, first_record, first_offset)
    walk.run()
    if walk.joined:
        data = np.concatenate([data, *(np.frombuffer(one, np.uint8) for one in walk.joined)])
    return Frames(data, np.array(walk.offsets, np.int64), np.array(walk.lengths, np.int64), walk.consumed)


class _Walk:
    """One pass over the headers."""

    def __init__(self, data: np.ndarray, partial: bool, first_record: int, first_offset: int) -> None:
        self.data = data
        self.partial = partial
        self.first_record = first_record
        self.first_offset = first_offset
        self.offsets: list[int] = []
        self.lengths: list[int] = []
        self.joined: list[bytes] = []
        self.consumed = 0
        self._tail = len(data)

    def run(self) -> None:
        view, end, at = self.data.data, len(self.data), 0
        unpack = _HEADER.unpack_from
        while at < end:
            if at + 8 > end:
                self._short(at, "header", 8, end - at)
                return
            magic, word = unpack(view, at)
            if magic != MAGIC:
                found = bytes(view[at : at + 4]).hex(" ").upper()
                raise self._wrong(at, f"does not start with the magic 0A 23 D7 CE; found {found}")
            if word > PAYLOAD_BYTES_MAX:
                after = self._split(view, at)
                if after is None:
                    return
            else:
                after = at + 8 + (word + 3 & ~3)
                if after > end and not self._fits(at, word):
                    return
                self.offsets.append(at + 8)
                self.lengths.append(word)
            at = self.consumed = min(after, end)

    def _split(self, view: memoryview, start: int) -> int | None:
        """Join the parts that begin at start; where they end, or None when the buffer ends first."""
        parts: list[memoryview] = []
        at = start
        while True:
            if at + 8 > len(view):
                self._short(start, "parts, of which the header", 8, max(0, len(view) - at))
                return None
            magic, word = _HEADER.unpack_from(view, at)
            kind, length = word >> 29, word & PAYLOAD_BYTES_MAX
            if magic != MAGIC or kind not in ((_MIDDLE, _LAST) if parts else (_FIRST,)):
                what = (
                    "has no first part" if not parts else f"has parts in a wrong order at byte {self.first_offset + at}"
                )
                raise self._wrong(start, what)
            if at + 8 + length > len(view):
                self._short(start, "parts, of which a payload", length, len(view) - at - 8)
                return None
            parts.append(view[at + 8 : at + 8 + length])
            at += 8 + (length + 3 & ~3)
            if self.partial and at > len(view):
                return None
            if kind == _LAST:
                break
        whole = MAGIC_BYTES.join(parts)
        self.joined.append(whole)
        self.offsets.append(self._tail)
        self.lengths.append(len(whole))
        self._tail += len(whole)
        return at

    def _fits(self, at: int, length: int) -> bool:
        """Whether the payload is there; the zeros after the very last one may be missing."""
        there = len(self.data) - at - 8
        if there >= length and not self.partial:
            return True
        self._short(at, "payload", length, there)
        return False

    def _short(self, at: int, what: str, needed: int, there: int) -> None:
        if not self.partial:
            raise self._wrong(at, f"ends early: its {what} needs {needed} bytes and {there} are there")

    def _wrong(self, at: int, what: str) -> FormatError:
        record, offset = self.first_record + len(self.offsets), self.first_offset + at
        return FormatError(f"record {record} at byte {offset} {what}", record=record, offset=offset)


def iter_frames(source: streams.Source, piece_bytes: int = streams.PIECE_BYTES) -> Iterator[Frames]:
    """The frames of a file or stream, some megabytes of whole records at a time.

    Views into one Frames are valid until the next is asked for. Raises FormatError as `frames` does.
    """
    with streams.opened(source) as stream:
        pieces = streams.Pieces(stream, piece_bytes)
        record, offset = 1, 0
        for view in pieces.filled():
            found = frames(view, partial=not pieces.ended, first_record=record, first_offset=offset)
            if len(found):
                yield found
            record, offset = record + len(found), offset + found.consumed
            pieces.used(found.consumed)


def read(source: streams.Source) -> Iterator[bytes]:
    """The payloads of a file or stream one by one, as images need them. Raises FormatError as `frames` does."""
    for found in iter_frames(source):
        for payload in found:
            yield bytes(payload)


def write(stream: BinaryIO, payloads: Iterable[bytes]) -> None:
    """Append one whole frame per payload to a stream."""
    for payload in payloads:
        stream.write(_framed(payload, _WHOLE))


def encode(payloads: Iterable[bytes]) -> bytes:
    """One whole frame per payload, an embedded magic left as it is (the SageMaker SDK's way).

    Raises
    ------
    FormatError
        If a payload is longer than a frame can be (512 MiB less one byte).

    >>> encode([b"a"]).hex(" ", 4)
    '0a23d7ce 01000000 61000000'
    """
    return b"".join(_framed(payload, _WHOLE) for payload in payloads)


def encode_split(payloads: Iterable[bytes]) -> bytes:
    """Frames in which the magic never appears inside a payload at a multiple of 4 (the dmlc writer's way).

    >>> encode_split([b"abcd" + MAGIC_BYTES + b"ef"]).hex(" ", 4)
    '0a23d7ce 04000020 61626364 0a23d7ce 02000060 65660000'
    """
    return b"".join(_split_frames(payload) for payload in payloads)


def _split_frames(payload: bytes) -> bytes:
    places = _aligned_magics(payload)
    if not places:
        return _framed(payload, _WHOLE)
    starts = [0, *(place + 4 for place in places)]
    parts = [payload[start:end] for start, end in zip(starts, [*places, len(payload)], strict=True)]
    kinds = [_FIRST, *[_MIDDLE] * (len(parts) - 2), _LAST]
    return b"".join(map(_framed, parts, kinds))


def _aligned_magics(payload: bytes) -> list[int]:
    places = []
    at = payload.find(MAGIC_BYTES)
    while at >= 0:
        if at % 4 == 0:
            places.append(at)
            at += 3
        at = payload.find(MAGIC_BYTES, at + 1)
    return places


def _framed(payload: bytes, kind: int) -> bytes:
    length = len(payload)
    if length > PAYLOAD_BYTES_MAX:
        raise FormatError(f"a RecordIO payload must be at most {PAYLOAD_BYTES_MAX} bytes; got {length}")
    return b"".join((_HEADER.pack(MAGIC, kind << 29 | length), payload, bytes(-length % 4)))
