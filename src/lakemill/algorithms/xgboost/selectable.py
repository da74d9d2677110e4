"""Selectable inference: SAGEMAKER_INFERENCE_OUTPUT names what each prediction shows.

Which names an objective has is AWS's table; a name it lacks comes back as NaN, in JSON too (as the literal NaN).
"""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from lakemill.algorithms import serving

NAMES = (
    "predicted_label",
    "labels",
    "probability",
    "probabilities",
    "raw_score",
    "raw_scores",
    "predicted_score",
)
_SCORES = ("predicted_label", "labels", "raw_score", "raw_scores")
_BY_OBJECTIVE: Mapping[str, tuple[str, ...]] = {
    "binary:logistic": (*_SCORES, "probability", "probabilities"),
    "multi:softprob": (*_SCORES, "probability", "probabilities"),
    "binary:logitraw": _SCORES,
    "binary:hinge": _SCORES,
    "multi:softmax": _SCORES,
    "reg:squarederror": ("predicted_score",),
    "reg:linear": ("predicted_score",),
    "reg:logistic": ("predicted_score",),
    "reg:gamma": ("predicted_score",),
    "reg:absoluteerror": ("predicted_score",),
    "reg:tweedie": ("predicted_score",),
}


def names_in(text: str) -> tuple[str, ...]:
    """The wanted names of a comma list. Raises ValueError for one that does not exist."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if name not in NAMES:
            raise ValueError(f"SAGEMAKER_INFERENCE_OUTPUT names {name!r}; possible are {', '.join(NAMES)}")
    return names


def select(predictions: np.ndarray, objective: str, class_count: int, names: Sequence[str]) -> list[dict[str, Any]]:
    """One object per prediction. Raises ValueError for an objective without selectable outputs.

    predictions : (n,) or, for multi:softprob, (n, k) float32
    """
    if objective not in _BY_OBJECTIVE:
        raise ValueError(f"Objective {objective} has no selectable outputs; possible are {', '.join(_BY_OBJECTIVE)}")
    possible = _BY_OBJECTIVE[objective]
    classes = max(class_count, 2)
    return [
        {name: _VALUES[name](one, objective, classes) if name in possible else float("nan") for name in names}
        for one in predictions.tolist()
    ]


def _predicted_label(one: Any, objective: str, classes: int) -> int:
    if isinstance(one, list):
        return max(range(len(one)), key=one.__getitem__)
    cuts = {"binary:logistic": 0.5, "binary:logitraw": 0.0}
    return int(one > cuts[objective]) if objective in cuts else int(one)


def _largest(one: Any, objective: str, classes: int) -> float:
    return max(one) if isinstance(one, list) else one


def _all_scores(one: Any, objective: str, classes: int) -> Any:
    return [1.0 - one, one] if objective.startswith("binary:") else one


_VALUES: Mapping[str, Callable[[Any, str, int], Any]] = {
    "predicted_label": _predicted_label,
    "labels": lambda one, objective, classes: list(range(classes)),
    "probability": _largest,
    "probabilities": _all_scores,
    "raw_score": _largest,
    "raw_scores": _all_scores,
    "predicted_score": lambda one, objective, classes: one,
}


def encode(chosen: list[dict[str, Any]], accept: str) -> bytes:
    """The objects as JSON, JSON Lines, CSV (lists in quotes) or RecordIO."""
    if accept == serving.JSON:
        return json.dumps({"predictions": chosen}).encode()
    if accept == serving.JSONLINES:
        return "".join(json.dumps(one) + "\n" for one in chosen).encode()
    if accept == serving.CSV:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(one.values() for one in chosen)
        return text.getvalue().encode()
    columns = {name: np.array([one[name] for one in chosen], np.float32) for name in chosen[0]}
    return serving.encode(columns, accept)
