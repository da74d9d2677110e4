"""The state of the randomized mode: second moments seen through a few random directions."""

from typing import Any

import numpy as np
import scipy.linalg

from lakemill.algorithms.pca.memory import make_room
from lakemill.algorithms.pca.states import MOMENT_BYTES, Components, Kept, State

EXTRA_MIN = 10
OVERSAMPLING = 3
"""Directions per component that was asked for where data are seen once: the result is within a percent or so of the
exact one, unless much of the variance is in components beyond those."""
PASSES = 3
"""Readings of data that can be read again. Each turns the directions to the strongest components; after three nothing
is left to gain on data whose components fall off as they usually do."""


def drawn(features: int, components: int, extra: int, seed: int, *, once: bool) -> "Sketch":
    """An empty sketch through random directions: components + extra of them, or more where data are seen only once.

    extra = -1 means as many again as components, at least 10. Raises MemoryError where there is no room.
    """
    asked = components + (max(EXTRA_MIN, components) if extra == -1 else extra)
    count = min((OVERSAMPLING if once else 1) * asked, features)
    shape = f"{features:,} features seen through {count:,} directions"
    make_room(MOMENT_BYTES * features * count, shape, "them; fewer components need less")
    normal = np.random.default_rng(seed).standard_normal((features, count))
    return Sketch(np.linalg.qr(normal)[0].astype(np.float32))


class Sketch(State):
    """The second moments seen through l directions: x^T (x D), d x l, for D (d, l) float32, orthonormal.

    From this the Nystrom approximation of the covariance is made. It takes one pass and l d numbers, as a sketch of
    mixed records does, and is as accurate as that sketch would be after a further half pass over the data. Another
    pass through the directions that one pass has found is a step of subspace iteration.

    Sources: Tropp, Yurtsever, Udell and Cevher, "Fixed-rank approximation of a positive-semidefinite matrix from
    streaming data", NeurIPS 2017; Halko, Martinsson and Tropp, "Finding structure with randomness", SIAM Review 53(2),
    2011.
    """

    def __init__(self, directions: np.ndarray) -> None:
        super().__init__(directions.shape[0])
        self.directions = directions
        self.seen = np.zeros(directions.shape)

    @classmethod
    def through(cls, found: Components) -> "Sketch":
        """An empty sketch for another pass, through the components that one has found."""
        return cls(np.ascontiguousarray(found.vectors, np.float32))

    def finalise_all(self, subtract_mean: bool) -> Components:
        """As many components as there are directions."""
        return self.finalise(self.directions.shape[1], subtract_mean)

    def kept(self) -> Kept:
        arrays, facts = super().kept()
        return {**arrays, "directions": self.directions}, facts

    def restore(self, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
        super().restore(arrays, facts)
        self.directions = arrays["directions"]

    def _add_dense(self, block: np.ndarray) -> None:
        self.seen += block.T @ (block @ self.directions)  # O(n l d)

    def _add_sparse(self, block: Any, columns: np.ndarray) -> None:
        self.seen[columns] += block.T @ (block @ self.directions[columns])  # O(z l) for z numbers that are not 0.

    def _accept(self, other: "Sketch") -> None:
        if not np.array_equal(other.directions, self.directions):
            raise ValueError("sketches go together only when made through the same directions")

    def _crossed(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        return np.outer(left, right @ self.directions)

    def finalise(self, components: int, subtract_mean: bool) -> Components:
        """The strongest components. O(d l^2)."""
        matrix, mean = self.moments(subtract_mean)
        # A small multiple of the identity is added and taken off again: it keeps the root below well-conditioned.
        nudge = 1e-6 * np.linalg.norm(matrix) or 1.0
        matrix += nudge * self.directions
        inner = self.directions.T @ matrix
        root = scipy.linalg.cholesky((inner + inner.T) / 2 + 1e-12 * np.trace(inner) * np.eye(len(inner)), lower=True)
        half = scipy.linalg.solve_triangular(root, matrix.T, lower=True, overwrite_b=True)  # (l, d)
        wide, small = scipy.linalg.qr(half.T, mode="economic", overwrite_a=True)  # (d, l), (l, l)
        turns, values, _ = np.linalg.svd(small)
        found = min(components, len(values))
        values = np.sqrt(np.maximum(values[:found] ** 2 - nudge, 0))
        return Components(mean, wide @ turns[:, :found][:, ::-1], values[::-1])
