"""One answer from the labels of k neighbours."""

import numpy as np


def majority(labels: np.ndarray) -> np.ndarray:
    """The most frequent label of every row of (n, k) labels, k >= 1; the lowest of those that are equally frequent.

    >>> majority(np.float32([[2, 1, 2], [3, 1, 2]])).tolist()
    [2.0, 1.0]
    """
    n, k = labels.shape
    ordered = np.sort(labels, axis=1)
    begins = np.ones((n, k), bool)
    np.not_equal(ordered[:, 1:], ordered[:, :-1], out=begins[:, 1:])
    starts = np.flatnonzero(begins)  # Of the runs of equal labels in all rows, one behind the other.
    lengths = np.diff(starts, append=n * k)
    rows = starts // k
    longest = np.maximum.reduceat(lengths, np.searchsorted(rows, np.arange(n))) if n else lengths
    best = starts[lengths == longest[rows]]
    return ordered.ravel()[best[np.searchsorted(best // k, np.arange(n))]]


def mean(labels: np.ndarray) -> np.ndarray:
    """The mean of every row of (n, k) labels, (n,) float32.

    >>> mean(np.float32([[2, 1, 3]])).tolist()
    [2.0]
    """
    return labels.mean(axis=1, dtype=np.float64).astype(np.float32)
