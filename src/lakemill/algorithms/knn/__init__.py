"""k nearest neighbours: a sample of the records in a faiss index, and answers by the labels of the nearest ones.

    from lakemill.algorithms.knn import KNNClassifier, KNNRegressor

are scikit-learn estimators over the same model as the built-in algorithm.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lakemill.algorithms.knn.estimator import KNNClassifier, KNNRegressor

__all__ = ["KNNClassifier", "KNNRegressor"]


def __getattr__(name: str) -> Any:
    # Lazily, because the control plane reads the spec beside it without scikit-learn.
    if name in __all__:
        from lakemill.algorithms.knn import estimator

        return getattr(estimator, name)
    raise AttributeError(name)
