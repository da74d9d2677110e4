"""L-BFGS for many models at once: every pass over the data is one objective value and gradient for all of them.

Each model has its own penalties, step length and history, but the data are read once for all. l1 is handled as in
orthant-wise L-BFGS: the step may not leave the orthant that the pseudo-gradient points to. A model that has converged
drops out of the products.

Sources: Nocedal, "Updating quasi-Newton matrices with limited storage", Math. Comp. 35, 1980; Andrew & Gao, "Scalable
training of L1-regularized log-linear models", ICML 2007.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lakemill.algorithms.linear_learner.curvature import Curvature
from lakemill.algorithms.linear_learner.losses import Loss
from lakemill.algorithms.linear_learner.objective import After, Penalty, Sums, evaluate, go_on

MEMORY = 10
SUFFICIENT_DECREASE = 1e-4
_STATE = ("weights", "losses", "_active", "_trial", "_x", "_f", "_g", "_step", "_scale", "_length", "_stalls")


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
        self._all = penalty, positive_weights
        self._penalty, self._positive = penalty, positive_weights
        self._sums: Sums | None = None
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

    def step(self, data: Any, after: After = go_on) -> None:
        """One pass: judge the trial points, move where they are better, aim anew."""
        if self.converged:
            return
        self._sums = self._sums or Sums.nothing(self._trial)
        losses, gradient = evaluate(
            data, self.loss, self._trial, self._positive, use_bias=self.use_bias, sums=self._sums, after=after
        )
        self._sums = None
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

    def state(self) -> dict[str, np.ndarray]:
        """Everything that changes, for a checkpoint; also within a pass."""
        arrays = {name: getattr(self, name) for name in _STATE}
        for place, one in enumerate(self._history):
            arrays |= {f"history-{place}-{part}": array for part, array in enumerate(one)}
        if self._sums is not None:
            arrays |= {f"sums-{name}": np.asarray(value) for name, value in vars(self._sums).items()}
        return arrays

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Stand where a state was taken."""
        for name in _STATE:
            setattr(self, name, arrays[name])
        penalty, positive = self._all
        self._penalty, self._positive = penalty.only(self._active), positive[self._active]
        places = range(sum(name.startswith("history-") for name in arrays) // 3)
        self._history = [tuple(arrays[f"history-{place}-{part}"] for part in range(3)) for place in places]  # type: ignore[misc]
        if "sums-losses" in arrays:
            self._sums = Sums(arrays["sums-losses"], arrays["sums-gradient"], float(arrays["sums-mass"]),
                              int(arrays["sums-chunks"]))  # fmt: skip

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
        # C-contiguous, as a checkpoint brings them back: the order of memory decides how sums are rounded.
        chosen = np.flatnonzero(keep)
        self._history = [(s.take(chosen, axis=1), y.take(chosen, axis=1), rho[keep]) for s, y, rho in self._history]
        for name in ("_x", "_g", "_step", "_trial"):
            setattr(self, name, getattr(self, name).take(chosen, axis=1))
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
