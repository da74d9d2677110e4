"""Texts as sparse vectors: three-letter grams and words, weighted by how rare they are."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

BUCKETS = 1 << 20
"""Grams are hashed into so many; words come behind them."""


class Text(NamedTuple):
    """u texts as Unicode code points, one after the other."""

    points: np.ndarray  # (c,) uint32
    offsets: np.ndarray  # (u + 1,) int64


class Bags(NamedTuple):
    """Sparse rows: tokens, rising within a row, and their weights, of unit length in each row."""

    offsets: np.ndarray  # (n + 1,) int64
    tokens: np.ndarray  # (z,) int32, in [0, vocabulary)
    weights: np.ndarray  # (z,) float32
    vocabulary: int

    def __len__(self) -> int:
        return len(self.offsets) - 1


def text_of(values: pa.StringArray, margin: bool = False) -> Text:
    """Code points of texts; margin: with a blank on either side."""
    if margin:
        values = pc.binary_join_element_wise(" ", values, " ", "")
    lengths = pc.utf8_length(values).to_numpy(zero_copy_only=False).astype(np.int64)
    joined = b"".join(memoryview(part) for part in _bytes(values))
    points = np.frombuffer(joined, np.uint8).astype(np.uint32) if joined.isascii() else _points(joined)
    return Text(points, np.concatenate([[0], np.cumsum(lengths)]))


def _bytes(values: pa.StringArray) -> list[bytes]:
    if not len(values):
        return []
    offsets = np.frombuffer(values.buffers()[1], np.int32)[values.offset : values.offset + len(values) + 1]
    data = values.buffers()[2]
    return [] if data is None else [data.to_pybytes()[offsets[0] : offsets[-1]]]


def _points(joined: bytes) -> np.ndarray:
    return np.frombuffer(joined.decode("utf-8").encode("utf-32-le"), np.uint32)


def grams(values: pa.StringArray) -> tuple[np.ndarray, np.ndarray]:
    """Three-letter grams of each text between blanks: rows (z,) and tokens (z,), in order of rows."""
    points, offsets = text_of(values, margin=True)
    if len(points) < 3:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    mixed = points.astype(np.uint64)
    hashed = (mixed[:-2] * 0x9E3779B1 + mixed[1:-1] * 0x85EBCA77 + mixed[2:] * 0xC2B2AE3D) * 0x9E3779B97F4A7C15
    rows = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))[:-2]
    inside = np.arange(len(rows)) + 3 <= offsets[rows + 1]
    return rows[inside], (hashed[inside] >> np.uint64(44)).astype(np.int64)


def words(values: pa.StringArray) -> tuple[np.ndarray, pa.StringArray]:
    """The words of each text: rows (z,) and words (z,), in order of rows."""
    lists = pc.utf8_split_whitespace(values)
    return pc.list_parent_indices(lists).to_numpy().astype(np.int64), pc.list_flatten(lists)


class Counted(NamedTuple):
    """Tokens of n rows: each token of a row once, and how often it is there, 63 times at most."""

    rows: np.ndarray  # (z,) int32, rising
    tokens: np.ndarray  # (z,) int32
    times: np.ndarray  # (z,) uint8
    n: int


def counted(rows: np.ndarray, tokens: np.ndarray, n: int) -> Counted:
    """Of (row, token) pairs in any order."""
    width = int(tokens.max(initial=0)) + 1
    cells = rows * width + tokens
    cells.sort()
    first = np.flatnonzero(np.diff(cells, prepend=-1))
    times = np.minimum(np.diff(np.append(first, len(cells))), 63).astype(np.uint8)
    rows, tokens = np.divmod(cells[first], width)
    return Counted(rows.astype(np.int32), tokens.astype(np.int32), times, n)


def bags(blocks: Sequence[Counted], counts: np.ndarray | None = None) -> Bags:
    """Weighted bags of the rows of all blocks, rarest token first in every row.

    counts: how many records have each row's text, where rows are different texts; else 1 each. A token weighs
    (1 + log times) log(1 + n / records with it). Source: Salton and Buckley, "Term-weighting approaches in automatic
    text retrieval", Information Processing & Management 24(5), 1988.
    """
    starts = np.cumsum([0, *(block.n for block in blocks)])
    carried = np.ones(starts[-1]) if counts is None else counts
    width = max(int(block.tokens.max(initial=0)) + 1 for block in blocks)
    frequency = np.zeros(width)
    for start, block in zip(starts, blocks, strict=False):
        frequency += np.bincount(block.tokens, weights=carried[start:][block.rows], minlength=width)
    present = np.flatnonzero(frequency)
    by_rarity = present[np.argsort(frequency[present], kind="stable")]
    rank = np.zeros(width, np.int64)
    rank[by_rarity] = np.arange(len(present))
    rarity = np.log1p(carried.sum() / frequency[by_rarity])
    parts = [_weighted(block, rank, rarity) for block in blocks]
    lengths, tokens, weights = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Bags(np.concatenate([[0], np.cumsum(lengths)]), tokens, weights, len(present))


def _weighted(block: Counted, rank: np.ndarray, rarity: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How many tokens each row has, and their ranks and weights."""
    # One sort of (row, rank, times) brings rows together, each with its rarest token first.
    cells = (block.rows.astype(np.int64) * len(rank) + rank[block.tokens]) << 6 | block.times
    cells.sort()
    rows, ranks = np.divmod(cells >> 6, len(rank))
    weights = (1 + np.log(cells & 63)) * rarity[ranks]
    norms = np.sqrt(np.bincount(rows, weights=weights**2, minlength=block.n))
    weights = (weights / norms[rows]).astype(np.float32)
    return np.bincount(rows, minlength=block.n), ranks.astype(np.int32), weights


def spread(codes: np.ndarray, rows: np.ndarray, tokens: np.ndarray, u: int) -> tuple[np.ndarray, np.ndarray]:
    """The tokens of u different values, given to the records (n,) that have these values (-1: none)."""
    offsets = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=u))])
    lengths = np.append(np.diff(offsets), 0)[codes]
    records = np.repeat(np.arange(len(codes)), lengths)
    starts = np.append(offsets[:-1], 0)[codes]
    within = np.arange(len(records)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return records, tokens[np.repeat(starts, lengths) + within]


def joined(parts: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    rows, tokens = zip(*parts, strict=True)
    return np.concatenate(rows), np.concatenate(tokens)
