"""Where a fit stands, kept in a checkpoint and found again: which stage, and the arrays that make up its state."""

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np

from lakemill.algorithms import training as shared
from lakemill.algorithms.checkpoints import Saved
from lakemill.algorithms.contract import TrainingContext


@dataclasses.dataclass
class Keeper:
    """A fit has two stages, `models` and `winner`; within each it is saved between passes and, when due, within one.

    write: keeps a step's arrays and facts; without it nothing is kept.
    """

    found: Saved | None = None
    write: Callable[[int, Mapping[str, np.ndarray], Mapping[str, str]], None] | None = None
    due: Callable[[], bool] = lambda: False

    def __post_init__(self) -> None:
        self._step = 0 if self.found is None else self.found.step + 1

    def save(self, stage: str, arrays: Mapping[str, np.ndarray]) -> None:
        if self.write is not None:
            self.write(self._step, arrays, {"stage": stage})
            self._step += 1

    def saved(self, stage: str) -> Mapping[str, np.ndarray] | None:
        """The state a killed training left in that stage, if it was there."""
        return self.found.arrays if self.found is not None and self.found.facts["stage"] == stage else None


def keeper(context: TrainingContext) -> Keeper:
    """The keeper of a training job; says in the log where it goes on. A collective call."""
    found = shared.resumed(context)
    return Keeper(found, lambda *state: shared.save(context, *state), context.checkpoints.due)


def part(arrays: Mapping[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    """The arrays whose names begin with `name` and a slash, without that."""
    return {key.partition("/")[2]: array for key, array in arrays.items() if key.startswith(f"{name}/")}


def named(name: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The inverse of `part`."""
    return {f"{name}/{key}": array for key, array in arrays.items()}
