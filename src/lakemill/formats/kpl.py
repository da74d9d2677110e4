"""Records that the Kinesis Producer Library packed into one.

    F3 89 9A C2 | AggregatedRecord (protobuf) | MD5 of the protobuf bytes (16 bytes)

    AggregatedRecord  1 partition_key_table (repeated string), 2 explicit_hash_key_table (repeated string),
                      3 records (repeated Record)
    Record            1 partition_key_index (uint64), 2 explicit_hash_key_index (optional uint64), 3 data (bytes),
                      4 tags (repeated; passed over)

Source: https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md
"""

import hashlib
from collections.abc import Iterator

import msgspec

MAGIC = b"\xf3\x89\x9a\xc2"
_DIGEST_BYTES = 16
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class UserRecord(msgspec.Struct, gc=False, frozen=True):
    """A record as the producer gave it to the library."""

    data: bytes
    partition_key: str
    explicit_hash_key: str | None = None


class _Malformed(ValueError):
    pass


def deaggregate(data: bytes, partition_key: str = "") -> list[UserRecord] | None:
    """The records inside; None if this is not an aggregate (its magic, length, digest or contents do not fit).

    partition_key: the outer record's, for records that name none that is known.

    >>> deaggregate(b"a plain record") is None
    True
    """
    if not data.startswith(MAGIC) or len(data) <= len(MAGIC) + _DIGEST_BYTES:
        return None
    body = data[len(MAGIC) : -_DIGEST_BYTES]
    if hashlib.md5(body, usedforsecurity=False).digest() != data[-_DIGEST_BYTES:]:
        return None
    keys: list[str] = []
    hash_keys: list[str] = []
    found: list[tuple[int, int | None, bytes]] = []
    try:
        for number, value in _fields(body):
            if number == 1 and isinstance(value, bytes):
                keys.append(value.decode())
            elif number == 2 and isinstance(value, bytes):
                hash_keys.append(value.decode())
            elif number == 3 and isinstance(value, bytes):
                found.append(_record(value))
        return [
            UserRecord(
                value,
                keys[key] if key < len(keys) else partition_key,
                None if hash_key is None else hash_keys[hash_key],
            )
            for key, hash_key, value in found
        ]
    except (_Malformed, IndexError, UnicodeDecodeError):
        return None


def _record(message: bytes) -> tuple[int, int | None, bytes]:
    """(partition key index, explicit hash key index, data) of a Record."""
    key, hash_key, data = None, None, None
    for number, value in _fields(message):
        if number == 1 and isinstance(value, int):
            key = value
        elif number == 2 and isinstance(value, int):
            hash_key = value
        elif number == 3 and isinstance(value, bytes):
            data = value
    if key is None or data is None:
        raise _Malformed("a record without key or data")
    return key, hash_key, data


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """(field number, value) of a protobuf message, in order; fixed-width values as bytes."""
    position, end = 0, len(message)
    while position < end:
        tag, position = _varint(message, position)
        kind = tag & 7
        if kind == _VARINT:
            value, position = _varint(message, position)
            yield tag >> 3, value
            continue
        if kind == _BYTES:
            size, position = _varint(message, position)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
        else:
            raise _Malformed(f"wire type {kind}")
        if position + size > end:
            raise _Malformed("a field that is cut off")
        yield tag >> 3, message[position : position + size]
        position += size


def _varint(message: bytes, position: int) -> tuple[int, int]:
    byte = message[position]
    if byte < 0x80:
        return byte, position + 1
    value, shift = byte & 0x7F, 7
    while byte >= 0x80:
        position += 1
        byte = message[position]
        value |= (byte & 0x7F) << shift
        shift += 7
        if shift > 70:
            raise _Malformed("a number that is too long")
    return value, position + 1
