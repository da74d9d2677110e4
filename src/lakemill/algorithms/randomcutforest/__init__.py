"""Random Cut Forest: how much a record's presence would change random trees over a sample of the others.

    from lakemill.algorithms.randomcutforest import RandomCutForest, RandomCutStream

are a scikit-learn estimator and a scorer of streams over the same trees as the built-in algorithm.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lakemill.algorithms.randomcutforest.estimator import RandomCutForest
    from lakemill.algorithms.randomcutforest.stream import RandomCutStream

__all__ = ["RandomCutForest", "RandomCutStream"]


def __getattr__(name: str) -> Any:
    # Lazily, because the control plane reads the spec beside it without scikit-learn.
    if name == "RandomCutForest":
        from lakemill.algorithms.randomcutforest.estimator import RandomCutForest

        return RandomCutForest
    if name == "RandomCutStream":
        from lakemill.algorithms.randomcutforest.stream import RandomCutStream

        return RandomCutStream
    raise AttributeError(name)
