"""AWS's own evaluation metrics for XGBoost: labels and predictions in, a number out.

All of them are unweighted, and over the records of all hosts. Classes come from predictions as the container's own
functions do it: the largest column of a matrix, the class itself where the objective predicts classes, else whether the
prediction is above its cut.
"""

from collections.abc import Callable, Mapping

import numpy as np

from lakemill.algorithms.contract import Collective, SingleHost
from lakemill.algorithms.errors import CustomerError

Score = Callable[[np.ndarray, np.ndarray, Collective], float]
_ALONE = SingleHost()


def classes(predictions: np.ndarray, objective: str) -> np.ndarray:
    """(n,) int64 class of each prediction, (n,) or (n, k) float32, of a built-in objective."""
    if predictions.ndim == 2:
        return predictions.argmax(axis=1)
    if objective == "multi:softmax":
        return predictions.astype(np.int64)
    cut = 0.0 if objective == "binary:logitraw" else 0.5
    return (predictions > cut).astype(np.int64)


def confusion(
    labels: np.ndarray, predicted: np.ndarray, collective: Collective = _ALONE
) -> tuple[np.ndarray, np.ndarray]:
    """The (k,) classes that are a label or a prediction somewhere, and (k, k) counts: true classes by predicted."""
    labels = labels.astype(np.int64)
    found = np.unique(np.concatenate(collective.gather(np.unique(np.concatenate([labels, predicted])))))
    k = len(found)
    cells = np.searchsorted(found, labels) * k + np.searchsorted(found, predicted)
    return found, collective.sum(np.bincount(cells, minlength=k * k)).reshape(k, k)


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


def mse(labels: np.ndarray, predictions: np.ndarray, collective: Collective = _ALONE) -> float:
    error, count = collective.sum(np.array([_squares(labels - predictions.astype(np.float64)), len(labels)]))
    return float(error / count)


def r2(labels: np.ndarray, predictions: np.ndarray, collective: Collective = _ALONE) -> float:
    """Share of the labels' variance that is explained."""
    above, count = collective.sum(np.array([labels.sum(dtype=np.float64), len(labels)]))
    squares = [_squares(labels - above / count), _squares(labels - predictions.astype(np.float64))]
    total, rest = collective.sum(np.array(squares))
    return float(1.0 - rest / total if total else rest == 0.0)


def auc(labels: np.ndarray, chances: np.ndarray) -> float:
    """Area under the ROC curve, the chance that a 1 has a higher one of the (n,) float32 than a 0; a tie is half.

    labels are 0 and 1, some of both; chances are not negative. The library's number to the last bit, in half its time,
    because the bits of numbers that are not negative sort as integers.

    >>> auc(np.array([0, 1, 0, 1]), np.float32([0.1, 0.4, 0.4, 0.8]))
    0.875
    """
    keys = 2 * np.abs(chances).view(np.uint32) + labels.astype(np.uint32)
    keys.sort()
    ends = np.append(np.flatnonzero((keys[1:] ^ keys[:-1]) > 1) + 1, len(keys))  # Where chances that are equal end.
    ones = np.cumsum(keys & 1)[ends - 1].astype(np.float64)
    zeros = ends - ones
    below = np.append(0.0, zeros[:-1])
    return float(np.diff(ones, prepend=0.0) @ (below + zeros) / 2 / (ones[-1] * zeros[-1]))


def has_auc(labels: np.ndarray) -> bool:
    """Whether `auc` is for these labels: 0 and 1, and both of them."""
    ones = int(np.count_nonzero(labels == 1))
    return 0 < ones < len(labels) and ones + np.count_nonzero(labels == 0) == len(labels)


def _squares(differences: np.ndarray) -> float:
    return float(differences @ differences)


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
_OF_NUMBERS: Mapping[str, Score] = {
    "mse": mse,
    "r2": r2,
    "auc": lambda labels, predictions, collective: auc(labels, predictions),
}


def score(
    name: str, labels: np.ndarray, predictions: np.ndarray, objective: str, collective: Collective = _ALONE
) -> float:
    """One of `metrics.CONTAINER` for (n,) labels, or auc on one host.

    Raises CustomerError where it is not defined for the classes.
    """
    if name in _OF_NUMBERS:
        if predictions.ndim == 2:
            predictions = predictions.argmax(axis=1)
        return _OF_NUMBERS[name](labels, predictions, collective)
    found, counts = confusion(labels, classes(predictions, objective), collective)
    if name in _BINARY_ONLY and found[-1] > 1:
        raise CustomerError(f"Metric {name!r} is for two classes; use {name.removesuffix('_binary')}_macro")
    if name in _BINARY_ONLY and found[-1] < 1:
        return 0.0  # Class 1 does not occur.
    return _OF_COUNTS[name](counts)
