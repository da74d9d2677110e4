"""What a pass over the data leaves: states that can be updated, merged, and finalised into components.

Moments keeps the d x d matrix of second moments; Sketch sees it through l random directions, d x l. Both take dense and
sparse blocks, and sparse ones are never made dense.

Source: "Elastic Machine Learning Algorithms in Amazon SageMaker", SIGMOD 2020 (states apart from models).
"""

import abc
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import scipy.linalg

EXTRA_MIN = 10
OVERSAMPLING = 3
"""Directions per component of the sketch that was asked for: at 3 the result is within a percent of the exact one."""


FAR = 0.9
"""Share of the mean in the records' mean square from which on it is taken off: below, it costs one digit of float32."""
STEP_BYTES = 16 << 20
"""Size of a step through a dense block."""
MOMENT_BYTES = 32
"""Bytes for each number of a state while it is summed and finalised: four arrays of float64."""
FEW = 16
"""Below one in so many moments, a sparse block's product is added entry by entry."""


class Components(NamedTuple):
    """mean (d,), vectors (d, c) by column and values (c,): singular values; all float64, weakest component first."""

    mean: np.ndarray
    vectors: np.ndarray
    values: np.ndarray


class State(abc.ABC):
    """What both states keep: how many records there were, and their sum about a fixed shift.

    The shift is the first dense block's mean, where data lie far from 0: the covariance does not depend on it, and what
    cancels stays small.
    """

    seen: np.ndarray
    """The second moments or what is kept of them, about the shift."""

    def __init__(self, features: int) -> None:
        self.first = np.zeros(features)
        self.count = 0
        self._shift: np.ndarray | None = None
        self._room = np.empty((0, features), np.float32)

    def update(self, block: Any) -> None:
        """Take in (n, d) float32, dense or csr."""
        if not isinstance(block, np.ndarray):
            self._unshift()
            self._add_sparse(block)
            self.first += np.asarray(block.sum(axis=0, dtype=np.float64)).ravel()
        else:
            if self.count == 0:
                self._shift = _shift(block)
            rows = max(1, STEP_BYTES // (4 * block.shape[1]))
            for start in range(0, block.shape[0], rows):
                self._update_dense(block[start : start + rows], rows)
        self.count += block.shape[0]

    def merge(self, other: Any) -> None:
        """Take in what another worker has seen. Raises ValueError when the two states do not go together."""
        self._accept(other)
        self._unshift()
        summed, first = other._unshifted()
        self.seen += summed
        self.first += first
        self.count += other.count

    @abc.abstractmethod
    def finalise(self, components: int, subtract_mean: bool) -> Components:
        """The strongest components; at least one record must have been seen."""

    @abc.abstractmethod
    def _add_dense(self, block: np.ndarray) -> None: ...

    @abc.abstractmethod
    def _add_sparse(self, block: Any) -> None: ...

    @abc.abstractmethod
    def _accept(self, other: Any) -> None: ...

    @abc.abstractmethod
    def _unshifted(self) -> tuple[np.ndarray, np.ndarray]: ...

    def _update_dense(self, block: np.ndarray, rows: int) -> None:
        if self._shift is not None:
            if len(self._room) < len(block):
                self._room = np.empty((rows, block.shape[1]), np.float32)
            block = np.subtract(block, self._shift, out=self._room[: len(block)])
        self._add_dense(block)
        self.first += np.ones(len(block), np.float32) @ block

    def _unshift(self) -> None:
        """Bring the sums back to shift 0, which blocks of every kind share."""
        self.seen, self.first = self._unshifted()
        self._shift = None

    def _mean(self) -> np.ndarray:
        return self.first / self.count + (0 if self._shift is None else self._shift)


class Moments(State):
    """Sums of x, and of x x^T, (d, d). Raises MemoryError where they have no room."""

    def __init__(self, features: int) -> None:
        make_room(
            MOMENT_BYTES * features**2, f"{features:,} features", "their covariance; the randomized mode needs less"
        )
        super().__init__(features)
        self.seen = np.zeros((features, features))

    def _add_dense(self, block: np.ndarray) -> None:
        # x^T x of one and the same array: BLAS computes one triangle only. O(n d^2).
        self.seen += block.T @ block

    def _add_sparse(self, block: Any) -> None:
        product = (block.T @ block).tocoo()
        if FEW * product.nnz < self.seen.size:
            self.seen[product.row, product.col] += product.data
        else:
            self.seen += product.toarray()

    def _accept(self, other: "Moments") -> None:
        if len(other.first) != len(self.first):
            raise ValueError(f"a state of {len(self.first)} features cannot take in one of {len(other.first)}")

    def _unshifted(self) -> tuple[np.ndarray, np.ndarray]:
        if self._shift is None:
            return self.seen, self.first
        shift = self._shift.astype(np.float64)
        crossed = np.outer(self.first, shift)
        return self.seen + crossed + crossed.T + self.count * np.outer(shift, shift), self.first + self.count * shift

    def finalise(self, components: int, subtract_mean: bool) -> Components:
        """The strongest components. O(d^3)."""
        features = len(self.first)
        if subtract_mean:
            matrix, mean = self.seen - np.outer(self.first, self.first / self.count), self._mean()
        else:
            matrix, mean = self._unshifted()[0], np.zeros(features)
        values, vectors = scipy.linalg.eigh(matrix, subset_by_index=(features - components, features - 1))
        return Components(mean, vectors, np.sqrt(np.maximum(values, 0)))


class Sketch(State):
    """The second moments seen through l random directions: x^T (x D), d x l, for D orthonormal and drawn from a seed.

    From this the Nystrom approximation of the covariance is made. It takes one pass and l d numbers, as a sketch of
    mixed records does, and is as accurate as that sketch would be after a further half pass over the data.

    Source: Tropp, Yurtsever, Udell and Cevher, "Fixed-rank approximation of a positive-semidefinite matrix from
    streaming data", NeurIPS 2017.
    """

    def __init__(self, features: int, components: int, extra: int, seed: int) -> None:
        """extra: further components of the sketch; -1 is as many again, at least 10."""
        asked = components + (max(EXTRA_MIN, components) if extra == -1 else extra)
        directions = min(OVERSAMPLING * asked, features)
        shape = f"{features:,} features seen through {directions:,} directions"
        make_room(MOMENT_BYTES * features * directions, shape, "them; fewer components need less")
        normal = np.random.default_rng(seed).standard_normal((features, directions))
        super().__init__(features)
        self.directions = np.linalg.qr(normal)[0].astype(np.float32)  # (d, l)
        self.seen = np.zeros(self.directions.shape)

    def _add_dense(self, block: np.ndarray) -> None:
        self.seen += block.T @ (block @ self.directions)  # O(n l d)

    _add_sparse = _add_dense

    def _accept(self, other: "Sketch") -> None:
        if not np.array_equal(other.directions, self.directions):
            raise ValueError("sketches go together only when made of the same features, components, extra and seed")

    def _unshifted(self) -> tuple[np.ndarray, np.ndarray]:
        if self._shift is None:
            return self.seen, self.first
        shift = self._shift.astype(np.float64)
        seen = self.seen + np.outer(self.first, shift @ self.directions)
        first = self.first + self.count * shift
        return seen + np.outer(shift, first @ self.directions), first

    def finalise(self, components: int, subtract_mean: bool) -> Components:
        """The strongest components. O(d l^2)."""
        directions = self.directions.astype(np.float64)
        if subtract_mean:
            matrix, mean = self.seen - np.outer(self.first, self.first @ directions / self.count), self._mean()
        else:
            matrix, mean = self._unshifted()[0], np.zeros(len(self.first))
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
    """(n, c): the records' coordinates along the components, weakest first.

    >>> project(np.float32([[3, 4]]), np.float32([1, 1]), np.float32([[0, 1], [1, 0]])).tolist()
    [[3.0, 2.0]]
    """
    if not isinstance(block, np.ndarray):
        return np.asarray(block @ vectors) - mean @ vectors
    found = np.empty((block.shape[0], vectors.shape[1]), np.result_type(block.dtype, vectors.dtype))
    rows = max(1, STEP_BYTES // (4 * max(1, block.shape[1])))
    for start in range(0, block.shape[0], rows):
        found[start : start + rows] = (block[start : start + rows] - mean) @ vectors
    return found


def _shift(block: np.ndarray) -> np.ndarray | None:
    mean = block.mean(axis=0, dtype=np.float64)
    far = mean @ mean > FAR * np.einsum("nd,nd->", block, block, dtype=np.float64) / len(block)
    return mean.astype(np.float32) if far else None


def make_room(need_bytes: int, what: str, why: str) -> None:
    """Raises MemoryError, in words, when so much memory is not there."""
    if need_bytes > (room := available_bytes()):
        raise MemoryError(
            f"{what} need {need_bytes / 1e9:,.1f} GB of memory ({room / 1e9:,.1f} GB are there) for {why}"
        )


def available_bytes() -> int:
    """Memory that can still be had, as Linux estimates it; elsewhere all the machine has."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
