"""What was learned: a bias, a weight of each feature, and a vector of each feature."""

import dataclasses
from typing import Any

import numpy as np

from lakemill.algorithms.factorization_machines.spec import BINARY

ROWS = 4096
"""Dense records that are scored at a time: their squares are needed beside them."""


@dataclasses.dataclass(frozen=True)
class FactorizationModel:
    """f(x) = bias + linear x + sum over pairs i < j of <factors_i, factors_j> x_i x_j.

    bias : float
    linear : (d,) float32
    factors : (d, k) float32
    predictor_type : binary_classifier, whose score is the chance 1 / (1 + exp(-f)), or regressor, whose score is f

    >>> plain = FactorizationModel(1.0, np.float32([1, 0]), np.float32([[2], [3]]), "regressor")
    >>> plain.scores(np.float32([[1, 1], [1, 0]])).tolist()
    [8.0, 2.0]
    """

    bias: float
    linear: np.ndarray
    factors: np.ndarray
    predictor_type: str

    @property
    def dim(self) -> int:
        return len(self.linear)

    def finite(self) -> bool:
        """Whether all values, and the squares that scoring needs, are finite numbers."""
        with np.errstate(over="ignore", invalid="ignore"):
            lengths = np.einsum("dk,dk->d", self.factors, self.factors)
        return bool(np.isfinite(self.bias) and np.isfinite(self.linear).all() and np.isfinite(lengths).all())

    def margins(self, features: Any) -> np.ndarray:
        """f of (n, d) records, dense or csr, (n,) of the arrays' dtype. O(k) for each number that is not 0.

        The pairs come from |sum v x|^2 - sum |v x|^2 (Rendle, "Factorization Machines", ICDM 2010, lemma 3.1).
        """
        if not isinstance(features, np.ndarray):
            return self._margins(features, _squared(features))
        parts = [features[start : start + ROWS] for start in range(0, len(features), ROWS)]
        return np.concatenate([self._margins(part, part * part) for part in parts] or [np.empty(0, np.float32)])

    def _margins(self, features: Any, squares: Any) -> np.ndarray:
        sums = features @ self.factors
        lengths = np.einsum("dk,dk->d", self.factors, self.factors)
        pairs = np.einsum("nk,nk->n", sums, sums) - squares @ lengths
        return self.bias + features @ self.linear + 0.5 * pairs

    def scores(self, features: Any) -> np.ndarray:
        """(n,): chances of label 1, or predicted numbers."""
        margins = self.margins(features)
        return chances(margins) if self.predictor_type == BINARY else margins


def chances(margins: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-f)), without overflow.

    >>> chances(np.float32([0, 1000])).tolist()
    [0.5, 1.0]
    """
    small = np.exp(-np.abs(margins))
    return np.where(margins >= 0, 1, small) / (1 + small)


def _squared(features: Any) -> Any:
    made = features.copy()
    made.data *= made.data
    return made
