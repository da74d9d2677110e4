"""Random Cut Forest as a scikit-learn outlier detector."""

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from lakemill.algorithms.randomcutforest.forest import Forest, Kind
from lakemill.algorithms.randomcutforest.stream import Attribution, led, shingled

DEVIATIONS = 3
"""contamination="auto": as the built-in cuts off, above the mean by so many standard deviations."""
OFFSET_ROWS = 512
"""So many training records are enough for that mean and deviation."""


class RandomCutForest(OutlierMixin, BaseEstimator):
    """Random Cut Forest: anomaly scores from random trees over samples of the data.

    Parameters
    ----------
    n_estimators : int, default=100
    max_samples : int, default=256
        Records that a tree holds; all, where there are fewer.
    contamination : "auto" or float in (0, 0.5], default="auto"
        The share of outliers in the training data, which sets the threshold of `predict`; "auto": scores more than
        three standard deviations above the mean.
    kind : {"anomaly", "codisp"}, default="anomaly"
        The score of AWS's forest, or the expected collusive displacement.
    shingle_size : int, default=1
        Rows that are looked at together, each with so many less one before it: for a series in order of time. The
        first shingle_size - 1 rows have score 0.
    time_decay : float or None, default=None
        Records after which a record's weight in the samples has fallen to 1/e; None: all alike.
    n_jobs : int or None, default=None
        Threads; results do not depend on it. -1: one for every processor.
    random_state : int, RandomState or None, default=None

    Attributes
    ----------
    offset_ : float
        `decision_function` is `score_samples` less this.
    forest_ : Forest
    n_features_in_ : int

    Notes
    -----
    Numbers are held as float32. Columns of large values dominate: scale them, unless that is meant. See `Forest` for
    complexity and source.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(500, 2))
    >>> model = RandomCutForest(random_state=0).fit(X)
    >>> model.predict([[0.0, 0.0], [9.0, 9.0]]).tolist()
    [1, -1]
    >>> bool(model.attribution([[0.0, 9.0]]).high.argmax() == 1)
    True
    """

    _parameter_constraints = {
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "max_samples": [Interval(Integral, 1, None, closed="left")],
        "contamination": [StrOptions({"auto"}), Interval(Real, 0, 0.5, closed="right")],
        "kind": [StrOptions({"anomaly", "codisp"})],
        "shingle_size": [Interval(Integral, 1, None, closed="left")],
        "time_decay": [Interval(Real, 0, None, closed="neither"), None],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        *,
        n_estimators: int = 100,
        max_samples: int = 256,
        contamination: float | str = "auto",
        kind: Kind = "anomaly",
        shingle_size: int = 1,
        time_decay: float | None = None,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.n_estimators = n_estimators
        self.max_samples = max_samples
        self.contamination = contamination
        self.kind = kind
        self.shingle_size = shingle_size
        self.time_decay = time_decay
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> "RandomCutForest":
        """Build the forest from X, (n_samples, n_features), dense or sparse; y is ignored."""
        X = self._checked(X, reset=True)
        if len(X) < self.shingle_size:
            raise ValueError(f"n_samples={len(X)} should be >= shingle_size={self.shingle_size}.")
        self._begin()
        shingles = self._next_shingles(X)
        self.forest_.update(shingles)
        few = self.contamination == "auto" and len(shingles) > OFFSET_ROWS
        chosen = np.linspace(0, len(shingles) - 1, OFFSET_ROWS).astype(int) if few else slice(None)
        self._learn_offset(self.forest_.score(shingles[chosen], self.kind))
        return self

    def partial_fit(self, X: Any, y: Any = None) -> "RandomCutForest":
        """Score and then take in each of the next rows of a stream; the threshold is that of all scores so far.

        With a share as contamination it is that of the scores of this batch.
        """
        first = not hasattr(self, "forest_")
        X = self._checked(X, reset=first)
        if first:
            self._begin()
        shingles = self._next_shingles(X)
        early = max(0, 1 - self.forest_.seen)
        self._learn_offset(self.forest_.process(shingles, 1, self.kind)[early:])
        return self

    def score_samples(self, X: Any) -> np.ndarray:
        """The negative anomaly scores, (n_samples,): the lower, the more abnormal."""
        check_is_fitted(self)
        X = self._checked(X)
        return -led(len(X), self.forest_.score(shingled(X, self.shingle_size), self.kind))

    def decision_function(self, X: Any) -> np.ndarray:
        """`score_samples` less the threshold: negative for outliers."""
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any) -> np.ndarray:
        """-1 for outliers and 1 for the others, (n_samples,)."""
        return np.where(self.decision_function(X) < 0, -1, 1)

    def attribution(self, X: Any) -> Attribution:
        """The anomaly scores and their parts for each feature being too low and too high, (n_samples, n_features)."""
        check_is_fitted(self)
        X = self._checked(X)
        parts = self.forest_.attribution(shingled(X, self.shingle_size))
        shape = (-1, self.shingle_size, self.n_features_in_)
        low, high = (led(len(X), part.reshape(shape).sum(axis=1)) for part in parts)
        return Attribution((low + high).sum(axis=1), low, high)

    def _checked(self, X: Any, *, reset: bool = False) -> np.ndarray:
        if reset:
            self._validate_params()
        X = validate_data(self, X, accept_sparse="csr", dtype=np.float32, order="C", reset=reset)
        return X if isinstance(X, np.ndarray) else X.toarray()

    def _begin(self) -> None:
        self.forest_ = Forest(
            self.n_estimators,
            self.max_samples,
            self.n_features_in_ * self.shingle_size,
            decay=0.0 if self.time_decay is None else 1.0 / self.time_decay,
            seed=check_random_state(self.random_state).randint(2**31 - 1),
            n_jobs=1 if self.n_jobs is None else self.n_jobs,
        )
        self.offset_ = 0.0
        self._before = np.empty((0, self.n_features_in_), np.float32)
        self._moments = np.zeros(3)

    def _next_shingles(self, X: np.ndarray) -> np.ndarray:
        """The shingles that the next rows of a stream complete."""
        series = np.concatenate([self._before, X])
        self._before = series[max(0, len(series) - self.shingle_size + 1) :]
        return shingled(series, self.shingle_size)

    def _learn_offset(self, scores: np.ndarray) -> None:
        if not isinstance(self.contamination, str):
            if len(scores):
                self.offset_ = -float(np.percentile(scores, 100.0 * (1.0 - self.contamination)))
        else:
            self._moments += len(scores), scores.sum(), np.square(scores).sum()
            n, total, squares = self._moments
            mean = total / max(n, 1)
            self.offset_ = -float(mean + DEVIATIONS * np.sqrt(max(squares / max(n, 1) - mean * mean, 0)))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
