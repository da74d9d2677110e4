"""Record linkage: which records of a table mean the same person, product or paper.

    from lakemill.matching import FindMatches, Labels

FindMatches is an estimator in scikit-learn's manner; Labels are what people said about pairs of records.
`lakemill.matching.labels` reads and writes the CSV files of labels.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lakemill.matching.estimator import FindMatches
    from lakemill.matching.evaluation import Metrics
    from lakemill.matching.labels import Labels

__all__ = ["FindMatches", "Labels", "Metrics"]

_HOMES = {"FindMatches": "estimator", "Labels": "labels", "Metrics": "evaluation"}


def __getattr__(name: str) -> Any:
    # Lazily, because the package is looked at by programs without NumPy.
    if name in _HOMES:
        import importlib

        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(name)
