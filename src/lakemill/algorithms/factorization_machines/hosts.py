"""What several hosts have learned apart, brought together."""

from typing import NamedTuple

import numpy as np

from lakemill.algorithms.contract import Collective
from lakemill.algorithms.factorization_machines.kalman import BIAS_PRECISION, KalmanState
from lakemill.algorithms.factorization_machines.layout import FACTORS, LINEAR

TOGETHER = 0.5
"""Share of a record's features that move together: along them the curvature is so many times that of each one."""


class Snapshot(NamedTuple):
    """A copy of a state's parameters and statistics."""

    bias: np.ndarray
    linear: np.ndarray
    factors: np.ndarray
    statistics: np.ndarray

    @classmethod
    def of(cls, state: KalmanState) -> "Snapshot":
        return cls(state.bias.copy(), state.linear.copy(), state.factors.copy(), state.statistics.copy())


def exchange(state: KalmanState, start: Snapshot, collective: Collective) -> None:
    """Give all hosts what each has learned since `start`, which was the same on all. A collective call.

    A parameter of precision p at the start, whose curvature grew by c on this host, counts this host's move with the
    weight (p + c) / (p + sum c): the product of the hosts' posteriors. Moves that come from few records add up, and
    those of many are averaged. Hosts that read the same records are in the same state already, and stay in it.
    """
    marks = collective.gather([float(one.sum(dtype=np.float64)) for one in (state.linear, state.statistics)])
    if all(mark == marks[0] for mark in marks):
        return
    alike = max(1.0, TOGETHER * float(state.energy[0]))
    grown = state.statistics - start.statistics
    together = collective.sum(grown)
    _, prior_linear, prior_factors, _ = state.precisions
    for now, before, prior, column in (
        (state.linear, start.linear, prior_linear, LINEAR),
        (state.factors, start.factors, prior_factors, FACTORS),
    ):
        held = prior + start.statistics[:, column : column + 2].max(axis=1)
        share = _share(held, grown[:, column + 1] * alike, together[:, column + 1] * alike)
        now[:] = before + collective.sum((now - before) * (share if now.ndim == 1 else share[:, None]))
    state.statistics[:] = start.statistics + together
    own = np.array([state.bias[2] - start.bias[2]])
    every = collective.sum(own)
    share = _share(np.array([BIAS_PRECISION + start.bias[1:].max()]), own * alike, every * alike)
    state.bias[0] = start.bias[0] + collective.sum((state.bias[0] - start.bias[0]) * share)[0]
    state.bias[2] = start.bias[2] + every[0]


def _share(held: np.ndarray, own: np.ndarray, every: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):  # A prior of infinite precision: such parameters have not moved.
        share = (held + own) / (held + every)
    return np.nan_to_num(share, nan=0.0).astype(np.float32)
