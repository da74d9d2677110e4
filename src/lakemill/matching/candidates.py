"""Which pairs of records are worth comparing: never all of them.

Records that share rare three-letter grams or words anywhere are found with an inverted index whose lists are read
rarest first: token blocking, with the pairs weighted by what they share and cut to the best of each record. Records
that agree in a column are found by sorting it.

Source: Papadakis, Koutrika, Palpanas and Nejdl, "Meta-blocking: taking entity resolution to the next level", IEEE TKDE
26(8), 2014; Christen, "A survey of indexing techniques for scalable record linkage and deduplication", IEEE TKDE 24(9),
2012.
"""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from lakemill.matching.columns import Column
from lakemill.matching.tokens import BUCKETS, Bags, bags, counted, grams, joined, spread, words

ROOM = 1 << 20
"""Pairs that are found before they are put aside."""
BLOCK = 1 << 16
"""Records whose tokens are counted at once."""
STEP = 4096
"""Records that are searched between two reports of progress."""


@dataclasses.dataclass(frozen=True)
class Effort:
    """How hard to look for pairs."""

    budget: int
    """Postings read for a record."""
    near: float
    """Cosine from which a pair is a candidate."""
    least: int
    """Nearest records that are candidates in any case."""
    most: int
    """Candidates of one record at most."""
    block: int
    """Records that agree in a column are all compared, if they are no more than this."""
    complete: int
    """Within a component of likely pairs of up to so many records, all pairs are compared."""

    @classmethod
    def of(cls, accuracy_cost_tradeoff: float) -> "Effort":
        """0: the least work; 1: the most.

        >>> Effort.of(0.5)
        Effort(budget=5000, near=0.28, least=5, most=400, block=10, complete=500)
        """
        dial = accuracy_cost_tradeoff - 0.5
        return cls(
            budget=round(5000 * 100**dial),
            near=round(0.28 - 0.24 * dial, 6),
            least=round(5 * 16**dial),
            most=round(400 * 64**dial),
            block=round(10 * 100**dial),
            complete=round(500 * 36**dial),
        )


def record_bags(columns: Sequence[Column]) -> Bags:
    """All of a record's text as one weighted bag of grams and words."""
    n = len(columns[0].codes)
    sources = []
    dictionary: dict[str, int] = {}
    for column in columns:
        rows, found = words(column.values)
        coded = found.dictionary_encode()
        numbers = [dictionary.setdefault(word, BUCKETS + len(dictionary)) for word in coded.dictionary.to_pylist()]
        tokens = np.array(numbers, np.int64)[coded.indices.to_numpy()] if numbers else np.empty(0, np.int64)
        sources += [(column, *grams(column.values)), (column, rows, tokens)]
    blocks = []
    for start in range(0, max(n, 1), BLOCK):
        parts = [spread(column.codes[start : start + BLOCK], rows, tokens, len(column.values))
                 for column, rows, tokens in sources]  # fmt: skip
        blocks.append(counted(*joined(parts), min(BLOCK, n - start)))
    return bags(blocks)


def pairs(
    columns: Sequence[Column],
    text: Bags,
    effort: Effort,
    queries: np.ndarray | None = None,
    progress: Callable[[float], None] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Candidate pairs: left and right, (P,) int32 each, left < right, in order, each once.

    text: of all columns, from `record_bags`. queries: pairs without one of these records are left out; None: all
    records. O(queries budget) time.
    """
    n = len(text)
    asked = np.arange(n) if queries is None else queries
    wanted = np.zeros(n, bool)
    wanted[asked] = True
    found = [_alike(text, effort, asked, progress)]
    found += [_agreeing(column.codes, effort.block, wanted) for column in columns if column.kind != "number"]
    return unique(np.concatenate([a for a, _ in found]), np.concatenate([b for _, b in found]), n)


def unique(a: np.ndarray, b: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Different pairs of n records, left < right, in order; those of a record with itself are left out."""
    keys = np.minimum(a, b).astype(np.int64) * n + np.maximum(a, b)
    keys = keys[a != b]
    keys.sort()
    keys = keys[np.diff(keys, prepend=-1) > 0]
    left, right = np.divmod(keys, max(n, 1))
    return left.astype(np.int32), right.astype(np.int32)


def _alike(
    text: Bags, effort: Effort, queries: np.ndarray, progress: Callable[[float], None] | None
) -> tuple[np.ndarray, np.ndarray]:
    from lakemill.matching import kernels

    n = len(text)
    starts, rows, carried = kernels.postings(text.offsets, text.tokens, text.weights, text.vocabulary)
    least, most = min(effort.least, n - 1), min(effort.most, n)
    out = np.empty((2, max(ROOM, 2 * (most + least))), np.int32)
    kept = [out[:, :0].copy()]
    at = 0
    while at < len(queries):
        done, written = kernels.search(
            queries[at : at + STEP], text.offsets, text.tokens, text.weights, starts, rows, carried, effort.budget,
            effort.near, least, most, *out,
        )  # fmt: skip
        kept.append(out[:, :written].copy())
        at += done
        if progress:
            progress(at / len(queries))
    found = np.concatenate(kept, axis=1)
    return found[0], found[1]


def _agreeing(codes: np.ndarray, block: int, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of records with one value, where no more than `block` have it, and one of the two is wanted."""
    order = np.argsort(codes, kind="stable").astype(np.int32)
    ordered = codes[order]
    small = np.append(np.bincount(codes[codes >= 0]) <= block, False)[ordered]
    found = [np.empty((2, 0), np.int32)]
    for distance in range(1, min(block, len(codes))):
        same = np.flatnonzero((ordered[distance:] == ordered[:-distance]) & small[distance:])
        if not len(same):
            break
        found.append(np.stack([order[same], order[same + distance]]))
    a, b = np.concatenate(found, axis=1)
    kept = wanted[a] | wanted[b]
    return a[kept], b[kept]
