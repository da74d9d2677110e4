"""The readings of a training's channel: one, or in randomized mode three of data that can be read again."""

import dataclasses
import time
from typing import Any

from lakemill.algorithms import training
from lakemill.algorithms.contract import TrainingContext
from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.pca.hosts import join
from lakemill.algorithms.pca.sketch import PASSES, Sketch, drawn
from lakemill.algorithms.pca.states import Components, Moments, State

SEED = 0
READ_BYTES = 16 << 20
"""Records are read so many bytes at a time at least: small mini-batches make the same state, only slower."""


@dataclasses.dataclass
class Place:
    """How far the readings are: a checkpoint's facts."""

    passes: int = 0
    """Those that are done with."""
    blocks: int = 0
    """Blocks of the one that is going on."""
    total: int = 0
    """Blocks of all readings."""
    records: int = 0
    """Of a whole reading, on all hosts."""

    def take(self) -> None:
        self.blocks, self.total = self.blocks + 1, self.total + 1

    def next_pass(self, records: int) -> None:
        self.passes, self.blocks, self.records = self.passes + 1, 0, records


class Readings:
    """All readings of the train channel on one host, in step with the others."""

    def __init__(self, context: TrainingContext) -> None:
        self._context, self._settings, self._log = context, context.hyperparameters, context.log
        self._channel = context.channels["train"]
        regular = self._settings["algorithm_mode"] == "regular"
        self._passes = 1 if regular or self._channel.streamed else PASSES
        self._state = self._first_state(regular)
        self._place = Place()
        self._found: Components | None = None
        """What the last whole reading has found."""

    def run(self) -> Components:
        """The strongest components. Raises CustomerError if no host has records."""
        self._resume()
        began, read = time.perf_counter(), 0
        while True:
            read += self._pass()
            join(self._state, self._context.collective)
            if self._found is not None and self._state.count < self._place.records:
                break  # Stopped within a reading: the one before knows more.
            self._found = self._finalised()
            self._place.next_pass(self._state.count)
            if self._place.passes == self._passes or training.stop_together(self._context):
                break
            self._log.progress(self._place.passes / self._passes)
            self._state = Sketch(self._context.collective.broadcast(Sketch.through(self._found).directions))
            self._save()
        self._log.progress(1.0)
        self._log.metrics({"Total Records Seen": self._place.records})
        self._log.throughput(read / max(time.perf_counter() - began, 1e-9))
        return self._found.strongest(self._settings["num_components"])

    def _pass(self) -> int:
        """Take this host's records in, and tell how many."""
        before = self._state.count
        for block in training.rest(self._channel.blocks(rows(self._settings)), self._place.blocks):
            self._state.update(training.features(block, self._settings["feature_dim"], "PCA"))
            self._place.take()
            if self._context.stop_requested():
                self._log.info(f"Stopping early; {self._state.count} records were read")
                break
            if self._context.checkpoints.due():
                self._save()
        return self._state.count - before

    def _finalised(self) -> Components:
        """What all hosts' records give; in randomized mode as many components as there are directions."""
        if not self._state.count:
            raise CustomerError("The train channel holds no records")
        subtract_mean = self._settings["subtract_mean"]
        if isinstance(self._state, Sketch):
            return self._state.finalise_all(subtract_mean)
        return self._state.finalise(self._settings["num_components"], subtract_mean)

    def _first_state(self, regular: bool) -> State:
        settings = self._settings
        try:
            if regular:
                return Moments(settings["feature_dim"])
            extra, once = settings["extra_components"], self._channel.streamed
            return drawn(settings["feature_dim"], settings["num_components"], extra, SEED, once=once)
        except MemoryError as error:
            raise CustomerError(str(error)) from None

    def _save(self) -> None:
        arrays, facts = self._state.kept()
        if self._found is not None:  # Its vectors are the state's directions.
            arrays |= {"found mean": self._found.mean, "found values": self._found.values}
        alone = self._context.collective.size == 1
        step = self._place.total + self._place.passes if alone else self._place.passes
        training.save(self._context, step, arrays, {"state": facts, "place": dataclasses.asdict(self._place)})

    def _resume(self) -> None:
        saved = training.resumed(self._context)
        if saved is None:
            return
        self._place = Place(**saved.facts["place"])
        self._state.restore(saved.arrays, saved.facts["state"])
        if self._place.passes:
            arrays = saved.arrays
            self._found = Components(arrays["found mean"], arrays["directions"], arrays["found values"])


def rows(settings: dict[str, Any]) -> int:
    """How many records are read at a time."""
    return max(settings["mini_batch_size"], READ_BYTES // (4 * settings["feature_dim"]))
