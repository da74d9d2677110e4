"""Passes of the Kalman solver over chunks of records: their order, records held back, hosts that exchange."""

import dataclasses
from collections.abc import Iterator, Mapping

import numpy as np
import scipy.sparse

from lakemill.algorithms.contract import Collective, SingleHost
from lakemill.algorithms.factorization_machines.hosts import Snapshot, exchange
from lakemill.algorithms.factorization_machines.kalman import KalmanState, steps
from lakemill.algorithms.factorization_machines.records import Chunk, joined, nothing

TOGETHER = 32
"""Records that stay together when an order is drawn anew: so many are read from memory in one go."""
HELD_SHARE, HELD_MAX, HELD_FROM = 20, 20_000, 3
"""One of so many records is held back, and so many at most, in trainings of so many epochs or more."""
EXCHANGES, BATCHES_APART = 16, 8
"""Hosts exchange what they have learned so often in a chunk, and every so many batches..."""
VALUES_A_RECORD = 64
"""...but never so often that for a record more values than this are sent."""


@dataclasses.dataclass
class Place:
    """How far a training is: a checkpoint's facts."""

    epoch: int = 0
    chunks: int = 0
    """Of this epoch, like what follows."""
    blocks: int = 0
    held: int = 0


class Sweeps:
    """epochs passes that bring a state forward. Random orders come from the seed and the place, and from nothing else.

    hosts, batch: where there are several hosts, who they are, and the records of a batch.
    """

    def __init__(
        self, state: KalmanState, epochs: int, seed: int, *, hosts: Collective | None = None, batch: int = 1000
    ) -> None:
        self._state, self._seed, self._hosts, self._batch = state, seed, hosts or SingleHost(), batch
        self._steps = steps(epochs)
        self._holds = epochs >= HELD_FROM
        self._held: list[Chunk] = []

    def shuffled(self, chunk: Chunk, number: int) -> Chunk:
        """The rows of an epoch's number-th chunk in a random order, the same in every epoch, moved in memory."""
        order = self._random(1, number).permutation(len(chunk.labels))
        return dataclasses.replace(chunk, features=chunk.features[order], labels=chunk.labels[order])

    def take(self, chunk: Chunk, place: Place) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Take a shuffled chunk in; gives f before that and labels, part by part. A collective call."""
        state = self._state
        state.learn_scales(chunk.features)
        records = state.scaled(chunk.features)
        state.begin(records, chunk.labels)
        order = self._order(len(chunk.labels), self._hold(chunk, place), place)
        for part in self._parts(order):
            start = Snapshot.of(state) if self._hosts.size > 1 else None
            yield state.take(records, chunk.labels, part, self._steps[place.epoch]), chunk.labels[part]
            if start is not None:
                exchange(state, start, self._hosts)

    def end_pass(self, place: Place) -> None:
        """After an epoch's last chunk. A collective call."""
        if self._adapting(place):
            held = self._held_together()
            self._state.end_pass((self._state.scaled(held.features), held.labels))
        else:
            self._state.end_pass()

    def arrays(self) -> dict[str, np.ndarray]:
        """The records held back, for a checkpoint."""
        held = self._held_together()
        names = {"data": held.features.data, "indices": held.features.indices, "indptr": held.features.indptr}
        return {"held_labels": held.labels, **{f"held_{name}": array for name, array in names.items()}}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """What `arrays` gave."""
        parts = tuple(arrays[f"held_{name}"] for name in ("data", "indices", "indptr"))
        labels = arrays["held_labels"]
        self._held = [Chunk(scipy.sparse.csr_matrix(parts, (len(labels), len(self._state.linear))), labels)]

    def _random(self, *purpose: int) -> np.random.Generator:
        # The same on all hosts, so that hosts with the same records learn the same.
        return np.random.default_rng([self._seed, *purpose])

    def _hold(self, chunk: Chunk, place: Place) -> int:
        """How many records at the chunk's beginning are held back; their order is random already."""
        if not self._holds:
            return 0
        count = min(len(chunk.labels) // HELD_SHARE, HELD_MAX - place.held)
        place.held += count
        if place.epoch == 0 and count:
            self._held.append(Chunk(chunk.features[:count], chunk.labels[:count]))
        return count

    def _adapting(self, place: Place) -> bool:
        """Records are held back while steps are whole, and taken in like all others in the last passes."""
        return self._holds and self._steps[place.epoch] == 1

    def _order(self, count: int, held: int, place: Place) -> np.ndarray:
        first = held if self._adapting(place) else 0
        groups = np.arange(first // TOGETHER, -(-count // TOGETHER))
        self._random(2, place.epoch, place.chunks).shuffle(groups)
        order = (groups[:, None] * TOGETHER + np.arange(TOGETHER)).ravel()
        return order[(order >= first) & (order < count)]

    def _parts(self, order: np.ndarray) -> Iterator[np.ndarray]:
        """The order whole; on several hosts in as many parts as the host with most records needs."""
        if self._hosts.size == 1:
            yield order
            return
        most = max(self._hosts.gather(len(order)))
        wanted = max(EXCHANGES, most // (BATCHES_APART * self._batch))
        affordable = most * VALUES_A_RECORD // self._state.factors.size
        yield from np.array_split(order, max(1, min(wanted, affordable)))

    def _held_together(self) -> Chunk:
        return joined(self._held) if self._held else nothing(len(self._state.linear))
