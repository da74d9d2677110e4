"""IP Insights: which entities use which IPv4 addresses, learned as vectors whose dot product is a log odds.

    from lakemill.algorithms.ipinsights import IPInsights

is an estimator in scikit-learn's manner over the same mathematics as the built-in algorithm.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lakemill.algorithms.ipinsights.estimator import IPInsights

__all__ = ["IPInsights"]


def __getattr__(name: str) -> Any:
    # Lazily, because the control plane reads the spec beside it without scikit-learn.
    if name == "IPInsights":
        from lakemill.algorithms.ipinsights.estimator import IPInsights

        return IPInsights
    raise AttributeError(name)
