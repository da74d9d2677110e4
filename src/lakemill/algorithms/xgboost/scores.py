"""AWS's own evaluation metrics for XGBoost: labels and predictions in, a number out.

All of them are unweighted. Classes come from predictions as the container's own functions do it: the largest column of
a matrix, the class itself where the objective predicts classes, else whether the prediction is above its cut.
"""

from collections.abc import Callable, Mapping

import numpy as np

Score = Callable[[np.ndarray, np.ndarray], float]


def classes(predictions: np.ndarray, objective: str) -> np.ndarray:
    """(n,) int64 class of each prediction, (n,) or (n, k) float32, of a built-in objective."""
    if predictions.ndim == 2:
        return predictions.argmax(axis=1)
    if objective == "multi:softmax":
        return predictions.astype(np.int64)
    cut = 0.0 if objective == "binary:logitraw" else 0.5
    return (predictions > cut).astype(np.int64)


def confusion(labels: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """(k, k) counts: rows are true classes, columns predicted ones; only classes that occur in either."""
    found, codes = np.unique(np.concatenate([labels.astype(np.int64), predicted]), return_inverse=True)
    true, guess = codes[: len(labels)], codes[len(labels) :]
    k = len(found)
    return np.bincount(true * k + guess, minlength=k * k).reshape(k, k)


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """0 where nothing is below, as scikit-learn has it."""
    return np.divide(above, below, out=np.zeros(len(above)), where=below > 0)


def _precisions(counts: np.ndarray) -> np.ndarray:
    return _ratio(counts.diagonal(), counts.sum(axis=0))


def _recalls(counts: np.ndarray) -> np.ndarray:
    return _ratio(counts.diagonal(), counts.sum(axis=1))


def _f1s(counts: np.ndarray) -> np.ndarray:
    return _ratio(2.0 * counts.diagonal(), counts.sum(axis=0) + counts.sum(axis=1))


def _accuracy(counts: np.ndarray) -> float:
    return float(counts.trace() / counts.sum())


def _macro(of: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], float]:
    return lambda counts: float(of(counts).mean())


def _positive(of: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], float]:
    """Of class 1, which is the last of the (at most two) that occur."""
    return lambda counts: float(of(counts)[-1])


def _balanced_accuracy(counts: np.ndarray) -> float:
    occurs = counts.sum(axis=1) > 0
    return float(_recalls(counts)[occurs].mean())


def mse(labels: np.ndarray, predictions: np.ndarray) -> float:
    return float(np.mean((labels.astype(np.float64) - predictions) ** 2))


def r2(labels: np.ndarray, predictions: np.ndarray) -> float:
    """Share of the labels' variance that is explained."""
    total = float(np.sum((labels - labels.mean(dtype=np.float64)) ** 2))
    rest = float(np.sum((labels.astype(np.float64) - predictions) ** 2))
    return 1.0 - rest / total if total else float(rest == 0.0)


_OF_COUNTS: Mapping[str, Callable[[np.ndarray], float]] = {
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced_accuracy,
    "f1": _macro(_f1s),
    "f1_binary": _positive(_f1s),
    "f1_macro": _macro(_f1s),
    "precision": _positive(_precisions),
    "precision_macro": _macro(_precisions),
    "precision_micro": _accuracy,
    "recall": _positive(_recalls),
    "recall_macro": _macro(_recalls),
    "recall_micro": _accuracy,
}
_BINARY_ONLY = ("f1_binary", "precision", "recall")
_OF_NUMBERS: Mapping[str, Score] = {"mse": mse, "r2": r2}


def score(name: str, labels: np.ndarray, predictions: np.ndarray, objective: str) -> float:
    """One of `metrics.CONTAINER` for (n,) labels. Raises ValueError where it is not defined for the classes."""
    if name in _OF_NUMBERS:
        if predictions.ndim == 2:
            predictions = predictions.argmax(axis=1)
        return _OF_NUMBERS[name](labels, predictions)
    predicted = classes(predictions, objective)
    if name in _BINARY_ONLY and max(labels.max(), predicted.max()) > 1:
        raise ValueError(f"Metric {name!r} is for two classes; use {name.removesuffix('_binary')}_macro")
    counts = confusion(labels, predicted)
    if name in _BINARY_ONLY and max(labels.max(), predicted.max()) < 1:
        return 0.0  # Class 1 does not occur.
    return _OF_COUNTS[name](counts)
