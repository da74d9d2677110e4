"""What a model says about documents: their mixtures of topics, and how likely they are.

alpha (K,) is the Dirichlet prior of mixtures, beta (K, V) the topics' distributions over words.
"""

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
from scipy.special import gammaln, psi

from lakemill.algorithms.lda.documents import slices
from lakemill.formats.jit import kernels

ABSENT = 1e-30
"""The least probability of a word: one that no topic has says nothing about the mixture."""
EM_STEPS, COUNT_STEPS = 20, 8
GRADIENT_STEPS = 500
GRADIENT_MIN = 1e-6
"""A mixture is at its best when a step along the gradient, of length 1, would move no topic by more."""
STEP_MIN, STEP_MAX = 1e-4, 1e6
BOUND_STEPS = 60
CHUNK = 1 << 15


class Topics(NamedTuple):
    """alpha (K,): the Dirichlet prior of mixtures. beta (K, V): each topic's distribution over words. float64."""

    alpha: np.ndarray
    beta: np.ndarray


class Likelihood:
    """Documents (n, V) of counts beside topics (K, V), ready for many questions about different mixtures."""

    def __init__(self, documents: Any, beta: np.ndarray) -> None:
        self.documents = documents
        self.words = np.ascontiguousarray(beta.T, np.float64)  # (V, K)
        work = 8 * EM_STEPS * documents.nnz * self.words.shape[1]
        self._kernels = kernels("lakemill.algorithms.lda.kernels", work)

    def chances(self, mixtures: np.ndarray) -> np.ndarray:
        """The probability of every entry's word, (nnz,), for (n, K) mixtures."""
        ptr, idx = self.documents.indptr, self.documents.indices
        found = np.empty(len(idx))
        if self._kernels is not None:
            self._kernels.dots(ptr, idx, mixtures, self.words, found)
        else:
            rows = np.repeat(np.arange(len(mixtures)), np.diff(ptr))
            for begin in range(0, len(idx), CHUNK):
                part = slice(begin, begin + CHUNK)
                np.einsum("ek,ek->e", mixtures[rows[part]], self.words[idx[part]], out=found[part])
        return np.maximum(found, ABSENT, out=found)

    def over(self, chances: np.ndarray) -> Any:
        """Counts divided by chances, a csr_matrix (n, V)."""
        x = self.documents
        return scipy.sparse.csr_matrix((x.data / chances, x.indices, x.indptr), shape=x.shape)

    def gains(self, mixtures: np.ndarray) -> np.ndarray:
        """The gradient of the documents' log-likelihood by their mixtures, (n, K)."""
        return self.over(self.chances(mixtures)) @ self.words

    def log(self, chances: np.ndarray) -> np.ndarray:
        """The documents' log-likelihood, (n,), in nats."""
        x = self.documents
        padded = np.concatenate([x.data * np.log(chances), [0.0]])  # An empty document may be the last.
        return np.where(np.diff(x.indptr), np.add.reduceat(padded, x.indptr[:-1]), 0.0)


def posterior(documents: Any, alpha: np.ndarray, beta: np.ndarray, steps: int = EM_STEPS) -> np.ndarray:
    """Expected words of each topic in each document, and the prior: (n, K), the parameters of a Dirichlet.

    Parameters
    ----------
    documents : (n, V) csr_matrix of counts
    alpha : (K,); beta : (K, V)

    Notes
    -----
    The fixed point of Asuncion et al., "On smoothing and inference for topic models", UAI 2009 (MAP with shifted
    parameters, which is CVB0 for words that occur once). O(steps nnz K).
    """
    likelihood = Likelihood(documents, beta)
    found = np.ones((documents.shape[0], len(alpha)))
    for _ in range(steps):
        found = found * likelihood.gains(found) + alpha
    return found


