"""A fitted matcher: what was learned, and how probable it makes a pair."""

import dataclasses

import numpy as np
import pyarrow as pa

from lakemill.matching.columns import Kind
from lakemill.matching.comparisons import Compared
from lakemill.matching.fellegi_sunter import FellegiSunter
from lakemill.matching.matcher import Matcher, sigmoid
from lakemill.matching.tables import places_of


@dataclasses.dataclass(frozen=True)
class Seen:
    """The labelled pairs that were learned from, by their keys; probability: from a fit without the pair."""

    left: pa.StringArray
    right: pa.StringArray
    match: np.ndarray
    probability: np.ndarray

    def held_out(self, left: pa.StringArray, right: pa.StringArray, otherwise: np.ndarray) -> np.ndarray:
        """(P,) probabilities of pairs: of those that were learned from the held-out ones, else `otherwise`."""
        known = {}
        for a, b, value in zip(self.left.to_pylist(), self.right.to_pylist(), self.probability.tolist(), strict=True):
            known[min(a, b), max(a, b)] = value
        made = zip(left.to_pylist(), right.to_pylist(), otherwise.tolist(), strict=True)
        return np.array([known.get((min(a, b), max(a, b)), value) for a, b, value in made])

    def forced(self, keys: pa.StringArray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Those of which both records are among `keys`: rows, rows, and 1 or -1."""
        a, b = places_of(keys, self.left), places_of(keys, self.right)
        both = (a >= 0) & (b >= 0)
        return a[both], b[both], np.where(self.match[both], 1, -1).astype(np.int8)


@dataclasses.dataclass(frozen=True)
class Model:
    """What `FindMatches.fit` learns."""

    kinds: dict[str, Kind]
    prior: FellegiSunter
    matcher: Matcher | None
    """None: there were no labels."""
    seen: Seen

    @property
    def quick(self) -> bool:
        """Whether the first measure of each column is all it looks at."""
        return self.matcher is None

    def probability(self, compared: Compared) -> np.ndarray:
        """Of a match, (P,) float64."""
        odds = self.prior.log_odds(compared)
        return sigmoid(odds) if self.matcher is None else self.matcher.probability(features(compared, odds), odds)


def features(compared: Compared, odds: np.ndarray) -> np.ndarray:
    """What boosted trees look at, (P, F) float32."""
    return np.column_stack([compared.measures, odds.astype(np.float32)])


def nothing_seen() -> Seen:
    none = pa.array([], pa.string())
    return Seen(none, none, np.empty(0, bool), np.empty(0))
