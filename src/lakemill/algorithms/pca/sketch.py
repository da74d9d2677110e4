"""The state of the randomized mode: second moments seen through a few random directions."""

from typing import Any

import numpy as np
import scipy.linalg

from lakemill.algorithms.pca.memory import make_room
from lakemill.algorithms.pca.states import MOMENT_BYTES, Components, State

EXTRA_MIN = 10
OVERSAMPLING = 3
"""Directions per component of the sketch that was asked for: at 3 the result is within a percent of the exact one."""


class Sketch(State):
    """The second moments seen through l random directions: x^T (x D), d x l, for D orthonormal and drawn from a seed.

    From this the Nystrom approximation of the covariance is made. It takes one pass and l d numbers, as a sketch of
    mixed records does, and is as accurate as that sketch would be after a further half pass over the data.

    Source: Tropp, Yurtsever, Udell and Cevher, "Fixed-rank approximation of a positive-semidefinite matrix from
    streaming data", NeurIPS 2017.
    """

    def __init__(self, features: int, components: int, extra: int, seed: int) -> None:
        """extra: further components of the sketch; -1 is as many again, at least 10."""
        asked = components + (max(EXTRA_MIN, components) if extra == -1 else extra)
        directions = min(OVERSAMPLING * asked, features)
        shape = f"{features:,} features seen through {directions:,} directions"
        make_room(MOMENT_BYTES * features * directions, shape, "them; fewer components need less")
        normal = np.random.default_rng(seed).standard_normal((features, directions))
        super().__init__(features)
        self.directions = np.linalg.qr(normal)[0].astype(np.float32)  # (d, l)
        self.seen = np.zeros(self.directions.shape)

    def _add_dense(self, block: np.ndarray) -> None:
        self.seen += block.T @ (block @ self.directions)  # O(n l d)

    def _add_sparse(self, block: Any, columns: np.ndarray) -> None:
        self.seen[columns] += block.T @ (block @ self.directions[columns])  # O(z l) for z numbers that are not 0.

    def _accept(self, other: "Sketch") -> None:
        if not np.array_equal(other.directions, self.directions):
            raise ValueError("sketches go together only when made of the same features, components, extra and seed")

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
