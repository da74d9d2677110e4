"""Linear classification in scikit-learn's manner: two classes or many.

>>> from lakemill.algorithms.linear_learner import LinearLearnerClassifier
>>> LinearLearnerClassifier(wd=0.01).fit([[0.0], [1.0], [2.0], [3.0]], list("aabb")).predict([[0.2], [2.9]])
array(['a', 'b'], dtype='<U1')
"""

import dataclasses
from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from lakemill.algorithms.linear_learner.estimator import FLOATS, LinearLearnerBase
from lakemill.algorithms.linear_learner.model import BINARY, MULTICLASS


def _has_probabilities(one: "LinearLearnerClassifier") -> bool:
    if one.loss == "hinge_loss":
        raise AttributeError("hinge_loss gives scores, not probabilities; use decision_function")
    return True


@dataclasses.dataclass(kw_only=True, eq=False, repr=False)
class LinearLearnerClassifier(ClassifierMixin, LinearLearnerBase):
    """Logistic, hinge (two classes) or softmax (three and more) classification.

    Parameters
    ----------
    loss : auto (logistic or softmax_loss, by the number of classes), logistic, hinge_loss, softmax_loss
    margin : float
        Of the hinge; targets are 0 and 1.
    positive_example_weight_mult : float, "balanced" or "auto"
        Weight of the second class of two.
    balance_multiclass_weights : bool
        Weigh classes by their inverse frequency (three classes and more).
    binary_classifier_model_selection_criteria : str
        loss_function compares models by their loss and cuts at 0.5; any other one also places `threshold_`.
    num_models, optimizer, wd, l1, tol : see LinearLearnerRegressor

    Attributes
    ----------
    classes_ : (k,)
    coef_ : (1, d) for two classes, else (k, d); intercept_ : (1,) or (k,)
    threshold_ : float
        A probability (hinge: score) at or above it is the second class.
    """

    margin: float = 1.0
    positive_example_weight_mult: float | str = 1.0
    balance_multiclass_weights: bool = False
    binary_classifier_model_selection_criteria: str = "loss_function"
    f_beta: float = 1.0
    target_recall: float = 0.8
    target_precision: float = 0.8

    def fit(self, X: Any, y: Any, sample_weight: Any = None, eval_set: tuple[Any, Any] | None = None) -> Self:
        """X (n, d) ndarray or sparse, y (n,) labels of any kind. eval_set: records that choose among several models."""
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=FLOATS)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"A classifier needs samples of at least 2 classes; got 1 class: {self.classes_[0]!r}")
        self._forget()
        if eval_set is not None:
            held = validate_data(self, eval_set[0], accept_sparse="csr", dtype=FLOATS, reset=False)
            eval_set = (held, self._encoded(eval_set[1], X.dtype))
        return self._fit(*self._kind(), X, codes.astype(X.dtype), sample_weight, eval_set)

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """One pass of mini-batch steps over these records; the first call names all classes."""
        first = not hasattr(self, "classes_")
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=FLOATS, reset=first)
        check_classification_targets(y)
        if first:
            if classes is None:
                raise ValueError("classes must be passed on the first call to partial_fit")
            self.classes_ = np.unique(classes)
        return self._partial(*self._kind(), X, self._encoded(y, X.dtype), sample_weight)

    def decision_function(self, X: Any) -> np.ndarray:
        """(n,) for two classes: positive where the second is predicted; (n, k) for more."""
        features = self._features(X)
        f = self.model_.decision(features)
        return f if len(self.classes_) > 2 else f[:, 0] - self._neutral()

    @available_if(_has_probabilities)
    def predict_proba(self, X: Any) -> np.ndarray:
        """(n, k)"""
        features = self._features(X)
        scores = self.model_.scores(features)
        return scores if scores.ndim == 2 else np.column_stack([1 - scores, scores])

    @available_if(_has_probabilities)
    def predict_log_proba(self, X: Any) -> np.ndarray:
        """(n, k)"""
        return np.log(self.predict_proba(X))

    def predict(self, X: Any) -> np.ndarray:
        """(n,) labels."""
        features = self._features(X)
        return self.classes_[self.model_.labels(self.model_.scores(features))]

    @property
    def threshold_(self) -> float:
        check_is_fitted(self, "model_")
        return self.model_.threshold

    def _neutral(self) -> float:
        """The cut in units of f."""
        cut = self.model_.threshold
        if self.loss == "hinge_loss":
            return cut
        return float(np.log(cut / (1 - cut))) if 0 < cut < 1 else float(np.copysign(np.inf, cut - 0.5))

    def _kind(self) -> tuple[str, int]:
        classes = len(self.classes_)
        return (BINARY, 2) if classes == 2 else (MULTICLASS, classes)

    def _encoded(self, y: Any, dtype: Any) -> np.ndarray:
        y = np.asarray(y)
        codes = np.searchsorted(self.classes_, y).clip(max=len(self.classes_) - 1)
        if (self.classes_[codes] != y).any():
            raise ValueError(f"y holds labels that are not among the classes {self.classes_.tolist()}")
        return codes.astype(dtype)
