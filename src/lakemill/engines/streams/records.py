"""What goes into a stream and what comes out."""

import dataclasses
from typing import Any, Self

import msgspec

from lakemill.engines.streams.shards import Shard

# These are made by the hundred thousand a second: a msgspec structure takes a fraction of a dataclass's time.


class Put(msgspec.Struct, gc=False):
    """A record to be written. explicit_hash_key decides the shard in place of the partition key's hash."""

    partition_key: str | None
    data: bytes
    explicit_hash_key: int | None = None


class Placed(msgspec.Struct, frozen=True, gc=False):
    """Where a record went. It is on disk."""

    shard: Shard
    position: int

    @property
    def shard_id(self) -> str:
        return self.shard.id

    @property
    def sequence_number(self) -> int:
        return self.shard.base + self.position + 1

    @property
    def sequence(self) -> str:
        """The sequence number as text."""
        return self.shard.sequence(self.position)


class Refused(msgspec.Struct, frozen=True, gc=False):
    """A record that was not written, because its shard had no room in this second."""

    shard_id: str
    message: str


class StreamRecord(msgspec.Struct, frozen=True, gc=False):
    """A record as it is read."""

    data: bytes
    partition_key: str
    sequence_number: int
    arrival_ms: int
    """Milliseconds since 1970 at which the platform took it in."""
    shard_id: str
    encrypted: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Start:
    """Where a reader begins.

    >>> Start.at(1_700_000_000_000).kind
    'at'
    """

    kind: str
    time_ms: int = 0
    positions: dict[str, Any] | None = None

    @classmethod
    def latest(cls) -> Self:
        """With what is written from now on."""
        return cls("latest")

    @classmethod
    def horizon(cls) -> Self:
        """With the oldest record that is kept."""
        return cls("horizon")

    @classmethod
    def at(cls, time_ms: int) -> Self:
        """With the first record of this time or later, ms since 1970."""
        return cls("at", time_ms)

    @classmethod
    def after(cls, positions: dict[str, Any]) -> Self:
        """Where another reader stood (its `positions()`)."""
        return cls("after", 0, positions)
