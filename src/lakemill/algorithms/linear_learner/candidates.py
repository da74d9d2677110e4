"""The models that are trained side by side: how they differ.

Candidate 0 has exactly the user's values (an `auto` value becomes AWS's concrete one). The others vary the free ones
over the ranges that AWS's winners come from, and given ones closely around the given value.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

QUASI_NEWTON = "quasi-newton"

AUTO = {
    "learning_rate": 0.005, "wd": 0.0, "l1": 0.0, "momentum": 0.0, "beta_1": 0.9, "beta_2": 0.999, "bias_lr_mult": 10.0,
    "bias_wd_mult": 0.0, "lr_scheduler_step": 100, "lr_scheduler_factor": 0.99, "lr_scheduler_minimum_lr": 1e-5,
}  # fmt: skip
"""What AWS's container puts for `auto` in the model that is the user's own."""

_FIRST_ORDER_ONLY = ("learning_rate", "momentum", "beta_1", "beta_2", "bias_lr_mult", "lr_scheduler_step",
                     "lr_scheduler_factor", "lr_scheduler_minimum_lr")  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Candidate:
    """The settings of one model. Penalties are per mean loss: mean(loss) + wd/2 |w|^2 + l1 |w|_1."""

    optimizer: str
    learning_rate: float
    wd: float
    l1: float
    momentum: float
    beta_1: float
    beta_2: float
    bias_lr_mult: float
    bias_wd_mult: float
    lr_scheduler_step: int
    lr_scheduler_factor: float
    lr_scheduler_minimum_lr: float
    positive_weight: float = 1.0
    raw_penalty: bool = False
    """Whether wd weighs the weights of raw features instead of the scaled ones: fairer to rare features."""

    def described(self) -> dict[str, Any]:
        """What the log says of the winner: only what had an effect."""
        shown = dataclasses.asdict(self)
        if self.optimizer == QUASI_NEWTON:
            shown = {name: value for name, value in shown.items() if name not in _FIRST_ORDER_ONLY}
        return shown


def uses_quasi_newton(settings: Mapping[str, Any]) -> bool:
    """Whether the user left the optimiser and everything that only a mini-batch optimiser has to the algorithm."""
    return settings["optimizer"] == "auto" and all(settings[name] == "auto" for name in _FIRST_ORDER_ONLY)


def make_candidates(
    settings: Mapping[str, Any], count: int, positive_weights: Sequence[float], *, seed: int = 0
) -> list[Candidate]:
    """`count` candidates; positive_weights are shared out in turn, the first goes to candidate 0."""
    quasi_newton = uses_quasi_newton(settings)
    optimizer = QUASI_NEWTON if quasi_newton else "adam" if settings["optimizer"] == "auto" else settings["optimizer"]
    concrete: dict[str, Any] = {
        name: auto if settings[name] == "auto" else settings[name] for name, auto in AUTO.items()
    }
    own = Candidate(optimizer=optimizer, positive_weight=positive_weights[0], **concrete)
    two_penalties = settings["normalize_data"] is not False
    vary = _vary_quasi_newton if quasi_newton else _vary_mini_batch
    rng = np.random.default_rng(seed)
    others = [
        dataclasses.replace(
            vary(own, settings, place, count, rng),
            positive_weight=positive_weights[place % len(positive_weights)],
            raw_penalty=two_penalties and place % 2 == 1,
        )
        for place in range(1, count)
    ]
    return [own, *others]


def _vary_quasi_newton(own: Candidate, settings: Mapping[str, Any], place: int, count: int, rng: Any) -> Candidate:
    """Penalties on a logarithmic grid; every fourth model trades part of its wd for l1 where l1 is free."""
    fraction = (place - 1) / max(1, count - 2)
    wd = 10.0 ** (-6 + 5 * fraction) if settings["wd"] == "auto" else own.wd * 10.0 ** (2 * fraction - 1)
    l1 = own.l1 * 10.0 ** rng.uniform(-1, 1)
    if settings["l1"] == "auto" and place % 4 == 3:
        l1 = 0.1 * wd
    return dataclasses.replace(own, wd=wd, l1=l1)


def _vary_mini_batch(own: Candidate, settings: Mapping[str, Any], place: int, count: int, rng: Any) -> Candidate:
    def draw(name: str, low: float, high: float) -> float:
        """Log-uniform in [low, high] if free, else within a factor of three of the given value."""
        given = getattr(own, name)
        if settings[name] == "auto":
            return float(10.0 ** rng.uniform(np.log10(low), np.log10(high)))
        return float(given * 3.0 ** rng.uniform(-1, 1))

    plain = place % 2 == 0  # Half of the models keep to no penalty where it is free.
    return dataclasses.replace(
        own,
        learning_rate=min(1.0, draw("learning_rate", 1e-3, 0.5)),
        wd=0.0 if plain and settings["wd"] == "auto" else draw("wd", 1e-6, 1e-2),
        l1=0.0 if settings["l1"] == "auto" and place % 4 else draw("l1", 1e-6, 1e-3),
        lr_scheduler_step=max(1, round(draw("lr_scheduler_step", 10, 200))),
    )
