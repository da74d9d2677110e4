"""Latent Dirichlet allocation: topics from the moments of word counts, refined by collapsed Gibbs sampling.

    from lakemill.algorithms.lda import LDA

is a scikit-learn estimator over the same mathematics as the built-in algorithm.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lakemill.algorithms.lda.estimator import LDA

__all__ = ["LDA"]


def __getattr__(name: str) -> Any:
    # Lazily, because the control plane reads the spec beside it without scikit-learn.
    if name == "LDA":
        from lakemill.algorithms.lda.estimator import LDA

        return LDA
    raise AttributeError(name)
