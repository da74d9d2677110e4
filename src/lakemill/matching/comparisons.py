"""Pairs of records as numbers: how similar they are, column by column, by measures that suit what a column holds.

    name    Jaro-Winkler similarity; cosine of three-letter grams
    text    cosine of three-letter grams; cosine of words; both weighted by rarity
    code    edit similarity; cosine of three-letter grams
    date    edit similarity; days between, on a logarithmic scale
    number  ratio of the smaller to the larger; difference, on a logarithmic scale

and the cosine of all text of the records. The first measure of a column is the one that unsupervised matching uses.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from lakemill.matching.columns import Column, Kind
from lakemill.matching.tokens import Bags, bags, counted, grams, text_of, words

MEASURES: dict[Kind, tuple[str, str]] = {
    "name": ("jaro_winkler", "grams"),
    "text": ("grams", "words"),
    "code": ("edits", "grams"),
    "date": ("edits", "difference"),
    "number": ("ratio", "difference"),
}
STEPS: dict[str, tuple[float, ...]] = {
    "jaro_winkler": (0.8, 0.9, 0.9999),
    "grams": (0.6, 0.8, 0.95),
    "edits": (0.5, 0.75, 0.9999),
    "ratio": (0.8, 0.97, 0.9999999),
}
"""Where a first measure reaches the next level of agreement."""


@dataclasses.dataclass(frozen=True)
class Compared:
    """P pairs compared in C columns."""

    measures: np.ndarray
    """(P, 2 C + 1) float32: both measures of each column, then the cosine of all text; NaN: missing in a record."""
    levels: np.ndarray
    """(P, C) int8: 0 ... 3 by the first measure, from different to the same; -1: missing."""
    rarity: np.ndarray
    """(P, C) float32: log(share of records with the value) where both records have the same value, else NaN."""

    def __len__(self) -> int:
        return len(self.measures)

    def take(self, rows: np.ndarray) -> "Compared":
        return Compared(self.measures[rows], self.levels[rows], self.rarity[rows])

    def shuffled(self, column: int, order: np.ndarray) -> "Compared":
        """The same with what one column says given to other pairs."""
        measures, levels, rarity = self.measures.copy(), self.levels.copy(), self.rarity.copy()
        for table, places in ((measures, slice(2 * column, 2 * column + 2)), (levels, column), (rarity, column)):
            table[:, places] = table[order][:, places]
        return Compared(measures, levels, rarity)


def names_of(columns: Sequence[Column]) -> list[str]:
    """What the numbers of a pair are called, in order."""
    return [f"{column.name}:{measure}" for column in columns for measure in MEASURES[column.kind]] + ["record:cosine"]


class Comparer:
    """Compares records of prepared columns, each with n records; text: their `record_bags`.

    quick: only by the first measure of each column; the others are NaN.
    """

    def __init__(self, columns: Sequence[Column], text: Bags, quick: bool = False) -> None:
        self.columns, self.text, self._quick = columns, text, quick
        wanted = 1 if quick else 2
        self._measures = [[_measure(column, name) for name in MEASURES[column.kind][:wanted]] for column in columns]
        self._shares = []
        for column in columns:
            counts = column.counts()
            self._shares.append(np.log(np.maximum(counts, 1) / max(counts.sum(), 1)).astype(np.float32))

    def __call__(self, left: np.ndarray, right: np.ndarray) -> Compared:
        """Compare records left and right, (P,) each."""
        from lakemill.matching import kernels

        size, width = len(left), len(self.columns)
        measures = np.full((2 * width + 1, size), np.nan, np.float32)
        levels = np.full((width, size), -1, np.int8)
        rarity = np.full((width, size), np.nan, np.float32)
        for place, column in enumerate(self.columns):
            a, b = column.codes[left], column.codes[right]
            for number, measure in enumerate(self._measures[place]):
                measure(a, b, measures[2 * place + number])
            known = (a >= 0) & (b >= 0)
            steps = np.array(STEPS[MEASURES[column.kind][0]], np.float32)
            levels[place, known] = np.searchsorted(steps, measures[2 * place, known], side="right")
            same = known & (a == b)
            rarity[place, same] = self._shares[place][a[same]]
        if not self._quick:
            measures[-1] = 0
            kernels.cosines(self.text.offsets, self.text.tokens, self.text.weights, left, right, measures[-1])
        return Compared(measures.T, levels.T, rarity.T)


def _measure(column: Column, name: str) -> Any:
    """A function of (codes, codes, out)."""
    from lakemill.matching import kernels

    u, counts = len(column.values), column.counts()
    if name in ("jaro_winkler", "edits"):
        text = text_of(column.values)
        kernel = kernels.jaro_winkler if name == "jaro_winkler" else kernels.edits
        return lambda a, b, out: kernel(text.points, text.offsets, a, b, out)
    if name in ("grams", "words"):
        if name == "grams":
            bag = bags([counted(*grams(column.values), u)], counts)
        else:
            rows, found = words(column.values)
            bag = bags([counted(rows, found.dictionary_encode().indices.to_numpy().astype(np.int64), u)], counts)
        return lambda a, b, out: kernels.cosines(bag.offsets, bag.tokens, bag.weights, a, b, out)
    numbers = np.append(column.numbers if column.numbers is not None else np.full(u, np.nan), np.nan)
    return lambda a, b, out: _compare_numbers(name, numbers[a], numbers[b], out)


def _compare_numbers(name: str, a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
    apart = np.abs(a - b)
    if name == "difference":
        out[:] = -np.log1p(apart)
    else:
        larger = np.maximum(np.abs(a), np.abs(b))
        out[:] = np.maximum(0, 1 - apart / np.where(larger == 0, 1, larger))
