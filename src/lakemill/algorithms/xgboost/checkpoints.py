"""A model file per round in the checkpoint folder, by the names of AWS's container.

The library draws its random numbers one after the other, so a training that is taken up again would draw others than
one that was never interrupted. With checkpoints it therefore begins every round with new numbers and new tree updaters
(`prepare`): then the rounds that are left need nothing but the model and their own number.
"""

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.xgboost.library import XGBoostError, plain_message, xgboost

NAME = "xgboost-checkpoint"
KEPT = 5
SETTINGS = {"seed_per_iteration": 1}
"""What the library has to be told besides."""


@dataclasses.dataclass
class Checkpoints:
    """The last five rounds' models, each named after the number of finished rounds less one."""

    folder: Path

    def latest(self) -> tuple[str, bytes, int] | None:
        """Name and content of the newest file, and the iteration it holds."""
        found = [(int(path.suffix[1:]), path) for path in self._files()]
        if not found:
            return None
        iteration, path = max(found)
        return path.name, path.read_bytes(), iteration

    def save(self, booster: Any, iteration: int) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        # Renamed into place: the platform uploads whatever it finds.
        scratch = self.folder / f".{NAME}.part"
        with open(scratch, "wb") as file:
            file.write(booster.save_raw())
            file.flush()
            os.fsync(file.fileno())
        scratch.rename(self.folder / f"{NAME}.{iteration}")
        (self.folder / f"{NAME}.{iteration - KEPT}").unlink(missing_ok=True)

    def _files(self) -> list[Path]:
        return [path for path in self.folder.glob(f"{NAME}.*") if path.suffix[1:].isdigit()]


def restored(parameters: Mapping[str, Any], matrices: list[Any], name: str, raw: bytes) -> Any:
    """The booster of a checkpoint. Raises CustomerError when it is none, or of a training on other columns."""
    try:
        booster = xgboost.Booster(dict(parameters), matrices, model_file=bytearray(raw))
        columns = booster.num_features()
    except (XGBoostError, UnicodeDecodeError) as wrong:
        raise CustomerError(
            f"The checkpoint {name} cannot be read: {plain_message(wrong)}; "
            "remove it from the checkpoint S3Uri to begin anew"
        ) from None
    if columns != matrices[0].num_col():
        raise CustomerError(
            f"The checkpoint {name} is of a training on {columns} columns and the data has {matrices[0].num_col()}; "
            "give another checkpoint S3Uri"
        )
    return booster


def prepare(booster: Any, parameters: Mapping[str, Any]) -> None:
    """Before a round: let the booster make its tree updaters anew, which it does when it is told of others."""
    if parameters.get("booster") == "gblinear":
        return  # Its updaters remember nothing.
    name = "updater" if "updater" in parameters else "tree_method"
    own = parameters.get(name, "hist")
    other = {"updater": "prune", "tree_method": "approx"}[name]
    for value in ("refresh" if own == "prune" else "exact" if own == "approx" else other, own):
        booster.set_param({name: value})
        booster.num_boosted_rounds()  # Settings take effect when the booster is asked for something.
