"""Factorization machines as scikit-learn estimators."""

from numbers import Integral
from typing import Any

import numpy as np
import scipy.sparse
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from lakemill.algorithms.factorization_machines.adam import AdamState, Rates
from lakemill.algorithms.factorization_machines.kalman import KalmanState
from lakemill.algorithms.factorization_machines.model import FactorizationModel, chances
from lakemill.algorithms.factorization_machines.records import Chunk
from lakemill.algorithms.factorization_machines.spec import BINARY, GROUPS, REGRESSOR
from lakemill.algorithms.factorization_machines.starts import Start
from lakemill.algorithms.factorization_machines.sweeps import Place, Sweeps

_STARTS = {"bias": Start("normal", 0.01), "linear": Start("normal", 0.01), "factors": Start("normal", 0.001)}
_FORM: dict[str, Any] = {"accept_sparse": "csr", "dtype": np.float32, "order": "C"}


class _FactorizationMachine(BaseEstimator):
    """What both have in common. State is a machine that goes on learning; the model is what it says now."""

    _type: str
    _parameter_constraints = {
        "n_factors": [Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "solver": [StrOptions({"kalman", "adam"})],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "learning_rates": ["array-like"],
        "weight_decays": ["array-like"],
        "fit_intercept": ["boolean"],
        "fit_linear": ["boolean"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_factors: int = 8,
        *,
        max_iter: int = 10,
        solver: str = "kalman",
        batch_size: int = 1000,
        learning_rates: Any = (0.1, 0.001, 0.0001),
        weight_decays: Any = (0.01, 0.001, 0.00001),
        fit_intercept: bool = True,
        fit_linear: bool = True,
        random_state: Any = None,
    ) -> None:
        self.n_factors = n_factors
        self.max_iter = max_iter
        self.solver = solver
        self.batch_size = batch_size
        self.learning_rates = learning_rates
        self.weight_decays = weight_decays
        self.fit_intercept = fit_intercept
        self.fit_linear = fit_linear
        self.random_state = random_state

    def _fit(self, X: Any, labels: np.ndarray) -> None:
        self._begin(X.shape[1])
        if isinstance(self._state, KalmanState):
            sweeps = Sweeps(self._state, self.max_iter, self._seed)
            chunk = sweeps.shuffled(_chunk(X, labels), 0)
            for epoch in range(self.max_iter):
                place = Place(epoch)
                for _ in sweeps.take(chunk, place):
                    pass
                sweeps.end_pass(place)
        else:
            random = np.random.default_rng(self._seed)
            for _ in range(self.max_iter):
                self._steps(X, labels, random.permutation(len(labels)))
        self.n_iter_ = self.max_iter
        self._finish()

    def _partial_fit(self, X: Any, labels: np.ndarray) -> None:
        if not hasattr(self, "_state"):
            self._begin(X.shape[1])
        if isinstance(self._state, KalmanState):
            for _ in Sweeps(self._state, 1, self._seed).take(_chunk(X, labels), Place()):
                pass
        else:
            self._steps(X, labels, np.arange(len(labels)))
        self.n_iter_ = 1
        self._finish()

    def _begin(self, dim: int) -> None:
        self._seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        options: dict[str, Any] = {"use_bias": self.fit_intercept, "use_linear": self.fit_linear, "seed": self._seed}
        self._state: KalmanState | AdamState
        if self.solver == "kalman":
            self._state = KalmanState(dim, self.n_factors, self._type, **options)
            return
        rates = Rates(_by_group(self, "learning_rates"), _by_group(self, "weight_decays"))
        self._state = AdamState(dim, self.n_factors, self._type, rates, _STARTS, **options)

    def _steps(self, X: Any, labels: np.ndarray, order: np.ndarray) -> None:
        assert isinstance(self._state, AdamState)
        for start in range(0, len(order), self.batch_size):
            rows = order[start : start + self.batch_size]
            self._state.update(X[rows], labels[rows])

    def _finish(self) -> None:
        model = self._state.model()
        self.intercept_, self.coef_, self.factors_ = model.bias, model.linear, model.factors

    def _margins(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        X = self._checked(X)
        # In double precision, so that a row's answer does not depend on the rows around it.
        tables = self.coef_.astype(np.float64), self.factors_.astype(np.float64)
        return FactorizationModel(self.intercept_, *tables, self._type).margins(X)

    def _checked(self, X: Any) -> Any:
        return _plain(validate_data(self, X, reset=False, **_FORM))

    def _checked_pair(self, X: Any, y: Any, *, reset: bool) -> tuple[Any, np.ndarray]:
        if reset:
            self._validate_params()
        X, y = validate_data(self, X, y, reset=reset, y_numeric=self._type == REGRESSOR, **_FORM)
        return _plain(X), y

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


class FactorizationMachineRegressor(RegressorMixin, _FactorizationMachine):
    """Squared-error regression with pairwise interactions in factored form.

    f(x) = w0 + sum_i w_i x_i + sum_{i < j} <v_i, v_j> x_i x_j

    Parameters
    ----------
    n_factors : int, default=8
        Length of each v_i.
    max_iter : int, default=10
        Passes over the data in `fit`.
    solver : {"kalman", "adam"}, default="kalman"
        "kalman" is a diagonal extended Kalman filter: one record after the other, nothing to tune, priors adapted to
        records held back (from 3 passes on). "adam" is what AWS's container does, by mini-batches.
    batch_size : int, default=1000
        Records of a step of Adam.
    learning_rates, weight_decays : three floats, default=(0.1, 0.001, 0.0001), (0.01, 0.001, 0.00001)
        Adam's, of the intercept, the linear weights and the factors.
    fit_intercept, fit_linear : bool, default=True
        Whether there is w0, and whether there are w_i.
    random_state : int, RandomState or None, default=None

    Attributes
    ----------
    intercept_ : float
    coef_ : (n_features,) float32
    factors_ : (n_features, n_factors) float32
    n_iter_ : int
    n_features_in_ : int

    Notes
    -----
    A pass costs O(k) for each number that is not 0; memory is O(d k). Source: Rendle, "Factorization Machines", ICDM
    2010; for the solvers see the modules kalman and adam.

    Examples
    --------
    >>> X = np.float32([[a, b] for a in (-1, 0, 1) for b in (-1, 0, 1)] * 30)
    >>> model = FactorizationMachineRegressor(n_factors=2, max_iter=30, random_state=0).fit(X, X[:, 0] * X[:, 1])
    >>> model.predict([[1, 1], [1, -1]]).round(1).tolist()
    [1.0, -1.0]
    """

    _type = REGRESSOR

    def fit(self, X: Any, y: Any) -> "FactorizationMachineRegressor":
        """Learn from X, (n_samples, n_features), dense or sparse, and y, (n_samples,)."""
        X, y = self._checked_pair(X, y, reset=True)
        self._fit(X, np.asarray(y, np.float32))
        return self

    def partial_fit(self, X: Any, y: Any) -> "FactorizationMachineRegressor":
        """Take further records in, once each."""
        X, y = self._checked_pair(X, y, reset=not hasattr(self, "_state"))
        self._partial_fit(X, np.asarray(y, np.float32))
        return self

    def predict(self, X: Any) -> np.ndarray:
        """f of every row, (n_samples,)."""
        return self._margins(X)


class FactorizationMachineClassifier(ClassifierMixin, _FactorizationMachine):
    """Logistic regression of two classes with pairwise interactions in factored form.

    Parameters and attributes are those of FactorizationMachineRegressor; besides, `classes_` : (2,). The chance of
    classes_[1] is 1 / (1 + exp(-f(x))).

    Examples
    --------
    >>> X = np.float32([[a, b] for a in (-1, 1) for b in (-1, 1)] * 50)
    >>> model = FactorizationMachineClassifier(n_factors=2, random_state=0).fit(X, X[:, 0] == X[:, 1])
    >>> model.predict([[1, 1], [1, -1]]).tolist()
    [True, False]
    """

    _type = BINARY

    def fit(self, X: Any, y: Any) -> "FactorizationMachineClassifier":
        """Learn from X, (n_samples, n_features), dense or sparse, and y, (n_samples,) of two classes."""
        X, y = self._checked_pair(X, y, reset=True)
        check_classification_targets(y)
        self._fit(X, self._labels(y, None))
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> "FactorizationMachineClassifier":
        """Take further records in, once each; classes are named in the first call."""
        first = not hasattr(self, "_state")
        X, y = self._checked_pair(X, y, reset=first)
        check_classification_targets(y)
        self._partial_fit(X, self._labels(y, classes if first else self.classes_))
        return self

    def decision_function(self, X: Any) -> np.ndarray:
        """f of every row, (n_samples,); positive for classes_[1]."""
        return self._margins(X)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Chances of both classes, (n_samples, 2)."""
        second = chances(self._margins(X))
        return np.column_stack([1 - second, second])

    def predict(self, X: Any) -> np.ndarray:
        """The likelier class of every row, (n_samples,)."""
        second = self._margins(X) >= 0
        return self.classes_[second.astype(int)]

    def _labels(self, y: np.ndarray, classes: Any) -> np.ndarray:
        """0 for the first class and 1 for the second."""
        self.classes_ = np.unique(y if classes is None else classes)
        if len(self.classes_) > 2:
            raise ValueError(f"Only binary classification is supported. Got {len(self.classes_)} classes.")
        if len(self.classes_) < 2:
            raise ValueError(f"Classifier can't train when only one class is present: {self.classes_[0]!r}")
        if unknown := set(np.unique(y)) - set(self.classes_):
            raise ValueError(f"y holds labels that classes does not: {sorted(unknown)}")
        return (y == self.classes_[1]).astype(np.float32)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


def _chunk(X: Any, labels: np.ndarray) -> Chunk:
    return Chunk(scipy.sparse.csr_matrix(X), labels)


def _plain(X: Any) -> Any:
    """Without duplicates, which a machine would take for pairs."""
    if not isinstance(X, np.ndarray) and not X.has_canonical_format:
        X = X.copy()
        X.sum_duplicates()
    return X


def _by_group(estimator: _FactorizationMachine, name: str) -> dict[str, float]:
    values = np.asarray(getattr(estimator, name), np.float64)
    if values.shape != (3,) or not (values >= 0).all():
        raise ValueError(f"{name} must be three numbers >= 0, of intercept, linear weights and factors; got {values}")
    return dict(zip(GROUPS, values.tolist(), strict=True))
