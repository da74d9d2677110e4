"""The decomposition of a symmetric tensor into rank-one terms, by alternating least squares with restarts."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np

QR_ITERATIONS = 5
"""Iterations at the beginning whose factors are made orthonormal first, so that no two of them find the same term."""
RIDGE = 1e-12
"""Keeps the least-squares system solvable where two terms have become alike."""
SLAB_NUMBERS = 1 << 17
Pair = tuple[np.ndarray, np.ndarray]


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
    O(k^4) an iteration. Between two of them the change is carried on by the cube root of their number, where that
    lowers the error: it takes a quarter of the iterations. Source: Kolda and Bader, "Tensor decompositions and
    applications", SIAM Review 51(3), 2009; Sharan and Valiant, "Orthogonalized ALS", ICML 2017; Rajih, Comon and
    Harshman, "Enhanced line search", SIAM J. Matrix Analysis 30(3), 2008.

    >>> from lakemill.algorithms.lda.learning import Quiet
    >>> diagonal = np.zeros((2, 2, 2)); diagonal[0, 0, 0], diagonal[1, 1, 1] = 3.0, 2.0
    >>> found = decompose(diagonal, restarts=2, max_iterations=50, tol=1e-9, random=np.random.default_rng(0),
    ...                   watch=Quiet())
    >>> sorted(found.weights.round(6).tolist())
    [2.0, 3.0]
    """
    size = len(tensor)
    tensor = np.ascontiguousarray(tensor)
    best: tuple[float, np.ndarray] | None = None
    for start in range(restarts):
        watch.info(f"Restart {start + 1}/{restarts}")
        watch.info("[CPDecomp] Starting CPDecomp...")
        watch.info(
            f"[CPDecomp] Configuration: num_qr_iterations={QR_ITERATIONS}, line_search=True, relaxation_factor=scaled"
        )
        watch.info(f"[CPDecomp] Using {'random' if start else 'svd'} initialization.")
        drawn = random.standard_normal((size, size))
        begun = np.linalg.qr(drawn)[0] if start else np.linalg.svd(tensor.reshape(size, -1), full_matrices=False)[0]
        found = _alternate(tensor, begun, max_iterations, tol, watch.info)
        if best is None or found[0] < best[0]:
            best = found
        if watch.stop():
            break
    assert best is not None
    watch.info(f"Best reconstruction error: {best[0]:.8f}")
    return _signed(tensor, *best)


def _alternate(
    tensor: np.ndarray, begun: np.ndarray, max_iterations: int, tol: float, told: Callable[[str], None]
) -> tuple[float, np.ndarray]:
    """The relative error and the factor, (k, k), that one start ends with."""
    if not tensor.any():
        return 0.0, begun
    latest = earlier = (begun, begun)
    before, error = np.inf, np.inf
    for iteration in range(1, max_iterations + 1):
        if iteration <= QR_ITERATIONS:
            latest = earlier = (np.linalg.qr(latest[1])[0],) * 2
        earlier, latest = latest, _searched(tensor, latest, earlier, iteration, before)
        for _ in range(2):  # The tensor is symmetric: each of three factors in turn is fitted to the two others.
            fitted, error = _fitted(tensor, *latest)
            latest = (latest[1], fitted)
        if abs(before - error) < tol:
            told(f"[CPDecomp] iter={iteration}, error={error:.11g}")
            told(f"Converged to local minimum in {iteration} iterations.")
            return error, latest[1]
        before = error
    told(f"[CPDecomp] iter={max_iterations}, error={error:.11g}")
    told(f"Stopped after {max_iterations} iterations.")
    return error, latest[1]


def _searched(tensor: np.ndarray, latest: Pair, earlier: Pair, iteration: int, before: float) -> Pair:
    """The last factor and the next, which fits the last two; both moved on along their change if that is better."""
    if iteration > QR_ITERATIONS + 1:
        step = iteration ** (1 / 3)
        two, three = (_unit(new + step * (new - old)) for new, old in zip(latest, earlier, strict=True))
        fitted, error = _fitted(tensor, two, three)
        if error < before:
            return three, fitted
    return latest[1], _fitted(tensor, *latest)[0]


def _fitted(tensor: np.ndarray, two: np.ndarray, three: np.ndarray) -> tuple[np.ndarray, float]:
    """The factor, in unit columns, that fits the tensor best beside two others, and the relative error with it."""
    product = _product(tensor, two, three)
    grams = (two.T @ two) * (three.T @ three)
    fitted = np.linalg.solve(grams + RIDGE * np.eye(len(grams)), product.T).T
    square = float(np.vdot(tensor, tensor))
    left = square - 2 * float((fitted * product).sum()) + float(((fitted.T @ fitted) * grams).sum())
    return _unit(fitted), float(np.sqrt(max(left, 0) / square))


def _product(tensor: np.ndarray, two: np.ndarray, three: np.ndarray) -> np.ndarray:
    """(k, k): column r is the tensor times columns r of both, in slabs that stay in the cache."""
    size = len(tensor)
    total = np.zeros((size, size))
    step = max(1, SLAB_NUMBERS // size**2)
    for begin in range(0, size, step):
        slab = tensor[begin : begin + step]
        half = (slab.reshape(-1, size) @ three).reshape(len(slab), size, size)
        half *= two[begin : begin + step, None, :]
        total += half.sum(axis=0)
    return total


def _unit(factor: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(factor, axis=0)
    return factor / np.where(lengths > 0, lengths, 1)


def _signed(tensor: np.ndarray, error: float, vectors: np.ndarray) -> Decomposition:
    weights = np.einsum("abc,ai,bi,ci->i", tensor, vectors, vectors, vectors, optimize=True)
    return Decomposition(vectors * np.where(weights < 0, -1, 1), np.abs(weights), error)
