"""Training state on disk, so that a killed training goes on where it was.

A checkpoint is one file, `<host>-<step>.npz`, in the folder that the platform keeps in step with the job's checkpoint
S3Uri. It is complete or absent: written beside, flushed, and renamed. The two latest are kept, because with several
hosts one may be a step behind when they are killed; the latest step that all hosts have is the one to go on from.
"""

import io
import json
import os
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lakemill.algorithms.errors import CustomerError

EVERY_S = 5.0
"""How often a training on one host should save within a long pass, unless its environment has another number of seconds
in LAKEMILL_CHECKPOINT_EVERY_S."""
_FACTS = "facts.json"


class Saved(NamedTuple):
    """What `Checkpoints.load` finds: the step, arrays by name, and JSON-able facts."""

    step: int
    arrays: dict[str, np.ndarray]
    facts: dict[str, Any]


class Checkpoints:
    """The checkpoints of one training on one host.

    Parameters
    ----------
    folder : Path or None
        None: the job has no CheckpointConfig; `save` does nothing and `load` finds nothing.
    host : str
    purpose : mapping
        What the training is: the algorithm and its hyperparameters. A checkpoint of another purpose is refused.
    gather : callable
        A collective's `gather`; one host needs none.

    Examples
    --------
    >>> import tempfile
    >>> kept = Checkpoints(Path(tempfile.mkdtemp()), purpose={"k": "3"})
    >>> kept.save(1, {"centers": np.zeros((3, 2))}, {"seen": 500})
    >>> kept.load().facts
    {'seen': 500}
    """

    def __init__(
        self,
        folder: Path | None = None,
        host: str = "algo-1",
        purpose: Mapping[str, Any] | None = None,
        gather: Callable[[Any], list[Any]] = lambda value: [value],
        every_s: float = EVERY_S,
    ) -> None:
        self._folder = folder
        self._host = host
        self._purpose = json.loads(json.dumps(dict(purpose or {}), sort_keys=True))
        self._gather = gather
        self._every_s = every_s
        self._alone = True
        self._saved_at = time.monotonic()
        self._cost_s = 0.0  # Of the last save: saving is to take a tenth of the time at most.
        if folder is not None:
            self._alone = len(gather(host)) == 1

    def due(self) -> bool:
        """Whether it is time to save within a pass. Never on several hosts, which save between passes only."""
        wait_s = max(self._every_s, 10 * self._cost_s) if self._every_s else 0.0
        return self._folder is not None and self._alone and time.monotonic() - self._saved_at >= wait_s

    def save(self, step: int, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any] | None = None) -> None:
        """Keep a state durably; on several hosts, all save the same steps. step grows from save to save.

        facts is anything JSON can hold. No pickles: an array has a numeric dtype.
        """
        if self._folder is None:
            return
        began = time.monotonic()
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._path(step)
        beside = path.with_name(f".{path.name}.partial")
        described = {"purpose": self._purpose, "facts": dict(facts or {})}
        with open(beside, "wb") as file:
            np.savez(file, allow_pickle=False, **{_FACTS: np.frombuffer(json.dumps(described).encode(), np.uint8)},
                     **{f"a/{name}": array for name, array in arrays.items()})  # fmt: skip
            file.flush()
            os.fsync(file.fileno())
        beside.rename(path)
        _flush_folder(self._folder)
        for old in self._steps()[:-2]:
            self._path(old).unlink(missing_ok=True)
        self._saved_at = time.monotonic()
        self._cost_s = self._saved_at - began

    def load(self) -> Saved | None:
        """The latest state that all hosts have. Raises CustomerError if it is damaged or of another training."""
        if self._folder is None:
            return None
        common = set.intersection(*(set(steps) for steps in self._gather(self._steps())))
        return self._read(max(common)) if common else None

    def _read(self, step: int) -> Saved:
        path = self._path(step)
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as found:
                described = json.loads(found[_FACTS].tobytes())
                arrays = {name.removeprefix("a/"): found[name] for name in found.files if name != _FACTS}
        except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as wrong:
            raise CustomerError(
                f"The checkpoint {path.name} cannot be read ({wrong}); "
                "remove it from the checkpoint S3Uri to begin anew"
            ) from None
        if described["purpose"] != self._purpose:
            raise CustomerError(
                f"The checkpoint {path.name} is of another training: "
                f"{_difference(described['purpose'], self._purpose)}; "
                "give another checkpoint S3Uri, or the same hyperparameters"
            )
        return Saved(step, arrays, described["facts"])

    def _path(self, step: int) -> Path:
        assert self._folder is not None
        return self._folder / f"{self._host}-{step:08d}.npz"

    def _steps(self) -> list[int]:
        """The steps of this host's complete checkpoints, in order."""
        assert self._folder is not None
        if not self._folder.is_dir():
            return []
        ends = (path.stem.rpartition("-") for path in self._folder.glob("*.npz") if not path.name.startswith("."))
        return sorted(int(step) for host, _, step in ends if host == self._host and step.isdecimal())


def _difference(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> str:
    for name in sorted({*theirs, *ours}):
        if theirs.get(name) != ours.get(name):
            return f"{name} was {theirs.get(name)!r} and is {ours.get(name)!r} now"
    return "nothing is alike"


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
