"""The log lines of a training: metrics of batches and epochs, and how far it is."""

import numpy as np

from lakemill.algorithms.contract import TrainingContext
from lakemill.algorithms.factorization_machines.metrics import Tally
from lakemill.algorithms.training import totals

NAME = "factorization-machines"


class Report:
    """Tallies f and labels of the records of an epoch, in the order in which they were taken in."""

    def __init__(self, context: TrainingContext) -> None:
        self._log, self._hosts = context.log, context.collective
        settings = context.hyperparameters
        self._type, self._batch = settings["predictor_type"], settings["mini_batch_size"]
        self._interval, self._epochs = settings["batch_metrics_publish_interval"], settings["epochs"]
        self.tally = Tally(self._type)
        self.seen = 0
        """Records of all epochs."""

    def add(self, epoch: int, margins: np.ndarray, labels: np.ndarray) -> None:
        """Take records in; a line for batch 0 and every interval-th batch that begins among them."""
        before, step = self.tally.records, self._batch * self._interval
        for start in range(-(-before // step) * step, before + len(labels), step):
            part = slice(start - before, start - before + self._batch)
            batch = Tally(self._type)
            batch.add(margins[part], labels[part])
            for name, value, kind in batch.metrics():
                self._log.quality(f"train {name}", value, epoch=epoch, batch=start // self._batch, kind=kind)
        self.tally.add(margins, labels)
        self.seen += len(labels)

    def end_epoch(self, epoch: int) -> None:
        """The epoch's metrics, over all hosts. A collective call."""
        self._publish(epoch)
        if epoch + 1 == self._epochs:
            self._publish(None)
        self._log.metrics({"Total Records Seen": self.seen}, {"Algorithm": NAME, "epoch": epoch})
        self._log.progress((epoch + 1) / self._epochs)
        self.tally = Tally(self._type)

    def stopped(self) -> None:
        """The metrics of what was read. A collective call."""
        self._log.info("Stopping early, with what was learned so far")
        self._publish(None)

    def _publish(self, epoch: int | None) -> None:
        together = Tally(self._type)
        together.sums += totals(self._hosts, self.tally.sums.tolist())
        for name, value, kind in together.metrics() if together.records else ():
            self._log.quality(f"train {name}", value, epoch=epoch, kind=kind)
