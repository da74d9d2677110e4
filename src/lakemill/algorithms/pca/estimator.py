"""PCA as a scikit-learn estimator."""

from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from lakemill.algorithms.pca.sketch import PASSES, Sketch, drawn
from lakemill.algorithms.pca.states import Moments, project


class PCA(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Principal components of dense or sparse data, by states that stream and merge.

    Parameters
    ----------
    n_components : int, default=2
    mode : {"regular", "randomized"}, default="regular"
        regular keeps the (d, d) second moments, in one pass; randomized sees them through l directions, and `fit` looks
        at the data three times.
    extra_components : int, default=-1
        Directions beyond n_components; -1 is max(10, n_components). `partial_fit`, which sees data once, takes three
        times as many directions in all.
    subtract_mean : bool, default=True
    batch_size : int, default=4096
    random_state : int, RandomState or None, default=None
        For the sketch's directions.

    Attributes
    ----------
    components_ : (n_components, n_features) float64
        Strongest first, as scikit-learn orders them (the built-in algorithm's artifact is the other way round).
    singular_values_ : (n_components,) float64
    explained_variance_ : (n_components,) float64
    mean_ : (n_features,) float64
    n_samples_seen_ : int
    n_features_in_ : int

    Notes
    -----
    O(n d^2 + d^3) regular, O(n l d + d l^2) randomized; memory does not depend on n. `partial_fit` streams.

    Examples
    --------
    >>> points = np.array([[0, 0], [1, 1], [2, 2], [3, 3]], dtype="float32")
    >>> abs(PCA(n_components=1).fit(points).components_).round(3).tolist()
    [[0.707, 0.707]]
    """

    _parameter_constraints = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "mode": [StrOptions({"regular", "randomized"})],
        "extra_components": [Interval(Integral, -1, None, closed="left")],
        "subtract_mean": ["boolean"],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_components: int = 2,
        *,
        mode: str = "regular",
        extra_components: int = -1,
        subtract_mean: bool = True,
        batch_size: int = 4096,
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.mode = mode
        self.extra_components = extra_components
        self.subtract_mean = subtract_mean
        self.batch_size = batch_size
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> "PCA":
        """Analyse X, (n_samples, n_features), dense or sparse; y is ignored."""
        X = self._checked(X, reset=True)
        self._state = self._new_state(X.shape[1], once=False)
        self._read(X)
        for _ in range(PASSES - 1):
            if isinstance(self._state, Sketch):
                self._state = Sketch.through(self._state.finalise_all(self.subtract_mean))
                self._read(X)
        return self._finish()

    def partial_fit(self, X: Any, y: Any = None) -> "PCA":
        """Take a batch in and bring the components up to date."""
        first = not hasattr(self, "_state")
        X = self._checked(X, reset=first)
        if first:
            self._state = self._new_state(X.shape[1], once=True)
        self._state.update(X)
        return self._finish()

    def transform(self, X: Any) -> np.ndarray:
        """Coordinates along the components, (n_samples, n_components), in float64 for X of float64, else float32."""
        check_is_fitted(self)
        X = self._checked(X, dtype=[np.float64, np.float32])
        return project(X, self.mean_.astype(X.dtype), self.components_.T.astype(X.dtype))

    def inverse_transform(self, X: Any) -> np.ndarray:
        """Points with these coordinates, (n_samples, n_features)."""
        check_is_fitted(self)
        X = check_array(X, dtype=np.float64)
        if X.shape[1] != len(self.components_):
            raise ValueError(f"X has {X.shape[1]} columns, but there are {len(self.components_)} components")
        return X @ self.components_ + self.mean_

    def _checked(self, X: Any, *, reset: bool = False, dtype: Any = np.float32) -> Any:
        if reset:
            self._validate_params()
        X = validate_data(self, X, accept_sparse="csr", dtype=dtype, order="C", reset=reset)
        if reset and self.n_components > X.shape[1]:
            raise ValueError(f"n_components={self.n_components} must be at most n_features={X.shape[1]}")
        return X

    def _new_state(self, features: int, *, once: bool) -> Moments | Sketch:
        if self.mode == "regular":
            return Moments(features)
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        return drawn(features, self.n_components, self.extra_components, seed, once=once)

    def _read(self, X: Any) -> None:
        for start in range(0, X.shape[0], self.batch_size):
            self._state.update(X[start : start + self.batch_size])

    def _finish(self) -> "PCA":
        mean, vectors, values = self._state.finalise(self.n_components, self.subtract_mean)
        components = vectors.T[::-1]
        # A component's sign is arbitrary; its largest entry is made positive, so that results compare.
        largest = np.abs(components).argmax(axis=1)
        signs = np.where(components[np.arange(len(components)), largest] < 0, -1.0, 1.0)
        self.components_ = components * signs[:, None]
        self.singular_values_ = values[::-1].copy()
        self.mean_ = mean
        self.n_samples_seen_ = self._state.count
        self.explained_variance_ = self.singular_values_**2 / max(self.n_samples_seen_ - 1, 1)
        return self

    @property
    def _n_features_out(self) -> int:
        return self.components_.shape[0]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
