"""Which labels an objective can learn from. The library says it too, but of a base score that came out wrong."""

from collections.abc import Callable, Mapping

import numpy as np

from lakemill.algorithms.errors import CustomerError

Rule = tuple[Callable[[np.ndarray], np.ndarray], str]
_UNIT: Rule = (lambda labels: (labels >= 0) & (labels <= 1), "be in [0,1]")
_NOT_NEGATIVE: Rule = (lambda labels: labels >= 0, "not be negative")
_POSITIVE: Rule = (lambda labels: labels > 0, "be positive")
_RULES: Mapping[str, Rule] = {
    "reg:logistic": _UNIT,
    "binary:logistic": _UNIT,
    "binary:logitraw": _UNIT,
    "binary:hinge": (lambda labels: (labels == 0) | (labels == 1), "be 0 or 1"),
    "count:poisson": _NOT_NEGATIVE,
    "reg:tweedie": _NOT_NEGATIVE,
    "reg:gamma": _POSITIVE,
    "survival:aft": _POSITIVE,
    "reg:squaredlogerror": (lambda labels: labels > -1, "be greater than -1"),
}


def check(channel: str, labels: np.ndarray, objective: str, num_class: int | None) -> None:
    """Raises CustomerError naming the first of the (n,) labels that the objective cannot take."""
    rule = _RULES.get(objective)
    if objective.startswith("multi:"):
        rule = (
            lambda values: (values >= 0) & (values < (num_class or 0)) & (values == np.floor(values)),
            f"be a whole number in [0, num_class) with num_class {num_class}",
        )
    if rule is None:
        return
    wrong = np.flatnonzero(~rule[0](labels))
    if len(wrong):
        raise CustomerError(
            f"label must {rule[1]} for {objective}; record {wrong[0] + 1} of channel {channel} has {labels[wrong[0]]:g}"
        )
