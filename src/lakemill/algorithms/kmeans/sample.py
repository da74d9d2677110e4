"""Points kept from a stream: all of them while they fit, then an even random sample."""

from typing import Any

import numpy as np
import scipy.sparse

SAMPLE_BYTES_MAX = 256 << 20


class Sample:
    """At most bytes_max of the points that went by.

    Every point draws a key in [0, 1). Those below a threshold stay, and the threshold falls as room runs out, so what
    stays is an even sample of everything seen, also after a merge, and those with the smallest keys are an even sample
    of the sample.
    """

    def __init__(self, random: np.random.Generator, bytes_max: int = SAMPLE_BYTES_MAX) -> None:
        self._random = random
        self._bytes_max = bytes_max
        self._parts: list[Any] = []
        self._keys: list[np.ndarray] = []
        self._bytes = 0
        self._threshold = 1.0

    def __len__(self) -> int:
        return sum(map(len, self._keys))

    @property
    def whole(self) -> bool:
        """Whether no point had to go."""
        return self._threshold == 1.0

    def add(self, points: Any) -> None:
        """Take (n, d) points in; kept ones are copied."""
        self._take(points, self._random.random(points.shape[0]))
        self._fit()

    def merge(self, other: "Sample") -> None:
        """Take another worker's sample in; the stricter threshold holds for both."""
        self._threshold = min(self._threshold, other._threshold)
        self._shrink()
        for part, keys in zip(other._parts, other._keys, strict=True):
            self._take(part, keys)
            self._fit()

    def parts(self) -> list[Any]:
        """All kept points, (m_i, d) each, in the order of their arrival."""
        return self._parts

    def draw(self, most: int) -> Any:
        """(m, d): an even random sample of `most` points, or all there are; at least one must be there."""
        most = min(most, len(self))
        limit = np.partition(np.concatenate(self._keys), most - 1)[most - 1]
        chosen = [np.flatnonzero(keys <= limit) for keys in self._keys]
        return _stacked([part[rows] for part, rows in zip(self._parts, chosen, strict=True) if len(rows)])

    def _take(self, points: Any, keys: np.ndarray) -> None:
        chosen = np.flatnonzero(keys < self._threshold)
        if len(chosen):
            part = points[chosen] if len(chosen) < len(keys) else points.copy()
            self._parts.append(part)
            self._keys.append(keys[chosen])
            self._bytes += _size(part)

    def _fit(self) -> None:
        while self._bytes > self._bytes_max and len(self) > 1:
            self._threshold /= 2
            self._shrink()

    def _shrink(self) -> None:
        pairs = [(part, keys, keys < self._threshold) for part, keys in zip(self._parts, self._keys, strict=True)]
        pairs = [(part[np.flatnonzero(stay)], keys[stay], stay) for part, keys, stay in pairs if stay.any()]
        self._parts, self._keys = [part for part, _, _ in pairs], [keys for _, keys, _ in pairs]
        self._bytes = sum(map(_size, self._parts))


def _stacked(parts: list[Any]) -> Any:
    if all(isinstance(part, np.ndarray) for part in parts):
        return np.concatenate(parts)
    return scipy.sparse.vstack([scipy.sparse.csr_matrix(part) for part in parts], format="csr")


def _size(points: Any) -> int:
    if isinstance(points, np.ndarray):
        return points.nbytes
    return points.data.nbytes + points.indices.nbytes + points.indptr.nbytes
