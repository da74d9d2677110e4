"""The centred moments of word counts, seen in a subspace and whitened.

A document with counts c of n words gives, for two and three different words of it drawn at random,

    E1 = c / n
    E2 = (c c' - diag c) / (n (n - 1))
    E3 = (c x c x c - three terms of the pairs that share a word + 2 diag c) / (n (n - 1) (n - 2))

on average over documents, and with the sum a of the Dirichlet parameters the centred moments

    M2 = E2 - a / (a + 1) E1 E1'
    M3 = E3 - a / (a + 2) (E2 x E1, three ways) + 2 a^2 / ((a + 1) (a + 2)) E1 x E1 x E1

which are sums over the topics of a product of two, or three, times the topic's distribution over words.

Source: Anandkumar, Ge, Hsu, Kakade and Telgarsky, "Tensor decompositions for learning latent variable models", JMLR
15, 2014, theorem 3.5; Anandkumar, Foster, Hsu, Kakade and Liu, "A spectral algorithm for latent Dirichlet allocation",
NIPS 2012.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from lakemill.algorithms.lda.documents import slices

WORDS_MIN = 3
"""A document of fewer words has no third moment; it is left out of all three."""
OVERSAMPLING = 10
"""Further directions of the subspace."""
KRYLOV_ITERATIONS = 7
EIGENVALUE_MIN = 1e-6
"""Of the largest: below it a direction of M2 is noise."""
STEP_NUMBERS = 1 << 23
"""Numbers of the products of pairs that are made at once."""


def subspace(
    sample: Any, directions: int, alpha0: float, random: np.random.Generator, told: Callable[[int], None]
) -> np.ndarray:
    """The directions in which the centred second moment of documents is strongest.

    Parameters
    ----------
    sample : (n, V) csr_matrix of counts
    directions : int
        l, at most V.
    told : callable
        Gets the number of each iteration.

    Returns
    -------
    basis : (V, l) float64, orthonormal columns

    Notes
    -----
    Block power iteration with orthonormalisation; O(nnz l) a step, and M2 (V, V) is never made. Source: Halko,
    Martinsson and Tropp, "Finding structure with randomness", SIAM Review 53(2), 2011.
    """
    basis = np.linalg.qr(random.standard_normal((sample.shape[1], directions)))[0]
    for iteration in range(KRYLOV_ITERATIONS):
        told(iteration)
        basis = np.linalg.qr(_second_moment_times(basis, sample, alpha0))[0]
    return basis


def _second_moment_times(basis: np.ndarray, sample: Any, alpha0: float) -> np.ndarray:
    product, first, count = np.zeros(basis.shape), np.zeros(len(basis)), 0
    for block, lengths in map(_usable, slices(sample)):
        pairs = 1 / (lengths * (lengths - 1))
        product += block.T @ (pairs[:, None] * (block @ basis)) - (block.T @ pairs)[:, None] * basis
        first += block.T @ (1 / lengths)
        count += len(lengths)
    if count:
        product /= count
        first /= count
    return product - alpha0 / (alpha0 + 1) * np.outer(first, first @ basis)


class Whitened(NamedTuple):
    """tensor (k, k, k): M3 where M2 is the identity. back (V, k): from there to words. smallest: of M2's entries."""

    tensor: np.ndarray
    back: np.ndarray
    smallest: float


class Moments:
    """Sums over documents from which the moments come, in a subspace: O(V l + l^3) numbers, however many documents.

    Parameters
    ----------
    basis : (V, l) float64, orthonormal columns
    """

    def __init__(self, basis: np.ndarray) -> None:
        words, directions = basis.shape
        self.basis = basis
        self.count = 0
        self.first = np.zeros(words)
        self.pair_words = np.zeros(words)
        self.triple_words = np.zeros(words)
        self.pairs = np.zeros((directions, directions))
        self.crossed = np.zeros((words, directions))
        self.triples = np.zeros((directions**2, directions))

    def update(self, documents: Any) -> None:
        """Take in (n, V) counts. O(nnz l + n l^3)."""
        for block, lengths in map(_usable, slices(documents)):
            seen = block @ self.basis  # (n, l)
            pairs = 1 / (lengths * (lengths - 1))
            triples = pairs / (lengths - 2)
            self.count += len(lengths)
            self.first += block.T @ (1 / lengths)
            self.pair_words += block.T @ pairs
            self.triple_words += block.T @ triples
            self.pairs += seen.T @ (pairs[:, None] * seen)
            self.crossed += block.T @ (triples[:, None] * seen)
            self.triples += _products(seen, triples[:, None] * seen)

    def whitened(self, alpha0: float, topics: int) -> Whitened:
        """M3 in the at most `topics` strongest directions of M2; fewer where M2 has fewer."""
        second, third = self._centred(alpha0)
        values, vectors = np.linalg.eigh(second)
        chosen = np.flatnonzero(values > max(values[-1] * EIGENVALUE_MIN, 0))[::-1][:topics]
        values, vectors = values[chosen], vectors[:, chosen]
        narrow = vectors / np.sqrt(values)  # (l, k)
        tensor = np.einsum("abc,ai,bj,ck->ijk", third, narrow, narrow, narrow, optimize=True)
        return Whitened(tensor, self.basis @ (vectors * np.sqrt(values)), float(second.min()))

    def _centred(self, alpha0: float) -> tuple[np.ndarray, np.ndarray]:
        basis, count = self.basis, max(self.count, 1)
        size = basis.shape[1]
        first = basis.T @ (self.first / count)
        second = (self.pairs - basis.T @ (self.pair_words[:, None] * basis)) / count
        shared = _three_ways(_products(basis, self.crossed).reshape(size, size, size))
        same = _products(basis, self.triple_words[:, None] * basis)
        third = (self.triples + 2 * same).reshape(size, size, size) - shared
        mean = first[:, None] * first
        third = third / count - alpha0 / (alpha0 + 2) * _three_ways(second[:, :, None] * first)
        third += 2 * alpha0**2 / ((alpha0 + 1) * (alpha0 + 2)) * mean[:, :, None] * first
        return second - alpha0 / (alpha0 + 1) * mean, third


def _usable(block: Any) -> tuple[Any, np.ndarray]:
    """The documents that are long enough, and their lengths in words, (n,) float64."""
    lengths = np.asarray(block.sum(axis=1, dtype=np.float64)).ravel()
    long = np.flatnonzero(lengths >= WORDS_MIN)
    return (block, lengths) if len(long) == len(lengths) else (block[long], lengths[long])


def _products(rows: np.ndarray, last: np.ndarray) -> np.ndarray:
    """(l l, m): the sum over rows of r x r x q, for (n, l) rows r and (n, m) rows q."""
    size = rows.shape[1]
    total = np.zeros((size**2, last.shape[1]))
    step = max(1, STEP_NUMBERS // size**2)
    for begin in range(0, len(rows), step):
        part = rows[begin : begin + step]
        total += (part[:, :, None] * part[:, None, :]).reshape(len(part), -1).T @ last[begin : begin + step]
    return total


def _three_ways(tensor: np.ndarray) -> np.ndarray:
    """A tensor that is symmetric in its first two axes, plus the two others of its kind."""
    return tensor + tensor.transpose(0, 2, 1) + tensor.transpose(2, 1, 0)
