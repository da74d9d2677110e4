"""Starting centres and Lloyd's iteration over weighted points."""

from typing import Any

import numpy as np

from lakemill.algorithms.kmeans.assignment import nearest, squared_distances, sums


def random_centers(points: Any, k: int, random: np.random.Generator) -> np.ndarray:
    """k distinct rows of points, (k, d) float32; all of them when there are fewer."""
    chosen = random.choice(points.shape[0], size=min(k, points.shape[0]), replace=False)
    return _rows(points, chosen)


def plus_plus_centers(
    points: Any, k: int, random: np.random.Generator, weights: np.ndarray | None = None
) -> np.ndarray:
    """k rows drawn by squared distance to those already drawn (D^2 sampling), greedily.

    Each step tries a few candidates and keeps the one that leaves least loss, as scikit-learn does.

    Source: Arthur and Vassilvitskii, "k-means++: the advantages of careful seeding", SODA 2007.
    """
    n = points.shape[0]
    k = min(k, n)
    weights = np.ones(n) if weights is None else weights
    candidates = 2 + int(np.log(k))
    first = random.choice(n, p=weights / weights.sum())
    chosen = [first]
    _, closest = nearest(points, _rows(points, [first]))
    closest = closest.astype(np.float64)
    for _ in range(1, k):
        mass = np.cumsum(closest * weights)
        if mass[-1] <= 0:  # All remaining points coincide with centres: any unused ones will do.
            unused = np.setdiff1d(np.arange(n), chosen)
            chosen += unused[: k - len(chosen)].tolist()
            break
        drawn = np.minimum(np.searchsorted(mass, random.random(candidates) * mass[-1]), n - 1)
        left = np.minimum(closest, squared_distances(points, _rows(points, drawn)).T)  # (candidates, n)
        losses = left @ weights
        best = int(losses.argmin())
        chosen.append(int(drawn[best]))
        closest = left[best]
    return _rows(points, chosen)


def lloyd(
    points: Any, centers: np.ndarray, *, weights: np.ndarray | None = None, max_iter: int = 300, tol: float = 1e-4
) -> tuple[np.ndarray, float]:
    """Move centres to the means of their points until the loss stands still.

    points (n, d), centers (k, d) float32, weights (n,). Stops after max_iter iterations or when the loss falls by less
    than tol of itself. An empty cluster takes the point that is farthest from its centre.

    Returns the centres (k, d) float32 and their mean squared distance.

    Source: Lloyd, "Least squares quantization in PCM", IEEE Trans. Inf. Theory 28(2), 1982.
    """
    total = points.shape[0] if weights is None else float(weights.sum())
    k, previous = len(centers), np.inf
    for _ in range(max_iter):
        labels, squared = nearest(points, centers)
        loss = float(squared.sum(dtype=np.float64) if weights is None else squared @ weights) / total
        if previous - loss <= tol * loss:
            return centers, loss
        previous = loss
        summed, mass = sums(points, labels, k, weights)
        means = summed / np.maximum(mass, 1e-300)[:, None]
        empty = np.flatnonzero(mass == 0)
        if len(empty):
            farthest = np.argsort(-squared, kind="stable")[: len(empty)]
            means[empty[: len(farthest)]] = _rows(points, farthest)
        centers = means.astype(np.float32)
    _, squared = nearest(points, centers)
    return centers, float(squared.sum(dtype=np.float64) if weights is None else squared @ weights) / total


def _rows(points: Any, chosen: Any) -> np.ndarray:
    rows = points[chosen]
    return np.array(rows if isinstance(rows, np.ndarray) else rows.toarray(), dtype=np.float32)
