"""Points kept from a stream: all of them while they fit, then an even random sample."""

from typing import Any

import numpy as np
import scipy.sparse

SAMPLE_BYTES_MAX = 256 << 20
PART_BYTES = 8 << 20
"""Parts that come smaller are joined to ones of this size."""


class Sample:
    """At most bytes_max of the points that went by.

    Every point draws a key in [0, 1). Those below a threshold stay, and the threshold falls as room runs out, so what
    stays is an even sample of everything seen, also after a merge, and those with the smallest keys are an even sample
    of the sample.
    """

    def __init__(self, random: np.random.Generator, bytes_max: int = SAMPLE_BYTES_MAX) -> None:
        self._random = random
        self.bytes_max = bytes_max
        self.threshold = 1.0
        self._empty()

    def _empty(self) -> None:
        self._parts: list[Any] = []
        self._keys: list[np.ndarray] = []
        self._full = 0  # So many parts are of a good size already; the small ones behind wait to be joined.
        self._small_bytes = 0
        self._bytes = 0

    def __len__(self) -> int:
        return sum(map(len, self._keys))

    @property
    def whole(self) -> bool:
        """Whether no point had to go."""
        return self.threshold == 1.0

    @property
    def bytes(self) -> int:
        """What the kept points take."""
        return self._bytes

    def add(self, points: Any, *, copy: bool = True) -> None:
        """Take (n, d) points in. copy: their memory may be used for others later, so kept ones are copied."""
        keys = self._random.random(points.shape[0])
        chosen = np.flatnonzero(keys < self.threshold)
        if len(chosen):
            if len(chosen) < len(keys):
                points = points[chosen]
            elif copy:
                points = points.copy()
            self._append(points, keys[chosen])

    def take(self, points: Any, keys: np.ndarray) -> None:
        """Take (n, d) points in that have their keys (n,) from another sample; they become this sample's own."""
        chosen = np.flatnonzero(keys < self.threshold)
        if len(chosen):
            self._append(points[chosen] if len(chosen) < len(keys) else points, keys[chosen])

    def merge(self, other: "Sample") -> None:
        """Take another worker's sample in; the stricter threshold holds for both."""
        self.lower(other.threshold)
        for part, keys in other.keyed():
            self.take(part, keys)

    def lower(self, threshold: float) -> None:
        """Keep only what has a key below the threshold, now and from now on."""
        if threshold < self.threshold:
            self.threshold = threshold
            self._shrink()

    def parts(self) -> list[Any]:
        """All kept points, (m_i, d) each, in the order of their arrival."""
        self._join()
        return self._parts

    def keyed(self) -> list[tuple[Any, np.ndarray]]:
        """The parts with their points' keys, (m_i, d) and (m_i,) each."""
        self._join()
        return list(zip(self._parts, self._keys, strict=True))

    def draw(self, most: int) -> Any:
        """(m, d): an even random sample of `most` points, or all there are; at least one must be there."""
        most = min(most, len(self))
        limit = np.partition(np.concatenate(self._keys), most - 1)[most - 1]
        chosen = [np.flatnonzero(keys <= limit) for keys in self._keys]
        return _stacked([part[rows] for part, rows in zip(self._parts, chosen, strict=True) if len(rows)])

    def _append(self, part: Any, keys: np.ndarray) -> None:
        self._parts.append(part)
        self._keys.append(keys)
        self._bytes += (added := size(part))
        self._small_bytes += added
        if self._small_bytes >= PART_BYTES:
            self._join()
        while self._bytes > self.bytes_max and len(self) > 1:
            self.lower(self.threshold / 2)

    def _join(self) -> None:
        """Make one part of the small ones: a step through the sample is slow where it is in many."""
        if len(self._parts) - self._full > 1:
            self._parts[self._full :] = [_stacked(self._parts[self._full :])]
            self._keys[self._full :] = [np.concatenate(self._keys[self._full :])]
        self._full, self._small_bytes = len(self._parts), 0

    def _shrink(self) -> None:
        parts, all_keys = self._parts, self._keys
        self._empty()
        for place, keys in enumerate(all_keys):
            stay = np.flatnonzero(keys < self.threshold)
            if len(stay):
                self._append(parts[place][stay], keys[stay])
            parts[place] = None  # Its room is needed for the next.


def _stacked(parts: list[Any]) -> Any:
    if all(isinstance(part, np.ndarray) for part in parts):
        return np.concatenate(parts)
    return scipy.sparse.vstack([scipy.sparse.csr_matrix(part) for part in parts], format="csr")


def size(points: Any) -> int:
    """Bytes that points take, dense or sparse."""
    if isinstance(points, np.ndarray):
        return points.nbytes
    return points.data.nbytes + points.indices.nbytes + points.indptr.nbytes
