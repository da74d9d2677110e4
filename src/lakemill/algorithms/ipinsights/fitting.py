"""An epoch, on one host or on several.

What a batch holds and which negatives it gets follows from the seed, the host, the epoch and the batch's number alone,
so a training can go on behind any batch. Several hosts learn apart from each other for a part of an epoch and then make
one model of what each has moved, row by row.
"""

from collections.abc import Iterator

import numpy as np

from lakemill.algorithms.contract import Collective
from lakemill.algorithms.ipinsights.events import Events
from lakemill.algorithms.ipinsights.trainer import Tally, Trainer
from lakemill.algorithms.training import totals

PARTS = 8
"""Times in an epoch that several hosts make one model of theirs."""


def steps(
    trainer: Trainer, events: Events, epoch: int, *, seed: int, host: int = 0, skipped: int = 0
) -> Iterator[Tally]:
    """Learn from the events of an epoch behind its first `skipped` batches; yields behind each batch."""
    size = trainer.settings.step_size
    count = -(-len(events) // size)
    order = np.random.default_rng([seed, host, epoch, 0])
    for number, pairs in enumerate(events.batches(size, order, skipped), skipped):
        random = np.random.default_rng([seed, host, epoch, number + 1])
        progress = (epoch + number / count) / trainer.settings.epochs
        yield trainer.step(pairs.entities, pairs.addresses, progress, random)


class Merger:
    """Makes one model of several hosts' trainers. All hosts call `merge` at the same points of their epochs."""

    def __init__(self, collective: Collective, trainer: Trainer) -> None:
        self._collective, self._trainer = collective, trainer
        self._steps = trainer.steps
        self._entities = trainer.entities.weights.copy()
        self._tables = {name: table.weights.copy() for name, table in trainer.tables()}

    def merge(self) -> None:
        """Every row becomes what it was and the mean of what the hosts that moved it have moved."""
        trainer, stepped = self._trainer, self._trainer.steps > self._steps
        for name, table in trainer.tables():
            moved = table.weights - self._tables[name]
            hosts = self._collective.sum(np.any(moved != 0, axis=1).astype(np.float32))
            moved = self._collective.sum(moved) / np.maximum(hosts, 1)[:, None]
            table.weights[:] = self._tables[name] + moved
            self._tables[name][:] = table.weights
        rows = np.flatnonzero(trainer.recent).astype(np.int32)
        found = self._collective.gather((rows, trainer.entities.weights[rows] - self._entities[rows]))
        self._merge_entities(found)
        trainer.recent[:] = False
        # The bias of the moments is that of the host that has taken most steps.
        trainer.steps = max(self._collective.gather(trainer.steps if stepped else self._steps))
        self._steps = trainer.steps

    def _merge_entities(self, found: list[tuple[np.ndarray, np.ndarray]]) -> None:
        rows, places = np.unique(np.concatenate([rows for rows, _ in found]), return_inverse=True)
        moved = np.zeros((len(rows), self._entities.shape[1]), np.float32)
        start = 0
        for those, moves in found:
            moved[places[start : start + len(those)]] += moves
            start += len(those)
        moved /= np.bincount(places, minlength=len(rows)).astype(np.float32)[:, None]
        self._entities[rows] += moved
        self._trainer.entities.weights[rows] = self._entities[rows]
        self._trainer.met[rows] = True


def joined(collective: Collective, tally: Tally) -> Tally:
    """The tally of all hosts. A collective call."""
    loss, right, pairs = totals(collective, [tally.loss, tally.right, tally.pairs])
    return Tally(float(loss), int(right), int(pairs))
