"""L-BFGS for many models at once: every pass over the data is one objective value and gradient for all of them.

Each model has its own penalties, step length and history, but the data are read once for all. l1 is handled as in
orthant-wise L-BFGS: the step may not leave the orthant that the pseudo-gradient points to. A model that has converged
drops out of the products.

Sources: Nocedal, "Updating quasi-Newton matrices with limited storage", Math. Comp. 35, 1980; Andrew & Gao, "Scalable
training of L1-regularized log-linear models", ICML 2007.
"""

import dataclasses
from typing import Any

import numpy as np

from lakemill.algorithms.linear_learner.curvature import Curvature, estimate, predictions, sample_rows
from lakemill.algorithms.linear_learner.losses import Loss

MEMORY = 10
SUFFICIENT_DECREASE = 1e-4
TOLERANCES = {"float32": 1e-6, "float64": 1e-10}
"""Relative decrease at which a model has converged; the objective is then above its optimum by about as much."""
WIDTHS = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
"""Half-widths of a rounded kink, stage by stage, in median residuals; the last costs about 1e-5 of the loss."""


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
        return Penalty(self.ridge[:, models], self.l1[models])


def evaluate(
    data: Any, loss: Loss, w: np.ndarray, positive_weights: np.ndarray, *, use_bias: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Mean loss (m,) and its gradient (p, m, k) at weights (p, m, k), float64, in one pass over the data."""
    p, m, k = w.shape
    single = w.astype(data.dtype)
    value, gradient, count = np.zeros(m), np.zeros((p, m * k)), 0.0
    weighted = bool((positive_weights != 1).any())
    for chunk in data.chunks():
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
        value += ones @ losses  # A product sums in many lanes: faster than a column sum, and more exact.
        gradient[:-1] += chunk.features.T @ columns
        if use_bias:
            gradient[-1] += ones @ columns
        count += chunk.mass
    return value / count, (gradient / count).reshape(p, m, k)


class QuasiNewton:
    """The optimiser's state; `step(data)` makes one pass.

    weights: start (p, m, k), bias in the last row. tolerance: a model has converged when two steps in a row lower its
    objective by less than this fraction.
    """

    def __init__(
        self,
        loss: Loss,
        weights: np.ndarray,
        penalty: Penalty,
        positive_weights: np.ndarray,
        curvature: Curvature,
        *,
        use_bias: bool = True,
        tolerance: float = 1e-7,
        noise: float = 5e-7,
    ) -> None:
        self.loss, self.use_bias, self.tolerance, self.noise = loss, use_bias, tolerance, noise
        m = weights.shape[1]
        self.weights = weights.astype(np.float64)
        """(p, m, k): the best point so far of every model."""
        self.losses = np.full(m, np.inf)
        """(m,): mean loss there, without penalties."""
        self._curvature = curvature
        self._active = np.arange(m)
        self._penalty, self._positive = penalty, positive_weights
        self._trial = self.weights.copy()
        self._x = self._trial
        self._f = np.full(m, np.inf)
        self._g = np.zeros_like(self._x)
        self._step = np.zeros_like(self._x)
        self._history: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self._scale = np.ones(m)
        self._length = np.ones(m)
        self._stalls = np.zeros(m, int)

    @property
    def converged(self) -> bool:
        return not len(self._active)

    def step(self, data: Any) -> None:
        """One pass: judge the trial points, move where they are better, aim anew."""
        if self.converged:
            return
        losses, gradient = evaluate(data, self.loss, self._trial, self._positive, use_bias=self.use_bias)
        gradient += self._penalty.ridge[:, :, None] * self._trial
        f = losses + self._penalty.value(self._trial)
        first = np.isinf(self._f)
        promised = (self._pseudo_gradient() * (self._trial - self._x)).sum(axis=(0, 2))
        known = np.where(first, 0.0, self._f)
        with np.errstate(invalid="ignore"):
            good = first | (f <= known + SUFFICIENT_DECREASE * promised + self.noise * np.abs(known))
        self._remember(gradient, good & ~first)
        small = (known - f <= self.tolerance * np.abs(known)) & ~first & good
        self._stalls = np.where(small, self._stalls + 1, np.where(good, 0, self._stalls))
        self._accept(good, losses, f, gradient)
        self._length = np.where(good, 1.0, self._shortened(f, promised))
        self._retire((self._stalls >= 2) | (self._length < 1e-6))
        self._aim()

    def _accept(self, good: np.ndarray, losses: np.ndarray, f: np.ndarray, gradient: np.ndarray) -> None:
        mask = good[None, :, None]
        self._x = np.where(mask, self._trial, self._x)
        self._g = np.where(mask, gradient, self._g)
        self._f = np.where(good, f, self._f)
        self.weights[:, self._active] = self._x
        self.losses[self._active] = np.where(good, losses, self.losses[self._active])

    def _shortened(self, f: np.ndarray, promised: np.ndarray) -> np.ndarray:
        """The minimum of the parabola through both values and the slope, kept within [0.1, 0.5] of the last length."""
        with np.errstate(all="ignore"):
            best = -promised / (2 * (f - self._f - promised))
        return self._length * np.clip(np.nan_to_num(best, nan=0.1), 0.1, 0.5)

    def _remember(self, gradient: np.ndarray, good: np.ndarray) -> None:
        if not good.any():
            return
        s, y = self._trial - self._x, gradient - self._g
        sy, yy = (s * y).sum(axis=(0, 2)), (y * y).sum(axis=(0, 2))
        useful = good & (sy > 1e-10 * np.sqrt((s * s).sum(axis=(0, 2)) * yy)) & (sy > 0)
        rho = np.where(useful, 1 / np.where(useful, sy, 1), 0.0)
        self._history = [*self._history, (s, y, rho)][-MEMORY:]
        yhy = (y * self._curvature.solve(y, self._penalty.ridge)).sum(axis=(0, 2))
        self._scale = np.where(useful & (yhy > 0), sy / np.where(yhy > 0, yhy, 1), self._scale)

    def _retire(self, done: np.ndarray) -> None:
        if not done.any():
            return
        keep = ~done
        self._active, self._penalty = self._active[keep], self._penalty.only(keep)
        self._positive = self._positive[keep]
        self._history = [(s[:, keep], y[:, keep], rho[keep]) for s, y, rho in self._history]
        for name in ("_x", "_g", "_step", "_trial"):
            setattr(self, name, getattr(self, name)[:, keep])
        for name in ("_f", "_scale", "_length", "_stalls"):
            setattr(self, name, getattr(self, name)[keep])

    def _aim(self) -> None:
        """New trial points: a fresh direction where the last step was taken, a shorter one where not."""
        if self.converged:
            return
        pseudo = self._pseudo_gradient()
        fresh = self._length == 1.0
        direction = -self._two_loops(pseudo)
        sparse = self._penalty.l1 > 0
        if sparse.any():
            aligned = np.where(direction[:-1] * pseudo[:-1] < 0, direction[:-1], 0)
            direction[:-1] = np.where(sparse[None, :, None], aligned, direction[:-1])
        self._step = np.where(fresh[None, :, None], direction, self._step)
        self._trial = self._x + self._length[None, :, None] * self._step
        if sparse.any():
            orthant = np.where(self._x != 0, np.sign(self._x), -np.sign(pseudo))[:-1]
            inside = np.where(np.sign(self._trial[:-1]) == orthant, self._trial[:-1], 0)
            self._trial[:-1] = np.where(sparse[None, :, None], inside, self._trial[:-1])

    def _two_loops(self, gradient: np.ndarray) -> np.ndarray:
        q, alphas = gradient.copy(), []
        for s, y, rho in reversed(self._history):
            alphas.append(rho * np.einsum("pmk,pmk->m", s, q))
            q -= alphas[-1][None, :, None] * y
        r = self._curvature.solve(q, self._penalty.ridge) * self._scale[None, :, None]
        for (s, y, rho), alpha in zip(self._history, reversed(alphas), strict=True):
            beta = rho * np.einsum("pmk,pmk->m", y, r)
            r += (alpha - beta)[None, :, None] * s
        return r

    def _pseudo_gradient(self) -> np.ndarray:
        l1 = self._penalty.l1[None, :, None]
        if not l1.any():
            return self._g
        g, x = self._g[:-1], self._x[:-1]
        at_zero = np.sign(g) * np.maximum(np.abs(g) - l1, 0)  # The subgradient of least length.
        pseudo = self._g.copy()
        pseudo[:-1] = np.where(x != 0, g + l1 * np.sign(x), at_zero)
        return pseudo


class QuasiNewtonPopulation:
    """All models by quasi-Newton, for losses with and without kinks.

    A kink is rounded, wide at first and then narrower; the width follows the spread of the residuals. passes: most
    evaluations of the data that one epoch makes.
    """

    descends = True
    """Whether no epoch makes the penalised objective worse."""

    def __init__(
        self,
        data: Any,
        loss: Loss,
        weights: np.ndarray,
        penalty: Penalty,
        positive_weights: np.ndarray,
        *,
        use_bias: bool = True,
        passes: int = 1,
        tolerance: float | None = None,
    ) -> None:
        self._sample = data.sample(sample_rows(data))
        self._loss, self._penalty, self._positive, self._use_bias = loss, penalty, positive_weights, use_bias
        self._passes = passes
        self._noise = 5e-7 if data.dtype == np.float32 else 1e-13
        self._tolerance = tolerance or TOLERANCES[np.dtype(data.dtype).name]
        self._widths = list(WIDTHS) if loss.kinked else [0.0]
        self._solver = self._next_solver(weights)

    @property
    def weights(self) -> np.ndarray:
        return self._solver.weights

    @property
    def finished(self) -> bool:
        return self._solver.converged and not self._widths

    def epoch(self, data: Any) -> np.ndarray:
        """Up to `passes` passes; returns the mean loss (m,) at the weights reached, without penalties."""
        for _ in range(self._passes):
            if self._solver.converged and self._widths:
                self._solver = self._next_solver(self._solver.weights)
            if self._solver.converged:
                break
            self._solver.step(data)
        return self._solver.losses

    def _next_solver(self, weights: np.ndarray) -> QuasiNewton:
        width = self._widths.pop(0)
        if width:
            width *= self._spread(weights)
        loss = self._loss.smoothed(width)
        tolerance = max(self._tolerance, 1e-4) if self._widths else self._tolerance
        bend = estimate(self._sample, loss, weights[:, :1], float(self._positive[0]))
        return QuasiNewton(loss, weights, self._penalty, self._positive, bend, use_bias=self._use_bias,
                           tolerance=tolerance, noise=self._noise)  # fmt: skip

    def _spread(self, weights: np.ndarray) -> float:
        """The median size of the residuals of model 0; of targets 0 and 1 for the hinge."""
        residuals = [
            np.abs(predictions(chunk.features, weights[:, :1].astype(self._sample.dtype))[:, 0, 0] - chunk.targets)
            for chunk in self._sample.chunks()
        ]
        return max(float(np.median(np.concatenate(residuals))), 1e-4)
