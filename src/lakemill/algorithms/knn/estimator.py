"""k-NN as scikit-learn estimators."""

from numbers import Integral
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from lakemill.algorithms.knn.index import NUMBERS_A_CODE, build
from lakemill.algorithms.knn.model import NeighborModel
from lakemill.algorithms.knn.reservoir import Reservoir
from lakemill.algorithms.knn.vectors import Preparation, preparation
from lakemill.formats.block import Block


class _Neighbors(BaseEstimator):
    """What both estimators share."""

    _parameter_constraints = {
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "metric": [StrOptions({"L2", "INNER_PRODUCT", "COSINE"})],
        "index_type": [StrOptions({"faiss.Flat", "faiss.IVFFlat", "faiss.IVFPQ", "faiss.IVFPQFastScan"})],
        "sample_size": [Interval(Integral, 1, None, closed="left"), None],
        "dimension_reduction_type": [StrOptions({"sign", "fjlt"}), None],
        "dimension_reduction_target": [Interval(Integral, 1, None, closed="left"), None],
        "n_lists": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "pq_m": [Interval(Integral, 1, None, closed="left"), None],
        "n_probe": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_neighbors: int = 5,
        *,
        metric: str = "L2",
        index_type: str = "faiss.Flat",
        sample_size: int | None = None,
        dimension_reduction_type: str | None = None,
        dimension_reduction_target: int | None = None,
        n_lists: int | str = "auto",
        pq_m: int | None = None,
        n_probe: int = 8,
        random_state: Any = None,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.metric = metric
        self.index_type = index_type
        self.sample_size = sample_size
        self.dimension_reduction_type = dimension_reduction_type
        self.dimension_reduction_target = dimension_reduction_target
        self.n_lists = n_lists
        self.pq_m = pq_m
        self.n_probe = n_probe
        self.random_state = random_state

    def kneighbors(
        self, X: Any, n_neighbors: int | None = None, return_distance: bool = True
    ) -> tuple[np.ndarray, np.ndarray] | np.ndarray:
        """Distances (n, k) float32, ascending, and indices (n, k) of the nearest records that were kept.

        L2: the Euclidean distance. COSINE: 1 less the cosine. INNER_PRODUCT: the product times -1. Indices are those
        of the training data where all of them were kept.
        """
        X = self._checked(X)
        k = self.n_neighbors if n_neighbors is None else n_neighbors
        self._enough(k)
        distances, numbers = self._fitted().neighbors(X, k)
        if not return_distance:
            return numbers
        return (np.sqrt(np.maximum(distances, 0)) if self.metric == "L2" else distances), numbers

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_sample")

    def _take(self, X: Any, labels: np.ndarray, *, first: bool) -> None:
        if first:
            seed = check_random_state(self.random_state).randint(2**31 - 1)
            prepare = self._preparation(X.shape[1], seed)
            size = self.sample_size or np.iinfo(np.int64).max
            self._sample = Reservoir(size, prepare, np.random.default_rng(seed))
        self._sample.update(Block(X, labels))
        self.n_samples_fit_ = len(self._sample)
        self._model: NeighborModel | None = None  # Built when it is asked: a stream is taken in quickly.

    def _preparation(self, width: int, seed: int) -> Preparation:
        target, reduced = self.dimension_reduction_target, self.dimension_reduction_type is not None
        if reduced and (target is None or target >= width):
            raise ValueError(f"dimension_reduction_target must be less than n_features={width}; got {target}")
        if self.index_type == "faiss.IVFPQ" and self.metric != "L2":
            raise ValueError(f"metric must be L2 when index_type is faiss.IVFPQ; got {self.metric}")
        kept = target if reduced and target is not None else width
        self._parts = (self.pq_m or -(-kept // NUMBERS_A_CODE)) if "PQ" in self.index_type else None
        return preparation(
            width,
            kind=self.dimension_reduction_type,
            target_dim=target,
            seed=seed,
            normalize=self.metric == "COSINE",
            parts=self._parts,
        )

    def _fitted(self) -> NeighborModel:
        self._enough(self.n_neighbors)
        if self._model is None:
            self._model = self._built()
        return self._model

    def _built(self) -> NeighborModel:
        sample = self._sample
        index = build(
            sample.vectors,
            self.index_type,
            self.metric,
            n_lists=None if isinstance(self.n_lists, str) else self.n_lists,
            parts=self._parts,
            n_probe=self.n_probe,
        )
        classifier = isinstance(self, ClassifierMixin)
        return NeighborModel(index, sample.labels, sample.prepare, k=self.n_neighbors, classifier=classifier)

    def _enough(self, k: int) -> None:
        if k > self.n_samples_fit_:
            raise ValueError(f"Expected n_neighbors <= n_samples_fit, but n_neighbors = {k}, n_samples_fit = "
                             f"{self.n_samples_fit_}")  # fmt: skip

    def _checked(self, X: Any) -> Any:
        check_is_fitted(self)
        return validate_data(self, X, accept_sparse="csr", dtype=np.float32, order="C", reset=False)

    def _checked_pair(self, X: Any, y: Any, *, reset: bool, numeric: bool) -> tuple[Any, np.ndarray]:
        if reset:
            self._validate_params()
        X, y = validate_data(
            self, X, y, accept_sparse="csr", dtype=np.float32, order="C", reset=reset, y_numeric=numeric
        )
        return (sp.csr_matrix(X) if sp.issparse(X) else X), y

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_model": None}  # The index is built again from the sample.


class KNNClassifier(ClassifierMixin, _Neighbors):
    """The most frequent label of the nearest records; of equally frequent ones the first of `classes_`.

    Parameters
    ----------
    n_neighbors : int, default=5
    metric : {"L2", "INNER_PRODUCT", "COSINE"}, default="L2"
    index_type : {"faiss.Flat", "faiss.IVFFlat", "faiss.IVFPQ", "faiss.IVFPQFastScan"}, default="faiss.Flat"
        Exact, by cells, by cells of compressed vectors, or by cells of more strongly compressed vectors the best of
        which are compared exactly; the last is the quickest.
    sample_size : int or None, default=None
        Records kept, an even random sample; None keeps all.
    dimension_reduction_type : {"sign", "fjlt"} or None, default=None
    dimension_reduction_target : int or None, default=None
        Features after the reduction.
    n_lists : int or "auto", default="auto"
        Cells of the IVF kinds; "auto" is the square root of the number of records kept.
    pq_m : int or None, default=None
        Parts of a vector for the PQ kinds; None is a quarter of the features.
    n_probe : int, default=8
        Cells that are searched.
    random_state : int, RandomState or None, default=None

    Attributes
    ----------
    n_features_in_ : int
    n_samples_fit_ : int
        Records kept.
    classes_ : (n_classes,)
        The labels, sorted.

    Notes
    -----
    A query costs O(m d) for m records with faiss.Flat. Labels and features are float32. Source: AWS's description of
    the built-in algorithm; Douze et al., "The Faiss library", IEEE Trans. Big Data, 2025.

    Examples
    --------
    >>> model = KNNClassifier(n_neighbors=3).fit([[0], [1], [2], [8], [9]], ["a", "a", "a", "b", "b"])
    >>> model.predict([[1.5], [9]]).tolist()
    ['a', 'b']
    """

    def fit(self, X: Any, y: Any) -> "KNNClassifier":
        """Keep X (n_samples, n_features), dense or sparse, and its labels."""
        self._learn(X, y, None, first=True)
        self._model = self._built()
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> "KNNClassifier":
        """Take a batch in. classes: all labels there will be; needed with the first batch."""
        return self._learn(X, y, classes, first=not hasattr(self, "_sample"))

    def predict(self, X: Any) -> np.ndarray:
        """The label of every row, (n_samples,)."""
        X = self._checked(X)
        model = self._fitted()
        return self.classes_[model.answer(model.nearest(X, self.n_neighbors)).astype(np.int64)]

    def predict_proba(self, X: Any) -> np.ndarray:
        """The share of every class among the neighbours, (n_samples, n_classes), in the order of `classes_`."""
        X = self._checked(X)
        model = self._fitted()
        codes = self._sample.labels[model.nearest(X, self.n_neighbors)].astype(np.int64)
        n, width = len(codes), len(self.classes_)
        counts = np.bincount((codes + width * np.arange(n)[:, None]).ravel(), minlength=n * width)
        return counts.reshape(n, width) / self.n_neighbors

    def _learn(self, X: Any, y: Any, classes: Any, *, first: bool) -> "KNNClassifier":
        X, y = self._checked_pair(X, y, reset=first, numeric=False)
        check_classification_targets(y)
        if first:
            self.classes_ = np.unique(y if classes is None else classes)
        codes = np.searchsorted(self.classes_, y)
        known = codes < len(self.classes_)
        if not known.all() or not (self.classes_[codes] == y).all():
            raise ValueError("y has labels that are not in classes; name all of them with the first partial_fit")
        self._take(X, codes.astype(np.float32), first=first)
        return self


class KNNRegressor(RegressorMixin, _Neighbors):
    """The mean label of the nearest records. Parameters and attributes are those of KNNClassifier, without `classes_`.

    Examples
    --------
    >>> KNNRegressor(n_neighbors=2).fit([[0], [1], [2], [8]], [0, 10, 20, 80]).predict([[0.4]]).tolist()
    [5.0]
    """

    def fit(self, X: Any, y: Any) -> "KNNRegressor":
        """Keep X (n_samples, n_features), dense or sparse, and its labels."""
        X, y = self._checked_pair(X, y, reset=True, numeric=True)
        self._take(X, y.astype(np.float32), first=True)
        self._model = self._built()
        return self

    def partial_fit(self, X: Any, y: Any) -> "KNNRegressor":
        """Take a batch in."""
        first = not hasattr(self, "_sample")
        X, y = self._checked_pair(X, y, reset=first, numeric=True)
        self._take(X, y.astype(np.float32), first=first)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The mean label of every row, (n_samples,) float32."""
        X = self._checked(X)
        model = self._fitted()
        return model.answer(model.nearest(X, self.n_neighbors))
