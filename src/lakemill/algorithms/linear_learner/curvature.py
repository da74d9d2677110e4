"""The shape of the objective near a point, estimated on a sample: what makes quasi-Newton steps fit at once.

With D the loss's curvature per record, the Hessian of the mean loss is X'DX / n. All models share one estimate, and an
eigenbasis of it serves every wd: (V L V' + wd I)^-1 = V (L + wd)^-1 V'. Of many features those with the most curvature
are taken together like that, and the others one by one.
"""

import sys
from typing import Any, Protocol

import numpy as np
import scipy.linalg
import scipy.sparse as sp

from lakemill.algorithms.linear_learner.data import Chunk, MemoryData
from lakemill.algorithms.linear_learner.hosts import summed
from lakemill.algorithms.linear_learner.losses import Loss

WHOLE_DIM_MAX = 1024
"""Up to here all features are taken together; eigenvectors of a (1024, 1024) matrix take about half a second."""
HEAD_DIM = 512
"""Above, this many are: one-hot columns have a few frequent values that nearly every record has."""
FLOPS = 1e10
"""Multiplications that may be spent on a sample of dense records: the cost of a few passes, which it saves."""


class Curvature(Protocol):
    """An approximate inverse Hessian."""

    def solve(self, gradient: np.ndarray, ridge: np.ndarray) -> np.ndarray:
        """Steps (p, m, k) for gradients (p, m, k), bias last; ridge (p, m) is the penalty's own curvature."""
        ...


class SpectralCurvature:
    """The full Hessian by its eigenvectors; the bias is decoupled exactly."""

    def __init__(self, values: np.ndarray, vectors: np.ndarray, centre: np.ndarray, total: float) -> None:
        self._values, self._vectors, self._centre, self._total = values, vectors, centre, total

    def solve(self, gradient: np.ndarray, ridge: np.ndarray) -> np.ndarray:
        # In the coordinates (w, b + centre'w) the Hessian is block diagonal.
        step = np.empty_like(gradient)
        shape = gradient[:-1].shape
        inner = (gradient[:-1] - self._centre[:, None, None] * gradient[-1]).reshape(len(self._centre), -1)
        rotated = (self._vectors.T @ inner).reshape(shape)
        # One number for all directions: the mean where wd is the same for all weights, else what most weights see.
        rotated /= self._values[:, None, None] + np.median(ridge[:-1], axis=0)[None, :, None]
        step[:-1] = (self._vectors @ rotated.reshape(inner.shape)).reshape(shape)
        bias = gradient[-1] / (self._total + ridge[-1])[:, None]
        step[-1] = bias - np.tensordot(self._centre, step[:-1], axes=(0, 0))
        return step


class HeadCurvature:
    """Some features by eigenvectors, with the bias; the others by the Hessian's diagonal."""

    def __init__(self, head: np.ndarray, together: SpectralCurvature, diagonal: np.ndarray) -> None:
        self._rows, self._together, self._diagonal = np.append(head, -1), together, diagonal

    def solve(self, gradient: np.ndarray, ridge: np.ndarray) -> np.ndarray:
        step = np.empty_like(gradient)
        step[:-1] = gradient[:-1] / (self._diagonal[:, None] + ridge[:-1])[:, :, None]
        step[self._rows] = self._together.solve(gradient[self._rows], ridge[self._rows])
        return step


def sample_rows(data: Any) -> int:
    """How many records the curvature is estimated on: what FLOPS allow, but of many sparse columns all."""
    if data.sparse and data.dim > WHOLE_DIM_MAX:
        return sys.maxsize
    return max(10_000, 20 * data.dim, int(FLOPS / max(1, min(data.dim, WHOLE_DIM_MAX) ** 2)))


def estimate(data: MemoryData, loss: Loss, weights: np.ndarray, positive_weight: float) -> Curvature:
    """The curvature of the mean loss at weights (p, 1, k), over all records of `data`. A collective call."""
    bends = [_bend(chunk, loss, weights, positive_weight) for chunk in data.chunks()]
    if data.dim <= WHOLE_DIM_MAX:
        return _together(data, bends, None)
    diagonal = _diagonal(data, bends)
    head = np.sort(np.argsort(-diagonal, kind="stable")[:HEAD_DIM])
    return HeadCurvature(head, _together(data, bends, head), diagonal)


def _bend(chunk: Chunk, loss: Loss, weights: np.ndarray, positive_weight: float) -> np.ndarray:
    """The loss's curvature (b,) at every record, times the record's weight."""
    f = predictions(chunk.features, weights.astype(chunk.features.dtype))
    bend = loss.curvature(f if weights.shape[2] > 1 else f[:, :, 0], chunk.targets)[:, 0]
    if positive_weight != 1.0:
        bend = bend * np.where(chunk.targets > 0, positive_weight, 1.0).astype(bend.dtype)
    return bend if chunk.weights is None else bend * chunk.weights


def _together(data: MemoryData, bends: list[np.ndarray], columns: np.ndarray | None) -> SpectralCurvature:
    """The Hessian over some columns (None: all) by its eigenvectors."""
    dim = data.dim if columns is None else len(columns)
    second, first = np.zeros((dim, dim)), np.zeros(dim)
    total: Any = 0.0
    count: Any = 0.0
    for chunk, bend in zip(data.chunks(), bends, strict=True):
        features = chunk.features if columns is None else chunk.features[:, columns]
        first += features.T @ bend
        second += _second_moments(features, bend)
        total += float(bend.sum(dtype=np.float64))
        count += chunk.mass
    second, first, total, count = summed(data.hosts, second, first, total, count)
    total, first, second = max(float(total / count), 1e-12), first / count, second / count
    centre = first / total
    second -= total * np.outer(centre, centre)
    values, vectors = scipy.linalg.eigh(second, check_finite=False)
    return SpectralCurvature(_raised(values, data.dtype), vectors, centre, total)


def _diagonal(data: MemoryData, bends: list[np.ndarray]) -> np.ndarray:
    total = np.zeros(data.dim)
    count: Any = 0.0
    for chunk, bend in zip(data.chunks(), bends, strict=True):
        total += _squares(chunk.features).T @ bend
        count += chunk.mass
    total, count = summed(data.hosts, total, count)
    return _raised(total / count, data.dtype)


def _raised(curvatures: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """None far below the largest: rounding noise in the gradient over it is how far undetermined weights wander."""
    floor = 1e-4 if dtype == np.float32 else 1e-8
    return np.maximum(curvatures, floor * (max(curvatures.max(initial=0.0), 0.0) or 1.0))


def predictions(features: Any, weights: np.ndarray) -> np.ndarray:
    """(b, m, k) from features (b, d) and weights (d + 1, m, k): one matrix product for all models."""
    columns = weights.reshape(len(weights), -1)
    f = features @ columns[:-1]
    f += columns[-1]
    return f.reshape(-1, *weights.shape[1:])


def _second_moments(features: Any, bend: np.ndarray) -> np.ndarray:
    root = np.sqrt(bend)[:, None]
    if sp.issparse(features):
        scaled = features.multiply(root).tocsr()
        return (scaled.T @ scaled).toarray()
    scaled = features * root
    return scaled.T @ scaled


def _squares(features: Any) -> Any:
    return features.power(2) if sp.issparse(features) else features * features
