"""An even random sample of a stream in bounded memory.

Source: Vitter, "Random sampling with a reservoir", ACM TOMS 11(1), 1985 (algorithm R), a block at a time.
"""

import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import psutil

from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.knn.vectors import Preparation
from lakemill.formats.block import Block

SPARE = 0.95
"""Share of the free memory that a sample may grow into."""


class Reservoir:
    """At most `size` records of those that went by, each of which is in it with the same probability.

    Parameters
    ----------
    size : int, at least 1
    prepare : Preparation
        Only what enters the sample is prepared.
    random : numpy Generator
    checked : bool
        Keep a checksum of all that went by.

    Examples
    --------
    >>> sample = Reservoir(2, Preparation(None, False, 1), np.random.default_rng(0))
    >>> sample.update(Block(np.float32([[1], [2], [3]]), np.float32([1, 2, 3])))
    >>> len(sample), sample.seen
    (2, 3)
    """

    def __init__(
        self,
        size: int,
        prepare: Preparation,
        random: np.random.Generator,
        checked: bool = False,
    ) -> None:
        self.size = size
        self.seen = 0
        self.checksum = 0
        self.prepare = prepare
        self._random = random
        self._checked = checked
        self._vectors = np.empty((0, prepare.width), np.float32)
        self._labels = np.empty(0, np.float32)

    def __len__(self) -> int:
        return min(self.seen, self.size)

    @property
    def vectors(self) -> np.ndarray:
        """(m, width) float32: a view, until the next update."""
        return self._vectors[: len(self)]

    @property
    def labels(self) -> np.ndarray:
        """(m,) float32."""
        return self._labels[: len(self)]

    def update(self, block: Block) -> None:
        """Take labelled records in. Raises CustomerError when memory is short."""
        n = len(block)
        assert block.labels is not None
        if self._checked:
            self._check(block)
        fresh = min(n, self.size - len(self))
        if fresh:
            self._grow(len(self) + fresh)
        # The record after `before` others takes a place in 0..before, and is dropped if there is no such place.
        before = np.arange(self.seen + fresh, self.seen + n)
        drawn = self._random.integers(0, before + 1)
        rows = np.concatenate([np.arange(fresh), fresh + np.flatnonzero(drawn < self.size)])
        places = np.concatenate([len(self) + np.arange(fresh), drawn[drawn < self.size]])
        # A later record drives an earlier one out of the same place.
        last = len(places) - 1 - np.unique(places[::-1], return_index=True)[1]
        if len(last):
            self._vectors[places[last]] = self.prepare(block.features[rows[last]])
            self._labels[places[last]] = block.labels[rows[last]]
        self.seen += n

    def draw(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """An even random part of the sample: vectors and labels of count records, in their order."""
        if count == len(self):
            return self.vectors, self.labels
        rows = np.sort(self._random.choice(len(self), count, replace=False))
        return self.vectors[rows], self.labels[rows]

    def kept(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Arrays and JSON-able facts of which `restore` makes the same state."""
        facts = {"seen": self.seen, "checksum": self.checksum, "random": self._random.bit_generator.state}
        return {"vectors": self.vectors, "labels": self.labels}, facts

    def restore(self, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> None:
        self._vectors, self._labels = np.array(arrays["vectors"], order="C"), np.array(arrays["labels"])
        self.seen, self.checksum = facts["seen"], facts["checksum"]
        self._random.bit_generator.state = facts["random"]

    def _grow(self, needed: int) -> None:
        """Room for so many records: doubled, at most `size`, in place where the system can."""
        if needed <= len(self._vectors):
            return
        width, free = self._vectors.shape[1], SPARE * psutil.virtual_memory().available
        doubled = min(self.size, max(needed, 2 * len(self._vectors)))
        room = next((rows for rows in (doubled, needed) if 4 * width * (rows - len(self._vectors)) <= free), None)
        if room is None:
            raise CustomerError(
                f"A sample of {needed} records with {width} numbers takes {4 * width * needed / 1e9:.1f} GB, and only "
                f"{free / 1e9:.1f} GB more can be had; lower sample_size, or set dimension_reduction_type and "
                "dimension_reduction_target"
            )
        if not self._vectors.flags.owndata:  # Unpickled out of another's buffer.
            self._vectors, self._labels = self._vectors.copy(), self._labels.copy()
        self._vectors.resize((room, width), refcheck=False)
        self._labels.resize(room, refcheck=False)

    def _check(self, block: Block) -> None:
        features = block.features
        arrays = [features] if isinstance(features, np.ndarray) else [features.data, features.indices, features.indptr]
        for array in (*arrays, block.labels):
            self.checksum = zlib.crc32(np.ascontiguousarray(array).data, self.checksum)
