"""Training: lines of entities and addresses in, `model_algo-1` out, with the log lines of the built-in."""

import time
from collections.abc import Iterator

import numpy as np

from lakemill.algorithms.contract import Dataset, TrainingContext
from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.ipinsights.discrimination import Discrimination
from lakemill.algorithms.ipinsights.events import Events
from lakemill.algorithms.ipinsights.fitting import PARTS, Merger, joined, steps
from lakemill.algorithms.ipinsights.prefixes import PrefixCounts, PrefixTree
from lakemill.algorithms.ipinsights.text import Pairs, iter_csv
from lakemill.algorithms.ipinsights.trainer import Settings, Tally, Trainer
from lakemill.algorithms.training import resumed, save, stop_together

SEED = 0
ACCURACY, ENTROPY = "binary_classification_accuracy", "binary_classification_cross_entropy"
TREE_BYTES_MAX = 256 << 20
"""Size of the prefixes' vectors; the rarest go where there would be more."""


def train(context: TrainingContext) -> None:
    """Fit and write the artifact. Raises CustomerError."""
    Training(context).run()


class Training:
    """One job."""

    def __init__(self, context: TrainingContext) -> None:
        given = context.hyperparameters
        self.context, self.log, self.collective = context, context.log, context.collective
        self.settings = Settings(**{name: given[name] for name in Settings.__dataclass_fields__})
        self.events = self._gather("train")
        self.validation = self._gather("validation") if "validation" in context.channels else None
        self._count()
        self.trainer = Trainer(self.settings, self._tree(), SEED)
        self.epoch, self.batch, self.tally = 0, 0, Tally()

    def run(self) -> None:
        """All epochs, or those until the job is stopped."""
        self._resume()
        merger = Merger(self.collective, self.trainer) if self.collective.size > 1 else None
        while self.epoch < self.settings.epochs:
            whole = self._epoch(merger)
            self._told(time.perf_counter() - self._began)
            if not whole:
                self.log.info("Stopping early, with what was learned up to now")
                break
            self.epoch, self.batch, self.tally = self.epoch + 1, 0, Tally()
            self._save()
        if self.collective.rank == 0:
            self.trainer.model().write(self.context.model_file())

    def _gather(self, name: str) -> Events:
        channel = self.context.channels[name]
        _check_parameters(name, channel)
        return Events.gather(iter_csv(channel.files, self.settings.num_entity_vectors))

    def _count(self) -> None:
        """Say what there is. Raises CustomerError if that is nothing."""
        for name, events in (("train", self.events), ("validation", self.validation)):
            if events is not None and not sum(self.collective.gather(len(events))):
                raise CustomerError(f"The {name} channel holds no records; it must hold lines `entity,IPv4 address`")
        self.log.info(f"Number of training events: {len(self.events)}")
        if self.settings.step_size < self.settings.mini_batch_size:
            self.log.warning(f"A mini-batch has too many pairs to hold: steps take {self.settings.step_size} events")

    def _tree(self) -> PrefixTree:
        """The prefixes that all hosts have seen."""
        counts = PrefixCounts()
        for piece in self.events.pieces():
            counts.add(piece.addresses)
        found = self.collective.gather((counts.length, counts.prefixes, counts.counts))
        whole = PrefixCounts()
        # Hosts that have read the same records (FullyReplicated) have counted the same events.
        same = all(np.array_equal(one, first) for other in found for one, first in zip(other, found[0], strict=True))
        for length, prefixes, seen in found[:1] if same else found:
            whole.merge(PrefixCounts.of(length, prefixes, seen))
        tree = whole.tree(max(1 << 16, TREE_BYTES_MAX // (4 * self.settings.vector_dim)))
        self.log.info(f"Number of address prefixes seen more than once: {len(tree) - 1}")
        return tree

    def _resume(self) -> None:
        saved = resumed(self.context)
        self._began = time.perf_counter()
        if saved is None:
            return
        if saved.facts["events"] != len(self.events):
            raise CustomerError(
                f"The checkpoint is of a training on {saved.facts['events']} events, and the train channel holds "
                f"{len(self.events)}; give the same data, or another checkpoint S3Uri"
            )
        self.trainer.restore(saved.arrays)
        self.epoch, self.batch = saved.facts["epoch"], saved.facts["batch"]
        self.tally = Tally(*saved.facts["tally"])

    def _save(self) -> None:
        number = self.epoch if self.collective.size > 1 else self.trainer.steps
        facts = {
            "events": len(self.events),
            "epoch": self.epoch,
            "batch": self.batch,
            "tally": [self.tally.loss, self.tally.right, self.tally.pairs],
        }
        save(self.context, number, self.trainer.state(), facts)

    def _epoch(self, merger: Merger | None) -> bool:
        """An epoch, or the rest of one; False if the job was stopped on the way."""
        self._began, self._since = time.perf_counter(), self.batch
        taken = steps(self.trainer, self.events, self.epoch, seed=SEED, host=self.collective.rank, skipped=self.batch)
        return self._together(taken, merger) if merger else self._alone(taken)

    def _alone(self, taken: Iterator[Tally]) -> bool:
        if self.context.stop_requested():
            return False
        for tally in taken:
            self._behind(tally)
            if self.context.checkpoints.due():
                self._save()
            if self.context.stop_requested():
                return False
        return True

    def _together(self, taken: Iterator[Tally], merger: Merger) -> bool:
        count = -(-len(self.events) // self.settings.step_size)
        for part in range(1, PARTS + 1):
            while self.batch < -(-count * part // PARTS):
                self._behind(next(taken))
            merger.merge()
            if stop_together(self.context):
                return False
        return True

    def _behind(self, tally: Tally) -> None:
        """Count a batch, and publish metrics when it is time."""
        self.tally.add(tally)
        number, every = self.batch, self.context.hyperparameters["batch_metrics_publish_interval"]
        if number % every == 0:
            self.log.quality(f"train {ACCURACY}", self.tally.accuracy, epoch=self.epoch, batch=number, kind="score")
            self.log.quality(f"train {ENTROPY}", self.tally.cross_entropy, epoch=self.epoch, batch=number)
            if number:
                speed = (number - self._since) * self.settings.step_size / (time.perf_counter() - self._began)
                self.log.info(
                    f"Epoch[{self.epoch}] Batch [{number}]\tSpeed: {speed:.2f} samples/sec\t"
                    f"{ACCURACY}={self.tally.accuracy:.6f}\t{ENTROPY}={self.tally.cross_entropy:.6f}"
                )
        self.batch += 1

    def _told(self, seconds: float) -> None:
        """The lines behind an epoch."""
        tally = joined(self.collective, self.tally)
        if tally.pairs:
            self.log.info(f"Epoch[{self.epoch}] Train-{ACCURACY}={tally.accuracy:.6f}")
            self.log.info(f"Epoch[{self.epoch}] Train-{ENTROPY}={tally.cross_entropy:.6f}")
            self.log.info(f"Epoch[{self.epoch}] Time cost={seconds:.3f}")
            self.log.quality(f"train {ACCURACY}", tally.accuracy, epoch=self.epoch, kind="score")
            self.log.quality(f"train {ENTROPY}", tally.cross_entropy, epoch=self.epoch)
        if self.validation is not None:
            area = self._validated(self.validation)
            self.log.quality("validation discriminator_auc", area, epoch=self.epoch, kind="score")

    def _validated(self, events: Events) -> float:
        """The AUC of events against the same entities with addresses drawn evenly from all. A collective call."""
        model, found = self.trainer.model(), Discrimination()
        random = np.random.default_rng([SEED, self.collective.rank, 1])
        for piece in events.pieces():
            drawn = Pairs(piece.entities, random.integers(0, 1 << 32, len(piece), np.uint32))
            for pairs, positive in ((piece, True), (drawn, False)):
                found.add(model.scores(pairs.entities, pairs.addresses), positive=positive)
        found.counts = self.collective.sum(found.counts)
        return found.area()


def _check_parameters(name: str, channel: Dataset) -> None:
    for parameter, value in channel.parameters.items():
        if (parameter, value) != ("label_size", "0") and not (
            parameter == "charset" and value.lower() in ("utf-8", "utf8", "us-ascii", "ascii")
        ):
            raise CustomerError(
                f"Content type text/csv;{parameter}={value} of channel {name} has no meaning for IP Insights, "
                "whose lines have an entity and an address and no label; say text/csv"
            )
