"""Resharding: closing shards and opening others that cover the same keys.

Everything is made of two steps, the split of one shard into two and the merge of two neighbours into one, so every
shard has at most two parents, and whoever reads parents before children sees the records of a key in order.
"""

import dataclasses
from collections.abc import Callable

from lakemill.engines.streams.shards import Shard, uniform


class Layout:
    """The shards of a stream while they are being changed. end_of tells the first free position of a shard."""

    def __init__(self, shards: list[Shard], next_number: int, now_ms: int, end_of: Callable[[int], int]) -> None:
        self.shards = list(shards)
        self.next_number = next_number
        self._now_ms = now_ms
        self._end_of = end_of
        self._written_below = next_number
        """Shards from this number on are made here, so nothing was ever written to them."""

    def open(self) -> list[Shard]:
        """The open shards in key order."""
        return sorted((shard for shard in self.shards if shard.open), key=lambda shard: shard.low)

    def split(self, shard: Shard, at: int) -> tuple[Shard, Shard]:
        """Close a shard and open [low, at - 1] and [at, high]."""
        self._close(shard)
        return self._make(shard.low, at - 1, shard), self._make(at, shard.high, shard)

    def merge(self, first: Shard, second: Shard) -> Shard:
        """Close two neighbours and open one over both ranges."""
        self._close(first)
        self._close(second)
        return self._make(min(first.low, second.low), max(first.high, second.high), first, second)

    def scale(self, count: int) -> None:
        """Have `count` open shards of equal width. A range that fits already keeps its shard."""
        wanted = uniform(count)
        cuts = [low for low, _ in wanted[1:]]
        for shard in self.open():
            rest = shard
            for cut in cuts:
                if rest.low < cut <= rest.high:
                    _, rest = self.split(rest, cut)
        for low, high in wanted:
            parts = [shard for shard in self.open() if low <= shard.low and shard.high <= high]
            whole = parts[0]
            for part in parts[1:]:
                whole = self.merge(whole, part)

    def _close(self, shard: Shard) -> None:
        end = self._end_of(shard.number) if shard.number < self._written_below else 0
        closed = dataclasses.replace(shard, closed_ms=max(self._now_ms, shard.born_ms), end=end)
        self.shards[self.shards.index(shard)] = closed

    def _make(self, low: int, high: int, *parents: Shard) -> Shard:
        # Later than its parents by at least a millisecond: its sequence numbers must be larger than theirs.
        born_ms = max(self._now_ms, *(parent.born_ms + 1 for parent in parents))
        made = Shard(self.next_number, low, high, tuple(parent.number for parent in parents), born_ms)
        self.next_number += 1
        self.shards.append(made)
        return made
