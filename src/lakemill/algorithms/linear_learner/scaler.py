"""Shift and scale of features and label, estimated on the first records and folded back into the weights.

Training sees x' = (x - shift) / scale and, for regression, y' = (y - mean) / std. The stored model takes raw x and
answers in the label's own unit. Sparse features are scaled only: a shift would fill the zeros (and with a bias, which
is not penalised, it would not move the optimum).
"""

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp

from lakemill.algorithms.contract import Collective
from lakemill.algorithms.linear_learner.hosts import ALONE, summed


@dataclasses.dataclass
class Scaler:
    """shift, scale: (d,) float64; label_mean, label_std: floats. Constant features keep scale 1."""

    shift: np.ndarray
    scale: np.ndarray
    label_mean: float = 0.0
    label_std: float = 1.0

    @classmethod
    def fit(
        cls,
        features: Any,
        targets: np.ndarray,
        weights: np.ndarray | None = None,
        *,
        normalize_data: bool = True,
        unbias_data: bool = True,
        normalize_label: bool = False,
        unbias_label: bool = False,
        hosts: Collective = ALONE,
    ) -> "Scaler":
        """Estimate from records: features (n, d) ndarray or CSR, targets (n,), weights (n,) or None; of all hosts."""
        mean, std = moments(features, weights, hosts)
        labels = targets.astype(np.float64)
        mass = np.ones(len(labels)) if weights is None else weights.astype(np.float64)
        total, count = summed(hosts, mass @ labels, mass.sum())
        label_mean = float(total / count)
        label_std = float(summed(hosts, mass @ (labels - label_mean) ** 2)[0] / count) ** 0.5
        return cls(
            mean if unbias_data else np.zeros_like(mean),
            std if normalize_data else np.ones_like(std),
            label_mean if unbias_label else 0.0,
            (label_std or 1.0) if normalize_label else 1.0,
        )

    @property
    def shifts(self) -> bool:
        return bool(self.shift.any())

    @property
    def scales(self) -> bool:
        return bool((self.scale != 1).any())

    def features(self, features: Any) -> Any:
        """The scaled records, a new array unless there is nothing to do. CSR stays CSR."""
        if sp.issparse(features):
            if not self.scales:
                return features
            inverse = (1 / self.scale).astype(features.dtype)
            data = features.data * inverse[features.indices]
            return sp.csr_matrix((data, features.indices, features.indptr), shape=features.shape, copy=False)
        if not self.shifts and not self.scales:
            return features
        scaled, shift = np.empty_like(features, order="C"), self.shift.astype(features.dtype)
        inverse = (1 / self.scale).astype(features.dtype)
        for rows in _pieces(*features.shape):
            np.subtract(features[rows], shift, out=scaled[rows])
            scaled[rows] *= inverse
        return scaled

    def targets(self, targets: np.ndarray) -> np.ndarray:
        if self.label_mean == 0.0 and self.label_std == 1.0:
            return targets
        return ((targets - self.label_mean) / self.label_std).astype(targets.dtype)

    def fold(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weights of raw features from weights (d + 1, q) of scaled ones, the bias in the last row.

        Returns (d, q) and (q,), float64, in the label's unit.
        """
        raw = weights[:-1] / self.scale[:, None] * self.label_std
        bias = weights[-1] * self.label_std + self.label_mean - self.shift @ raw
        return raw, bias

    def unfold(self, raw: np.ndarray, bias: np.ndarray) -> np.ndarray:
        """The inverse of `fold`: weights (d + 1, q) of scaled features."""
        inner = raw * self.scale[:, None] / self.label_std
        return np.vstack([inner, (bias - self.label_mean + self.shift @ raw) / self.label_std])


def moments(
    features: Any, weights: np.ndarray | None = None, hosts: Collective = ALONE
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (d,) of every column, float64; 1 as deviation of a constant column."""
    n, dim = features.shape
    dtype = features.dtype if features.dtype.kind == "f" else np.dtype(np.float64)
    weights = np.ones(n, dtype) if weights is None else weights.astype(dtype)
    count = summed(hosts, weights.sum(dtype=np.float64))[0]
    if sp.issparse(features):
        squares = features.astype(np.float64)
        squares.data **= 2
        mean, square = (
            part / count for part in summed(hosts, *(one.T @ weights.astype(np.float64) for one in (features, squares)))
        )
        variance = square - mean * mean
    else:
        mean, rest, square = np.zeros(dim), np.zeros(dim), np.zeros(dim)
        for rows in _pieces(n, dim):
            mean += weights[rows] @ features[rows]
        middle = (summed(hosts, mean)[0] / count).astype(dtype)
        for rows in _pieces(n, dim):  # A second pass: the squares of large values would swallow a small deviation.
            centred = features[rows] - middle
            rest += weights[rows] @ centred  # By which rounding has put the middle beside the mean.
            np.square(centred, out=centred)
            square += weights[rows] @ centred
        rest, square = (part / count for part in summed(hosts, rest, square))
        mean, variance = middle + rest, square - rest * rest
    # Rounding leaves a constant column with a tiny deviation: single precision carries 1e-7 of the mean.
    floor = (4 * np.finfo(dtype).eps * np.abs(mean)) ** 2
    return mean, np.sqrt(np.where(variance > floor, variance, 1.0))


def _pieces(n: int, dim: int) -> Iterator[slice]:
    """Rows in pieces that stay in the cache."""
    rows = max(64, (1 << 17) // max(1, dim))
    return (slice(start, start + rows) for start in range(0, n, rows))
