"""An even sample of all records of all hosts, from one pass.

Every record gets a random key; the sample are the records of the smallest keys. So samples merge, and a sample does
not depend on the blocks that the records came in.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lakemill.algorithms.contract import Collective


class Sample:
    """size records, or all, of a stream of records of `width` features.

    >>> sample = Sample(2, 1, seed=0)
    >>> sample.update(np.float32([[1], [2], [3]]))
    >>> sample.seen, len(sample.points())
    (3, 2)
    """

    def __init__(self, size: int, width: int, seed: Any) -> None:
        self._size = size
        self._random = np.random.default_rng(seed)
        self._keys, self._points = np.empty(0), np.empty((0, width), np.float32)
        self._later: list[tuple[np.ndarray, np.ndarray]] = []
        self._waiting = 0
        self._limit = 1.0
        self.seen = 0

    def update(self, features: Any) -> None:
        """Take in a block, (n, width) float32 ndarray or csr_matrix; only what is kept is made dense."""
        keys = self._random.random(features.shape[0])
        self.seen += len(keys)
        chosen = np.flatnonzero(keys < self._limit)
        if not len(chosen):
            return
        rows = features[chosen]
        self._later.append((keys[chosen], rows if isinstance(rows, np.ndarray) else rows.toarray()))
        self._waiting += len(chosen)
        if len(self._keys) + self._waiting > self._size + max(self._size // 4, 1000):
            self._settle()

    def merge(self, collective: Collective) -> None:
        """Become the sample of all hosts' records, the same on every host. A collective call."""
        self._settle()
        if collective.size == 1:
            return
        self.seen = sum(collective.gather(self.seen))
        everyone = np.concatenate(collective.gather(self._keys))
        if len(everyone) > self._size:
            mine = self._keys < np.partition(everyone, self._size)[self._size]
            self._keys, self._points = self._keys[mine], self._points[mine]
        parts = collective.gather({"keys": self._keys, "points": self._points})
        self._keys = np.concatenate([part["keys"] for part in parts])
        self._points = np.concatenate([part["points"] for part in parts])

    def points(self) -> np.ndarray:
        """The sample, (m, width) float32, in random order."""
        self._settle()
        return self._points[np.argsort(self._keys)]

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """What `restore` needs: arrays and JSON-able facts."""
        self._settle()
        return {"keys": self._keys, "points": self._points}, {
            "seen": self.seen,
            "random": self._random.bit_generator.state,
        }

    def restore(self, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> None:
        self._keys, self._points, self.seen = arrays["keys"], arrays["points"], facts["seen"]
        self._random.bit_generator.state = facts["random"]
        self._settle()

    def _settle(self) -> None:
        """Keep the smallest keys of what has come."""
        keys = np.concatenate([self._keys, *(keys for keys, _ in self._later)])
        points = np.concatenate([self._points, *(points for _, points in self._later)])
        self._later, self._waiting = [], 0
        if len(keys) >= self._size:
            smallest = np.argpartition(keys, self._size - 1)[: self._size]
            keys, points = keys[smallest], points[smallest]
            self._limit = float(keys.max())
        self._keys, self._points = keys, points
