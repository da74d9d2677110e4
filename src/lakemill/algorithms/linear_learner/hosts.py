"""Sums over the hosts of a job, and an even sample of a stream of which nobody knows how long it is."""

from typing import Any

import numpy as np

from lakemill.algorithms.contract import Collective, SingleHost

ALONE = SingleHost()


def summed(hosts: Collective, *parts: Any) -> list[np.ndarray]:
    """Each of several arrays or numbers summed over the hosts, in one exchange, as float64. A collective call.

    >>> summed(ALONE, [1, 2], 3.0)
    [array([1., 2.]), array(3.)]
    """
    arrays = [np.asarray(part, np.float64) for part in parts]
    if hosts.size == 1:
        return arrays
    flat = hosts.sum(np.concatenate([array.ravel() for array in arrays]))
    ends = np.cumsum([array.size for array in arrays])[:-1]
    return [part.reshape(array.shape) for part, array in zip(np.split(flat, ends), arrays, strict=True)]


def median(hosts: Collective, values: np.ndarray) -> float:
    """The median of one host's values; of several hosts' the weighted median of their medians. A collective call."""
    found = hosts.gather((float(np.median(values)) if len(values) else 0.0, len(values)))
    middles, counts = (np.array(column) for column in zip(*sorted(found), strict=True))
    return float(middles[np.searchsorted(np.cumsum(counts), counts.sum() / 2)])


class Spaced:
    """Every record, every second, every fourth ...: at most `limit` of them, evenly spaced, in order.

    >>> kept = Spaced(3)
    >>> kept.add(np.arange(5))
    >>> kept.add(np.arange(5, 9))
    >>> kept.gathered(ALONE)[0].tolist()
    [0, 4, 8]
    """

    def __init__(self, limit: int) -> None:
        self._limit = max(1, limit)
        self._step = 1
        self._seen = self._kept = 0
        self._parts: list[list[np.ndarray]] = []

    def add(self, *columns: np.ndarray) -> None:
        """Take records in: arrays of equal length, the same ones each time; they are copied."""
        part = [column[-self._seen % self._step :: self._step].copy() for column in columns]
        self._seen += len(columns[0])
        self._kept += len(part[0])
        self._parts.append(part)
        while self._kept > self._limit:
            self._parts = [[column[::2].copy() for column in self._columns()]]
            self._kept, self._step = len(self._parts[0][0]), 2 * self._step

    def gathered(self, hosts: Collective) -> list[np.ndarray]:
        """The columns of all hosts, equally dense. A collective call; at least one host has records."""
        found = hosts.gather((self._step, self._columns() if self._kept else []))
        widest = max(step for step, _ in found)
        thinned = [[column[:: widest // step] for column in columns] for step, columns in found if columns]
        return [np.concatenate(column) for column in zip(*thinned, strict=True)]

    def _columns(self) -> list[np.ndarray]:
        return [np.concatenate(column) for column in zip(*self._parts, strict=True)]
