"""Shards: ranges of hash keys, and where a record goes.

The open shards of a stream always partition the whole key space, 0 to 2^128 - 1. A closed shard takes no more records
and stays as long as its records; `end` is the first position it will never have. Children know their parents.
"""

import dataclasses
import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from lakemill.engines.streams.sequence import POSITION_DIGITS, prefix

HASH_KEY_MAX = (1 << 128) - 1


def hash_key(partition_key: str) -> int:
    """The 128-bit number that decides a record's shard: MD5 of the key's UTF-8 bytes, big-endian.

    >>> hash_key("") == int("d41d8cd98f00b204e9800998ecf8427e", 16)
    True
    """
    return int.from_bytes(hashlib.md5(partition_key.encode(), usedforsecurity=False).digest(), "big")


def uniform(count: int) -> list[tuple[int, int]]:
    """The key space in equal ranges, the last one a little wider.

    >>> [high - low + 1 == 1 << 127 for low, high in uniform(2)]
    [True, True]
    """
    width = (1 << 128) // count
    lows = [i * width for i in range(count)]
    return list(zip(lows, [*(low - 1 for low in lows[1:]), HASH_KEY_MAX], strict=True))


@dataclasses.dataclass(slots=True)
class Shard:
    """A range of hash keys, low and high inclusive. Not changed but by replacing it."""

    number: int
    low: int
    high: int
    parents: tuple[int, ...]
    born_ms: int
    closed_ms: int | None = None
    end: int | None = None
    id: str = dataclasses.field(init=False)
    prefix: str = dataclasses.field(init=False)
    base: int = dataclasses.field(init=False)
    """The sequence number before that of the first record."""

    def __post_init__(self) -> None:
        self.id = shard_id(self.number)
        self.prefix = prefix(self.born_ms, self.number)
        self.base = int(self.prefix) * 10**POSITION_DIGITS

    @property
    def open(self) -> bool:
        return self.closed_ms is None

    def sequence(self, position: int) -> str:
        """The sequence number of a position, as text; that of -1 is less than any record's."""
        return self.prefix + str(position + 1).zfill(POSITION_DIGITS)

    def sequences(self, positions: Sequence[int]) -> list[str]:
        """`sequence` of many, which rise."""
        digits = len(str(positions[0] + 1)) if positions else 0
        if positions and len(str(positions[-1] + 1)) > digits:
            return [self.sequence(position) for position in positions]
        before = self.prefix + "0" * (POSITION_DIGITS - digits)
        return [f"{before}{position + 1}" for position in positions]

    def packed(self) -> list[Any]:
        """As it is stored; 128-bit numbers do not fit into a document, so they are text."""
        return [self.number, hex(self.low), hex(self.high), list(self.parents), self.born_ms, self.closed_ms, self.end]


def shard_id(number: int) -> str:
    """
    >>> shard_id(3)
    'shardId-000000000003'
    """
    return f"shardId-{number:012d}"


def unpacked(stored: Iterable[Sequence[Any]]) -> list[Shard]:
    """Shards from their stored form."""
    return [
        Shard(number, int(low, 16), int(high, 16), tuple(parents), born_ms, closed_ms, end)
        for number, low, high, parents, born_ms, closed_ms, end in stored
    ]
