"""Linear Learner: many linear models trained side by side, the best one kept.

Library face: `LinearLearnerRegressor` and `LinearLearnerClassifier`, estimators in scikit-learn's manner. Built-in
face: `spec`, `train`, `serve`. The names below load on first use, so that reading the spec costs no numerical library.
"""

import importlib
from typing import Any

_HOMES = {"LinearLearnerRegressor": "regressor", "LinearLearnerClassifier": "classifier", "LinearModel": "model"}

__all__ = ["LinearLearnerClassifier", "LinearLearnerRegressor", "LinearModel"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
