"""The prefixes of addresses that a training has seen more than once, as a tree.

An address is described by the longest of its prefixes that the tree knows, and so by that one's ancestors; an address
of a network that was never seen is described by the root. Sizes of prefixes, in bits: LENGTHS.
"""

from collections.abc import Iterable

import numpy as np

LENGTHS = (8, 12, 16, 20, 24, 32)
SEEN = 2
"""How often a prefix must have been seen: one seen once would be there for its own event and for no other."""
DISTINCT_MAX = 1 << 23
"""Different prefixes that are counted (12 bytes each); beyond, the longest length is given up."""


class PrefixCounts:
    """How often each prefix of the longest counted length was seen. Bounded, mergeable."""

    def __init__(self, distinct_max: int = DISTINCT_MAX) -> None:
        self.length = LENGTHS[-1]
        self.prefixes = np.empty(0, np.uint32)
        self.counts = np.empty(0, np.int64)
        self._distinct_max = distinct_max

    @classmethod
    def of(cls, length: int, prefixes: np.ndarray, counts: np.ndarray) -> "PrefixCounts":
        """What another has counted, from its attributes."""
        made = cls()
        made.length, made.prefixes, made.counts = length, prefixes, counts
        return made

    def add(self, addresses: np.ndarray) -> None:
        """Count (n,) uint32."""
        found, counts = np.unique(addresses & _mask(self.length), return_counts=True)
        self._merge(found, counts)

    def merge(self, other: "PrefixCounts") -> None:
        """Take in what another counted."""
        self._shorten(other.length)
        other._shorten(self.length)
        self._merge(other.prefixes, other.counts)

    def _merge(self, prefixes: np.ndarray, counts: np.ndarray) -> None:
        self.prefixes, self.counts = _summed(
            np.concatenate([self.prefixes, prefixes]), np.concatenate([self.counts, counts])
        )
        while len(self.prefixes) > self._distinct_max and self.length > LENGTHS[0]:
            self._shorten(LENGTHS[LENGTHS.index(self.length) - 1])

    def _shorten(self, length: int) -> None:
        if length < self.length:
            self.length = length
            self.prefixes, self.counts = _summed(self.prefixes & _mask(length), self.counts)

    def tree(self, nodes_max: int) -> "PrefixTree":
        """The prefixes seen SEEN times, or as often as it takes to have nodes_max at most."""
        lengths = [one for one in LENGTHS if one <= self.length]
        levels = [(_summed(self.prefixes & _mask(one), self.counts), one) for one in lengths]
        counts = np.concatenate([found[1] for found, _ in levels])
        seen = SEEN
        if len(counts) > nodes_max and (counts >= seen).sum() > nodes_max:
            seen = int(np.partition(counts, len(counts) - nodes_max - 1)[len(counts) - nodes_max - 1]) + 1
        kept = [(found[0][found[1] >= seen], found[1][found[1] >= seen], one) for found, one in levels]
        return PrefixTree(
            np.concatenate([np.zeros(1, np.uint32), *(prefixes for prefixes, _, _ in kept)]),
            np.concatenate([np.zeros(1, np.int32), *(np.full(len(found), one, np.int32) for found, _, one in kept)]),
            np.concatenate([self.counts.sum(keepdims=True), *(found for _, found, _ in kept)]),
        )


class PrefixTree:
    """Nodes by length and then by prefix; node 0 is the root, the prefix of no bits.

    prefixes : (n,) uint32, the bits behind a prefix being 0. lengths : (n,) int32. counts : (n,) int64, how often seen,
    or None. parents : (n,) int32, -1 for the root.
    starts : (s,) int64 and owners : (s,) int32, the addresses from starts[i] on belong to node owners[i].
    """

    def __init__(self, prefixes: np.ndarray, lengths: np.ndarray, counts: np.ndarray | None = None) -> None:
        self.prefixes, self.lengths, self.counts = prefixes, lengths, counts
        self.parents = np.full(len(prefixes), -1, np.int32)
        self.starts, self.owners = np.zeros(1, np.int64), np.zeros(1, np.int32)
        for length in np.unique(lengths[1:]):
            self._lay_over(np.flatnonzero(lengths == length), int(length))

    def _lay_over(self, nodes: np.ndarray, length: int) -> None:
        """Give the addresses of nodes of one length, which are longer than those before, to these."""
        first = self.prefixes[nodes].astype(np.int64)
        self.parents[nodes] = self.owners[np.searchsorted(self.starts, first, "right") - 1]
        behind = first + (1 << (32 - length))
        starts = np.unique(np.concatenate([self.starts, first, behind[behind < 1 << 32]]))
        owners = self.owners[np.searchsorted(self.starts, starts, "right") - 1]
        owners[np.searchsorted(starts, first)] = nodes
        self.starts, self.owners = starts, owners

    def __len__(self) -> int:
        return len(self.prefixes)

    def nodes(self, addresses: np.ndarray) -> np.ndarray:
        """The node of the longest known prefix of each address, (n,) int32."""
        return self.owners[np.searchsorted(self.starts, addresses.astype(np.int64), "right") - 1]

    def paths(self, nodes: np.ndarray) -> Iterable[tuple[np.ndarray, np.ndarray]]:
        """Places of `nodes` and the nodes there, then those and their parents, and so on up to the root."""
        places = np.arange(len(nodes))
        while len(nodes):
            yield places, nodes
            places, nodes = places[nodes > 0], self.parents[nodes[nodes > 0]]

    def halves(self) -> np.ndarray:
        """For each value of an address's upper 16 bits where its starts begin, (65537,) int64, for compiled lookups."""
        return np.searchsorted(self.starts, np.arange(65537, dtype=np.int64) << 16, "right")


def _mask(length: int) -> np.uint32:
    return np.uint32((0xFFFFFFFF << (32 - length)) & 0xFFFFFFFF)


def _summed(prefixes: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Different prefixes in order, and their counts added up."""
    order = np.argsort(prefixes, kind="stable")
    prefixes, counts = prefixes[order], counts[order]
    first = np.flatnonzero(np.concatenate([np.ones(min(len(prefixes), 1), bool), prefixes[1:] != prefixes[:-1]]))
    return prefixes[first], np.add.reduceat(counts, first) if len(first) else counts
