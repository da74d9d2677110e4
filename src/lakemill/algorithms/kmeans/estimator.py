"""K-Means as a scikit-learn estimator."""

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClusterMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from lakemill.algorithms.kmeans.assignment import nearest, squared_distances
from lakemill.algorithms.kmeans.sample import SAMPLE_BYTES_MAX, size
from lakemill.algorithms.kmeans.streaming import TRIALS, CenterState, auto_factor


class KMeans(TransformerMixin, ClusterMixin, BaseEstimator):
    """K-Means in one pass, with extra centres and a final Lloyd step.

    Parameters
    ----------
    n_clusters : int, default=8
    extra_center_factor : int or "auto", default="auto"
        Centres kept while streaming, as a multiple of n_clusters; "auto" is 10, or 3 in `fit` where the last step will
        have 100 points a centre to work on.
    init : {"random", "kmeans++"}, default="random"
        How those centres start, from the first batch.
    batch_size : int, default=5000
    epochs : int, default=1
        Passes over the data in `fit`.
    half_life : int, default=0
        A point weighs half after this many further points; 0 keeps all weights.
    lloyd_init : {"random", "kmeans++"}, default="kmeans++"
    lloyd_trials : int or "auto", default="auto"
        Runs of the reduction to n_clusters; the best is kept; "auto" is 10.
    max_iter : int, default=300
    tol : float, default=1e-4
        Lloyd stops when the loss falls by less than this share.
    sample_bytes : int, default=268435456
        Room for the points that the last step may look at again: all that fit, else an even random sample.
    random_state : int, RandomState or None, default=None

    Attributes
    ----------
    cluster_centers_ : (n_clusters, n_features) float32
    labels_ : (n_samples,) int64
    inertia_ : float
        Sum of squared distances of the training data to its centres, in squared feature units.
    n_iter_ : int
        Passes over the data.
    n_features_in_ : int

    Notes
    -----
    One pass costs O(n K d); memory is O(K d) and a bounded sample. Source: Sculley, "Web-scale k-means clustering",
    WWW 2010, and AWS's description of the built-in algorithm.

    Examples
    --------
    >>> points = np.float32([[0, 0], [0, 1], [9, 9], [9, 10]])
    >>> KMeans(n_clusters=2, random_state=0).fit(points).predict([[0, 0.4], [9, 9.4]]).tolist() in ([0, 1], [1, 0])
    True
    """

    _parameter_constraints = {
        "n_clusters": [Interval(Integral, 1, None, closed="left")],
        "extra_center_factor": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "init": [StrOptions({"random", "kmeans++"})],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "half_life": [Interval(Integral, 0, None, closed="left")],
        "lloyd_init": [StrOptions({"random", "kmeans++"})],
        "lloyd_trials": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "sample_bytes": [Interval(Integral, 0, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        extra_center_factor: int | str = "auto",
        init: str = "random",
        batch_size: int = 5000,
        epochs: int = 1,
        half_life: int = 0,
        lloyd_init: str = "kmeans++",
        lloyd_trials: int | str = "auto",
        max_iter: int = 300,
        tol: float = 1e-4,
        sample_bytes: int = SAMPLE_BYTES_MAX,
        random_state: Any = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.extra_center_factor = extra_center_factor
        self.init = init
        self.batch_size = batch_size
        self.epochs = epochs
        self.half_life = half_life
        self.lloyd_init = lloyd_init
        self.lloyd_trials = lloyd_trials
        self.max_iter = max_iter
        self.tol = tol
        self.sample_bytes = sample_bytes
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> "KMeans":
        """Cluster X, (n_samples, n_features), dense or sparse; y is ignored."""
        X = self._checked(X, reset=True)
        self._state: CenterState | None = None
        for epoch in range(self.epochs):
            for start in range(0, X.shape[0], self.batch_size):
                batch, first = X[start : start + self.batch_size], epoch == 0
                self._update(batch, keep=first, copy=False, kept=self._will_keep(X))
        self.n_iter_ = self.epochs
        self._finish(X)
        if not self.half_life:  # The points are let go: they are the caller's, and may be many.
            counts = np.bincount(self.labels_, minlength=self.n_clusters)
            self._state = CenterState.settled(self.cluster_centers_, counts, self.inertia_)
        return self

    def partial_fit(self, X: Any, y: Any = None) -> "KMeans":
        """Take a batch in and bring the centres up to date; `labels_` are those of this batch.

        After `fit` it goes on from the centres found, without extra ones.
        """
        first = not hasattr(self, "_state") or self._state is None
        X = self._checked(X, reset=first)
        if first:
            self._state = None
        self._update(X, keep=True)
        self.n_iter_ = 1
        return self._finish(X)

    def predict(self, X: Any) -> np.ndarray:
        """The nearest centre of every row, (n_samples,) int64."""
        check_is_fitted(self)
        return nearest(self._checked(X), self.cluster_centers_)[0]

    def transform(self, X: Any) -> np.ndarray:
        """Distances to every centre, (n_samples, n_clusters), in float64 for X of float64, else float32."""
        check_is_fitted(self)
        X = self._checked(X, dtype=[np.float64, np.float32])
        return np.sqrt(squared_distances(X, self.cluster_centers_.astype(X.dtype)))

    def score(self, X: Any, y: Any = None) -> float:
        """The negative sum of squared distances to the nearest centres."""
        check_is_fitted(self)
        return -float(nearest(self._checked(X), self.cluster_centers_)[1].sum(dtype=np.float64))

    def _checked(self, X: Any, *, reset: bool = False, dtype: Any = np.float32) -> Any:
        if reset:
            self._validate_params()
        X = validate_data(self, X, accept_sparse="csr", dtype=dtype, order="C", reset=reset)
        if reset and X.shape[0] < self.n_clusters:
            raise ValueError(f"n_samples={X.shape[0]} should be >= n_clusters={self.n_clusters}.")
        return X

    def _will_keep(self, X: Any) -> float:
        """How many points of X the sample will hold at least: it halves until it fits."""
        if self.half_life:
            return 0
        return X.shape[0] * (1 if size(X) <= self.sample_bytes else self.sample_bytes / 2 / size(X))

    def _update(self, X: Any, *, keep: bool, copy: bool = True, kept: float = 0) -> None:
        if self._state is None:
            seed = check_random_state(self.random_state).randint(2**31 - 1)
            self._random = np.random.default_rng(seed)
            given = self.extra_center_factor
            factor = auto_factor(self.n_clusters, X.shape[1], kept) if isinstance(given, str) else given
            self._state = CenterState.begin(
                X,
                self.n_clusters * factor,
                self.init,
                half_life=self.half_life,
                random=self._random,
                sample_bytes=self.sample_bytes,
            )
        self._state.update(X, keep=keep, copy=copy)

    def _finish(self, X: Any) -> "KMeans":
        assert self._state is not None
        self.cluster_centers_, _ = self._state.reduce(
            self.n_clusters,
            method=self.lloyd_init,
            trials=TRIALS if isinstance(self.lloyd_trials, str) else self.lloyd_trials,
            max_iter=self.max_iter,
            tol=self.tol,
            random=self._random,
        )
        self.labels_, squared = nearest(X, self.cluster_centers_)
        self.inertia_ = float(squared.sum(dtype=np.float64))
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
