"""The decomposition of a symmetric tensor into rank-one terms, by alternating least squares with restarts."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np

QR_ITERATIONS = 5
"""Iterations at the beginning whose factors are made orthonormal first, so that no two of them find the same term."""


class Decomposition(NamedTuple):
    """vectors (k, k): a term in each column, of length 1 and with a weight of at least 0. weights (k,). error: of the
    tensor rebuilt from them, relative to the tensor; in 0..1 or a little above."""

    vectors: np.ndarray
    weights: np.ndarray
    error: float


class Watch(Protocol):
    """What wants to know how far it is."""

    def info(self, text: str) -> None: ...

    def stop(self) -> bool: ...


def decompose(
    tensor: np.ndarray, *, restarts: int, max_iterations: int, tol: float, random: np.random.Generator, watch: Watch
) -> Decomposition:
    """The best of several decompositions of a tensor, the first begun at its singular vectors, the others at random.

    Parameters
    ----------
    tensor : (k, k, k) float64, symmetric, k >= 1
    restarts, max_iterations : int
    tol : float
        A start ends when the relative error changes by less.

    Notes
    -----
    O(k^4) an iteration. Source: Kolda and Bader, "Tensor decompositions and applications", SIAM Review 51(3), 2009;
    Sharan and Valiant, "Orthogonalized ALS", ICML 2017.

    >>> from lakemill.algorithms.lda.learning import Quiet
    >>> diagonal = np.zeros((2, 2, 2)); diagonal[0, 0, 0], diagonal[1, 1, 1] = 3.0, 2.0
    >>> found = decompose(diagonal, restarts=2, max_iterations=50, tol=1e-9, random=np.random.default_rng(0),
    ...                   watch=Quiet())
    >>> sorted(found.weights.round(6).tolist())
    [2.0, 3.0]
    """
    size = len(tensor)
    flat = tensor.reshape(size, -1)
    best: tuple[float, np.ndarray] | None = None
    for start in range(restarts):
        watch.info(f"Restart {start + 1}/{restarts}")
        watch.info("[CPDecomp] Starting CPDecomp...")
        watch.info(f"[CPDecomp] Using {'random' if start else 'svd'} initialization.")
        drawn = random.standard_normal((size, size))
        begun = np.linalg.qr(drawn)[0] if start else np.linalg.svd(flat, full_matrices=False)[0]
        found = _alternate(flat, begun, max_iterations, tol, watch.info)
        if best is None or found[0] < best[0]:
            best = found
        if watch.stop():
            break
    assert best is not None
    watch.info(f"Best reconstruction error: {best[0]:.8f}")
    return _signed(tensor, *best)


def _alternate(
    flat: np.ndarray, factor: np.ndarray, max_iterations: int, tol: float, told: Callable[[str], None]
) -> tuple[float, np.ndarray]:
    """The relative error and the factor, (k, k), that one start ends with."""
    square = float(np.square(flat).sum())
    if not square:
        return 0.0, factor
    one = two = three = factor
    before, error = np.inf, np.inf
    for iteration in range(1, max_iterations + 1):
        if iteration <= QR_ITERATIONS:
            one = two = three = np.linalg.qr(three)[0]
        for _ in range(3):  # The tensor is symmetric: each in turn is fitted to the two others.
            one, two, (three, weights, product) = two, three, _fitted(flat, two, three)
        grams = (one.T @ one) * (two.T @ two) * (three.T @ three)
        left = square - 2 * float((product * three * weights).sum()) + float(weights @ grams @ weights)
        error = float(np.sqrt(max(left, 0) / square))
        if abs(before - error) < tol:
            told(f"[CPDecomp] iter={iteration}, error={error:.11g}")
            told(f"Converged to local minimum in {iteration} iterations.")
            return error, three
        before = error
    told(f"[CPDecomp] iter={max_iterations}, error={error:.11g}")
    told(f"Stopped after {max_iterations} iterations.")
    return error, three


def _fitted(flat: np.ndarray, two: np.ndarray, three: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The factor that fits the tensor best beside two others: unit columns, their weights, and the tensor's product."""
    product = flat @ (two[:, None, :] * three[None, :, :]).reshape(len(flat) ** 2, -1)
    grams = (two.T @ two) * (three.T @ three)
    fitted = np.linalg.lstsq(grams, product.T, rcond=None)[0].T
    weights = np.linalg.norm(fitted, axis=0)
    return fitted / np.where(weights > 0, weights, 1), weights, product


def _signed(tensor: np.ndarray, error: float, vectors: np.ndarray) -> Decomposition:
    weights = np.einsum("abc,ai,bi,ci->i", tensor, vectors, vectors, vectors, optimize=True)
    return Decomposition(vectors * np.where(weights < 0, -1, 1), np.abs(weights), error)
