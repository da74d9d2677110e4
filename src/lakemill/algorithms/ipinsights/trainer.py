"""Learning: Adam on the cross entropy of pairs that were seen against pairs that were made up.

An entity's vector is a mean that all share plus its own row of a table, which begins as zeros: an entity that was never
seen is an average one. An address's vector comes from the encoder, over a prefix tree whose vectors begin at random.
Both towers work on what differs in a batch: the encoder runs once for each node, however many addresses have it.

Prefixes of the training are known by construction, those of tomorrow often are not. So that the shorter ones learn to
speak for them, an event forgets its prefix with the chance of 1 in the prefix's count (the share of such events whose
prefix no other event would have shown), and then perhaps the next shorter one.

Sources: AWS, "How IP Insights works"; Kingma and Ba, "Adam", ICLR 2015, with one second moment for a row as Gupta et
al. have it ("Training recommender systems at scale: communication-efficient model and data parallelism", KDD 2021).
"""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
from threadpoolctl import ThreadpoolController

from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.ipinsights import encoder, kernels
from lakemill.algorithms.ipinsights.model import Model
from lakemill.algorithms.ipinsights.prefixes import PrefixTree

START = 0.05
"""Deviation of the numbers that the shared vectors begin with."""
HELD = 0.3
"""The share of the training in which the learning rate stays as it is; then it falls evenly to 0."""
PAIRS_MAX = 1 << 24
"""Pairs of one step: a mini-batch with more is taken in several."""

CROSS_ENTROPY_MAX = 1e6
"""Beyond, squares of gradients leave the range of float32. Guessing costs 0.69."""


