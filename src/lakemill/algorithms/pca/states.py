"""What a pass over the data leaves: states that can be updated, merged, and finalised into components.

Moments keeps the d x d matrix of second moments; Sketch sees it through l random directions, d x l. Both take dense and
sparse blocks, and sparse ones are never made dense.

Source: "Elastic Machine Learning Algorithms in Amazon SageMaker", SIGMOD 2020 (states apart from models).
"""

from typing import Any, NamedTuple

import numpy as np
import scipy.linalg
import scipy.sparse


EXTRA_MIN = 10
OVERSAMPLING = 4
"""Directions per component of the sketch that was asked for: at 4 the result is within a percent of the exact one."""


class Components(NamedTuple):
    """mean (d,), vectors (d, c) by column and values (c,): singular values; all float64, weakest component first."""

    mean: np.ndarray
    vectors: np.ndarray
    values: np.ndarray


class Moments:
    """Sums of x, and of x x^T, about a fixed shift.

    The shift is the first dense block's mean: the covariance does not depend on it, and what cancels stays small.
    """

    def __init__(self, features: int) -> None:
        self.second = np.zeros((features, features))
        self.first = np.zeros(features)
        self.count = 0
        self._shift: np.ndarray | None = None

    def update(self, block: Any) -> None:
        """Take in (n, d) float32, dense or csr. O(n d^2)."""
        if isinstance(block, np.ndarray):
            if self._shift is None and self.count == 0:
                self._shift = block.mean(axis=0)
            if self._shift is not None:
                block = block - self._shift
            # x^T x of one and the same array: BLAS computes one triangle only.
            self.second += block.T @ block
        else:
            self._unshift()
            self.second += (block.T @ block).toarray()
        self.first += np.asarray(block.sum(axis=0, dtype=np.float64)).ravel()
        self.count += block.shape[0]

    def merge(self, other: "Moments") -> None:
        """Take in what another worker has seen."""
        self._unshift()
        other._unshift()
        self.second += other.second
        self.first += other.first
        self.count += other.count

    def _unshift(self) -> None:
        """Bring the sums back to shift 0, which blocks of every kind share."""
        if self._shift is None:
            return
        shift = self._shift.astype(np.float64)
        crossed = np.outer(self.first, shift)
        self.second += crossed + crossed.T + self.count * np.outer(shift, shift)
        self.first += self.count * shift
        self._shift = None

    def finalise(self, components: int, subtract_mean: bool) -> Components:
        """The strongest components. O(d^3)."""
        features = len(self.first)
        if subtract_mean:
            matrix = self.second - np.outer(self.first, self.first) / self.count
            mean = self.first / self.count + (0 if self._shift is None else self._shift)
        else:
            self._unshift()
            matrix, mean = self.second, np.zeros(features)
        values, vectors = scipy.linalg.eigh(matrix, subset_by_index=(features - components, features - 1))
        return Components(mean, vectors, np.sqrt(np.maximum(values, 0)))


class Sketch:
    """The second moments seen through l random directions: x^T (x D), d x l, for D orthonormal and drawn from a seed.

    From this the Nystrom approximation of the covariance is made. It takes one pass and l d numbers, as a sketch of
    mixed records does, and is as accurate as that sketch would be after a further half pass over the data.

    Source: Tropp, Yurtsever, Udell and Cevher, "Fixed-rank approximation of a positive-semidefinite matrix from
    streaming data", NeurIPS 2017.
    """

    def __init__(self, features: int, components: int, extra: int, seed: int) -> None:
        """extra: further components of the sketch; -1 is as many again, at least 10."""
        asked = components + (max(EXTRA_MIN, components) if extra == -1 else extra)
        directions = OVERSAMPLING * asked
        normal = np.random.default_rng(seed).standard_normal((features, min(directions, features)))
        self.directions = np.linalg.qr(normal)[0].astype(np.float32)  # (d, l)
        self.seen_through = np.zeros(self.directions.shape)
        self.first = np.zeros(features)
        self.count = 0

    def update(self, block: Any) -> None:
        """Take in (n, d) float32, dense or csr. O(n l d)."""
        self.seen_through += block.T @ (block @ self.directions)
        self.first += np.asarray(block.sum(axis=0, dtype=np.float64)).ravel()
        self.count += block.shape[0]

    def merge(self, other: "Sketch") -> None:
        """Take in what another worker has seen through the same directions."""
        self.seen_through += other.seen_through
        self.first += other.first
        self.count += other.count

    def finalise(self, components: int, subtract_mean: bool) -> Components:
        """The strongest components. O(d l^2)."""
        directions = self.directions.astype(np.float64)
        matrix, mean = self.seen_through, np.zeros(len(self.first))
        if subtract_mean:
            mean = self.first / self.count
            matrix = matrix - np.outer(self.first, mean @ directions)
        # A small multiple of the identity is added and taken off again: it keeps the root below well-conditioned.
        nudge = 1e-6 * np.linalg.norm(matrix) or 1.0
        matrix = matrix + nudge * directions
        inner = directions.T @ matrix
        root = scipy.linalg.cholesky((inner + inner.T) / 2 + 1e-12 * np.trace(inner) * np.eye(len(inner)), lower=True)
        half = scipy.linalg.solve_triangular(root, matrix.T, lower=True)  # (l, d)
        _, values, rows = scipy.linalg.svd(half, full_matrices=False)
        found = min(components, len(values))
        values = np.sqrt(np.maximum(values[:found] ** 2 - nudge, 0))
        return Components(mean, rows[:found].T[:, ::-1], values[::-1])


def project(block: Any, mean: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """(n, c) float32: the records' coordinates along the components, weakest first.

    >>> project(np.float32([[3, 4]]), np.float32([1, 1]), np.float32([[0, 1], [1, 0]])).tolist()
    [[3.0, 2.0]]
    """
    if isinstance(block, np.ndarray):
        return (block - mean) @ vectors
    return np.asarray(block @ vectors) - mean @ vectors
