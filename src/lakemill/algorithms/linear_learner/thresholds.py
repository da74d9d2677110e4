"""Where to cut a binary score: the threshold that is best for a criterion, over all thresholds at once."""

import dataclasses

import numpy as np

BY_LOSS = ("loss_function", "cross_entropy_loss")
"""Criteria that compare models by a loss and leave the threshold alone."""
NEUTRAL = 0.5


@dataclasses.dataclass(frozen=True)
class Goal:
    """What a threshold is chosen for."""

    criterion: str = "accuracy"
    beta: float = 1.0
    target_recall: float = 0.8
    target_precision: float = 0.8


@dataclasses.dataclass
class Cuts:
    """Every way to call the highest scores positive, from none to all; equal scores stay together.

    thresholds, tp, fp : (c,) each; a record is positive when score >= threshold.
    """

    thresholds: np.ndarray
    tp: np.ndarray
    fp: np.ndarray

    @property
    def positives(self) -> float:
        return float(self.tp[-1])

    @property
    def negatives(self) -> float:
        return float(self.fp[-1])

    def recall(self) -> np.ndarray:
        return self.tp / max(self.positives, 1.0)

    def precision(self) -> np.ndarray:
        """0 where nothing is called positive."""
        return self.tp / np.maximum(self.tp + self.fp, 1)

    def accuracy(self) -> np.ndarray:
        return (self.tp + self.negatives - self.fp) / max(self.positives + self.negatives, 1.0)

    def f_beta(self, beta: float) -> np.ndarray:
        weight = beta * beta
        missed = self.positives - self.tp
        return (1 + weight) * self.tp / np.maximum((1 + weight) * self.tp + weight * missed + self.fp, 1e-300)

    def area(self) -> float:
        """Area under the ROC curve; 0.5 where one class is missing."""
        if not self.positives or not self.negatives:
            return 0.5
        return float(np.trapezoid(self.tp, self.fp) / (self.positives * self.negatives))


def cuts(scores: np.ndarray, labels: np.ndarray) -> Cuts:
    """scores (n,), labels (n,) of 0 and 1. O(n log n)."""
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order].astype(np.float64)
    hits = np.cumsum(labels[order] > 0)
    ends = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)
    # Half way to the next lower score, so that a new record near the border falls to the nearer side.
    middle = (ranked[ends[:-1]] + ranked[ends[1:]]) / 2
    lowest = ranked[-1]
    above = np.nextafter(ranked[0].astype(np.float32), np.float32(np.inf)).astype(np.float64)
    tp = np.concatenate([[0], hits[ends]]).astype(np.float64)
    fp = np.concatenate([[0], ends + 1]) - tp
    return Cuts(np.concatenate([[above], middle, [lowest]]), tp, fp)


def calibrate(scores: np.ndarray, labels: np.ndarray, goal: Goal) -> tuple[float, float]:
    """The best threshold and the criterion's value there (higher is better).

    Where a target cannot be met, the threshold that comes nearest to it is taken, and the value is what is missing,
    below zero: a model that meets its target is better than one that does not. Among equals the one nearest to 0.5.
    """
    if goal.criterion in BY_LOSS:
        raise ValueError(f"{goal.criterion} chooses no threshold")
    found = cuts(scores, labels)
    value = _values(found, goal)
    best = value.max()
    equal = np.flatnonzero(value >= best - 1e-12)
    place = equal[np.argmin(np.abs(found.thresholds[equal] - NEUTRAL))]
    return float(found.thresholds[place]), float(value[place])


def _criterion(found: Cuts, goal: Goal) -> np.ndarray:
    """The criterion at every cut."""
    if goal.criterion == "accuracy":
        return found.accuracy()
    if goal.criterion == "f_beta":
        return found.f_beta(goal.beta)
    if goal.criterion == "f1":
        return found.f_beta(1.0)
    return found.precision() if goal.criterion == "precision_at_target_recall" else found.recall()


def _values(found: Cuts, goal: Goal) -> np.ndarray:
    """What the best cut maximises: the criterion where its side condition holds, else what that lacks."""
    value = _criterion(found, goal)
    if goal.criterion == "precision_at_target_recall":
        held, target = found.recall(), goal.target_recall
    elif goal.criterion == "recall_at_target_precision":
        held, target = found.precision(), goal.target_precision
    else:
        return value
    return np.where(held >= target - 1e-12, value, held - target)
