"""Linear regression in scikit-learn's manner.

>>> from lakemill.algorithms.linear_learner import LinearLearnerRegressor
>>> LinearLearnerRegressor().fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0]).predict([[3.0]]).round(3)
array([7.])
"""

from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.validation import validate_data

from lakemill.algorithms.linear_learner.estimator import FLOATS, LinearLearnerBase
from lakemill.algorithms.linear_learner.model import REGRESSOR


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

    def __init__(
        self,
        *,
        loss: str = "auto",
        quantile: float = 0.5,
        huber_delta: float = 1.0,
        loss_insensitivity: float = 0.01,
        normalize_label: bool | str = "auto",
        num_models: int | str = 1,
        optimizer: str = "auto",
        wd: float | str = "auto",
        l1: float | str = "auto",
        learning_rate: float | str = "auto",
        epochs: int = 200,
        mini_batch_size: int = 1000,
        momentum: float | str = "auto",
        beta_1: float | str = "auto",
        beta_2: float | str = "auto",
        lr_scheduler_step: int | str = "auto",
        lr_scheduler_factor: float | str = "auto",
        lr_scheduler_minimum_lr: float | str = "auto",
        use_lr_scheduler: bool = True,
        use_bias: bool = True,
        bias_lr_mult: float | str = "auto",
        bias_wd_mult: float | str = "auto",
        normalize_data: bool | str = True,
        early_stopping_patience: int = 5,
        early_stopping_tolerance: float = 1e-4,
        validation_fraction: float = 0.1,
        tol: float | None = None,
        random_state: Any = 0,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            loss=loss, num_models=num_models, optimizer=optimizer, wd=wd, l1=l1, learning_rate=learning_rate,
            epochs=epochs, mini_batch_size=mini_batch_size, momentum=momentum, beta_1=beta_1, beta_2=beta_2,
            lr_scheduler_step=lr_scheduler_step, lr_scheduler_factor=lr_scheduler_factor,
            lr_scheduler_minimum_lr=lr_scheduler_minimum_lr, use_lr_scheduler=use_lr_scheduler, use_bias=use_bias,
            bias_lr_mult=bias_lr_mult, bias_wd_mult=bias_wd_mult, normalize_data=normalize_data,
            early_stopping_patience=early_stopping_patience, early_stopping_tolerance=early_stopping_tolerance,
            validation_fraction=validation_fraction, tol=tol, random_state=random_state, verbose=verbose,
        )  # fmt: skip
        self.quantile = quantile
        self.huber_delta = huber_delta
        self.loss_insensitivity = loss_insensitivity
        self.normalize_label = normalize_label

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
