"""K-Means at web scale: more centres than asked for while the data streams by, then Lloyd down to k.

    from lakemill.algorithms.kmeans import KMeans

is a scikit-learn estimator over the same mathematics as the built-in algorithm.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lakemill.algorithms.kmeans.estimator import KMeans

__all__ = ["KMeans"]


def __getattr__(name: str) -> Any:
    # Lazily, because the control plane reads the spec beside it without scikit-learn.
    if name == "KMeans":
        from lakemill.algorithms.kmeans.estimator import KMeans

        return KMeans
    raise AttributeError(name)
