"""Principal component analysis in one pass, by mergeable states.

    from lakemill.algorithms.pca import PCA

is a scikit-learn estimator over the same mathematics as the built-in algorithm.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lakemill.algorithms.pca.estimator import PCA

__all__ = ["PCA"]


def __getattr__(name: str) -> Any:
    # Lazily, because the control plane reads the spec beside it without scikit-learn.
    if name == "PCA":
        from lakemill.algorithms.pca.estimator import PCA

        return PCA
    raise AttributeError(name)
