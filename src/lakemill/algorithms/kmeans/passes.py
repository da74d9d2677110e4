"""The passes of a training over its channel: batches into the state, checkpoints, and going on where a killed one was.

A checkpoint holds the K centres but not the sample, which may be a hundred times their size: the first pass is read
again when a training resumes, and the sample is drawn from it by the same keys.
"""

import dataclasses
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from lakemill.algorithms import training
from lakemill.algorithms.contract import TrainingContext
from lakemill.algorithms.kmeans.sample import SAMPLE_BYTES_MAX
from lakemill.algorithms.kmeans.streaming import CenterState
from lakemill.formats.block import Block

LOG_EVERY = 10


@dataclasses.dataclass
class Place:
    """How far the passes are: a checkpoint's facts."""

    epoch: int = 0
    blocks: int = 0
    """Batches of this epoch."""
    number: int = 0
    """Batches of all epochs."""
    average: float = 0.0
    """Mean over all batches of their mean squared distance to the K centres."""
    records: int = 0
    """Records of one pass, as far as it went."""

    def take(self, records: int, loss: float) -> None:
        self.average += (loss - self.average) / (self.number + 1)
        self.number += 1
        self.blocks += 1
        self.records += records if self.epoch == 0 else 0

    def next_epoch(self) -> None:
        self.epoch, self.blocks = self.epoch + 1, 0


class Passes:
    """All epochs over one host's share of the train channel; random is of this host alone."""

    def __init__(self, context: TrainingContext, n_centers: int, random: np.random.Generator) -> None:
        self._context, self._settings, self._log = context, context.hyperparameters, context.log
        self._n_centers = n_centers
        self._random = random
        self.place = Place()
        self.state: CenterState | None = None
        """None while no record was met: a host's share may be empty."""

    def run(self) -> None:
        """Read until the end, or until the job is stopped."""
        self._resume()
        began, before = time.perf_counter(), self.state.seen if self.state else 0
        self._log.info("number of center slices 1")
        while self.place.epoch < self._settings["epochs"]:
            for block in self._blocks():
                self._take(self._features(block))
                if self._context.stop_requested():
                    self._log.info("Stopping early, with the centers of what was read")
                    break
                if self._context.checkpoints.due():
                    self._save()
            if self._context.stop_requested():
                break
            self.place.next_epoch()
            self._save()
            self._log.progress(self.place.epoch / self._settings["epochs"])
        self._tell(time.perf_counter() - began, before)

    def _take(self, points: Any) -> None:
        place = self.place
        if self.state is None:
            self.state = self._begin(points)
        loss = self.state.update(points, keep=place.epoch == 0)
        if place.number % LOG_EVERY == 0:
            long_term = place.average + (loss - place.average) / (place.number + 1)
            self._log.info(f"Iter {place.number}: Short term msd {loss:.6f}. Long term msd {long_term:.6f}")
        place.take(points.shape[0], loss)

    def _begin(self, points: Any) -> CenterState:
        count, given = points.shape[0], self._settings["mini_batch_size"]
        if count < given:
            self._log.warning(
                f"Batch size {given} is bigger than the first batch data. "
                f"Effective batch size used to initialize is {count}"
            )
        return CenterState.begin(points, self._n_centers, self._settings["init_method"], **self._options())

    def _options(self) -> dict[str, Any]:
        half_life = self._settings["half_life_time_size"]
        return {"half_life": half_life, "random": self._random, "sample_bytes": SAMPLE_BYTES_MAX}

    def _resume(self) -> None:
        saved = training.resumed(self._context)
        if saved is None:
            return
        self.place = Place(**saved.facts["place"])
        if not saved.arrays:
            return
        self.state = CenterState.restored((saved.arrays, saved.facts["state"]), **self._options())
        if self.place.epoch > 0 and not self._settings["half_life_time_size"]:
            for block in self._channel_blocks():
                self._keep_again(block)

    def _save(self) -> None:
        place, alone = self.place, self._context.collective.size == 1
        arrays, kept = self.state.kept() if self.state else ({}, {})
        facts = {"place": dataclasses.asdict(place), "state": kept}
        # Hosts save at the ends of epochs only, and may by then have read different numbers of batches.
        training.save(self._context, place.epoch + place.number if alone else place.epoch, arrays, facts)

    def _blocks(self) -> Iterator[Block]:
        """What is left of this epoch's pass."""
        again = self._keep_again if self.place.epoch == 0 else None
        return training.rest(self._channel_blocks(), self.place.blocks, again)

    def _keep_again(self, block: Block) -> None:
        assert self.state is not None
        self.state.keep(self._features(block))

    def _channel_blocks(self) -> Iterator[Block]:
        """A pass in batches of mini_batch_size; the first must hold k, or there would be nothing to begin with."""
        return self._context.channels["train"].blocks(max(self._settings["mini_batch_size"], self._settings["k"]))

    def _features(self, block: Block) -> Any:
        return training.features(block, self._settings["feature_dim"], "k-means")

    def _tell(self, seconds: float, seen_before: int) -> None:
        seen = self.state.seen if self.state else 0
        self._log.info(f"processed a total of {seen} examples")
        self._log.metrics({"Total Records Seen": seen, "Total Batches Seen": self.place.number})
        self._log.throughput((seen - seen_before) / max(seconds, 1e-9))
