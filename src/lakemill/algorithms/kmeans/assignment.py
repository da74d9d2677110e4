"""Nearest centres: the product of points and centres, block by block."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse

BLOCK_BYTES = 4 << 20
"""Size of one block of points or distances: what is written in one step is still in the cache in the next."""
DENSE_BYTES = 32 << 20
"""Size of one block of points where sparse ones have to be made dense."""


def nearest(points: Any, centers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Label every point with its nearest centre.

    Parameters
    ----------
    points : (n, d) float32 ndarray or csr_matrix
    centers : (k, d) float32, k >= 1

    Returns
    -------
    labels : (n,) int64 in [0, k)
        Ties go to the lower index, so two runs agree.
    squared : (n,) float32
        Squared Euclidean distance to that centre, at least 0.

    Notes
    -----
    O(n k d) time in one matrix product per block. |x - c|^2 is expanded to |x|^2 - 2 x.c + |c|^2; to keep what
    cancels small, dense points and centres are first shifted by the centres' mean.

    >>> nearest(np.float32([[0], [1], [9], [10]]), np.float32([[0], [10]]))[0]
    array([0, 0, 1, 1])
    """
    measure = Measure(centers, centers.mean(axis=0) if isinstance(points, np.ndarray) else None)
    labels = np.empty(points.shape[0], np.int64)
    squared = np.empty(points.shape[0], np.float32)
    for rows, block in _blocks(points, len(centers)):
        moved = measure.move(block)
        labels[rows], squared[rows] = measure.nearest(moved)
        squared[rows] += norms(moved)
    return labels, np.maximum(squared, 0, out=squared)


class Sums(NamedTuple):
    """Of the points nearest to each centre: sums (k, d) float64, weights (k,) float64; and all points' loss."""

    sums: np.ndarray
    weights: np.ndarray
    loss: float


def gather(points: Any, centers: np.ndarray, weights: np.ndarray | None, shift: np.ndarray | None) -> Sums:
    """One step of Lloyd's iteration without the division: everything it needs of the points in one reading.

    shift (d,) is taken off points and centres before they are multiplied, but not off the sums. The loss lacks
    the points' own sum of weighted squares (`total_square`), which no centre changes.
    """
    k, measure = len(centers), Measure(centers, shift)
    total, mass, loss = np.zeros(centers.shape), np.zeros(k), 0.0
    for rows, block in _blocks(points, k):
        moved = measure.move(block)
        labels, scores = measure.nearest(moved)
        own = None if weights is None else weights[rows]
        summed, counted = sums(moved, labels, k, own)
        total += summed
        mass += counted
        loss += float(scores.sum(dtype=np.float64) if own is None else scores @ own)
    if shift is not None:
        total += mass[:, None] * shift
    return Sums(total, mass, loss)


def total_square(points: Any, weights: np.ndarray | None, shift: np.ndarray | None) -> float:
    """The weighted sum of squared distances of all points to shift, or to 0."""
    total = 0.0
    for rows, block in _blocks(points, 1):
        own = norms(block if shift is None else block - shift)
        total += float(own.sum(dtype=np.float64) if weights is None else own @ weights[rows])
    return total


class Measure:
    """Centres ready to be compared with points."""

    def __init__(self, centers: np.ndarray, shift: np.ndarray | None) -> None:
        self._shift = shift
        moved = centers if shift is None else centers - shift
        self._norms = np.einsum("kd,kd->k", moved, moved)
        self._doubled = np.ascontiguousarray(-2 * moved).T  # (d, k)

    def move(self, block: Any) -> Any:
        """The block in the coordinates that `nearest` wants."""
        return block if self._shift is None else block - self._shift

    def nearest(self, moved: Any) -> tuple[np.ndarray, np.ndarray]:
        """Labels (b,) and squared distances less the points' own norms (b,)."""
        scores = moved @ self._doubled  # (b, k)
        scores += self._norms
        labels = scores.argmin(axis=1)
        return labels, np.take_along_axis(scores, labels[:, None], 1)[:, 0]


def norms(block: Any) -> np.ndarray:
    """(n,) squared length of each point."""
    if isinstance(block, np.ndarray):
        return np.einsum("nd,nd->n", block, block)
    return np.asarray(block.multiply(block).sum(axis=1)).ravel()


def squared_distances(points: Any, centers: np.ndarray) -> np.ndarray:
    """(n, k) float32 squared distances of every point to every centre; for few centres or few points."""
    measure = Measure(centers, centers.mean(axis=0) if isinstance(points, np.ndarray) else None)
    found = np.empty((points.shape[0], len(centers)), np.float32)
    for rows, block in _blocks(points, len(centers)):
        moved = measure.move(block)
        found[rows] = moved @ measure._doubled
        found[rows] += measure._norms
        found[rows] += norms(moved)[:, None]
    return np.maximum(found, 0, out=found)


def exact_distances(points: Any, centers: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(n,) float32 Euclidean distance of each point to the centre of its label, without cancellation."""
    found = np.empty(points.shape[0], np.float32)
    step = max(1, DENSE_BYTES // (4 * centers.shape[1]))
    for start in range(0, points.shape[0], step):
        block = points[start : start + step]
        block = block if isinstance(block, np.ndarray) else block.toarray()
        difference = block - centers[labels[start : start + step]]
        found[start : start + step] = np.sqrt(np.einsum("nd,nd->n", difference, difference))
    return found


def sums(points: Any, labels: np.ndarray, k: int, weights: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Weighted sum (k, d) float32 and total weight (k,) float64 of the points of each label."""
    n = points.shape[0]
    share = np.ones(n, np.float32) if weights is None else weights.astype(np.float32)
    chosen = scipy.sparse.csc_matrix((share, labels, np.arange(n + 1)), shape=(k, n))
    total = chosen.tocsr() @ points
    return total.toarray() if scipy.sparse.issparse(total) else total, np.bincount(labels, weights, k)


def _blocks(points: Any, k: int) -> Iterator[tuple[slice, Any]]:
    """Slices of points and the points in them, few enough for their k distances to stay in the cache."""
    n, d = points.shape
    size = max(1, BLOCK_BYTES // (4 * (max(k, d) if isinstance(points, np.ndarray) else k)))
    for start in range(0, n, size):
        rows = slice(start, min(start + size, n))
        yield rows, points[rows]
