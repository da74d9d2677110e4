"""IP Insights as an estimator in scikit-learn's manner."""

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from lakemill.algorithms.ipinsights.events import Events
from lakemill.algorithms.ipinsights.fitting import steps
from lakemill.algorithms.ipinsights.identity import address
from lakemill.algorithms.ipinsights.model import Model
from lakemill.algorithms.ipinsights.prefixes import PrefixCounts
from lakemill.algorithms.ipinsights.text import Pairs
from lakemill.algorithms.ipinsights.trainer import Settings, Tally, Trainer

NODES_MAX = 1 << 20


class IPInsights(OutlierMixin, BaseEstimator):
    """Learns which entities (accounts, hosts) use which IPv4 addresses, and scores pairs by it.

    X is always (n, 2): entities, as text or whole numbers, and addresses, as text in dotted decimal or as whole numbers
    of 32 bits. It may be a list of pairs, an array of objects, text or integers, or a pandas DataFrame.

    Parameters
    ----------
    n_entity_vectors : int or None, default=None
        Rows that entities are hashed into; None: twice as many as different entities in `fit`.
    n_components : int, default=64
        Numbers in a vector.
    n_layers : int, default=1
        Fully connected layers of the address encoder.
    random_negatives, shuffled_negatives : int, default=1
        Pairs made up for each pair of X: with an address drawn evenly from all, and with that of another pair.
    epochs : int, default=10
    batch_size : int, default=1000
    learning_rate : float, default=0.01
        Adam's rate; after three tenths of the training it falls evenly to 0.
    weight_decay : float, default=1e-5
    random_state : int, RandomState or None, default=None

    Attributes
    ----------
    model_ : Model
        The vectors, and how an address gets its own.
    loss_curve_ : list of float
        Mean cross entropy of each epoch.
    n_features_in_ : int
        2.

    Notes
    -----
    Time O(n epochs (1 + negatives) d), memory O(entities d + prefixes d) and 8 bytes a pair. Source: AWS, "How IP
    Insights works".

    Examples
    --------
    >>> pairs = [[f"user_{i % 4}", f"10.{i % 4}.0.{i % 50}"] for i in range(2000)]
    >>> model = IPInsights(random_state=0).fit(pairs)
    >>> model.predict([["user_1", "10.1.0.77"], ["user_1", "203.0.113.5"]])
    array([ 1, -1])
    """

    _parameter_constraints = {
        "n_entity_vectors": [Interval(Integral, 1, 250_000_000, closed="both"), None],
        "n_components": [Interval(Integral, 4, None, closed="left")],
        "n_layers": [Interval(Integral, 0, None, closed="left")],
        "random_negatives": [Interval(Integral, 0, None, closed="left")],
        "shuffled_negatives": [Interval(Integral, 0, None, closed="left")],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_entity_vectors: int | None = None,
        *,
        n_components: int = 64,
        n_layers: int = 1,
        random_negatives: int = 1,
        shuffled_negatives: int = 1,
        epochs: int = 10,
        batch_size: int = 1000,
        learning_rate: float = 0.01,
        weight_decay: float = 1e-5,
        random_state: Any = None,
    ) -> None:
        self.n_entity_vectors = n_entity_vectors
        self.n_components = n_components
        self.n_layers = n_layers
        self.random_negatives = random_negatives
        self.shuffled_negatives = shuffled_negatives
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> "IPInsights":
        """Learn from pairs, each as often as it was seen; y is ignored. Raises ValueError for what is no pair."""
        self._validate_params()
        if not self.random_negatives + self.shuffled_negatives:
            raise ValueError("random_negatives and shuffled_negatives are both 0; there must be one negative at least")
        entities, addresses = columns(X)
        names, places = np.unique(entities, return_inverse=True)
        rows = self.n_entity_vectors or 2 * len(names)
        pairs = Pairs(_rows(names, rows)[places], addresses)
        settings = Settings(
            num_entity_vectors=rows,
            vector_dim=self.n_components,
            num_ip_encoder_layers=self.n_layers,
            random_negative_sampling_rate=self.random_negatives,
            shuffled_negative_sampling_rate=self.shuffled_negatives,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            mini_batch_size=self.batch_size,
            epochs=self.epochs,
        )
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        counts = PrefixCounts()
        counts.add(addresses)
        trainer, self.loss_curve_ = Trainer(settings, counts.tree(NODES_MAX), seed), []
        for epoch in range(self.epochs):
            tally = Tally()
            for one in steps(trainer, Events.of(pairs), epoch, seed=seed):
                tally.add(one)
            self.loss_curve_.append(tally.cross_entropy)
        self.model_: Model = trainer.model()
        self.n_features_in_ = 2
        return self

    def score_samples(self, X: Any) -> np.ndarray:
        """The dot products, (n,) float32: log odds that a pair is real; the higher, the more usual."""
        check_is_fitted(self)
        entities, addresses = columns(X)
        return self.model_.scores(_rows(entities, self.model_.num_entity_vectors), addresses)

    def decision_function(self, X: Any) -> np.ndarray:
        """The same as `score_samples`: log odds have their threshold at 0."""
        return self.score_samples(X)

    def predict(self, X: Any) -> np.ndarray:
        """1 for usual pairs, -1 for those whose odds are below even, (n,) int64."""
        return np.where(self.score_samples(X) < 0, -1, 1)

    def entity_embeddings(self, entities: Any) -> np.ndarray:
        """Vectors of n entities, (n, n_components) float32; entities never seen have one and the same, the mean's."""
        check_is_fitted(self)
        return self.model_.entity_embeddings(_rows(_texts(entities), self.model_.num_entity_vectors))

    def address_embeddings(self, addresses: Any) -> np.ndarray:
        """Vectors of n addresses, (n, n_components) float32."""
        check_is_fitted(self)
        return self.model_.address_embeddings(_addresses(np.asarray(addresses)))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        return tags


