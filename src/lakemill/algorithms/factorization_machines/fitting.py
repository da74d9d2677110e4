"""The passes of a training over its channel, by either solver: on several hosts, with checkpoints, until stopped."""

import abc
import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

from lakemill.algorithms import training
from lakemill.algorithms.contract import TrainingContext
from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.factorization_machines import records
from lakemill.algorithms.factorization_machines.adam import AdamState
from lakemill.algorithms.factorization_machines.kalman import KalmanState
from lakemill.algorithms.factorization_machines.records import Chunk
from lakemill.algorithms.factorization_machines.report import Report
from lakemill.algorithms.factorization_machines.sweeps import Place, Sweeps

BLOCK_ROWS = 2000
"""Records read at a time, at least, where they are not batches."""


class Passes(abc.ABC):
    """All epochs over one host's share of the train channel.

    A subclass has a state, says what it reads (chunks) and takes one in (take), which on several hosts is a collective
    call: a host that has no more records takes an empty chunk in.
    """

    state: Any

    def __init__(self, context: TrainingContext) -> None:
        self._context, self._settings = context, context.hyperparameters
        self._hosts = context.collective
        self._dim, self._type = self._settings["feature_dim"], self._settings["predictor_type"]
        self._place = Place()
        self.report = Report(context)

    def run(self) -> None:
        """Read until the end, or until the job is stopped."""
        self._resume()
        while self._place.epoch < self._settings["epochs"]:
            if self._stopped_in_pass():
                return self.report.stopped()
            self._end_pass()
            self.report.end_epoch(self._place.epoch)
            self._place = Place(self._place.epoch + 1)
            self._save()

    def _stopped_in_pass(self) -> bool:
        chunks = self._chunks()
        chunk = next(chunks, None)
        if not training.any_host(self._hosts, chunk is not None or self._place.chunks > 0):
            raise CustomerError("The train channel holds no records")
        while training.any_host(self._hosts, chunk is not None):
            self._take(chunk or records.nothing(self._dim))
            self._place.chunks += 1
            self._place.blocks += chunk.blocks if chunk else 0
            if training.stop_together(self._context):
                return True
            if self._context.checkpoints.due():
                self._save()
            chunk = next(chunks, None)
        return False

    @abc.abstractmethod
    def _chunks(self) -> Iterator[Chunk]:
        """What is left of this epoch's pass."""

    @abc.abstractmethod
    def _take(self, chunk: Chunk) -> None: ...

    @abc.abstractmethod
    def _end_pass(self) -> None: ...

    def _blocks(self, rows: int) -> Iterator[Any]:
        return training.rest(self._context.channels["train"].blocks(rows), self._place.blocks)

    def _check(self, block: Any) -> tuple[Any, np.ndarray]:
        return records.checked(block, self._dim, self._type)

    def _save(self) -> None:
        arrays = {name: getattr(self.state, name) for name in self.state.ARRAYS}
        facts: dict[str, Any] = {"solver": type(self.state).__name__, "place": dataclasses.asdict(self._place)}
        facts |= {"tally": self.report.tally.sums.tolist(), "seen": self.report.seen}
        step = (self._place.epoch << 24) + self._place.chunks
        training.save(self._context, step, {**arrays, **self._more_arrays()}, facts)

    def _resume(self) -> None:
        saved = training.resumed(self._context)
        if saved is None:
            return
        if saved.facts["solver"] != type(self.state).__name__:
            raise CustomerError(
                "The checkpoint is of a training by the other solver: give the same hyperparameters, also those that "
                "are as by default, or another checkpoint S3Uri"
            )
        for name in self.state.ARRAYS:
            setattr(self.state, name, saved.arrays[name])
        self._place = Place(**saved.facts["place"])
        self.report.tally.sums[:], self.report.seen = saved.facts["tally"], saved.facts["seen"]
        self._restore(saved.arrays)

    def _more_arrays(self) -> dict[str, np.ndarray]:
        return {}

    def _restore(self, arrays: dict[str, np.ndarray]) -> None:
        return None


class AdamPasses(Passes):
    """A batch is a step, in the order of the channel."""

    state: AdamState

    def __init__(self, context: TrainingContext, state: AdamState) -> None:
        super().__init__(context)
        self.state = state

    def _chunks(self) -> Iterator[Chunk]:
        for block in self._blocks(self._settings["mini_batch_size"]):
            yield Chunk(*self._check(block))

    def _take(self, chunk: Chunk) -> None:
        margins = self.state.update(chunk.features, chunk.labels)
        self.report.add(self._place.epoch, margins, chunk.labels)

    def _end_pass(self) -> None:
        return None


class KalmanPasses(Passes):
    """Chunks in a random order; a channel that is a single chunk is read once."""

    state: KalmanState

    def __init__(self, context: TrainingContext, state: KalmanState, seed: int = 0) -> None:
        super().__init__(context)
        self.state = state
        batch = self._settings["mini_batch_size"]
        self._sweeps = Sweeps(state, self._settings["epochs"], seed, hosts=self._hosts, batch=batch)
        self._kept: Chunk | None = None

    def _chunks(self) -> Iterator[Chunk]:
        if self._kept is not None:
            if not self._place.chunks:
                yield self._kept
            return
        only, blocks = None, self._blocks(max(BLOCK_ROWS, self._settings["mini_batch_size"]))
        for number, chunk in enumerate(records.chunks(blocks, self._check), start=self._place.chunks):
            mixed = self._sweeps.shuffled(chunk, number)
            only = mixed if number == 0 else None
            yield mixed
        self._kept = only

    def _take(self, chunk: Chunk) -> None:
        for margins, labels in self._sweeps.take(chunk, self._place):
            self.report.add(self._place.epoch, margins, labels)

    def _end_pass(self) -> None:
        self._sweeps.end_pass(self._place)

    def _more_arrays(self) -> dict[str, np.ndarray]:
        return self._sweeps.arrays()

    def _restore(self, arrays: dict[str, np.ndarray]) -> None:
        self._sweeps.restore(arrays)
