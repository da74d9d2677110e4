"""Nearest centres: the product of points and centres, block by block."""

from typing import Any

import numpy as np
import scipy.sparse

BLOCK_BYTES = 32 << 20
"""Size of one block of distances; larger blocks leave the cache without being faster."""


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
    n, k = points.shape[0], centers.shape[0]
    dense = isinstance(points, np.ndarray)
    shift = centers.mean(axis=0) if dense else None
    moved = centers - shift if dense else centers
    norms = np.einsum("kd,kd->k", moved, moved)  # (k,)
    labels = np.empty(n, np.int64)
    squared = np.empty(n, np.float32)
    rows = max(1, BLOCK_BYTES // (4 * max(k, points.shape[1])))
    for start in range(0, n, rows):
        block = points[start : start + rows]
        if dense:
            block = block - shift
            own = np.einsum("nd,nd->n", block, block)  # (b,)
        else:
            own = np.asarray(block.multiply(block).sum(axis=1)).ravel()
        scores = block @ moved.T  # (b, k)
        scores *= -2
        scores += norms
        best = scores.argmin(axis=1)
        labels[start : start + rows] = best
        squared[start : start + rows] = scores[np.arange(len(best)), best] + own
    return labels, np.maximum(squared, 0, out=squared)


def squared_distances(points: Any, centers: np.ndarray) -> np.ndarray:
    """(n, k) float32 squared distances of every point to every centre; for few centres or few points."""
    dense = isinstance(points, np.ndarray)
    shift = centers.mean(axis=0) if dense else np.zeros(centers.shape[1], np.float32)
    points = points - shift if dense else points
    moved = centers - shift
    own = np.einsum("nd,nd->n", points, points) if dense else np.asarray(points.multiply(points).sum(axis=1)).ravel()
    found = -2 * (points @ moved.T)
    found += np.einsum("kd,kd->k", moved, moved)
    found += own[:, None]
    return np.maximum(found, 0, out=found)


def exact_distances(points: Any, centers: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(n,) float32 Euclidean distance of each point to the centre of its label, without cancellation."""
    difference = (points if isinstance(points, np.ndarray) else points.toarray()) - centers[labels]
    return np.sqrt(np.einsum("nd,nd->n", difference, difference))


def sums(points: Any, labels: np.ndarray, k: int, weights: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Weighted sum (k, d) float64 and total weight (k,) float64 of the points of each label."""
    n = points.shape[0]
    weights = np.ones(n, np.float32) if weights is None else weights.astype(np.float32)
    chosen = scipy.sparse.csc_matrix((weights, labels, np.arange(n + 1)), shape=(k, n))
    total = chosen.tocsr() @ points
    if scipy.sparse.issparse(total):
        total = total.toarray()
    return total.astype(np.float64), np.bincount(labels, weights, k)
