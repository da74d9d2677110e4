"""Records on their way to a destination."""

from typing import Any

import msgspec


class Record(msgspec.Struct, gc=False, frozen=True):
    """One record. A source record that was taken apart gives several with the same shard and sequence."""

    data: bytes
    arrival_ms: int
    """When it came in, milliseconds since 1970."""
    sequence: int
    """Its place in its shard; rises."""
    shard: str = ""
    key: str = ""
    """Partition key of the stream it came from."""
    sub: int = 0
    """Its place in the source record it was part of."""


class Failure(msgspec.Struct):
    """A record that will not get where it should, and why."""

    record: Record
    code: str
    message: str
    attempts: int = 1
    details: dict[str, Any] = {}
    """Further members for those who write it down."""
