"""A stream as the engine sees it: read from its document once, replaced when the document changes."""

import bisect
import datetime
import hashlib
from collections.abc import Sequence
from typing import Any

from lakemill.engines.streams.errors import HashKeyOutside, KeyAbsent, SequenceForeign, ShardMissing
from lakemill.engines.streams.sequence import taken_apart
from lakemill.engines.streams.shards import HASH_KEY_MAX, Shard, unpacked

HOUR_MS = 3600 * 1000
KIB = 1024
DAY_MS = 24 * HOUR_MS
PROVISIONED = "PROVISIONED"
ON_DEMAND = "ON_DEMAND"
BY_KEY = "USER_PARTITION_KEY"
EVENLY = "AUTO"


class Stream:
    """One stream. Nothing here is changed; `Streams` makes a new one from the changed document."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.scope: str = document["scope"]
        self.name: str = document["name"]
        self.id: str = document["id"]
        """Unique for ever; the name of its log too."""
        self.created: datetime.datetime = document["created"]
        self.mode: str = document["mode"]
        self.evenly: bool = document["distribution"] == EVENLY
        self.retention_h: int = document["retention_h"]
        self.record_bytes_max: int = document["record_kib_max"] * KIB
        self.key: str | None = document["key"]
        """The key its records are encrypted under, as it was named; None for none."""
        self.policy: dict[str, Any] | None = document["policy"]
        self.tags: dict[str, str] = document["tags"]
        self.secret: bytes = document["secret"]
        self.shards: list[Shard] = unpacked(document["shards"])
        self._by_number = {shard.number: shard for shard in self.shards}
        self.open: list[Shard] = sorted((shard for shard in self.shards if shard.open), key=lambda s: s.low)
        self._lows = [shard.low.to_bytes(16, "big") for shard in self.open]
        self._turn = 0

    @property
    def account(self) -> str:
        return self.scope.partition("/")[0]

    @property
    def created_ms(self) -> int:
        return int(self.created.timestamp() * 1000)

    def status(self, now_ms: int) -> str:
        """CREATING, ACTIVE, UPDATING or DELETING."""
        return self.document["status"] if now_ms < self.document["until_ms"] else "ACTIVE"

    def horizon_ms(self, now_ms: int) -> int:
        """Records older than this are not read. What an extended retention would bring back stays gone."""
        return max(now_ms - self.retention_h * HOUR_MS, self.document["floor_ms"])

    def kept(self, now_ms: int) -> list[Shard]:
        """The shards that may still hold records, in the order of their numbers."""
        horizon_ms = self.horizon_ms(now_ms)
        return [shard for shard in self.shards if shard.closed_ms is None or shard.closed_ms >= horizon_ms]

    def expired(self, shard: Shard, now_ms: int) -> bool:
        """Whether a shard was closed so long ago that nothing of it is left."""
        return shard.closed_ms is not None and shard.closed_ms < self.horizon_ms(now_ms)

    # Where records go

    def place(self, partition_key: str | None, explicit_hash_key: int | None) -> Shard:
        """The open shard of a record. Raises HashKeyOutside, KeyAbsent."""
        if self.evenly:
            self._turn = (self._turn + 1) % len(self.open)
            return self.open[self._turn]
        if partition_key is None:
            raise KeyAbsent
        if explicit_hash_key is None:
            if len(self.open) == 1:
                return self.open[0]
            hashed = hashlib.md5(partition_key.encode(), usedforsecurity=False).digest()
            return self.open[bisect.bisect_right(self._lows, hashed) - 1]
        if not 0 <= explicit_hash_key <= HASH_KEY_MAX:
            raise HashKeyOutside(explicit_hash_key)
        return self.open[bisect.bisect_right(self._lows, explicit_hash_key.to_bytes(16, "big")) - 1]

    def by_keys(self, partition_keys: Sequence[bytes]) -> list[Shard]:
        """The open shards that the hashes of partition keys fall into."""
        shards, lows, find, md5 = self.open, self._lows, bisect.bisect_right, hashlib.md5
        if len(shards) == 1:
            return shards * len(partition_keys)
        # Bytes compare as the big-endian numbers they are.
        return [shards[find(lows, md5(key, usedforsecurity=False).digest()) - 1] for key in partition_keys]

    # Shards by name

    def shard(self, number: int) -> Shard | None:
        return self._by_number.get(number)

    def named(self, shard_id: str, now_ms: int) -> Shard:
        """The shard of this id. Raises ShardMissing, also for one that has expired."""
        digits = shard_id.rpartition("-")[2]
        shard = self._by_number.get(int(digits)) if digits.isdecimal() and len(digits) <= 20 else None
        if shard is None or self.expired(shard, now_ms):
            raise ShardMissing(self.scope, self.name, shard_id)
        return shard

    def children(self, shard: Shard) -> list[Shard]:
        """The shards that came out of it."""
        return [one for one in self.shards if shard.number in one.parents]

    def position_of(self, sequence: str) -> tuple[Shard, int]:
        """The shard and position a sequence number names. Raises SequenceForeign."""
        born_ms, number, position = taken_apart(sequence)
        shard = self._by_number.get(number)
        if shard is None or shard.born_ms != born_ms:
            raise SequenceForeign(f"{sequence} is no sequence number of stream {self.name}.")
        return shard, position
