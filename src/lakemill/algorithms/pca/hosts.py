"""The states of several hosts as one."""

import numpy as np

from lakemill.algorithms.contract import Collective
from lakemill.algorithms.pca.states import State


def join(state: State, collective: Collective) -> None:
    """Give every host the state of all records. A collective call; a host may have seen none."""
    if collective.size == 1:
        return
    shifts = collective.gather(state.shift)
    state.move(next((shift for shift in shifts if shift is not None), None))
    state.seen = collective.sum(state.seen)
    state.first = collective.sum(state.first)
    state.count = int(collective.sum(np.array([state.count]))[0])
