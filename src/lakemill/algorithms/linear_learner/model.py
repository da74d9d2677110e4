"""A trained linear model: raw features in, scores and labels out."""

import dataclasses
from typing import Any

import numpy as np

from lakemill.algorithms.linear_learner.losses import sigmoid
from lakemill.algorithms.linear_learner.thresholds import NEUTRAL

REGRESSOR, BINARY, MULTICLASS = "regressor", "binary_classifier", "multiclass_classifier"


@dataclasses.dataclass
class LinearModel:
    """f = weights x + bias.

    weights : (k, d); k is the number of classes of a multiclass classifier, else 1
    bias : (k,)
    predictor_type : regressor, binary_classifier or multiclass_classifier
    threshold : a binary score at or above it is label 1
    loss : the loss's name as in the hyperparameter; `hinge_loss` scores are f itself, not a probability
    """

    weights: np.ndarray
    bias: np.ndarray
    predictor_type: str = REGRESSOR
    threshold: float = NEUTRAL
    loss: str = "auto"

    @property
    def dim(self) -> int:
        return self.weights.shape[1]

    def decision(self, features: Any) -> np.ndarray:
        """f, (n, k), for features (n, d), ndarray or CSR."""
        return np.asarray(features @ self.weights.T) + self.bias

    def scores(self, features: Any) -> np.ndarray:
        """(n,) values or probabilities of label 1; (n, k) class probabilities for multiclass."""
        f = self.decision(features)
        if self.predictor_type == MULTICLASS:
            f -= f.max(axis=1, keepdims=True)
            np.exp(f, out=f)
            f /= f.sum(axis=1, keepdims=True)
            return f
        f = f[:, 0]
        return sigmoid(f) if self.predictor_type == BINARY and self.loss != "hinge_loss" else f

    def labels(self, scores: np.ndarray) -> np.ndarray:
        """Class ids (n,) int64 of a classifier's scores."""
        if self.predictor_type == MULTICLASS:
            return scores.argmax(axis=1)
        return (scores >= self.threshold).astype(np.int64)
