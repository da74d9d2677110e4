"""Training records as the optimisers see them: scaled, checked, by the chunk, as often as wanted.

`MemoryData` holds everything; `StreamData` reads a channel again for every pass. Either knows the hosts that have the
other shards: sums over records are sums over hosts, and each host has at least an empty shard.
"""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp

from lakemill.algorithms.contract import Collective
from lakemill.algorithms.linear_learner.hosts import ALONE, summed
from lakemill.algorithms.linear_learner.scaler import Scaler

DENSE_CHUNK_VALUES = 1 << 18
"""A dense chunk of 1 MiB in single precision stays in the second-level cache between its two products."""
SPARSE_CHUNK_ROWS = 1 << 15


@dataclasses.dataclass
class Chunk:
    """features (b, d) ndarray or CSR; targets (b,); weights (b,) or None."""

    features: Any
    targets: np.ndarray
    weights: np.ndarray | None = None

    def __len__(self) -> int:
        return self.features.shape[0]

    @property
    def mass(self) -> float:
        """What the records count: their number, or the sum of their weights."""
        return float(len(self)) if self.weights is None else float(self.weights.sum(dtype=np.float64))


class MemoryData:
    """Scaled records in memory: this host's shard."""

    in_memory = True

    def __init__(
        self, features: Any, targets: np.ndarray, weights: np.ndarray | None = None, hosts: Collective = ALONE
    ) -> None:
        self.features = features
        self.targets = targets
        self.weights = weights
        self.hosts = hosts
        self._chunks: list[Chunk] | None = None

    @property
    def dim(self) -> int:
        return self.features.shape[1]

    @property
    def dtype(self) -> np.dtype:
        return self.features.dtype

    @property
    def sparse(self) -> bool:
        return sp.issparse(self.features)

    def records(self) -> int:
        """How many there are on all hosts."""
        return int(summed(self.hosts, len(self.targets))[0])

    def class_counts(self, classes: int) -> np.ndarray:
        """How often each class occurs, (classes,), on all hosts."""
        return summed(self.hosts, np.bincount(self.targets.astype(np.intp), minlength=classes))[0]

    def with_class_weights(self, table: np.ndarray) -> "MemoryData":
        """The same records, each weighted by its class: table (classes,)."""
        weights = table[self.targets.astype(np.intp)].astype(self.dtype)
        weights = weights if self.weights is None else weights * self.weights
        return MemoryData(self.features, self.targets, weights, self.hosts)

    def chunks(self, skip: int = 0) -> Iterator[Chunk]:
        """All records in order, in pieces that suit the cache, after the first `skip` pieces."""
        if self._chunks is None:
            rows = SPARSE_CHUNK_ROWS if sp.issparse(self.features) else max(256, DENSE_CHUNK_VALUES // max(1, self.dim))
            starts = range(0, len(self.targets), rows)
            self._chunks = [self._take(slice(start, start + rows)) for start in starts]
        return iter(self._chunks[skip:])

    def batches(self, size: int, rng: np.random.Generator | None = None, skip: int = 0) -> Iterator[Chunk]:
        """Mini batches of `size` records, shuffled if a generator is given, after the first `skip` batches."""
        order = None if rng is None else rng.permutation(len(self.targets))
        for start in range(skip * size, len(self.targets), size):
            rows = slice(start, start + size)
            yield self._take(rows if order is None else order[rows])

    def sample(self, rows: int) -> "MemoryData":
        """About `rows` records of each host, evenly spaced."""
        step = max(1, len(self.targets) // max(1, rows))
        if step == 1:
            return self
        one = self._take(slice(None, None, step))
        features = one.features if sp.issparse(one.features) else np.ascontiguousarray(one.features)
        return MemoryData(features, np.ascontiguousarray(one.targets), one.weights, self.hosts)

    def split(self, fraction: float, seed: int) -> tuple["MemoryData", "MemoryData"]:
        """The records without a random `fraction` of them, and those; both in the original order."""
        order = np.random.default_rng(seed).permutation(len(self.targets))
        size = max(0, min(max(1, round(fraction * len(order))), len(order) - 1))
        pieces = (self._take(np.sort(order[size:])), self._take(np.sort(order[:size])))
        kept, out = (MemoryData(one.features, one.targets, one.weights, self.hosts) for one in pieces)
        return kept, out

    def _take(self, rows: Any) -> Chunk:
        weights = None if self.weights is None else self.weights[rows]
        return Chunk(self.features[rows], self.targets[rows], weights)


class StreamData:
    """A channel too large for memory: read anew for each pass.

    blocks: (rows, skip) -> the channel's records, checked, in blocks of that many rows but the first `skip`,
    as (features, targets). head: the first records, already scaled.
    """

    in_memory = False

    def __init__(
        self, blocks: Callable[[int, int], Iterator[tuple[Any, np.ndarray]]], scaler: Scaler, head: MemoryData
    ) -> None:
        self._blocks = blocks
        self._scaler = scaler
        self._head = head
        self._class_weights: np.ndarray | None = None
        self.hosts = head.hosts

    @property
    def dim(self) -> int:
        return self._head.dim

    @property
    def dtype(self) -> np.dtype:
        return self._head.dtype

    @property
    def sparse(self) -> bool:
        return self._head.sparse

    def records(self) -> int:
        """How many the heads of all hosts hold."""
        return self._head.records()

    def class_counts(self, classes: int) -> np.ndarray:
        """How often each class occurs among the first records, (classes,)."""
        return self._head.class_counts(classes)

    def with_class_weights(self, table: np.ndarray) -> "StreamData":
        other = StreamData(self._blocks, self._scaler, self._head.with_class_weights(table))
        other._class_weights = table.astype(self.dtype)
        return other

    def chunks(self, skip: int = 0) -> Iterator[Chunk]:
        """All records in order, in pieces of a few megabytes, after the first `skip` pieces."""
        size = self._head.features.nnz / max(1, len(self._head.targets)) if self.sparse else self.dim
        return self.batches(max(256, int(4 * DENSE_CHUNK_VALUES / max(1, size))), skip=skip)

    def batches(self, size: int, rng: np.random.Generator | None = None, skip: int = 0) -> Iterator[Chunk]:
        """Mini batches in the channel's order; a stream cannot be shuffled."""
        for features, targets in self._blocks(size, skip):
            table = self._class_weights
            weights = None if table is None else table[targets.astype(np.intp)]
            yield Chunk(self._scaler.features(features), self._scaler.targets(targets), weights)

    def sample(self, rows: int) -> MemoryData:
        """About `rows` of the first records of each host."""
        return self._head.sample(rows)
