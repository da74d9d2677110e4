"""Trainings without a container: arrays as channels, the log as text, hosts as threads."""

import io
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from lakemill.algorithms.checkpoints import Checkpoints
from lakemill.algorithms.contract import SingleHost, TrainingContext
from lakemill.algorithms.spec import AlgorithmSpec
from lakemill.container.entrypoint import load_function
from lakemill.container.trainlog import StandardTrainingLog
from lakemill.formats.block import Block


class ArrayDataset:
    """A channel that is arrays already."""

    content_type, parameters, streamed = "application/x-recordio-protobuf", {}, False

    def __init__(self, features, labels=None):
        self.block = Block(features, labels)
        self.files: list[Path] = []

    def read(self):
        return self.block

    def blocks(self, rows):
        for start in range(0, len(self.block), rows):
            yield self.block.take(slice(start, start + rows))


def width(channel: Any) -> int:
    """The number of features of an array or a dataset."""
    return getattr(channel, "block", Block(channel)).features.shape[1]


class Killed(BaseException):
    """kill -9, as far as a thread can see it."""


class Fragile(ArrayDataset):
    """A channel whose reader is killed behind the n-th block, counted over all passes."""

    def __init__(self, features, blocks):
        super().__init__(features)
        self._left = blocks

    def blocks(self, rows):
        for block in super().blocks(rows):
            if not self._left:
                raise Killed
            self._left -= 1
            yield block


class Finished:
    """A training that ended: its log and its model file."""

    def __init__(self, text: str, model: Path) -> None:
        self.text, self.model = text, model
        self.folder = model.parent


def run(
    spec: AlgorithmSpec,
    folder: Path,
    channels: Mapping[str, Any],
    *,
    collective=None,
    checkpoints: Path | None = None,
    stopping=None,
    **hyperparameters: Any,
) -> Finished:
    """Train on arrays (or datasets); checkpoints is a folder, into which every block's end saves."""
    collective = collective or SingleHost()
    host = f"algo-{collective.rank + 1}"
    hosts = tuple(f"algo-{rank + 1}" for rank in range(collective.size))
    given = {name: str(value) for name, value in hyperparameters.items()}
    folder.mkdir(exist_ok=True, parents=True)
    out = io.StringIO()
    context = TrainingContext(
        hyperparameters=spec.validate(given),
        channels={name: one if hasattr(one, "blocks") else ArrayDataset(one) for name, one in channels.items()},
        model_dir=folder,
        output_dir=folder / "output",
        log=StandardTrainingLog(spec.title, host, out=out),
        host=host,
        hosts=hosts,
        collective=collective,
        checkpoints=Checkpoints(checkpoints, host, given, collective.gather, every_s=0),
        checkpoint_dir=checkpoints,
        given=frozenset(given),
        stopping=stopping,
    )
    load_function(spec.train)(context)
    return Finished(out.getvalue(), context.model_file())


class Together:
    """The collective of hosts that are threads of one process."""

    def __init__(self, rank: int, barrier: threading.Barrier, table: list[Any]) -> None:
        self.rank, self.size = rank, barrier.parties
        self._barrier, self._table = barrier, table

    def gather(self, value):
        self._table[self.rank] = value
        self._barrier.wait()
        found = list(self._table)
        self._barrier.wait()
        return found

    def sum(self, array):
        return sum(self.gather(array))

    def broadcast(self, value):
        return self.gather(value)[0]


def on_hosts(count: int, work: Callable[[Together], Any]) -> list[Any]:
    """What work(collective) gives on every host; a host that fails takes the others with it."""
    barrier, table = threading.Barrier(count, timeout=60), [None] * count

    def alone(rank: int) -> Any:
        try:
            return work(Together(rank, barrier, table))
        except BaseException:
            barrier.abort()
            raise

    with ThreadPoolExecutor(count) as pool:
        futures = [pool.submit(alone, rank) for rank in range(count)]
    failures = [future.exception() for future in futures]
    own = [one for one in failures if one and not isinstance(one, threading.BrokenBarrierError)]
    if own:
        raise own[0]
    return [future.result() for future in futures]
