"""Sums over records from which the metrics in the log are made; the sums of several hosts add up."""

from collections.abc import Iterator

import numpy as np

from lakemill.algorithms.factorization_machines.spec import BINARY

HUGE = 1e30
"""What infinity counts, in the metrics of a training that diverges."""


class Tally:
    """Sums over records that were scored.

    >>> tally = Tally("regressor")
    >>> tally.add(np.float32([1, 2]), np.float32([1, 4]))
    >>> list(tally.metrics())[0]
    ('rmse', 1.4142135623730951, 'loss')
    """

    def __init__(self, predictor_type: str) -> None:
        self._binary = predictor_type == BINARY
        self.sums = np.zeros(5 if self._binary else 3)

    @property
    def records(self) -> int:
        return int(self.sums[0])

    def add(self, margins: np.ndarray, labels: np.ndarray) -> None:
        """Take records in: f (n,) and labels (n,), of 0 and 1 for a classifier."""
        margins = np.nan_to_num(margins.astype(np.float64), nan=0.0, posinf=HUGE, neginf=-HUGE)
        if not self._binary:
            errors = margins - labels
            self.sums += [len(labels), errors @ errors, np.abs(errors).sum()]
            return
        said, true = margins >= 0, labels > 0.5
        losses = np.logaddexp(0, margins) - margins * true
        self.sums += [len(labels), losses.sum(), (said & true).sum(), said.sum(), true.sum()]

    def metrics(self) -> Iterator[tuple[str, float, str]]:
        """Name, value, and whether it is a loss or a score; at least one record is there."""
        if not self._binary:
            count, squares, absolute = self.sums
            yield "rmse", float(np.sqrt(squares / count)), "loss"
            yield "mse", float(squares / count), "loss"
            yield "absolute_loss", float(absolute / count), "loss"
            return
        count, losses, both, said, true = self.sums
        yield "binary_classification_accuracy", float((count - said - true + 2 * both) / count), "score"
        yield "binary_classification_cross_entropy", float(losses / count), "loss"
        yield "binary_f_1.000", float(2 * both / (said + true)) if said + true else 0.0, "score"
