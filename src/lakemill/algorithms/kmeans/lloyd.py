"""Starting centres and Lloyd's iteration over weighted points."""

from typing import Any

import numpy as np

from lakemill.algorithms.kmeans.assignment import gather, nearest, norms, squared_distances

PAIRS_MAX = 4096
"""Up to this many dense points D^2 sampling looks distances up in a table of all pairs (64 MiB)."""


def random_centers(points: Any, k: int, random: np.random.Generator) -> np.ndarray:
    """k distinct rows of points, (k, d) float32; all of them when there are fewer."""
    chosen = random.choice(points.shape[0], size=min(k, points.shape[0]), replace=False)
    return _rows(points, chosen)


class Seeding:
    """k-means++ over points (n, d) with weights (n,): rows drawn by squared distance to those drawn already.

    Each step tries a few candidates and keeps the one that leaves least loss, as scikit-learn does. Several draws from
    the same few points share one table of their distances.

    Source: Arthur and Vassilvitskii, "k-means++: the advantages of careful seeding", SODA 2007.
    """

    def __init__(self, points: Any, weights: np.ndarray | None = None) -> None:
        n = points.shape[0]
        self._original = points
        dense = isinstance(points, np.ndarray)
        if dense:
            points = points - points.mean(axis=0)
        self._points = points
        self._norms = norms(points)
        self._weights = np.ones(n) if weights is None else weights
        self._pairs = squared_distances(points, points, self._norms) if dense and n <= PAIRS_MAX else None

    def draw(self, k: int, random: np.random.Generator) -> np.ndarray:
        """k distinct rows, (k, d) float32; all of them when there are fewer."""
        n = self._points.shape[0]
        k = min(k, n)
        candidates = 2 + int(np.log(k))
        chosen = [int(random.choice(n, p=self._weights / self._weights.sum()))]
        closest = self._distances(chosen)[0].astype(np.float64)
        for _ in range(1, k):
            mass = np.cumsum(closest * self._weights)
            if mass[-1] <= 0:  # All remaining points coincide with centres: any unused ones will do.
                unused = np.setdiff1d(np.arange(n), chosen)
                chosen += unused[: k - len(chosen)].tolist()
                break
            # From the right: a point of no distance holds no part of the mass, and is not drawn.
            drawn = np.searchsorted(mass, random.random(candidates) * mass[-1], side="right")
            drawn = np.minimum(drawn, np.searchsorted(mass, mass[-1]))
            left = np.minimum(closest, self._distances(drawn))  # (candidates, n)
            best = int((left @ self._weights).argmin())
            chosen.append(int(drawn[best]))
            closest = left[best]
        return _rows(self._original, chosen)

    def _distances(self, chosen: Any) -> np.ndarray:
        if self._pairs is not None:
            return self._pairs[chosen]
        return squared_distances(self._points, _rows(self._points, chosen), self._norms).T


def plus_plus_centers(
    points: Any, k: int, random: np.random.Generator, weights: np.ndarray | None = None
) -> np.ndarray:
    """k rows by one k-means++ draw; see Seeding."""
    return Seeding(points, weights).draw(k, random)


def lloyd(
    points: Any, centers: np.ndarray, *, weights: np.ndarray | None = None, max_iter: int = 300, tol: float = 1e-4
) -> tuple[np.ndarray, float]:
    """Move centres to the means of their points until the loss stands still.

    points (n, d) or a list of such parts, centers (k, d) float32, weights (n,). Stops after max_iter iterations or when
    the loss falls by less than tol of itself. An empty cluster takes the point that is farthest from its centre.

    Returns the centres (k, d) float32 and their mean squared distance.

    Source: Lloyd, "Least squares quantization in PCM", IEEE Trans. Inf. Theory 28(2), 1982.
    """
    parts = points if isinstance(points, list) else [points]
    mass = sum(part.shape[0] for part in parts) if weights is None else float(weights.sum())
    square = _square(parts, weights)
    previous = np.inf
    for iteration in range(max_iter + 1):
        found = gather(parts, centers, weights, square)
        if iteration == max_iter or previous - found.loss <= tol * found.loss:
            break
        previous = found.loss
        means = found.sums / np.maximum(found.weights, 1e-300)[:, None]
        empty = np.flatnonzero(found.weights == 0)
        if len(empty):
            means[empty] = centers[empty]
            spare = _farthest(parts, centers, len(empty))
            means[empty[: len(spare)]] = spare
        centers = means.astype(np.float32)
    return centers, found.loss / mass


def _square(parts: list[Any], weights: np.ndarray | None) -> float:
    """The (weighted) sum of the points' squared lengths."""
    lengths = [norms(part) for part in parts]
    if weights is not None:
        return float(np.concatenate(lengths) @ weights)
    return sum(float(one.sum(dtype=np.float64)) for one in lengths)


def _farthest(parts: list[Any], centers: np.ndarray, count: int) -> np.ndarray:
    """The count points farthest from their centres, (count, d); fewer when others coincide with theirs."""
    squared = np.concatenate([nearest(part, centers)[1] for part in parts])
    chosen = np.argsort(-squared, kind="stable")[:count]
    ends = np.cumsum([part.shape[0] for part in parts])
    owners = np.searchsorted(ends, chosen, side="right")
    places = chosen - np.concatenate([[0], ends])[owners]
    rows = [_rows(parts[owner], [place]) for owner, place in zip(owners, places, strict=True) if squared.max() > 0]
    return np.concatenate(rows) if rows else centers[:0]


def _rows(points: Any, chosen: Any) -> np.ndarray:
    rows = points[chosen]
    return np.array(rows if isinstance(rows, np.ndarray) else rows.toarray(), dtype=np.float32)
