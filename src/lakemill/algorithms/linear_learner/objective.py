"""What is minimised: the mean loss of many models and its gradient, in one pass over the data, and the penalties."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from lakemill.algorithms.linear_learner.curvature import predictions
from lakemill.algorithms.linear_learner.hosts import summed
from lakemill.algorithms.linear_learner.losses import Loss

After = Callable[[], bool]
"""Called after every piece of a pass; True ends the pass there."""


def go_on() -> bool:
    """Never ends a pass."""
    return False


@dataclasses.dataclass
class Penalty:
    """ridge: (p, m), the curvature of wd per weight and model; l1: (m,), not on the bias."""

    ridge: np.ndarray
    l1: np.ndarray

    def value(self, w: np.ndarray) -> np.ndarray:
        """(m,) for weights (p, m, k)."""
        squares = 0.5 * np.einsum("pm,pmk,pmk->m", self.ridge, w, w)
        return squares + self.l1 * np.abs(w[:-1]).sum(axis=(0, 2)) if self.l1.any() else squares

    def only(self, models: np.ndarray) -> "Penalty":
        return Penalty(np.ascontiguousarray(self.ridge[:, models]), self.l1[models])


@dataclasses.dataclass
class Sums:
    """What a pass has added up so far on this host.

    losses (m,); gradient (p, m k); mass: of the records, see Chunk; chunks: how many were taken in.
    """

    losses: np.ndarray
    gradient: np.ndarray
    mass: float = 0.0
    chunks: int = 0

    @classmethod
    def nothing(cls, weights: np.ndarray) -> "Sums":
        p, m, k = weights.shape
        return cls(np.zeros(m), np.zeros((p, m * k)))


def evaluate(
    data: Any,
    loss: Loss,
    w: np.ndarray,
    positive_weights: np.ndarray,
    *,
    use_bias: bool = True,
    sums: Sums | None = None,
    after: After = go_on,
) -> tuple[np.ndarray, np.ndarray]:
    """Mean loss (m,) and its gradient (p, m, k) at weights (p, m, k), float64, in one pass. A collective call.

    sums: where an interrupted pass stood; they grow.
    """
    m, k = w.shape[1:]
    single, sums = w.astype(data.dtype), Sums.nothing(w) if sums is None else sums
    weighted = bool((positive_weights != 1).any())
    for chunk in data.chunks(sums.chunks):
        f = predictions(chunk.features, single)
        losses, slopes = loss.value_and_slope(f if k > 1 else f[:, :, 0], chunk.targets)
        slopes = slopes.reshape(len(chunk), m, k)
        if weighted:
            times = np.where(chunk.targets[:, None] > 0, positive_weights, 1.0).astype(losses.dtype)
            losses, slopes = losses * times, slopes * times[:, :, None]
        if chunk.weights is not None:
            losses, slopes = losses * chunk.weights[:, None], slopes * chunk.weights[:, None, None]
        ones = np.ones(len(chunk), losses.dtype)
        columns = slopes.reshape(len(chunk), m * k)
        sums.losses += ones @ losses  # A product sums in many lanes: faster than a column sum, and more exact.
        sums.gradient[:-1] += chunk.features.T @ columns
        if use_bias:
            sums.gradient[-1] += ones @ columns
        sums.mass += chunk.mass
        sums.chunks += 1
        if after():
            break
    value, gradient, mass = summed(data.hosts, sums.losses, sums.gradient, sums.mass)
    return value / mass, (gradient / mass).reshape(w.shape)