def expected_counts(documents: Any, alpha: np.ndarray, beta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Words by topic (K, V) that documents are expected to hold, and the sum of their mixtures (K,)."""
    mixtures = posterior(documents, alpha, beta, COUNT_STEPS)
    likelihood = Likelihood(documents, beta)
    shares = likelihood.over(likelihood.chances(mixtures)).T @ mixtures  # (V, K)
    return (likelihood.words * shares).T, (mixtures / mixtures.sum(axis=1, keepdims=True)).sum(axis=0)


def log_bound(documents: Any, alpha: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """A lower bound of log p(document | alpha, beta), (n,), in nats.

    Variational: Blei, Ng and Jordan, "Latent Dirichlet allocation", JMLR 3, 2003.

    >>> one = scipy.sparse.csr_matrix(np.float32([[1, 1]]))
    >>> np.exp(log_bound(one, np.ones(1), np.array([[0.5, 0.5]]))).round(6).tolist()
    [0.25]
    """
    likelihood = Likelihood(documents, beta)
    found = np.full((documents.shape[0], len(alpha)), alpha.mean())
    found += np.asarray(documents.sum(axis=1)).reshape(-1, 1) / len(alpha)
    for _ in range(BOUND_STEPS):
        weights = np.exp(psi(found) - psi(found.sum(axis=1, keepdims=True)))
        found = weights * likelihood.gains(weights) + alpha
    logs = psi(found) - psi(found.sum(axis=1, keepdims=True))
    bound = likelihood.log(likelihood.chances(np.exp(logs)))
    bound += ((alpha - found) * logs + gammaln(found) - gammaln(alpha)).sum(axis=1)
    return bound + gammaln(alpha.sum()) - gammaln(found.sum(axis=1))


def mixtures(documents: Any, alpha: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """The mixture under which each document is most likely, (n, K): rows sum to 1, and many entries are 0.

    A document without a word gets the mean of the prior.

    Notes
    -----
    The log-likelihood is concave. Expectation maximisation brings every mixture near, then the gradient is followed
    with steps after Barzilai and Borwein, projected to the simplex, halved until the likelihood grows. Source: Birgin,
    Martinez and Raydan, "Nonmonotone spectral projected gradient methods on convex sets", SIAM J. Optimization 10(4),
    2000.

    >>> mixtures(scipy.sparse.csr_matrix(np.float32([[3, 1, 0]])), np.ones(2), np.eye(2, 3)).round(3).tolist()
    [[0.75, 0.25]]
    """
    parts = [_most_likely(block, beta) for block in slices(documents)]
    found = np.concatenate(parts) if parts else np.empty((0, len(alpha)))
    found[np.diff(documents.indptr) == 0] = alpha / alpha.sum()
    return found


def _most_likely(documents: Any, beta: np.ndarray) -> np.ndarray:
    lengths = np.maximum(np.asarray(documents.sum(axis=1, dtype=np.float64)), 1e-12).reshape(-1, 1)
    found = np.full((documents.shape[0], len(beta)), 1 / len(beta))
    likelihood = Likelihood(documents, beta)
    for _ in range(EM_STEPS):
        found = found * likelihood.gains(found)
        found /= np.maximum(found.sum(axis=1, keepdims=True), ABSENT)
    steps = np.ones((len(found), 1))
    gradient, value = _gradient(likelihood, found, lengths)
    rows = np.arange(len(found))  # Those that are not at their best yet.
    x = found.copy()
    for _ in range(GRADIENT_STEPS):
        far = np.abs(simplex(x + gradient) - x).max(axis=1, initial=0) > GRADIENT_MIN
        found[rows] = x
        if not far.any():
            break
        if not far.all():
            rows, x, gradient, value, steps, lengths = (one[far] for one in (rows, x, gradient, value, steps, lengths))
            likelihood = Likelihood(documents[rows], beta)
        direction = simplex(x + steps * gradient) - x
        moved, new_gradient, new_value, stuck = _uphill(likelihood, x, direction, gradient, value, lengths)
        change, bend = moved - x, gradient - new_gradient
        curved = (change * bend).sum(axis=1, keepdims=True)
        steps = np.where(curved > 0, np.square(change).sum(axis=1, keepdims=True) / np.where(curved > 0, curved, 1), 1)
        steps = np.clip(steps, STEP_MIN, STEP_MAX)
        x, gradient, value = moved, new_gradient, new_value
        if stuck.all():
            found[rows] = x
            break
    return found


def _gradient(likelihood: Likelihood, x: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gradient (n, K) and value (n,) of the log-likelihood per word."""
    chances = likelihood.chances(x)
    return (likelihood.over(chances) @ likelihood.words) / lengths, likelihood.log(chances) / lengths[:, 0]


def _uphill(
    likelihood: Likelihood,
    x: np.ndarray,
    direction: np.ndarray,
    gradient: np.ndarray,
    value: np.ndarray,
    lengths: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Points along the directions where the likelihood is larger, with gradient and value; and who found none."""
    slope = (gradient * direction).sum(axis=1)
    share = np.ones(len(x))
    for _ in range(30):
        moved = x + share[:, None] * direction
        new_gradient, new_value = _gradient(likelihood, moved, lengths)
        low = new_value < value + 1e-4 * share * slope - 1e-13
        if not low.any():
            break
        share[low] *= 0.5
    moved[low], new_gradient[low], new_value[low] = x[low], gradient[low], value[low]
    return moved, new_gradient, new_value, low


def simplex(points: np.ndarray) -> np.ndarray:
    """The nearest mixtures to (n, K) points. Source: Duchi et al., "Efficient projections", ICML 2008.

    >>> simplex(np.array([[0.9, 0.5, -1.0]])).round(3).tolist()
    [[0.7, 0.3, 0.0]]
    """
    size = points.shape[1]
    falling = -np.sort(-points, axis=1)
    excess = (np.cumsum(falling, axis=1) - 1) / np.arange(1, size + 1)
    last = size - 1 - np.argmax((falling > excess)[:, ::-1], axis=1)
    return np.maximum(points - np.take_along_axis(excess, last[:, None], 1), 0)
