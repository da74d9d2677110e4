"""How many bytes each column of an ORC file takes up: what Arrow does not tell.

A file ends with its footer, a postscript, and one byte: the postscript's length. All are messages of Protocol Buffers;
the footer and each stripe's footer are packed in chunks, each after three bytes: twice its length, plus one where it is
not packed. A stripe's footer lists its streams, in the order in which they stand in it.
Source: orc.apache.org/specification/ORCv1
"""

import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

import pyarrow as pa

from lakemill.lakesql.scans.objects import File

_NONE, _ZLIB, _SNAPPY, _LZO, _LZ4, _ZSTD = range(6)


def column_bytes(file: File, places: set[int]) -> int:
    """What the streams of these columns take up; all of the file where its footer cannot be understood."""
    if not places:
        return 0
    try:
        with open(file.path, "rb") as source:
            return _column_bytes(source, file.source.size, places)
    except (ValueError, IndexError, KeyError, OSError, zlib.error, pa.ArrowException):
        return file.source.size


def _column_bytes(source: BinaryIO, size: int, places: set[int]) -> int:
    source.seek(-1, 2)
    length = source.read(1)[0]
    source.seek(-1 - length, 2)
    postscript = _message(source.read(length))
    footer_length, kind = postscript[1][0], postscript.get(2, [_NONE])[0]
    source.seek(-1 - length - footer_length, 2)
    footer = _message(_unpacked(source.read(footer_length), kind))
    wanted = _subtree([_message(one) for one in footer[4]], places)
    found = 0
    for stripe in map(_message, footer.get(3, [])):
        offset, index, data, tail = (stripe.get(number, [0])[0] for number in (1, 2, 3, 4))
        source.seek(offset + index + data)
        for stream in _message(_unpacked(source.read(tail), kind)).get(1, []):
            fields = _message(stream)
            found += fields.get(3, [0])[0] if fields.get(2, [0])[0] in wanted else 0
    return found


def _subtree(types: list[dict[int, list[Any]]], places: set[int]) -> set[int]:
    """The numbers of the columns below the root's children at these places."""
    children = [_packed_numbers(one.get(2, [])) for one in types]
    found: set[int] = set()
    waiting = [children[0][place] for place in places]
    while waiting:
        one = waiting.pop()
        found.add(one)
        waiting += children[one]
    return found


def _packed_numbers(values: list[Any]) -> list[int]:
    found = []
    for value in values:
        if isinstance(value, int):
            found.append(value)
            continue
        place = 0
        while place < len(value):
            number, place = _varint(value, place)
            found.append(number)
    return found


def _message(data: bytes) -> dict[int, list[Any]]:
    """Every field's values: numbers, or bytes."""
    fields: dict[int, list[Any]] = {}
    for number, value in _fields(data):
        fields.setdefault(number, []).append(value)
    return fields


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        wire = key & 7
        if wire == 0:
            value: Any
            value, place = _varint(data, place)
        elif wire == 2:
            length, place = _varint(data, place)
            value, place = data[place : place + length], place + length
        elif wire in (1, 5):
            width = 8 if wire == 1 else 4
            value, place = data[place : place + width], place + width
        else:
            raise ValueError(f"wire type {wire}")
        yield key >> 3, value


def _varint(data: bytes, place: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[place]
        number |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return number, place


def _unpacked(data: bytes, kind: int) -> bytes:
    if kind == _NONE:
        return data
    parts, place = [], 0
    while place < len(data):
        head = int.from_bytes(data[place : place + 3], "little")
        body = data[place + 3 : place + 3 + (head >> 1)]
        place += 3 + (head >> 1)
        parts.append(body if head & 1 else _chunk(body, kind))
    return b"".join(parts)


def _chunk(body: bytes, kind: int) -> bytes:
    if kind == _ZLIB:
        return zlib.decompress(body, -15)
    if kind == _SNAPPY:
        import cramjam

        return bytes(cramjam.snappy.decompress_raw(body))
    if kind == _ZSTD:
        return pa.CompressedInputStream(pa.BufferReader(body), "zstd").read()
    raise ValueError(f"compression {kind}")