class Diverged(CustomerError, ValueError):
    """The numbers have grown out of all bounds."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """The hyperparameters that learning needs, by AWS's names."""

    num_entity_vectors: int
    vector_dim: int
    num_ip_encoder_layers: int
    random_negative_sampling_rate: int
    shuffled_negative_sampling_rate: int
    learning_rate: float
    weight_decay: float
    mini_batch_size: int
    epochs: int

    @property
    def step_size(self) -> int:
        """Events of a step: a mini-batch, unless its pairs are too many to hold."""
        pairs = 1 + self.random_negative_sampling_rate + self.shuffled_negative_sampling_rate
        return max(1, min(self.mini_batch_size, PAIRS_MAX // pairs))


@dataclasses.dataclass
class Tally:
    """Sums over pairs: the cross entropy, how many were told apart rightly, how many there were."""

    loss: float = 0.0
    right: int = 0
    pairs: int = 0

    def add(self, other: "Tally") -> None:
        self.loss += other.loss
        self.right += other.right
        self.pairs += other.pairs

    @property
    def cross_entropy(self) -> float:
        return self.loss / max(self.pairs, 1)

    @property
    def accuracy(self) -> float:
        return self.right / max(self.pairs, 1)


class Table:
    """Weights (n, d) with Adam's moments, stepped by the row."""

    def __init__(self, weights: np.ndarray) -> None:
        self.weights = weights
        self.means = np.zeros_like(weights)
        self.squares = np.zeros(len(weights), np.float32)

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return self.weights, self.means, self.squares


class Trainer:
    """The state of a training. See the module."""

    def __init__(self, settings: Settings, tree: PrefixTree, seed: int) -> None:
        random = np.random.default_rng(seed)
        width = settings.vector_dim

        def drawn(count: int) -> np.ndarray:
            return random.standard_normal((count, width), np.float32) * np.float32(START)

        self.settings, self.tree, self.steps = settings, tree, 0
        self.entities = Table(np.zeros((settings.num_entity_vectors, width), np.float32))
        self.met, self.recent = (np.zeros(settings.num_entity_vectors, bool) for _ in range(2))
        self.shared = Table(drawn(1))
        self.prefixes = Table(drawn(len(tree)))
        self.layers = [
            (Table(np.zeros((width, width), np.float32)), Table(np.zeros((1, width), np.float32)))
            for _ in range(settings.num_ip_encoder_layers)
        ]
        self._halves = tree.halves()
        self._threads = ThreadpoolController()
        self._entity_numbers = np.full(settings.num_entity_vectors, -1, np.int32)
        self._node_numbers = np.full(len(tree), -1, np.int32)

    def step(self, entities: np.ndarray, addresses: np.ndarray, progress: float, random: np.random.Generator) -> Tally:
        """Learn from n events. progress: the share of the training that is over, from 0 to 1. Raises Diverged."""
        # The products are so small that threads lose more by waiting for each other than they win. An overflow is said
        # by Diverged.
        with self._threads.limit(limits=1, user_api="blas"), np.errstate(over="ignore", invalid="ignore"):
            return self._step(entities, addresses, progress, random)

    def _step(self, entities: np.ndarray, addresses: np.ndarray, progress: float, random: np.random.Generator) -> Tally:
        rate, n = self.settings.random_negative_sampling_rate, len(entities)
        nodes = self._nodes(addresses)
        kernels.forget(nodes, self.tree.parents, self.tree.counts, random.random(n))
        drawn = self._nodes(random.integers(0, 1 << 32, n * rate, np.uint32))
        shuffled = self.settings.shuffled_negative_sampling_rate if n > 1 else 0
        shifts = random.integers(1, max(n, 2), shuffled)

        nodes_met, node_places = _numbered(np.concatenate([nodes, drawn]), self._node_numbers)
        rows, row_places = _numbered(entities, self._entity_numbers)
        sums = np.empty((len(nodes_met), self.settings.vector_dim), np.float32)
        kernels.path_sums(nodes_met, self.tree.parents, self.prefixes.weights, sums)
        layers = [(weights.weights, bias.weights) for weights, bias in self.layers]
        v = encoder.forward(sums, layers)
        e = self.entities.weights[rows] + self.shared.weights
        e_gradients, v_gradients = np.zeros_like(e), np.zeros_like(v)
        tally = Tally(
            *kernels.pairs(
                row_places, node_places[:n], node_places[n:].reshape(n, rate), shifts, e, v, e_gradients, v_gradients,
                np.float32(1 / n),
            )
        )  # fmt: skip
        if not tally.cross_entropy < CROSS_ENTROPY_MAX:
            raise Diverged("The training diverged; give a smaller learning_rate")
        s_gradients, layer_gradients = encoder.backward(sums, v_gradients, layers)

        self.steps += 1
        self.met[rows] = self.recent[rows] = True
        for tables, gradients in zip(self.layers, layer_gradients, strict=True):
            for table, gradient in zip(tables, gradients, strict=True):
                self._adam(table, np.arange(len(gradient), dtype=np.int32), gradient, progress)
        self._adam(self.shared, np.zeros(1, np.int32), e_gradients.sum(axis=0, keepdims=True), progress)
        self._adam(self.entities, rows, e_gradients, progress)
        self._adam(self.prefixes, *self._up(nodes_met, s_gradients), progress)
        return tally

    def _nodes(self, addresses: np.ndarray) -> np.ndarray:
        found = np.empty(len(addresses), np.int32)
        kernels.lookup(addresses, self.tree.starts, self.tree.owners, self._halves, found)
        return found

    def _up(self, nodes: np.ndarray, gradients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The nodes and their ancestors, and the gradients of their rows."""
        room = min(len(self.tree), len(nodes) * (1 + len(np.unique(self.tree.lengths[1:]))))
        touched, sums = np.empty(room, np.int32), np.zeros((room, gradients.shape[1]), np.float32)
        count = kernels.path_gradients(nodes, self.tree.parents, gradients, self._node_numbers, touched, sums)
        return touched[:count], sums[:count]

    def _adam(self, table: Table, rows: np.ndarray, gradients: np.ndarray, progress: float) -> None:
        rate = self.settings.learning_rate * min(1.0, (1 - progress) / (1 - HELD)) / (1 - 0.9**self.steps)
        correction, decay = 1 / (1 - 0.999**self.steps), self.settings.weight_decay
        kernels.adam(rows, *table.arrays(), gradients, np.float32(rate), np.float32(correction), np.float32(decay))

    def tables(self) -> Iterator[tuple[str, Table]]:
        """Every table but the entities', by name."""
        yield "shared", self.shared
        yield "prefixes", self.prefixes
        for number, (weights, bias) in enumerate(self.layers):
            yield f"layer{number}_weight", weights
            yield f"layer{number}_bias", bias

    def model(self) -> Model:
        """What was learned up to now."""
        rows = np.flatnonzero(self.met).astype(np.int32)
        return Model(
            self.settings.num_entity_vectors,
            rows,
            self.entities.weights[rows] + self.shared.weights,
            self.shared.weights.copy(),
            self.tree,
            self.prefixes.weights,
            [(weights.weights, bias.weights) for weights, bias in self.layers],
        )

    def state(self) -> dict[str, np.ndarray]:
        """Everything that `restore` needs to go on from here."""
        rows = np.flatnonzero(self.met).astype(np.int32)
        state = {"rows": rows, "steps": np.array(self.steps)}
        for name, array in zip(_PARTS, self.entities.arrays(), strict=True):
            state[f"entities {name}"] = array[rows]
        for table_name, table in self.tables():
            state |= {f"{table_name} {name}": array for name, array in zip(_PARTS, table.arrays(), strict=True)}
        return state

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Go on from a state of a trainer of the same settings and data."""
        rows = state["rows"]
        self.met[rows], self.steps = True, int(state["steps"])
        for name, array in zip(_PARTS, self.entities.arrays(), strict=True):
            array[rows] = state[f"entities {name}"]
        for table_name, table in self.tables():
            for name, array in zip(_PARTS, table.arrays(), strict=True):
                array[:] = state[f"{table_name} {name}"]


_PARTS: Sequence[str] = ("weights", "means", "squares")


def _numbered(keys: np.ndarray, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different keys, and for each key its place among them."""
    different, places = np.empty(len(keys), np.int32), np.empty(len(keys), np.int32)
    count = kernels.numbered(keys, numbers, different, places)
    return different[:count], places
