"""Protobuf's wire format, as far as the aialgs.data messages need it.

A message is fields one after the other: a varint `number << 3 | wire type`, then a varint (wire type 0), 8 bytes (1),
a length and that many bytes (2) or 4 bytes (5). A varint holds 7 bits per byte, lowest first; the top bit says that
more follow. Packed repeated numbers are one field of wire type 2; the unpacked form, a field per number, is legal too.
Source: https://protobuf.dev/programming-guides/encoding/
"""

from collections.abc import Iterator

import numpy as np

from lakemill.formats.errors import FormatError

VARINT, EIGHT_BYTES, SPAN, FOUR_BYTES = 0, 1, 2, 5

TAG_MAX = (1 << 32) - 1
TAG_BYTES_MAX = 5
"""Field numbers have 29 bits; a tag that takes more bytes is none."""

Field = tuple[int, int, int, int]
"""Number, wire type, first byte, byte after the last one (of the content, or of the raw number)."""


def varint(view: memoryview, at: int, end: int) -> tuple[int, int]:
    """The number at `at` and where it ends. Raises FormatError if it does not end before `end`."""
    value = shift = 0
    for place in range(at, min(end, at + 10)):
        byte = view[place]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place + 1
        shift += 7
    raise FormatError("holds a number that does not end")


def fields(view: memoryview, at: int, end: int) -> Iterator[Field]:
    """The fields of a message. Raises FormatError when they do not fit it."""
    while at < end:
        before = at
        tag, at = varint(view, at, end)
        tag_end, kind = at, tag & 7
        if kind == SPAN:
            length, at = varint(view, at, end)
            stop = at + length
        elif kind == VARINT:
            _, stop = varint(view, at, end)
        elif kind == FOUR_BYTES:
            stop = at + 4
        elif kind == EIGHT_BYTES:
            stop = at + 8
        else:
            raise FormatError(f"is not a protobuf Record: wire type {kind} is not in use")
        if stop > end or not 8 <= tag <= TAG_MAX or tag_end - before > TAG_BYTES_MAX:
            raise FormatError("is not a protobuf Record: a field does not fit in its message")
        yield tag >> 3, kind, at, stop
        at = stop


def varints(data: np.ndarray) -> np.ndarray:
    """(m,) uint8 of varints one after the other -> (k,) uint64.

    >>> varints(np.uint8([5, 0x80, 1])).tolist()
    [5, 128]
    """
    last = data < 0x80
    if last.all():
        return data.astype(np.uint64)
    ends = np.flatnonzero(last)
    if not last[-1]:
        raise FormatError("holds a number that does not end")
    starts = np.concatenate([[0], ends[:-1] + 1])
    lengths = ends - starts + 1
    if lengths.max() > 10:
        raise FormatError("holds a number that does not end")
    shifts = (np.arange(len(data)) - np.repeat(starts, lengths)) * 7
    parts = (data & 0x7F).astype(np.uint64) << shifts.astype(np.uint64)
    return np.bitwise_or.reduceat(parts, starts)


def encode_varint(value: int) -> bytes:
    """A number from 0 on as a varint."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def varint_lengths(values: np.ndarray) -> np.ndarray:
    """How many bytes each number from 0 on takes as a varint, as int64."""
    lengths = np.ones(len(values), np.int64)
    rest = values.astype(np.uint64) >> np.uint64(7)
    while rest.any():
        lengths += rest > 0
        rest >>= np.uint64(7)
    return lengths


def head(number: int, length: int) -> bytes:
    """What stands before a field of wire type 2."""
    return encode_varint(number << 3 | SPAN) + encode_varint(length)


def span(number: int, content: bytes) -> bytes:
    """A field of wire type 2."""
    return head(number, len(content)) + content
