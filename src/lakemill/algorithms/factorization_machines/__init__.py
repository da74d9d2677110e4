"""Factorization machines: a linear model with a low-rank model of all pairs of features, for sparse data.

    from lakemill.algorithms.factorization_machines import FactorizationMachineClassifier

and `FactorizationMachineRegressor` are scikit-learn estimators over the same mathematics as the built-in algorithm.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lakemill.algorithms.factorization_machines.estimator import (
        FactorizationMachineClassifier,
        FactorizationMachineRegressor,
    )

__all__ = ["FactorizationMachineClassifier", "FactorizationMachineRegressor"]


def __getattr__(name: str) -> Any:
    # Lazily, because the control plane reads the spec beside it without scikit-learn.
    if name in __all__:
        from lakemill.algorithms.factorization_machines import estimator

        return getattr(estimator, name)
    raise AttributeError(name)
