"""Linear regression in scikit-learn's manner.

>>> from lakemill.algorithms.linear_learner import LinearLearnerRegressor
>>> LinearLearnerRegressor().fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0]).predict([[3.0]]).round(3)
array([7.])
"""

import dataclasses
from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.validation import validate_data

from lakemill.algorithms.linear_learner.estimator import FLOATS, LinearLearnerBase
from lakemill.algorithms.linear_learner.model import REGRESSOR


@dataclasses.dataclass(kw_only=True, eq=False, repr=False)
class LinearLearnerRegressor(RegressorMixin, LinearLearnerBase):
    """Linear regression under any of six losses.

    Parameters
    ----------
    loss : squared_loss (auto), absolute_loss, eps_insensitive_squared_loss, eps_insensitive_absolute_loss,
        quantile_loss, huber_loss
    quantile, huber_delta, loss_insensitivity : floats
        Parameters of those losses; the latter two in units of the training label (after normalize_label).
    num_models : int or "auto"
        With more than one, `validation_fraction` of the records chooses among them.
    optimizer : auto (quasi-Newton), sgd, adam, rmsprop
    wd, l1 : floats or "auto"
        Minimised is mean(loss) + wd/2 |w|^2 + l1 |w|_1 over the weights of scaled features.
    tol : float or None
        Relative decrease at which quasi-Newton ends; None: 1e-6 for float32 data, 1e-10 for float64.

    Attributes
    ----------
    coef_ : (1, d); intercept_ : (1,)
        For raw features.
    best_params_ : dict
        The winner's settings.
    """

    quantile: float = 0.5
    huber_delta: float = 1.0
    loss_insensitivity: float = 0.01
    normalize_label: bool | str = "auto"

    def fit(self, X: Any, y: Any, sample_weight: Any = None, eval_set: tuple[Any, Any] | None = None) -> Self:
        """X (n, d) ndarray or sparse, y (n,). eval_set: records that choose among several models."""
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=FLOATS, y_numeric=True)
        self._forget()
        if eval_set is not None:
            eval_set = (self._held(eval_set[0]), np.asarray(eval_set[1], X.dtype))
        return self._fit(REGRESSOR, 1, X, np.asarray(y, X.dtype), sample_weight, eval_set)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """One pass of mini-batch steps over these records (optimizer auto: adam)."""
        first = not hasattr(self, "model_")
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=FLOATS, y_numeric=True, reset=first)
        return self._partial(REGRESSOR, 1, X, np.asarray(y, X.dtype), sample_weight)

    def predict(self, X: Any) -> np.ndarray:
        """(n,)"""
        features = self._features(X)
        return self.model_.scores(features)

    def _held(self, X: Any) -> Any:
        return validate_data(self, X, accept_sparse="csr", dtype=FLOATS, reset=False)
