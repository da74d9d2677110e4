"""The figures that close a training: per predictor type, in the order and under the names of AWS's log.

Each is a state that takes records in and sums over the hosts at the end; the data need not be in memory.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from lakemill.algorithms.contract import Collective
from lakemill.algorithms.linear_learner import thresholds
from lakemill.algorithms.linear_learner.hosts import ALONE, Spaced, summed
from lakemill.algorithms.linear_learner.model import BINARY, MULTICLASS

RANKED_ROWS = 1 << 20
"""Scores that the area under the ROC curve is taken from, at most; evenly spaced where there are more."""


class Figures(Protocol):
    """What is known of the records so far."""

    def add(self, predicted: np.ndarray, labels: np.ndarray) -> None:
        """Take n records in: predictions (n,) or, for several classes, (n, k); labels (n,)."""
        ...

    def found(self, hosts: Collective = ALONE) -> dict[str, float]:
        """The figures by name. A collective call."""
        ...


class Regression:
    """mse, absolute_loss and, for validation, rmse, in the label's unit."""

    def __init__(self, *, with_rmse: bool) -> None:
        self._with_rmse, self._sums = with_rmse, np.zeros(3)

    def add(self, predicted: np.ndarray, labels: np.ndarray) -> None:
        error = predicted.astype(np.float64) - labels
        self._sums += [len(error), error @ error, np.abs(error).sum()]

    def found(self, hosts: Collective = ALONE) -> dict[str, float]:
        count, squares, sizes = summed(hosts, self._sums)[0].tolist()
        mse = squares / count
        figures = {"mse": mse, "absolute_loss": sizes / count}
        return {**figures, "rmse": mse**0.5} if self._with_rmse else figures


class Binary:
    """Accuracy, F, precision and recall at the threshold, and the area under the ROC curve."""

    def __init__(self, threshold: float, beta: float) -> None:
        self._threshold, self._beta = threshold, beta
        self._counts, self._ranked = np.zeros(4), Spaced(RANKED_ROWS)

    def add(self, predicted: np.ndarray, labels: np.ndarray) -> None:
        called, true = predicted >= self._threshold, labels > 0
        self._counts += np.bincount(2 * called + true, minlength=4)
        self._ranked.add(predicted, labels)

    def found(self, hosts: Collective = ALONE) -> dict[str, float]:
        tn, fn, fp, tp = summed(hosts, self._counts)[0].tolist()
        precision, recall = tp / max(tp + fp, 1.0), tp / max(tp + fn, 1.0)
        return {
            "binary_classification_accuracy": (tp + tn) / (tp + tn + fp + fn),
            f"binary_f_{self._beta:.3f}": _f(precision, recall, self._beta),
            "precision": precision,
            "recall": recall,
            "roc_auc_score": thresholds.cuts(*self._ranked.gathered(hosts)).area(),
        }


class Multiclass:
    """Predictions are (n, k) probabilities, labels class ids. Macro figures average over the classes that occur."""

    def __init__(self, classes: int, top_k: int, beta: float) -> None:
        self._top_k, self._beta = top_k, beta
        self._classes = np.zeros((3, classes))
        """Records of each class that are called so, that occur, that are called."""
        self._sums = np.zeros(4)
        """Records, within the top k, gain, loss."""

    def add(self, predicted: np.ndarray, labels: np.ndarray) -> None:
        true, called = labels.astype(np.intp), predicted.argmax(axis=1)
        own = predicted[np.arange(len(true)), true]
        rank = 1 + (predicted > own[:, None]).sum(axis=1)
        for row, ids in zip(self._classes, (true[called == true], true, called), strict=True):
            row += np.bincount(ids, minlength=len(row))
        gain, loss = 1 / np.log2(1 + rank), -np.log(np.maximum(own.astype(np.float64), 1e-15))
        self._sums += [len(true), np.sum(rank <= self._top_k), gain.sum(), loss.sum()]

    def found(self, hosts: Collective = ALONE) -> dict[str, float]:
        (hits, occurs, calls), sums = summed(hosts, self._classes, self._sums)
        count, top, gain, loss = sums.tolist()
        present = occurs > 0
        recall = hits[present] / occurs[present]
        precision = hits[present] / np.maximum(calls[present], 1)
        f = [_f(p, r, self._beta) for p, r in zip(precision, recall, strict=True)]
        return {
            "multiclass_accuracy": float(hits.sum() / count),
            f"multiclass_top_k_accuracy_{self._top_k}": top / count,
            "dcg": gain / count,
            "macro_recall": float(recall.mean()),
            "macro_precision": float(precision.mean()),
            f"macro_f_{self._beta:.3f}": float(np.mean(f)),
            "multiclass_balanced_accuracy": float(recall.mean()),
            "multiclass_log_loss": loss / count,
        }


def figures(settings: Mapping[str, Any], threshold: float, *, with_rmse: bool) -> Figures:
    """The figures of a predictor type, of no records yet."""
    if settings["predictor_type"] == BINARY:
        return Binary(threshold, settings["f_beta"])
    if settings["predictor_type"] == MULTICLASS:
        return Multiclass(settings["num_classes"], settings["accuracy_top_k"], settings["f_beta"])
    return Regression(with_rmse=with_rmse)


def kind(name: str) -> str:
    """Whether the log calls a metric a `loss` or a `score`."""
    return "loss" if name in ("mse", "absolute_loss", "rmse") or name.endswith("_objective") else "score"


def _f(precision: float, recall: float, beta: float) -> float:
    weight = beta * beta
    return (1 + weight) * precision * recall / max(weight * precision + recall, 1e-300)
