"""The events of a training: gathered once, then read in another order in every epoch.

Pairs are 8 bytes each. They lie in a file without a name that is mapped into memory, so that a training of any length
takes as much memory as the machine has to spare, and no more. Shuffling is by chunk and then within a pool of chunks.
"""

import tempfile
from collections.abc import Iterable, Iterator

import numpy as np

from lakemill.algorithms.ipinsights.text import Pairs

CHUNK, POOL = 1 << 10, 1 << 20
_PAIR = np.dtype([("entity", np.int32), ("address", np.uint32)])


class Events:
    """n pairs, (n,) of two integers."""

    def __init__(self, pairs: np.ndarray) -> None:
        self._pairs = pairs

    @classmethod
    def gather(cls, pieces: Iterable[Pairs]) -> "Events":
        """All pairs of an iteration, on disk."""
        with tempfile.TemporaryFile() as file:
            count = 0
            for piece in pieces:
                file.write(_joined(piece).tobytes())
                count += len(piece)
            file.flush()
            return cls(np.memmap(file, _PAIR, "r", shape=(count,)) if count else np.empty(0, _PAIR))

    @classmethod
    def of(cls, pairs: Pairs) -> "Events":
        """Pairs that are in memory already."""
        return cls(_joined(pairs))

    def __len__(self) -> int:
        return len(self._pairs)

    def pieces(self) -> Iterator[Pairs]:
        """The pairs in their own order."""
        for start in range(0, len(self._pairs), POOL):
            yield _split(self._pairs[start : start + POOL])

    def batches(self, size: int, random: np.random.Generator, skipped: int = 0) -> Iterator[Pairs]:
        """The pairs in an order that random chooses, `size` at a time (the last may be fewer), after the first ones."""
        left = np.empty(0, _PAIR)
        for pool in self._pools(max(POOL, size), random):
            pool = np.concatenate([left, pool])
            whole = len(pool) // size * size
            for start in range(0, whole, size):
                if skipped:
                    skipped -= 1
                else:
                    yield _split(pool[start : start + size])
            left = pool[whole:]
        if len(left) and not skipped:
            yield _split(left)

    def _pools(self, size: int, random: np.random.Generator) -> Iterator[np.ndarray]:
        chunks = random.permutation(-(-len(self._pairs) // CHUNK))
        for start in range(0, len(chunks), size // CHUNK):
            these = chunks[start : start + size // CHUNK]
            pool = np.concatenate([self._pairs[chunk * CHUNK : (chunk + 1) * CHUNK] for chunk in these])
            yield random.permutation(pool)


def _joined(pairs: Pairs) -> np.ndarray:
    joined = np.empty(len(pairs), _PAIR)
    joined["entity"], joined["address"] = pairs.entities, pairs.addresses
    return joined


def _split(pairs: np.ndarray) -> Pairs:
    return Pairs(np.ascontiguousarray(pairs["entity"]), np.ascontiguousarray(pairs["address"]))
