"""A block of records: the shape in which data moves through lakemill."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from lakemill.formats.errors import FormatError


@dataclasses.dataclass
class Block:
    """n records as arrays.

    features : (n, d) float32 ndarray, C-contiguous, or scipy.sparse.csr_matrix of float32
    labels : (n,) or (n, m) float32 ndarray, or None where the data has none
    weights : (n,) float32 ndarray, or None
    groups : (n,) int64 ndarray, or None: the query a record belongs to (`qid` of LibSVM; ranking only)
    """

    features: Any
    labels: np.ndarray | None = None
    weights: np.ndarray | None = None
    groups: np.ndarray | None = None

    def __len__(self) -> int:
        return self.features.shape[0]

    @property
    def sparse(self) -> bool:
        return not isinstance(self.features, np.ndarray)

    def dense(self) -> np.ndarray:
        """The features as (n, d) float32 ndarray, densified if need be."""
        if isinstance(self.features, np.ndarray):
            return self.features
        return self.features.toarray()

    def take(self, rows: Any) -> "Block":
        """The records that a slice or an index array selects."""
        return Block(
            self.features[rows],
            None if self.labels is None else self.labels[rows],
            None if self.weights is None else self.weights[rows],
            None if self.groups is None else self.groups[rows],
        )


def concatenate(blocks: Sequence[Block]) -> Block:
    """One block of all records in order; sparse when one of the blocks is. At least one block.

    Raises
    ------
    FormatError
        If the blocks differ in width, or only some have labels, weights or groups.

    >>> concatenate([Block(np.float32([[1]])), Block(np.float32([[2]]))]).features.tolist()
    [[1.0], [2.0]]
    """
    if len(blocks) == 1:
        return blocks[0]
    widths = {block.features.shape[1] for block in blocks}
    if len(widths) > 1:
        raise FormatError(f"records differ in their number of features: {', '.join(map(str, sorted(widths)))}")
    return Block(
        _stacked([block.features for block in blocks]),
        _joined("labels", [block.labels for block in blocks]),
        _joined("weights", [block.weights for block in blocks]),
        _joined("groups", [block.groups for block in blocks]),
    )


def _stacked(parts: list[Any]) -> Any:
    if all(isinstance(part, np.ndarray) for part in parts):
        return np.concatenate(parts)
    from scipy import sparse  # Dense data never waits for scipy.

    return sparse.vstack([sparse.csr_matrix(part) for part in parts], format="csr", dtype=np.float32)


def _joined(what: str, parts: list[np.ndarray | None]) -> np.ndarray | None:
    present = [part for part in parts if part is not None]
    if not present:
        return None
    if len(present) < len(parts) or len({part.shape[1:] for part in present}) > 1:
        raise FormatError(f"some records have other {what} than the rest, or none")
    return np.concatenate(present)
