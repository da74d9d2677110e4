"""The records of a table, ready to be compared."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from lakemill.matching import candidates
from lakemill.matching.candidates import Effort
from lakemill.matching.columns import Column, Kind, prepare
from lakemill.matching.comparisons import Compared, Comparer
from lakemill.matching.errors import MatchingError
from lakemill.matching.tables import keys_of

Progress = Callable[[str, float], None]
"""Called with what is being done and how much of it is, from 0 to 1."""
BLOCK = 1 << 18
"""Pairs that are compared at once."""


class Records:
    """n records: their keys, prepared columns, and what compares them."""

    def __init__(self, table: pa.Table, primary_key: str, kinds: Mapping[str, Kind | None], quick: bool) -> None:
        """kinds: the columns to compare, and what each holds (None: find out). quick: as of `Comparer`."""
        if not kinds:
            raise MatchingError(f"A table needs a column beside its primary key {primary_key}")
        if absent := [name for name in kinds if name not in table.column_names]:
            raise MatchingError(f"The table lacks columns: {', '.join(absent)}")
        self.keys = keys_of(table, primary_key)
        self.columns: list[Column] = [prepare(name, table.column(name), kind) for name, kind in kinds.items()]
        self._text = candidates.record_bags(self.columns)
        self.compare = Comparer(self.columns, self._text, quick)

    def __len__(self) -> int:
        return len(self.keys)

    def candidates(
        self, effort: Effort, queries: np.ndarray | None = None, progress: Progress | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Pairs worth comparing, see `candidates.pairs`."""
        if len(self) < 2:
            return np.empty(0, np.int32), np.empty(0, np.int32)
        told = None if progress is None else lambda done: progress("searching", done)
        return candidates.pairs(self.columns, self._text, effort, queries, told)

    def others(
        self, left: np.ndarray, right: np.ndarray, queries: np.ndarray | None, count: int, random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Random pairs, about `count`, that are not among the given."""
        n = len(self)
        asked = np.arange(n) if queries is None else queries
        a, b = candidates.unique(random.choice(asked, count), random.integers(0, n, count), n)
        new = ~np.isin(a.astype(np.int64) * n + b, left.astype(np.int64) * n + right)
        return a[new], b[new]

    def score(
        self,
        left: np.ndarray,
        right: np.ndarray,
        probability: Callable[[Compared], np.ndarray],
        progress: Progress | None = None,
    ) -> np.ndarray:
        """The probability of each pair, (P,), compared by the block."""
        found: list[Any] = [np.empty(0)]
        for at in range(0, len(left), BLOCK):
            found.append(probability(self.compare(left[at : at + BLOCK], right[at : at + BLOCK])))
            if progress:
                progress("comparing", min(1.0, (at + BLOCK) / len(left)))
        return np.concatenate(found)


def stacked(parts: Sequence[Compared]) -> Compared:
    return Compared(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in ("measures", "levels", "rarity"))
    )
