"""A block of records: the shape in which data moves through lakemill."""

import dataclasses
from typing import Any

import numpy as np


@dataclasses.dataclass
class Block:
    """n records as arrays.

    features : (n, d) float32 ndarray, C-contiguous, or scipy.sparse.csr_matrix of float32
    labels : (n,) or (n, m) float32 ndarray, or None where the data has none
    weights : (n,) float32 ndarray, or None
    """

    features: Any
    labels: np.ndarray | None = None
    weights: np.ndarray | None = None

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
        )
