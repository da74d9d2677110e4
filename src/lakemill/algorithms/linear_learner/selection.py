"""Which of the models is best: every model's loss and criterion on held-out records."""

import dataclasses
from typing import Any

import numpy as np

from lakemill.algorithms.linear_learner import thresholds
from lakemill.algorithms.linear_learner.curvature import predictions
from lakemill.algorithms.linear_learner.losses import LogisticLoss, Loss, sigmoid

SAMPLED_ROWS = 50_000
"""Records that an epoch's criterion is estimated on; the final choice uses num_calibration_samples."""
VALUES_MAX = 1 << 26
"""Predictions held at once while models are compared."""


@dataclasses.dataclass
class Verdict:
    """losses (m,): mean loss, unweighted, in training units; values (m,): the criterion, lower is better; cuts (m,)."""

    losses: np.ndarray
    values: np.ndarray
    cuts: np.ndarray

    @property
    def best(self) -> int:
        """The lowest criterion; among equals the lower loss, then the earlier model."""
        clean = [np.nan_to_num(column, nan=np.inf, posinf=np.inf) for column in (self.losses, self.values)]
        return int(np.lexsort(clean)[0])


@dataclasses.dataclass(frozen=True)
class Criterion:
    """How models are compared. goal None: by the loss alone (regression, multiclass)."""

    loss: Loss
    goal: thresholds.Goal | None = None

    @property
    def by_loss(self) -> bool:
        return self.goal is None or self.goal.criterion in thresholds.BY_LOSS

    @property
    def name(self) -> str:
        """As in the log's early-stopping line."""
        if self.goal is None or self.by_loss:
            return f"{self.loss.objective}_objective"
        return f"sampled_{self.goal.criterion}"

    def judge(self, data: Any, weights: np.ndarray, rows: int = SAMPLED_ROWS) -> Verdict:
        """Judge models (p, m, k) on `data`: losses over all records, thresholds on at most `rows` of them."""
        with np.errstate(over="ignore", invalid="ignore"):  # A diverged model loses; it need not be heard of.
            return self._judged(data, weights, rows)

    def _judged(self, data: Any, weights: np.ndarray, rows: int) -> Verdict:
        if self.by_loss:
            mean = self.losses(data, weights)
            return Verdict(mean, mean, np.full(len(mean), thresholds.NEUTRAL))
        if not data.in_memory:
            losses = self.losses(data, weights)
            data = data.sample(rows)
        else:
            losses = None
        m, k = weights.shape[1:]
        group = max(1, VALUES_MAX // max(1, len(data.targets) * k))
        parts = [self._by_cut(data, weights[:, at : at + group], rows) for at in range(0, m, group)]
        joined = Verdict(*(np.concatenate(column) for column in zip(*parts, strict=True)))
        return joined if losses is None else dataclasses.replace(joined, losses=losses)

    def losses(self, data: Any, weights: np.ndarray) -> np.ndarray:
        """Mean loss (m,) of models (p, m, k), unweighted, in training units."""
        single = weights.astype(data.dtype)
        total, count = np.zeros(weights.shape[1]), 0
        for chunk in data.chunks():
            f = predictions(chunk.features, single)
            losses = self.loss.value_and_slope(f if f.shape[2] > 1 else f[:, :, 0], chunk.targets)[0]
            total += np.ones(len(chunk), losses.dtype) @ losses
            count += len(chunk)
        return total / max(count, 1)

    def _by_cut(self, data: Any, weights: np.ndarray, rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        single = weights.astype(data.dtype)
        f = np.concatenate([predictions(chunk.features, single)[:, :, 0] for chunk in data.chunks()])
        losses = self.loss.value_and_slope(f.copy(), data.targets)[0].mean(axis=0, dtype=np.float64)
        step = -(-len(data.targets) // rows)
        scores, targets = scores_of(self.loss, f[::step]), data.targets[::step]
        goal = self.goal or thresholds.Goal()
        found = [thresholds.calibrate(column, targets, goal) for column in np.ascontiguousarray(scores.T)]
        return losses, np.array([-value for _, value in found]), np.array([cut for cut, _ in found])


def scores_of(loss: Loss, f: np.ndarray) -> np.ndarray:
    """A binary model's scores: probabilities for the logistic loss, f itself for the hinge."""
    return sigmoid(f) if isinstance(loss, LogisticLoss) else f
