"""All models by quasi-Newton, for losses with and without kinks: a kink is rounded, wide at first and then narrower."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lakemill.algorithms.linear_learner.curvature import estimate, predictions, sample_rows
from lakemill.algorithms.linear_learner.hosts import median
from lakemill.algorithms.linear_learner.losses import Loss
from lakemill.algorithms.linear_learner.objective import After, Penalty, go_on
from lakemill.algorithms.linear_learner.quasinewton import QuasiNewton

TOLERANCES = {"float32": 1e-6, "float64": 1e-10}
"""Relative decrease at which a model has converged; the objective is then above its optimum by about as much."""
WIDTHS = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
"""Half-widths of a rounded kink, stage by stage, in median residuals; the last costs about 1e-5 of the loss."""
STREAM_WIDTHS = (0.03, 0.01)
"""The same for a stream, which has few passes and begins near its optimum."""


class QuasiNewtonPopulation:
    """The models, as the mini-batch optimisers' MiniBatchPopulation.

    The width of a rounded kink follows the spread of the residuals. passes: most evaluations of the data that one epoch
    makes.
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
        self._done = 0
        self._loss, self._penalty, self._positive, self._use_bias = loss, penalty, positive_weights, use_bias
        self._passes = passes
        self._noise = 5e-7 if data.dtype == np.float32 else 1e-13
        self._tolerance = tolerance or TOLERANCES[np.dtype(data.dtype).name]
        self._widths = list(WIDTHS if data.in_memory else STREAM_WIDTHS) if loss.kinked else [0.0]
        self._solver = self._next_solver(weights)

    def state(self) -> dict[str, np.ndarray]:
        """Everything that changes, for a checkpoint; also within an epoch."""
        stage = {"origin": self._origin, "width": self._width, "widths": len(self._widths), "passes": self._done}
        return {**self._solver.state(), **{name: np.asarray(value) for name, value in stage.items()}}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Stand where a state was taken."""
        self._widths = self._widths[len(self._widths) - int(arrays["widths"]) :]
        self._done = int(arrays["passes"])
        self._solver = self._started(float(arrays["width"]), arrays["weights"], arrays["origin"])
        self._solver.restore(arrays)

    @property
    def weights(self) -> np.ndarray:
        return self._solver.weights

    @property
    def finished(self) -> bool:
        return self._solver.converged and not self._widths

    def epoch(self, data: Any, after: After = go_on) -> np.ndarray:
        """Up to `passes` passes; returns the mean loss (m,) at the weights reached, without penalties."""
        while self._done < self._passes:
            if self._solver.converged and self._widths:
                self._solver = self._next_solver(self._solver.weights)
            if self._solver.converged:
                break
            self._solver.step(data, after)
            self._done += 1
        self._done = 0
        return self._solver.losses

    def _next_solver(self, weights: np.ndarray) -> QuasiNewton:
        width = self._widths.pop(0)
        return self._started(width * self._spread(weights) if width else 0.0, weights, weights[:, :1].copy())

    def _started(self, width: float, weights: np.ndarray, origin: np.ndarray) -> QuasiNewton:
        """A solver for kinks of that width; its curvature is that at `origin`, (p, 1, k)."""
        self._width, self._origin = width, origin
        loss = self._loss.smoothed(width)
        tolerance = max(self._tolerance, 1e-4) if self._widths else self._tolerance
        bend = estimate(self._sample, loss, origin, float(self._positive[0]))
        return QuasiNewton(loss, weights, self._penalty, self._positive, bend, use_bias=self._use_bias,
                           tolerance=tolerance, noise=self._noise)  # fmt: skip

    def _spread(self, weights: np.ndarray) -> float:
        """The median size of the residuals of model 0; of targets 0 and 1 for the hinge."""
        residuals = [
            np.abs(predictions(chunk.features, weights[:, :1].astype(self._sample.dtype))[:, 0, 0] - chunk.targets)
            for chunk in self._sample.chunks()
        ]
        return max(median(self._sample.hosts, np.concatenate([np.empty(0), *residuals])), 1e-4)
