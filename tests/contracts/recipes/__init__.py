"""One module for each algorithm: the small training by which the algorithm contract is checked."""

import dataclasses
import importlib
import importlib.util
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from lakemill.algorithms.spec import AlgorithmSpec

FEATURES = 6


@dataclasses.dataclass(frozen=True)
class Table:
    """features: (n, d) float32, or text where the algorithm takes text. labels: (n,) float32 or None."""

    features: np.ndarray
    labels: np.ndarray | None


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Small data of a kind and hyperparameters with which training takes about a second.

    task: binary, multiclass, regression or unsupervised; it chooses the common table unless `table` (rows, seed) makes
    another one. outputs: names that every JSON prediction has. wrapper: the key around them. metrics: names of
    spec.metrics that this training must print. missing_values: whether NaN is a value the algorithm understands.
    numeric: whether the features are numbers. long: hyperparameters that make the training take many passes or rounds,
    so that it can be killed between two checkpoints. checkpoints: whether it saves any; one that does not begins again.
    labelled_test: whether an unsupervised algorithm's test channel has labels, 0 or 1.
    exact_in_pipes: whether Pipe mode gives the bytes that File mode gives; otherwise the answers are compared.
    """

    task: str
    hyperparameters: Mapping[str, str]
    outputs: tuple[str, ...]
    wrapper: str = "predictions"
    metrics: tuple[str, ...] = ()
    missing_values: bool = False
    numeric: bool = True
    table: Callable[[int, int], Table] | None = None
    long: Mapping[str, str] = dataclasses.field(default_factory=dict)
    checkpoints: bool = True
    labelled_test: bool = False
    exact_in_pipes: bool = True


Estimators = list[tuple[Any, dict[str, str] | None]]
"""Estimators, and for each the scikit-learn checks that it does not pass with the reason; None: none applies."""


def recipe_module(spec: AlgorithmSpec) -> Any:
    """The module of an algorithm's recipe: RECIPE and estimators(). An algorithm without one fails its checks."""
    module = f"tests.contracts.recipes.{spec.name.replace('-', '_')}"
    assert importlib.util.find_spec(module), f"{spec.name} has no recipe: add tests/contracts/recipes/<name>.py"
    return importlib.import_module(module)


def recipe(spec: AlgorithmSpec) -> Recipe:
    return recipe_module(spec).RECIPE
