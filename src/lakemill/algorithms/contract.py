"""What an algorithm is given and what it gives back, on the built-in face.

`train(context)` reads channels, fits, writes the artifact to `context.model_dir`. `serve(model_dir, environment)`
returns a Predictor. `lakemill.container` implements the context and hosts the predictor; algorithms know only this.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from lakemill.algorithms.checkpoints import Checkpoints
from lakemill.formats.block import Block


class Dataset(Protocol):
    """A channel's records, in key order unless the job shuffles them.

    Every call of `blocks` or `read` is one pass. It costs a reading of the files or, in Pipe mode, the next FIFO, which
    the platform fills anew; a pass that is given up early is no error. On one of several hosts a channel may hold no
    records: `blocks` yields nothing there, and the algorithm says so only if no host has any.
    """

    content_type: str
    """Without parameters, e.g. `text/csv`; the algorithm's default when the channel names none."""
    parameters: Mapping[str, str]
    """The content type's parameters, e.g. `{"label_size": "0"}`."""
    files: list[Path]
    """What the records are read from; empty in Pipe mode."""
    streamed: bool
    """Pipe mode: nothing is on disk, and how many records there are is known at the end only."""

    def blocks(self, rows: int, **options: Any) -> Iterator[Block]:
        """The records in blocks of exactly `rows` records (the last may be shorter).

        options: fields of `lakemill.formats.content.Options` where the content type leaves it open, e.g.
        `missing=True`: an empty CSV cell is NaN and not an error.
        """
        ...

    def read(self, **options: Any) -> Block:
        """All records in one block, in memory. Raises CustomerError if there are none. Options as for `blocks`."""
        ...


class Collective(Protocol):
    """The hosts of a training job, talking to each other. All hosts make the same calls in the same order.

    If a host is lost, the calls of the others raise InternalError.
    """

    rank: int
    """0 is the first of `hosts`; it writes the model where one is enough."""
    size: int

    def sum(self, array: np.ndarray) -> np.ndarray:
        """The element-wise sum over hosts; shape and dtype (a float or an int) are the same on all of them."""
        ...

    def gather(self, value: Any) -> list[Any]:
        """Every host's value by rank, on every host. Arrays, numbers, text, and lists and dicts of them."""
        ...

    def broadcast(self, value: Any) -> Any:
        """The first host's value, on every host."""
        ...


class SingleHost:
    """The collective of a job with one instance."""

    rank, size = 0, 1

    def sum(self, array: np.ndarray) -> np.ndarray:
        return array

    def gather(self, value: Any) -> list[Any]:
        return [value]

    def broadcast(self, value: Any) -> Any:
        return value


class TrainingLog(Protocol):
    """Prints the lines that AWS's metric regexes look for (facts: `[mm/dd/YYYY HH:MM:SS INFO pid] ` before each)."""

    def info(self, text: str) -> None: ...

    def warning(self, text: str) -> None: ...

    def raw(self, text: str) -> None:
        """A line without the prefix (XGBoost's evaluation lines)."""
        ...

    def quality(
        self, name: str, value: float, *, epoch: int | None = None, batch: int | None = None, kind: str = "loss"
    ) -> None:
        """`#quality_metric: host=algo-1, epoch=0, train mse_objective <loss>=0.71`; name is `train mse_objective`,
        kind is loss or score."""
        ...

    def progress(self, fraction: float) -> None:
        """`#progress_metric: host=algo-1, completed 6.0 % of epochs`."""
        ...

    def throughput(self, records_per_s: float) -> None: ...

    def score(self, split: str, name: str, value: float) -> None:
        """`#test_score (algo-1) : ('mse', 44.0)`; split is test, validation or train."""
        ...

    def metrics(self, values: Mapping[str, float], dimensions: Mapping[str, Any] | None = None) -> None:
        """The `#metrics {...}` JSON line."""
        ...


@dataclasses.dataclass
class TrainingContext:
    """All a train function may touch."""

    hyperparameters: dict[str, Any]
    """Typed and complete, from `AlgorithmSpec.validate`."""
    channels: Mapping[str, Dataset]
    model_dir: Path
    output_dir: Path
    """`/opt/ml/output/data`."""
    log: TrainingLog
    host: str = "algo-1"
    hosts: tuple[str, ...] = ("algo-1",)
    collective: Collective = dataclasses.field(default_factory=SingleHost)
    checkpoints: Checkpoints = dataclasses.field(default_factory=Checkpoints)
    """Where to put the state between passes, and what an earlier training of the same kind left there."""
    checkpoint_dir: Path | None = None
    """The folder itself, for libraries that have checkpoint files of their own."""
    given: frozenset[str] = frozenset()
    """The hyperparameters that the job names; the others have their defaults."""
    stopping: Any = None
    """A threading.Event that is set on SIGTERM; look at it between iterations and finish with what there is."""

    def stop_requested(self) -> bool:
        return self.stopping is not None and self.stopping.is_set()

    def model_file(self) -> Path:
        """`model_algo-1` in the model folder: the artifact name most algorithms share."""
        return self.model_dir / f"model_{self.host}"


@dataclasses.dataclass(frozen=True)
class InferenceRequest:
    """One /invocations call."""

    body: bytes
    content_type: str
    """As sent, with parameters; empty if the client sent none."""
    accept: str
    """As sent; empty if the client sent none."""
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class InferenceResponse:
    """What goes back; a status other than 200 reaches the client as a ModelError."""

    body: bytes
    content_type: str
    status: int = 200


class InferenceError(Exception):
    """A request the model refuses. status: 400 (bad record), 406 (Accept), 415 (content type or unparsable body)."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Predictor(Protocol):
    """A loaded model. `invoke` is called from one thread at a time per worker and may raise InferenceError."""

    def invoke(self, request: InferenceRequest) -> InferenceResponse: ...

    def execution_parameters(self) -> dict[str, Any]:
        """`{"MaxConcurrentTransforms": 2, "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": 6}`."""
        ...