def columns(X: Any) -> tuple[np.ndarray, np.ndarray]:
    """Entities, (n,) of bytes objects, and addresses, (n,) uint32. Raises ValueError, naming the row."""
    table = X if hasattr(X, "iloc") else np.asarray(X, dtype=None if isinstance(X, np.ndarray) else object)
    if len(table.shape) != 2 or table.shape[1] != 2:
        raise ValueError(f"X must be (n, 2): entities and addresses; got the shape {tuple(table.shape)}")
    if not table.shape[0]:
        raise ValueError("Found array with 0 sample(s) while a minimum of 1 is required.")
    first, second = (table.iloc[:, 0], table.iloc[:, 1]) if hasattr(table, "iloc") else (table[:, 0], table[:, 1])
    return _texts(first), _addresses(np.asarray(second))


def _texts(entities: Any) -> np.ndarray:
    """(n,) objects: the bytes of each entity."""
    listed = np.asarray(entities, object).ravel().tolist()
    found = np.empty(len(listed), object)
    for place, one in enumerate(listed):
        if isinstance(one, bool | float) or one is None or not (text := str(one).strip(" \t")):
            raise ValueError(f"row {place}: an entity must be text or a whole number; got {one!r}")
        found[place] = text.encode()
    return found


def _rows(texts: np.ndarray, rows: int) -> np.ndarray:
    from lakemill.algorithms.ipinsights import text_kernel  # Brings numba.

    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum([len(one) for one in texts], dtype=np.int64)])
    found = np.empty(len(texts), np.int32)
    text_kernel.hashed(np.frombuffer(b"".join(texts), np.uint8), offsets, np.uint64(rows), found)
    return found


def _addresses(values: np.ndarray) -> np.ndarray:
    """(n,) uint32 from text or whole numbers."""
    if values.dtype.kind in "iu":
        outside = np.flatnonzero((values < 0) | (values > 0xFFFFFFFF))
        if len(outside):
            raise ValueError(f"row {outside[0]}: an address has 32 bits; got {values[outside[0]]}")
        return values.astype(np.uint32)
    found = np.empty(len(values), np.uint32)
    for place, one in enumerate(values.tolist()):
        whole = isinstance(one, int) and not isinstance(one, bool) and 0 <= one <= 0xFFFFFFFF
        try:
            found[place] = one if whole else address(str(one).strip(" \t"))
        except ValueError as wrong:
            raise ValueError(f"row {place}: {wrong}") from None
    return found
