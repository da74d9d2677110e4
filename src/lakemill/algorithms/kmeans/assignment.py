"""Nearest centres: the product of points and centres, block by block."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse

BLOCK_BYTES = 4 << 20
"""Size of one block of points or distances: what is written in one step is still in the cache in the next."""
FAR = 0.9
"""Share of the centres' mean in their mean square from which on the mean is taken off: below, it costs one digit."""
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
    cancels small, dense points and centres are first shifted by the centres' mean where that matters.

    >>> nearest(np.float32([[0], [1], [9], [10]]), np.float32([[0], [10]]))[0]
    array([0, 0, 1, 1])
    """
    measure = Measure(centers, isinstance(points, np.ndarray))
    labels = np.empty(points.shape[0], np.int64)
    squared = np.empty(points.shape[0], np.float32)
    for rows, block in _blocks([points], len(centers)):
        moved = measure.move(block)
        labels[rows], squared[rows] = measure.nearest(moved)
        squared[rows] += norms(moved)
    return labels, np.maximum(squared, 0, out=squared)


class Sums(NamedTuple):
    """Of the points nearest to each centre: sums (k, d) float64, weights (k,) float64; and all points' loss."""

    sums: np.ndarray
    weights: np.ndarray
    loss: float


def gather(
    parts: Sequence[Any], centers: np.ndarray, weights: np.ndarray | None = None, square: float | None = None
) -> Sums:
    """What one step of Lloyd's iteration needs of the points, (n, d) in parts, in one reading.

    square: the sum of the points' squared lengths, where it is known.
    """
    k, measure = len(centers), Measure(centers, isinstance(parts[0], np.ndarray))
    known = square is not None and not measure.shifted
    total, mass, loss = np.zeros(centers.shape), np.zeros(k), square if known and square else 0.0
    for rows, block in _blocks(parts, k):
        moved = measure.move(block)
        labels, scores = measure.nearest(moved)
        if not known:
            scores += norms(moved)
            np.maximum(scores, 0, out=scores)
        own = None if weights is None else weights[rows]
        summed, counted = sums(block, labels, k, own)
        total += summed
        mass += counted
        loss += float(scores.sum(dtype=np.float64) if own is None else scores @ own)
    return Sums(total, mass, max(loss, 0.0))


class Measure:
    """Centres ready to be compared with points.

    Where centres lie close together and far from 0, they and dense points are shifted by the centres' mean.
    """

    def __init__(self, centers: np.ndarray, dense: bool) -> None:
        shift = centers.mean(axis=0)
        far = shift @ shift > FAR * np.einsum("kd,kd->", centers, centers) / len(centers)
        self._shift = shift if dense and far else None
        moved = centers if self._shift is None else centers - shift
        self._norms = np.einsum("kd,kd->k", moved, moved)
        self._doubled = np.ascontiguousarray(-2 * moved).T  # (d, k)

    @property
    def shifted(self) -> bool:
        return self._shift is not None

    def move(self, block: Any) -> Any:
        """The block in the coordinates that the others want."""
        return block if self._shift is None else block - self._shift

    def scores(self, moved: Any) -> np.ndarray:
        """(b, k) squared distances less the points' own norms."""
        found = moved @ self._doubled
        found += self._norms
        return found

    def nearest(self, moved: Any) -> tuple[np.ndarray, np.ndarray]:
        """Labels (b,) and squared distances less the points' own norms (b,)."""
        scores = self.scores(moved)
        labels = scores.argmin(axis=1)
        return labels, np.take_along_axis(scores, labels[:, None], 1)[:, 0]


def norms(block: Any) -> np.ndarray:
    """(n,) squared length of each point."""
    if isinstance(block, np.ndarray):
        return np.einsum("nd,nd->n", block, block)
    return np.asarray(block.multiply(block).sum(axis=1)).ravel()


def squared_distances(points: Any, centers: np.ndarray, own: np.ndarray | None = None) -> np.ndarray:
    """(n, k) squared distances of every point to every centre; for few centres or few points.

    own (n,): the points' squared lengths, where the caller knows them; then nothing is shifted.
    """
    measure = Measure(centers, isinstance(points, np.ndarray) and own is None)
    found = np.empty((points.shape[0], len(centers)), np.result_type(points.dtype, centers.dtype))
    for rows, block in _blocks([points], len(centers)):
        moved = measure.move(block)
        square = norms(moved) if own is None else own[rows]
        np.add(measure.scores(moved), square[:, None], out=found[rows])
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


def _blocks(parts: Sequence[Any], k: int) -> Iterator[tuple[slice, Any]]:
    """Slices of points and the points in them, few enough for their k distances to stay in the cache."""
    before = 0
    for part in parts:
        n, d = part.shape
        size = max(1, BLOCK_BYTES // (4 * (max(k, d) if isinstance(part, np.ndarray) else k)))
        for start in range(0, n, size):
            end = min(start + size, n)
            yield slice(before + start, before + end), part[start:end]
        before += n
