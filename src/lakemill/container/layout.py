"""The folders and files below /opt/ml, and what the platform writes into them."""

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lakemill.algorithms.errors import CustomerError, InternalError


@dataclasses.dataclass(frozen=True)
class Hosts:
    """From resourceconfig.json: this host's name and all of them, sorted."""

    current: str = "algo-1"
    all: tuple[str, ...] = ("algo-1",)


@dataclasses.dataclass(frozen=True)
class Layout:
    """Where things are below the base folder."""

    base: Path

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Layout":
        return cls(Path(environment.get("SAGEMAKER_BASE_DIR") or "/opt/ml"))

    @property
    def hyperparameters_file(self) -> Path:
        return self.base / "input" / "config" / "hyperparameters.json"

    @property
    def model(self) -> Path:
        return self.base / "model"

    @property
    def output_data(self) -> Path:
        return self.base / "output" / "data"

    @property
    def failure_file(self) -> Path:
        return self.base / "output" / "failure"

    def channel(self, name: str) -> Path:
        return self.base / "input" / "data" / name

    def pipe(self, name: str, epoch: int) -> Path:
        """The FIFO of a Pipe-mode channel in its n-th reading."""
        return self.base / "input" / "data" / f"{name}_{epoch}"

    def make(self) -> None:
        """Create the folders a training writes to."""
        self.model.mkdir(parents=True, exist_ok=True)
        self.output_data.mkdir(parents=True, exist_ok=True)

    def hyperparameters(self) -> dict[str, str]:
        """As given: every value is text. Raises CustomerError if the file is not a flat JSON object."""
        given = self._config("hyperparameters")
        nested = next((name for name, value in given.items() if isinstance(value, dict | list)), None)
        if nested is not None:
            raise CustomerError(f"Hyperparameter {nested} must be a string; got {given[nested]!r}")
        return {name: str(value) for name, value in given.items()}

    def channels(self) -> dict[str, dict[str, str]]:
        """inputdataconfig.json: channel name -> TrainingInputMode, ContentType, ..."""
        return self._config("inputdataconfig")

    def hosts(self) -> Hosts:
        found = self._config("resourceconfig")
        if not found:
            return Hosts()
        return Hosts(found["current_host"], tuple(sorted(found["hosts"])))

    def checkpoints(self) -> Path | None:
        """The folder the platform synchronises checkpoints with, if the job has one."""
        found = self._config("checkpointconfig")
        if not found:
            return None
        folder = Path(found.get("LocalPath") or "/opt/ml/checkpoints")
        inside = str(folder).startswith("/opt/ml/")
        return self.base / folder.relative_to("/opt/ml") if inside else folder

    def _config(self, name: str) -> dict[str, Any]:
        path = self.base / "input" / "config" / f"{name}.json"
        try:
            found = json.loads(path.read_bytes())
        except FileNotFoundError:
            return {}
        except ValueError as wrong:
            raise InternalError(f"{path.name} is not JSON: {wrong}") from None
        if not isinstance(found, dict):
            raise InternalError(f"{path.name} must hold a JSON object; got {type(found).__name__}")
        return found
