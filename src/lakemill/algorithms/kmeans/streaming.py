"""The state of web-scale K-Means: K centres with counts, and a bounded sample of the points.

The state can be updated by a batch, merged with another worker's, kept and resumed, and reduced to k centres. Centres
follow Sculley's mini-batch rule with extra centres as AWS describes it; the sample lets the last step finish with
Lloyd's iteration over real points, which brings the result to what a batch method reaches.

Sources: Sculley, "Web-scale k-means clustering", WWW 2010; AWS, "How K-Means clustering works".
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse

from lakemill.algorithms.kmeans.assignment import nearest, sums
from lakemill.algorithms.kmeans.lloyd import lloyd, plus_plus_centers, random_centers

SAMPLE_BYTES_MAX = 256 << 20
FINALISTS = 3
"""Trials that are carried on to the sample: the loss on the weighted centres orders them only roughly."""


class CenterState:
    """K centres (K, d) float32, their counts (K,) float64, and a sample of the points."""

    def __init__(self, centers: np.ndarray, *, half_life: int = 0, random: np.random.Generator | None = None) -> None:
        self.centers = centers
        self.counts = np.zeros(len(centers))
        self.seen = 0
        self._half_life = half_life
        self._sample = Sample(random or np.random.default_rng(0))

    @classmethod
    def begin(
        cls, points: Any, n_centers: int, method: str, *, half_life: int, random: np.random.Generator
    ) -> "CenterState":
        """Initial centres from the first batch: distinct points of it, or D^2 sampling in it."""
        pick = plus_plus_centers if method == "kmeans++" else random_centers
        return cls(pick(points, n_centers, random), half_life=half_life, random=random)

    def update(self, points: Any, *, keep: bool = True) -> float:
        """Take a batch in; the mean squared distance to the centres it met. keep: points may enter the sample."""
        labels, squared = nearest(points, self.centers)
        summed, mass = sums(points, labels, len(self.centers))
        if self._half_life:
            self.counts *= 2.0 ** (-points.shape[0] / self._half_life)
        counts = self.counts + mass
        touched = mass > 0
        share = (mass[touched] / counts[touched])[:, None]
        means = summed[touched] / mass[touched][:, None]
        self.centers[touched] = (1 - share) * self.centers[touched] + share * means
        self.counts = counts
        self.seen += points.shape[0]
        if keep and not self._half_life:  # With decay old points should fade, so none of them is kept.
            self._sample.add(points)
        return float(squared.mean(dtype=np.float64))

    def merge(self, other: "CenterState") -> None:
        """Take another worker's state in: its centres weigh as its counts say."""
        self.centers = np.concatenate([self.centers, other.centers])
        self.counts = np.concatenate([self.counts, other.counts])
        self.seen += other.seen
        self._sample.merge(other._sample)

    def reduce(
        self,
        k: int,
        *,
        method: str,
        trials: int,
        max_iter: int,
        tol: float,
        random: np.random.Generator,
        told: Callable[[int, float], None] | None = None,
    ) -> tuple[np.ndarray, float]:
        """k centres (k, d) float32 and their mean squared distance: on the sample, else on the weighted centres.

        told is called with number and loss of each trial.
        """
        used = self.counts > 0
        centers, counts = self.centers[used], self.counts[used]
        results = []
        for trial in range(trials):
            start = (
                plus_plus_centers(centers, k, random, counts)
                if method == "kmeans++"
                else random_centers(centers, k, random)
            )
            found, loss = lloyd(centers, start, weights=counts, max_iter=max_iter, tol=tol)
            if told:
                told(trial, loss)
            results.append((loss, trial, found))
        results.sort(key=lambda result: result[:2])
        points = self._sample.points()
        if points is None or points.shape[0] < len(results[0][2]):
            return results[0][2], results[0][0]
        finals = [lloyd(points, found, max_iter=max_iter, tol=tol) for _, _, found in results[:FINALISTS]]
        return min(finals, key=lambda final: final[1])


class Sample:
    """Points kept for the last step: all of them while they fit, then an even random sample."""

    def __init__(self, random: np.random.Generator, bytes_max: int = SAMPLE_BYTES_MAX) -> None:
        self._random = random
        self._bytes_max = bytes_max
        self._parts: list[Any] = []
        self._keys: list[np.ndarray] = []
        self._bytes = 0
        self._threshold = 1.0

    def add(self, points: Any) -> None:
        """Every point draws a key in [0, 1); those below a threshold stay, and the threshold falls as room runs out."""
        keys = self._random.random(points.shape[0])
        self._take(points, keys)

    def merge(self, other: "Sample") -> None:
        self._threshold = min(self._threshold, other._threshold)
        for part, keys in zip(other._parts, other._keys, strict=True):
            self._take(part, keys)
        self._shrink()

    def points(self) -> Any | None:
        """All kept points, (m, d), or None."""
        if not self._parts:
            return None
        if len(self._parts) > 1:
            dense = isinstance(self._parts[0], np.ndarray)
            self._parts = [np.concatenate(self._parts) if dense else scipy.sparse.vstack(self._parts, format="csr")]
            self._keys = [np.concatenate(self._keys)]
        return self._parts[0]

    def _take(self, points: Any, keys: np.ndarray) -> None:
        if self._threshold < 1.0:
            chosen = np.flatnonzero(keys < self._threshold)
            points, keys = points[chosen], keys[chosen]
        if points.shape[0]:
            self._parts.append(points.copy())
            self._keys.append(keys)
            self._bytes += _size(points)
        while self._bytes > self._bytes_max:
            self._threshold /= 2
            self._shrink()

    def _shrink(self) -> None:
        chosen = [np.flatnonzero(keys < self._threshold) for keys in self._keys]
        self._parts = [part[rows] for part, rows in zip(self._parts, chosen, strict=True)]
        self._keys = [keys[rows] for keys, rows in zip(self._keys, chosen, strict=True)]
        self._bytes = sum(map(_size, self._parts))


def _size(points: Any) -> int:
    if isinstance(points, np.ndarray):
        return points.nbytes
    return points.data.nbytes + points.indices.nbytes + points.indptr.nbytes
