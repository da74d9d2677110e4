"""The figures that close a training: per predictor type, in the order and under the names of AWS's log."""

import numpy as np

from lakemill.algorithms.linear_learner import thresholds


def regression(predictions: np.ndarray, targets: np.ndarray, *, with_rmse: bool) -> dict[str, float]:
    """mse, absolute_loss and, for validation, rmse; (n,) each, in the label's unit."""
    error = predictions.astype(np.float64) - targets
    mse = float(np.mean(error * error))
    found = {"mse": mse, "absolute_loss": float(np.mean(np.abs(error)))}
    return {**found, "rmse": mse**0.5} if with_rmse else found


def binary(scores: np.ndarray, labels: np.ndarray, threshold: float, beta: float) -> dict[str, float]:
    """Accuracy, F, precision and recall at the threshold, and the area under the ROC curve; (n,) each."""
    called, true = scores >= threshold, labels > 0
    tp, fp, fn = (float(np.sum(hits)) for hits in (called & true, called & ~true, ~called & true))
    precision, recall = tp / max(tp + fp, 1.0), tp / max(tp + fn, 1.0)
    return {
        "binary_classification_accuracy": float(np.mean(called == true)),
        f"binary_f_{beta:.3f}": _f(precision, recall, beta),
        "precision": precision,
        "recall": recall,
        "roc_auc_score": thresholds.cuts(scores, labels).area(),
    }


def multiclass(scores: np.ndarray, labels: np.ndarray, top_k: int, beta: float) -> dict[str, float]:
    """scores (n, k) probabilities, labels (n,) class ids. Macro figures average over the classes that occur."""
    n, classes = scores.shape
    true = labels.astype(np.intp)
    called = scores.argmax(axis=1)
    own = scores[np.arange(n), true]
    rank = 1 + (scores > own[:, None]).sum(axis=1)
    confusion = np.bincount(true * classes + called, minlength=classes * classes).reshape(classes, classes)
    hits, occurs, calls = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    present = occurs > 0
    recall = hits[present] / occurs[present]
    precision = hits[present] / np.maximum(calls[present], 1)
    f = [_f(p, r, beta) for p, r in zip(precision, recall, strict=True)]
    return {
        "multiclass_accuracy": float(np.mean(called == true)),
        f"multiclass_top_k_accuracy_{top_k}": float(np.mean(rank <= top_k)),
        "dcg": float(np.mean(1 / np.log2(1 + rank))),
        "macro_recall": float(recall.mean()),
        "macro_precision": float(precision.mean()),
        f"macro_f_{beta:.3f}": float(np.mean(f)),
        "multiclass_balanced_accuracy": float(recall.mean()),
        "multiclass_log_loss": float(-np.mean(np.log(np.maximum(own, 1e-15)))),
    }


def kind(name: str) -> str:
    """Whether the log calls a metric a `loss` or a `score`."""
    return "loss" if name in ("mse", "absolute_loss", "rmse") or name.endswith("_objective") else "score"


def _f(precision: float, recall: float, beta: float) -> float:
    weight = beta * beta
    return (1 + weight) * precision * recall / max(weight * precision + recall, 1e-300)
