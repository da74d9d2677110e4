"""One module for each algorithm: the small training by which the algorithm contract is checked."""

import dataclasses
from collections.abc import Mapping

FEATURES = 6


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Small data of a kind and hyperparameters with which training takes about a second.

    outputs: names that every JSON prediction has. wrapper: the key around them. metrics: names of spec.metrics that
    this training must print. missing_values: whether NaN is a value the algorithm understands.
    """

    task: str
    hyperparameters: Mapping[str, str]
    outputs: tuple[str, ...]
    wrapper: str = "predictions"
    metrics: tuple[str, ...] = ()
    missing_values: bool = False
