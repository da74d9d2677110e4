"""Where parameters start: the *_init_* hyperparameters."""

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from lakemill.algorithms.factorization_machines.spec import GROUPS


@dataclasses.dataclass(frozen=True)
class Start:
    """method: normal with standard deviation amount, uniform in plus and minus amount, or constant amount."""

    method: str
    amount: float

    def draw(self, shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
        """Values of that shape, float32.

        >>> Start("constant", 0.5).draw((2,), np.random.default_rng(0)).tolist()
        [0.5, 0.5]
        """
        if self.method == "normal":
            return random.standard_normal(shape, np.float32) * np.float32(self.amount)
        if self.method == "uniform":
            return (2 * random.random(shape, np.float32) - 1) * np.float32(self.amount)
        return np.full(shape, self.amount, np.float32)


Starts = Mapping[str, Start]
"""By group: bias, linear, factors."""


def starts(settings: Mapping[str, Any], given: Collection[str] | None = None) -> dict[str, Start]:
    """The starts of the groups; only of those of which a hyperparameter is among `given`, if that is said."""
    chosen = {}
    for group in GROUPS:
        names = {what: f"{group}_init_{what}" for what in ("method", "sigma", "scale", "value")}
        if given is None or any(name in given for name in names.values()):
            method = settings[names["method"]]
            what = {"normal": "sigma", "uniform": "scale", "constant": "value"}[method]
            chosen[group] = Start(method, settings[names[what]])
    return chosen
