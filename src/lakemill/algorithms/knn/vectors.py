"""From records to the vectors that are indexed: reduced, normalised, padded."""

import dataclasses
from typing import Any

import numpy as np

from lakemill.algorithms.knn.projection import Projection


@dataclasses.dataclass(frozen=True)
class Preparation:
    """What is done to a record before it is indexed or asked about.

    projection : reduces the features; None leaves them
    normalize : vectors get length 1 (COSINE); those of length 0 stay
    width : of the vectors; zeros are added up to it
    """

    projection: Projection | None
    normalize: bool
    width: int

    def __call__(self, points: Any) -> np.ndarray:
        """(n, width) float32, C-contiguous, of (n, d) points, dense or csr.

        >>> Preparation(None, True, 3)(np.float32([[3, 4]])).tolist()
        [[0.6000000238418579, 0.800000011920929, 0.0]]
        """
        if self.projection:
            found = self.projection(points)
        else:
            found = points if isinstance(points, np.ndarray) else points.toarray()
        if self.normalize:
            lengths = np.sqrt(np.einsum("nd,nd->n", found, found, dtype=np.float64))[:, None]
            found = (found / np.where(lengths > 0, lengths, 1)).astype(np.float32)
        if found.shape[1] < self.width:
            found = np.pad(found, ((0, 0), (0, self.width - found.shape[1])))
        return np.ascontiguousarray(found, np.float32)


def preparation(
    input_dim: int, *, kind: str | None, target_dim: int | None, seed: int, normalize: bool, parts: int | None
) -> Preparation:
    """The preparation for input_dim features. kind and target_dim: of the reduction, if any.

    parts: the number of equal parts that product quantisation cuts a vector into. A width that it does not divide
    becomes the next one that it does: by a larger target, or by zeros.
    """
    width = input_dim if target_dim is None or kind is None else target_dim
    if parts:
        width = -(-width // parts) * parts
    return Preparation(Projection(kind, seed, input_dim, width) if kind else None, normalize, width)
