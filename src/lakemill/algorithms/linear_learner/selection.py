"""Which of the models is best: every model's loss and criterion on held-out records."""

import dataclasses
from typing import Any

import numpy as np

from lakemill.algorithms.linear_learner import thresholds
from lakemill.algorithms.linear_learner.curvature import predictions
from lakemill.algorithms.linear_learner.hosts import Spaced, summed
from lakemill.algorithms.linear_learner.losses import LogisticLoss, Loss, sigmoid

SAMPLED_ROWS = 50_000
"""Records that an epoch's criterion is estimated on; the final choice uses num_calibration_samples."""
VALUES_MAX = 1 << 25
"""Predictions of all models together that thresholds are found on, at most."""


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
        """Judge models (p, m, k): losses over all records, thresholds on at most `rows` of them. A collective call."""
        with np.errstate(over="ignore", invalid="ignore"):  # A diverged model loses; it need not be heard of.
            return self._judged(data, weights, rows)

    def _judged(self, data: Any, weights: np.ndarray, rows: int) -> Verdict:
        m, k = weights.shape[1:]
        single, total, count = weights.astype(data.dtype), np.zeros(m), 0
        kept = Spaced(min(rows, VALUES_MAX // (m * k)) // data.hosts.size)
        for chunk in data.chunks():
            f = predictions(chunk.features, single)
            if not self.by_loss:
                kept.add(f[:, :, 0], chunk.targets)
            losses = self.loss.value_and_slope(f if k > 1 else f[:, :, 0], chunk.targets)[0]
            total += np.ones(len(chunk), losses.dtype) @ losses
            count += len(chunk)
        sums, records = summed(data.hosts, total, count)
        mean = sums / max(float(records), 1)
        if self.by_loss:
            return Verdict(mean, mean, np.full(m, thresholds.NEUTRAL))
        f, targets = kept.gathered(data.hosts)
        scores, goal = scores_of(self.loss, f), self.goal or thresholds.Goal()
        found = [thresholds.calibrate(np.ascontiguousarray(column), targets, goal) for column in scores.T]
        return Verdict(mean, np.array([-value for _, value in found]), np.array([cut for cut, _ in found]))


def scores_of(loss: Loss, f: np.ndarray) -> np.ndarray:
    """A binary model's scores: probabilities for the logistic loss, f itself for the hinge."""
    return sigmoid(f) if isinstance(loss, LogisticLoss) else f
