"""What a pass over the data leaves: states that can be updated, merged, and finalised into components.

Moments keeps the d x d matrix of second moments; Sketch (sketch.py) sees it through l random directions, d x l. Both
take dense and sparse blocks, and sparse ones are never made dense.

Source: "Elastic Machine Learning Algorithms in Amazon SageMaker", SIGMOD 2020 (states apart from models).
"""

import abc
from typing import Any, NamedTuple

import numpy as np
import scipy.linalg

from lakemill.algorithms.pca.memory import make_room

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

    def strongest(self, count: int) -> "Components":
        return Components(self.mean, self.vectors[:, -count:], self.values[-count:])


Kept = tuple[dict[str, np.ndarray], dict[str, Any]]
"""Arrays, and facts that JSON can hold."""


class State(abc.ABC):
    """What both states keep: how many records there were, and their sums about a fixed shift.

    The shift is the first dense block's mean, where data lie far from 0: the covariance does not depend on it, and what
    cancels stays small.
    """

    seen: np.ndarray
    """The second moments or what is kept of them, about the shift; float64."""

    def __init__(self, features: int) -> None:
        self.first = np.zeros(features)
        self.count = 0
        self.shift: np.ndarray | None = None
        self._room = np.empty((0, features), np.float32)

    def update(self, block: Any) -> None:
        """Take in (n, d) float32, dense or csr."""
        if not isinstance(block, np.ndarray):
            self.move(None)
            self._update_sparse(block)
        else:
            if self.count == 0:
                self.shift = _shift(block)
            rows = max(1, STEP_BYTES // (4 * block.shape[1]))
            for start in range(0, block.shape[0], rows):
                self._update_dense(block[start : start + rows], rows)
        self.count += block.shape[0]

    def merge(self, other: "State") -> None:
        """Take in what another worker has seen. Raises ValueError when the two states do not go together."""
        self._accept(other)
        if self.count == 0:
            self.shift = other.shift
        summed, first = other._about(self.shift)
        self.seen += summed
        self.first += first
        self.count += other.count

    def move(self, shift: np.ndarray | None) -> None:
        """Bring the sums to another shift (d,) float32; None is 0, which blocks of every kind share."""
        self.seen, self.first = self._about(shift)
        self.shift = shift

    def kept(self) -> Kept:
        """All there is of the state."""
        shift = {} if self.shift is None else {"shift": self.shift}
        return {"seen": self.seen, "first": self.first, **shift}, {"count": self.count}

    def restore(self, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
        """Become the state that `kept` gave; this one was made with the same settings."""
        self.seen, self.first, self.shift = arrays["seen"], arrays["first"], arrays.get("shift")
        self.count = facts["count"]

    def moments(self, subtract_mean: bool) -> tuple[np.ndarray, np.ndarray]:
        """The second moments about the mean or about 0, as far as they are kept, in an array of its own; and that (d,).

        At least one record must have been seen.
        """
        if not subtract_mean:
            seen = self.seen.copy() if self.shift is None else self._about(None)[0]
            return seen, np.zeros(len(self.first))
        shift = 0 if self.shift is None else self.shift
        return self.seen - self._crossed(self.first, self.first / self.count), self.first / self.count + shift

    @abc.abstractmethod
    def finalise(self, components: int, subtract_mean: bool) -> Components:
        """The strongest components; at least one record must have been seen."""

    @abc.abstractmethod
    def _add_dense(self, block: np.ndarray) -> None: ...

    @abc.abstractmethod
    def _add_sparse(self, block: Any, columns: np.ndarray) -> None:
        """Add a block of the columns (m,) that are not all 0."""

    @abc.abstractmethod
    def _accept(self, other: Any) -> None: ...

    @abc.abstractmethod
    def _crossed(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """left right^T of two vectors (d,), as far as the state keeps second moments."""

    def _update_dense(self, block: np.ndarray, rows: int) -> None:
        if self.shift is not None:
            if len(self._room) < len(block):
                self._room = np.empty((rows, block.shape[1]), np.float32)
            block = np.subtract(block, self.shift, out=self._room[: len(block)])
        self._add_dense(block)
        self.first += np.ones(len(block), np.float32) @ block

    def _update_sparse(self, block: Any) -> None:
        """Only the columns that a block has count: there may be few of them among very many."""
        met = np.zeros(block.shape[1], bool)
        met[block.indices] = True
        columns = np.flatnonzero(met)
        places = np.cumsum(met, dtype=np.int32) - 1
        narrow = type(block)((block.data, places[block.indices], block.indptr), shape=(block.shape[0], len(columns)))
        self._add_sparse(narrow, columns)
        self.first[columns] += np.bincount(narrow.indices, narrow.data, len(columns))

    def _about(self, shift: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """The sums about another shift, (d,) float32 or None for 0."""
        zero = np.zeros(len(self.first))
        moved = (zero if self.shift is None else self.shift.astype(np.float64)) - (zero if shift is None else shift)
        if not moved.any():
            return self.seen, self.first
        first = self.first + self.count * moved
        return self.seen + self._crossed(self.first, moved) + self._crossed(moved, first), first


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

    def _add_sparse(self, block: Any, columns: np.ndarray) -> None:
        product = (block.T @ block).tocoo()
        if FEW * product.nnz < len(columns) ** 2:
            self.seen[columns[product.row], columns[product.col]] += product.data
        else:
            self.seen[np.ix_(columns, columns)] += product.toarray()

    def _accept(self, other: "Moments") -> None:
        if len(other.first) != len(self.first):
            raise ValueError(f"a state of {len(self.first)} features cannot take in one of {len(other.first)}")

    def _crossed(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        return np.outer(left, right)

    def finalise(self, components: int, subtract_mean: bool) -> Components:
        """The strongest components. O(d^3)."""
        matrix, mean = self.moments(subtract_mean)
        last = len(mean) - 1
        values, vectors = scipy.linalg.eigh(matrix, subset_by_index=(last + 1 - components, last), overwrite_a=True)
        return Components(mean, vectors, np.sqrt(np.maximum(values, 0)))


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
