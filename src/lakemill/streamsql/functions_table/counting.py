"""Counting values of a stream in bounded memory: the most frequent ones, and how many different ones there are."""

import hashlib
import heapq
import math
from collections.abc import Iterable

import numpy as np


class FrequentItems:
    """The most frequent values, by Space-Saving.

    Counts are exact as long as there are at most `capacity` different values. After that, a new value takes the place
    and the count of the rarest one, so that counts are too high by at most n / capacity of n values, and each value
    more frequent than that is kept. Source: Metwally, Agrawal, El Abbadi, "Efficient computation of frequent and top-k
    elements in data streams", ICDT 2005.

    >>> items = FrequentItems(10)
    >>> items.add({"a": 3, "b": 1})
    >>> items.top(1)
    [('a', 3)]
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.counts: dict[str, int] = {}
        self._rarest: list[tuple[int, str]] = []  # A heap; entries whose count has changed are out of date.

    def add(self, counts: dict[str, int]) -> None:
        """Take in values with how often they came."""
        for value, count in counts.items():
            if value in self.counts:
                self.counts[value] += count
            elif len(self.counts) < self.capacity:
                self.counts[value] = count
            else:
                self.counts[value] = self._evict() + count
                heapq.heappush(self._rarest, (self.counts[value], value))

    def _evict(self) -> int:
        """Drop a value of the lowest count; returns the count."""
        if not self._rarest:
            self._rarest = [(count, value) for value, count in self.counts.items()]
            heapq.heapify(self._rarest)
        while True:
            count, value = heapq.heappop(self._rarest)
            now = self.counts.get(value)
            if now == count:
                return self.counts.pop(value)
            if now is not None:
                heapq.heappush(self._rarest, (now, value))

    def top(self, k: int) -> list[tuple[str, int]]:
        """The k most frequent values with their counts, the most frequent first; equally frequent ones by value."""
        return heapq.nsmallest(k, self.counts.items(), key=lambda item: (-item[1], item[0]))


class DistinctItems:
    """How many different values there are: exactly up to `exact` of them, by HyperLogLog beyond.

    With 2^14 registers the standard error is 0.8 %. The estimate is Ertl's, which needs no tables of corrections.
    Sources: Flajolet, Fusy, Gandouet, Meunier, "HyperLogLog", AofA 2007; Ertl, "New cardinality estimation algorithms
    for HyperLogLog sketches", arXiv:1702.01284, section 4.

    >>> items = DistinctItems()
    >>> items.add(["a", "b", "a"])
    >>> items.count()
    2
    """

    BITS = 14

    def __init__(self, exact: int = 10_000) -> None:
        self.exact = exact
        self.values: set[str] = set()
        self.registers: np.ndarray | None = None

    def add(self, values: Iterable[str]) -> None:
        if self.registers is None:
            self.values.update(values)
            if len(self.values) <= self.exact:
                return
            self.registers, values, self.values = np.zeros(1 << self.BITS, np.uint8), self.values, set()
        digests = b"".join(hashlib.blake2b(value.encode(), digest_size=8).digest() for value in values)
        hashes = np.frombuffer(digests, "<u8")
        places = (hashes >> np.uint64(64 - self.BITS)).astype(np.int64)
        rest = hashes & np.uint64((1 << (64 - self.BITS)) - 1)
        # The place of the first one bit, from 1: float64 holds these 50 bits exactly.
        ranks = 64 - self.BITS + 1 - np.frexp(rest.astype(np.float64))[1]
        np.maximum.at(self.registers, places, ranks.astype(np.uint8))

    def count(self) -> int:
        return len(self.values) if self.registers is None else round(_estimate(self.registers, 64 - self.BITS))


def _estimate(registers: np.ndarray, bits: int) -> float:
    m, multiplicity = len(registers), np.bincount(registers, minlength=bits + 2)
    z = m * _tau(1.0 - multiplicity[bits + 1] / m)
    for k in range(bits, 0, -1):
        z = 0.5 * (z + multiplicity[k])
    z += m * _sigma(multiplicity[0] / m)
    return m * m / (2.0 * math.log(2.0) * z)


def _sigma(x: float) -> float:
    if x == 1.0:
        return math.inf
    y, z, before = 1.0, x, -1.0
    while z != before:
        x *= x
        before, z, y = z, z + x * y, 2.0 * y
    return z


def _tau(x: float) -> float:
    if x in (0.0, 1.0):
        return 0.0
    y, z, before = 1.0, 1.0 - x, -1.0
    while z != before:
        x = math.sqrt(x)
        y *= 0.5
        before, z = z, z - (1.0 - x) ** 2 * y
    return z / 3.0
