"""Matching without labels: the model of Fellegi and Sunter, its parameters found by expectation maximisation.

Every column compares at one of four levels. Among matches level l of column c has probability m[c, l], among other
pairs u[c, l], independently of the other columns; a missing value says nothing. Expectation maximisation finds both,
and how many pairs match, over all pairs of records: candidates count once each, and a random sample stands for the
rest, so that agreement by chance is known for what it is. Where records agree on a value, a rare one weighs more than a
common one.

Source: Fellegi and Sunter, "A theory for record linkage", JASA 64, 1969; Winkler, "Using the EM algorithm for weight
computation in the Fellegi-Sunter model of record linkage", Survey Research Methods Section of the ASA, 1988.
"""

import dataclasses

import numpy as np

from lakemill.matching.comparisons import Compared

LEVELS = 4
PRIOR_MATCH = np.array([0.1, 0.1, 0.2, 0.6])
"""What is thought of m before anything is seen; it counts for PRIOR_PAIRS pairs."""
PRIOR_PAIRS = 20.0
PRIOR_OTHER = np.array([3.5, 0.75, 0.5, 0.25])
"""The same of u, in pairs."""
LIMIT = 8.0
"""No column speaks for or against a match more than this, in nats, before the rarity of its value is known."""
RARITY_SHARE = 0.5
"""How much of the rarity of a value on which records agree is counted."""


@dataclasses.dataclass
class FellegiSunter:
    """Weights of agreement; `fit` finds them."""

    m: np.ndarray
    """(C, LEVELS): probabilities of levels among matches."""
    u: np.ndarray
    """(C, LEVELS): the same among pairs that do not match."""
    share: float
    """Of all pairs, how many match."""
    chance: np.ndarray
    """(C,): mean log share of a value on which pairs that do not match agree."""

    @classmethod
    def fit(cls, candidates: Compared, others: Compared, all_pairs: float, iterations: int = 100) -> "FellegiSunter":
        """Learn from candidates, and from others: a random sample of the remaining ones among `all_pairs` pairs."""
        rest = max(0.0, all_pairs - len(candidates)) / max(1, len(others))
        patterns, weights = _patterns(candidates.levels, others.levels, rest)
        columns = patterns.shape[1]
        held = [np.stack([patterns[:, c] == level for level in range(LEVELS)], axis=1) for c in range(columns)]
        cells = np.concatenate(held, axis=1).astype(np.float64)  # (patterns, C LEVELS)
        prior = np.tile(PRIOR_MATCH * PRIOR_PAIRS, columns)
        prior_other = np.tile(PRIOR_OTHER, columns)
        u = _normal(weights @ cells + prior_other, columns)
        m = np.tile(PRIOR_MATCH, columns)
        share = min(0.1, max(len(candidates), 1) / max(all_pairs, 1) * 0.2)
        for _ in range(iterations):
            odds = cells @ np.log(m / u) + np.log(share / (1 - share))
            matching = weights / (1 + np.exp(-np.clip(odds, -500, 500)))
            before, total = share, max(all_pairs, 1.0)
            m = _normal(matching @ cells + prior, columns)
            u = _normal((weights - matching) @ cells + prior_other, columns)
            share = float(np.clip((matching.sum() + 1e-3) / total, 1e-12, 0.5))
            if abs(np.log(share / before)) < 1e-5:
                break
        chance = np.array([_mean(candidates.rarity[:, c]) for c in range(columns)])
        return cls(m.reshape(columns, LEVELS), u.reshape(columns, LEVELS), share, chance)

    def weights(self) -> np.ndarray:
        """(C, LEVELS): what each level says for a match, in nats."""
        return np.clip(np.log(self.m / self.u), -LIMIT, LIMIT)

    def log_odds(self, compared: Compared) -> np.ndarray:
        """Of a match, (P,) float64."""
        total = np.full(len(compared), np.log(self.share / (1 - self.share)))
        for c, weights in enumerate(self.weights()):
            total += np.append(weights, 0.0)[compared.levels[:, c]]
            rarer = np.nan_to_num(self.chance[c] - compared.rarity[:, c])
            total += RARITY_SHARE * np.clip(rarer, -4, 4)
        return total


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else 0.0


def _normal(counts: np.ndarray, columns: int) -> np.ndarray:
    table = counts.reshape(columns, LEVELS)
    return (table / table.sum(axis=1, keepdims=True)).ravel()


def _patterns(levels: np.ndarray, others: np.ndarray, rest: float) -> tuple[np.ndarray, np.ndarray]:
    """Different rows of levels and how many pairs have each: those of `others` count `rest` each."""
    every = np.concatenate([levels, others]).astype(np.int64) + 1
    keys = np.zeros(len(every), np.uint64)
    for c in range(every.shape[1]):
        keys = keys * np.uint64(0x9E3779B97F4A7C15) + every[:, c].astype(np.uint64) + np.uint64(1)
    counted = np.concatenate([np.ones(len(levels)), np.full(len(others), rest)])
    _, first, which = np.unique(keys, return_index=True, return_inverse=True)
    return every[first] - 1, np.bincount(which, weights=counted)
