"""The shape of the objective near a point, estimated on a sample: what makes quasi-Newton steps fit at once.

With D the loss's curvature per record, the Hessian of the mean loss is X'DX / n. All models share one estimate, and an
eigenbasis of it serves every wd: (V L V' + wd I)^-1 = V (L + wd)^-1 V'. With many features only the diagonal is kept.
"""

from typing import Any, Protocol

import numpy as np
import scipy.linalg
import scipy.sparse as sp

from lakemill.algorithms.linear_learner.data import MemoryData
from lakemill.algorithms.linear_learner.losses import Loss

SPECTRAL_DIM_MAX = 1024
"""Eigenvectors of a (1024, 1024) matrix take about half a second."""


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


class DiagonalCurvature:
    """The Hessian's diagonal."""

    def __init__(self, diagonal: np.ndarray) -> None:
        self._diagonal = diagonal

    def solve(self, gradient: np.ndarray, ridge: np.ndarray) -> np.ndarray:
        return gradient / (self._diagonal[:, None] + ridge)[:, :, None]


def estimate(data: MemoryData, loss: Loss, weights: np.ndarray, positive_weight: float, diagonal: bool) -> Curvature:
    """The curvature of the mean loss at weights (p, 1, k), over all records of `data`."""
    dim = data.dim
    use_diagonal = diagonal or dim > SPECTRAL_DIM_MAX
    second = np.zeros(dim) if use_diagonal else np.zeros((dim, dim))
    first, total, count = np.zeros(dim), 0.0, 0.0
    for chunk in data.chunks():
        f = predictions(chunk.features, weights.astype(data.dtype))
        bend = loss.curvature(f if weights.shape[2] > 1 else f[:, :, 0], chunk.targets)[:, 0]
        if positive_weight != 1.0:
            bend = bend * np.where(chunk.targets > 0, positive_weight, 1.0).astype(bend.dtype)
        if chunk.weights is not None:
            bend = bend * chunk.weights
        count += len(chunk) if chunk.weights is None else float(chunk.weights.sum())
        total += float(bend.sum(dtype=np.float64))
        first += chunk.features.T @ bend
        second += _second_moments(chunk.features, bend, use_diagonal)
    total, first, second = max(total / count, 1e-12), first / count, second / count
    # Rounding noise in the gradient over the least curvature is how far undetermined weights may wander.
    floor = 1e-4 if data.dtype == np.float32 else 1e-8
    if use_diagonal:
        largest = second.max(initial=0.0) or 1.0
        return DiagonalCurvature(np.append(np.maximum(second, floor * largest), total))
    centre = first / total
    second -= total * np.outer(centre, centre)
    values, vectors = scipy.linalg.eigh(second, check_finite=False)
    largest = max(float(values[-1]), 0.0) if dim else 1.0
    return SpectralCurvature(np.maximum(values, floor * (largest or 1.0)), vectors, centre, total)


def predictions(features: Any, weights: np.ndarray) -> np.ndarray:
    """(b, m, k) from features (b, d) and weights (d + 1, m, k): one matrix product for all models."""
    columns = weights.reshape(len(weights), -1)
    f = features @ columns[:-1]
    f += columns[-1]
    return f.reshape(-1, *weights.shape[1:])


def _second_moments(features: Any, bend: np.ndarray, diagonal: bool) -> np.ndarray:
    if sp.issparse(features):
        if diagonal:
            squares = features.copy()
            squares.data = squares.data**2
            return squares.T @ bend
        root = features.multiply(np.sqrt(bend)[:, None]).tocsr()
        return (root.T @ root).toarray()
    if diagonal:
        return np.einsum("ij,ij,i->j", features, features, bend)
    root = features * np.sqrt(bend)[:, None]
    return root.T @ root
