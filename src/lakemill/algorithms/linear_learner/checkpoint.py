"""Checkpoints for interrupted trainings: one file, replaced whole after every epoch."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from lakemill.algorithms.linear_learner.training import Checkpoint

NAME = "linear-learner.npz"


def keeper(folder: Path | None) -> Callable[[Checkpoint], None] | None:
    """A function that keeps a checkpoint in the folder; None without one."""
    if folder is None:
        return None

    def keep(one: Checkpoint) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        scratch = folder / f".{NAME}"
        with scratch.open("wb") as file:
            np.savez(file, weights=one.weights, epoch=one.epoch)
            file.flush()
            os.fsync(file.fileno())
        scratch.rename(folder / NAME)

    return keep


def load(folder: Path | None) -> Checkpoint | None:
    """The checkpoint in the folder, if there is a readable one."""
    path = None if folder is None else folder / NAME
    if path is None or not path.exists():
        return None
    with np.load(path, allow_pickle=False) as found:
        return Checkpoint(found["weights"].astype(np.float64), int(found["epoch"]))
