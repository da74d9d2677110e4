"""Collapsed Gibbs sampling: every word of every document has a topic, drawn again and again given all others.

Source: Griffiths and Steyvers, "Finding scientific topics", PNAS 101, 2004; the topics' shares in the prior follow the
documents, as Wallach, Mimno and McCallum, "Rethinking LDA: why priors matter", NIPS 2009, advise.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lakemill.algorithms.lda import kernels
from lakemill.algorithms.lda.documents import slices
from lakemill.algorithms.lda.inference import Likelihood, posterior

TOKENS_MAX = 16
"""A word that occurs more often in a document is drawn in so many tokens of equal weight."""
SHARE_MIN = 1e-3
"""The least share of a topic in the prior, as a part of an even share."""
STEP_TOKENS = 1 << 20
BEGIN_STEPS = 8


class Sampler:
    """The tokens of documents and their topics.

    Parameters
    ----------
    documents : (n, V) csr_matrix of counts
        A count that is no whole number is a token of less weight.
    alpha : (k,) prior of mixtures; its sum stays as it is
    eta : float
        Prior count of every word in every topic.
    base : (V, k) float32, optional
        Tokens of other documents, whose topics stay as they are.

    Attributes
    ----------
    n : (V, k) float32
        Weight of the tokens by word and topic, base included.
    z : (tokens,) int
        Their topics.
    """

    def __init__(self, documents: Any, alpha: np.ndarray, eta: float, base: np.ndarray | None = None) -> None:
        self._documents = documents
        tokens = np.clip(np.ceil(documents.data), 1, TOKENS_MAX).astype(np.int64)
        self._first = np.concatenate([[0], np.cumsum(tokens)])
        self._weight = (documents.data / tokens).astype(np.float32)
        self._eta = np.float32(eta)
        self._base = base
        self.alpha = alpha.astype(np.float32)
        self.alive = np.ones(len(alpha), np.float32)
        self.z = np.zeros(self._first[-1], np.int16 if len(alpha) < 1 << 15 else np.int32)
        self.n = np.zeros((documents.shape[1], len(alpha)), np.float32)

    def begin(self, beta: np.ndarray, random: np.random.Generator) -> None:
        """Draw every token's topic as a model with topics beta (k, V) sees it."""
        at = 0
        for block in slices(self._documents):
            theta = posterior(block, self.alpha.astype(np.float64), beta, BEGIN_STEPS)
            words = Likelihood(block, beta).words
            rows = np.repeat(np.arange(block.shape[0]), np.diff(block.indptr))
            for start in range(0, block.nnz, 1 << 15):
                part = slice(start, start + (1 << 15))
                chances = np.cumsum(theta[rows[part]] * words[block.indices[part]], axis=1)
                ends = self._first[at + part.start : at + min(part.stop, block.nnz) + 1]
                chances = np.repeat(chances, np.diff(ends), axis=0)
                points = random.random(len(chances)) * chances[:, -1]
                drawn = (chances <= points[:, None]).sum(axis=1)
                self.z[ends[0] : ends[-1]] = np.minimum(drawn, len(beta) - 1)
            at += block.nnz

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Go on from a `state`."""
        self.z, self.alpha, self.alive = arrays["z"], arrays["alpha"], arrays["alive"]
        self.n = np.zeros((self.n.shape[0], len(self.alpha)), np.float32)

    def state(self) -> dict[str, np.ndarray]:
        """All that the next sweep depends on, besides the random numbers."""
        return {"z": self.z, "alpha": self.alpha, "alive": self.alive}

    def sweep(self, random: np.random.Generator) -> None:
        """Draw every token's topic anew. O(tokens k)."""
        x = self._documents
        self._count()
        nk = self.n.sum(axis=0, dtype=np.float64)
        share = np.zeros(len(self.alpha))
        tokens = self._first[x.indptr]
        begin = 0
        while begin < x.shape[0]:
            end = max(begin + 1, int(np.searchsorted(tokens, tokens[begin] + STEP_TOKENS, side="right")) - 1)
            uniform = random.random(tokens[end] - tokens[begin], np.float32)
            kernels.sweep(begin, end, x.indptr, x.indices, self._first, self._weight, self.z, uniform,
                          self.n, nk, self.alpha, self._eta, self.alive, share)  # fmt: skip
            begin = end
        self._follow(share)

    def _count(self) -> None:
        self.n[:] = 0 if self._base is None else self._base
        kernels.count(self._documents.indices, self._first, self._weight, self.z, self.n)

    def _follow(self, share: np.ndarray) -> None:
        """Give each topic the part of the prior that it has of the documents."""
        if share.sum() > 0:
            part = np.maximum(share / share.sum(), SHARE_MIN / len(share)) * self.alive
            self.alpha = (self.alpha.sum() * part / part.sum()).astype(np.float32)

    def drop(self, keep: int) -> None:
        """Let tokens only leave all but `keep` topics, those that are missed least; the next sweep empties them.

        Of the two topics whose tokens lose least when they share one distribution over words, the smaller one goes: it
        is a double, or next to empty. A rare topic of words of its own stays, though its prior may be the least.
        """
        self._count()
        weights = self.n.sum(axis=0, dtype=np.float64)
        roots = np.sqrt(self.n / np.maximum(weights, 1e-12).astype(np.float32))
        # For topics that are alike, the loss in nats over 4; 1 - the Bhattacharyya coefficient is their distance.
        both = np.multiply.outer(weights, weights) / np.maximum(np.add.outer(weights, weights), 1e-12)
        losses = both * (1 - (roots.T @ roots).astype(np.float64))
        np.fill_diagonal(losses, np.inf)
        for _ in range(len(weights) - keep):
            one, two = np.unravel_index(losses.argmin(), losses.shape)
            gone = one if weights[one] < weights[two] else two
            losses[gone], losses[:, gone] = np.inf, np.inf
            self.alive[gone] = 0
        total = self.alpha.sum()
        self.alpha = self.alpha * self.alive
        self.alpha *= total / self.alpha.sum()

    def tighten(self) -> None:
        """Forget topics that have been dropped, after the sweep that emptied them."""
        left = np.flatnonzero(self.alive)
        places = np.zeros(len(self.alive), self.z.dtype)
        places[left] = np.arange(len(left))
        self.z = places[self.z]
        self.n = np.ascontiguousarray(self.n[:, left])
        self.alpha, self.alive = self.alpha[left], self.alive[left]
