"""How good a matcher is on labelled pairs: the figures that FindMatches gives."""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from lakemill.matching.comparisons import Compared

PAIRS_MAX = 20_000
"""Pairs that the importance of columns is measured on."""


@dataclasses.dataclass(frozen=True)
class Metrics:
    """Quality on labelled pairs; precision and recall are 0 where they are not defined."""

    area_under_pr_curve: float
    precision: float
    recall: float
    f1: float
    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int
    column_importances: dict[str, float]
    """Sum to 1, or are all 0 if no column tells anything."""


def measured(match: np.ndarray, probability: np.ndarray, threshold: float, importances: dict[str, float]) -> Metrics:
    """Figures of P pairs: match, (P,) bool, and how probable each was said to be.

    >>> found = measured(np.array([True, True, False]), np.array([0.9, 0.2, 0.6]), 0.5, {})
    >>> found.precision, found.recall, found.true_negatives
    (0.5, 0.5, 0)
    """
    said = probability >= threshold
    hits, wrong = int((said & match).sum()), int((said & ~match).sum())
    missed, rest = int((~said & match).sum()), int((~said & ~match).sum())
    precision, recall = hits / max(1, hits + wrong), hits / max(1, hits + missed)
    f1 = 2 * hits / max(1, 2 * hits + wrong + missed)
    return Metrics(average_precision(match, probability), precision, recall, f1, hits, wrong, rest, missed, importances)


def average_precision(match: np.ndarray, probability: np.ndarray) -> float:
    """The area under the curve of precision over recall, by steps; 0 if nothing matches.

    >>> average_precision(np.array([True, False, True]), np.array([0.9, 0.8, 0.7])).__round__(3)
    0.833
    """
    if not match.any():
        return 0.0
    order = np.argsort(-probability, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(probability[order])), len(order) - 1)
    hits = np.cumsum(match[order])[ends]
    return float((np.diff(hits, prepend=0) / match.sum() * hits / (ends + 1)).sum())


def importances(
    names: Sequence[str],
    compared: Compared,
    match: np.ndarray,
    probability: Callable[[Compared], np.ndarray],
    random: np.random.Generator,
) -> dict[str, float]:
    """By how much the loss grows when what a column says is shuffled among the pairs, as parts of 1.

    Source: Breiman, "Random forests", Machine Learning 45, 2001.
    """
    if len(compared) > PAIRS_MAX:
        some = random.choice(len(compared), PAIRS_MAX, replace=False)
        compared, match = compared.take(some), match[some]
    least = _loss(match, probability(compared))
    grown = []
    for column in range(len(names)):
        order = random.permutation(len(compared))
        grown.append(max(0.0, _loss(match, probability(compared.shuffled(column, order))) - least))
    total = sum(grown)
    return {name: value / total if total > 0 else 0.0 for name, value in zip(names, grown, strict=True)}


def _loss(match: np.ndarray, probability: np.ndarray) -> float:
    return float(-np.log(np.clip(np.where(match, probability, 1 - probability), 1e-9, 1)).mean())
