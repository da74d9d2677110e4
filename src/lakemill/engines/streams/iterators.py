"""Iterators: a position in a shard as a text that only we can make.

72 characters of URL-safe base64: stream id (24 bytes), shard number (4), position (8), time made in ms (8), all
big-endian, and eight bytes of BLAKE2b over them, keyed with the stream's secret. They hold across restarts, for five
minutes.
"""

import base64
import binascii
import datetime
import hashlib
import hmac
import struct
from typing import NamedTuple

from lakemill.engines.streams.errors import IteratorBroken, IteratorExpired
from lakemill.engines.streams.registry import Registry
from lakemill.engines.streams.shards import Shard
from lakemill.engines.streams.stream import Stream

LIFE_MS = 300_000
_FORM = struct.Struct(">24sIQQ")
MARK_BYTES = 8


class Place(NamedTuple):
    """Where an iterator points."""

    stream: Stream
    shard: Shard
    position: int


def _mark(secret: bytes, body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=MARK_BYTES, key=secret).digest()


def made(stream: Stream, shard: Shard, position: int, now_ms: int) -> str:
    """An iterator of a position."""
    body = _FORM.pack(stream.id.encode(), shard.number, position, now_ms)
    return base64.urlsafe_b64encode(body + _mark(stream.secret, body)).decode()


def _spoken(time_ms: int) -> str:
    return datetime.datetime.fromtimestamp(time_ms / 1000, datetime.UTC).strftime("%a %b %d %H:%M:%S UTC %Y")


def read(text: str, registry: Registry) -> Place:
    """Where an iterator points. Raises IteratorBroken (also when its stream is gone), IteratorExpired."""
    try:
        whole = base64.urlsafe_b64decode(text)
        body, mark = whole[:-MARK_BYTES], whole[-MARK_BYTES:]
        stream_id, number, position, made_ms = _FORM.unpack(body)
        stream = registry.by_id(stream_id.decode())
    except (binascii.Error, struct.error, UnicodeDecodeError, ValueError):
        raise IteratorBroken from None
    if stream is None or not hmac.compare_digest(mark, _mark(stream.secret, body)):
        raise IteratorBroken
    shard = stream.shard(number)
    if shard is None:
        raise IteratorBroken
    now_ms = registry.now_ms()
    if now_ms - made_ms > LIFE_MS:
        raise IteratorExpired(_spoken(made_ms), _spoken(now_ms))
    return Place(stream, shard, position)
