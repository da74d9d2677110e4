"""LDA as a scikit-learn estimator."""

from collections.abc import Iterator
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted, check_non_negative, validate_data

from lakemill.algorithms.lda.documents import SAMPLE_BYTES, Documents, counts, slices
from lakemill.algorithms.lda.inference import log_bound, posterior
from lakemill.algorithms.lda.learning import ETA, SWEEPS, Learning, Quiet, Settings, model
from lakemill.algorithms.lda.sampler import Sampler

BATCH_SWEEPS = 10
"""Sweeps over the documents of a further batch; the second half of them counts."""


class LDA(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Topics of documents by tensor decomposition of their moments, refined by collapsed Gibbs sampling.

    Parameters
    ----------
    n_components : int, default=10
        Topics.
    alpha0 : float, default=1.0
        Sum of the Dirichlet prior of a document's mixture; the topics' parts of it follow the documents.
    topic_word_prior : float, default=0.1
        Prior count of every word in every topic.
    max_iter : int, default=100
        Sweeps of Gibbs sampling; the topics are the mean over the second half of them.
    max_restarts, max_decomposition_iter, tol : int, int, float; default=10, 1000, 1e-8
        Of the tensor decomposition, as in the built-in algorithm.
    sample_bytes : int, default=134217728
        Room for the documents that are sampled. Of more, an even random choice is, and all are seen once more.
    random_state : int, RandomState or None, default=None

    Attributes
    ----------
    components_ : (n_components, n_features) float64
        Each topic's distribution over words; rows sum to 1.
    alpha_ : (n_components,) float64
        The prior of mixtures, largest first.
    reconstruction_err_ : float
        Of the whitened third moment, relative; 0 where the documents are too short to have one.
    n_iter_ : int
        Sweeps, those included during which surplus topics are dropped.
    n_features_in_ : int

    Notes
    -----
    O(sweeps x words x n_components) time after O(nnz n_components) a pass for the moments. Source: Anandkumar et al.,
    "Tensor decompositions for learning latent variable models", JMLR 15, 2014; Griffiths and Steyvers, "Finding
    scientific topics", PNAS 101, 2004.

    Examples
    --------
    >>> documents = np.array([[4, 5, 0, 0], [6, 3, 0, 0], [0, 0, 5, 5], [0, 0, 4, 7]] * 10)
    >>> model = LDA(n_components=2, random_state=0).fit(documents)
    >>> model.transform([[9, 9, 0, 0], [0, 0, 9, 9]]).argmax(axis=1).tolist() in ([0, 1], [1, 0])
    True
    """

    _parameter_constraints = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "alpha0": [Interval(Real, 0, None, closed="neither")],
        "topic_word_prior": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "max_restarts": [Interval(Integral, 1, None, closed="left")],
        "max_decomposition_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="neither")],
        "sample_bytes": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_components: int = 10,
        *,
        alpha0: float = 1.0,
        topic_word_prior: float = ETA,
        max_iter: int = SWEEPS,
        max_restarts: int = 10,
        max_decomposition_iter: int = 1000,
        tol: float = 1e-8,
        sample_bytes: int = SAMPLE_BYTES,
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.alpha0 = alpha0
        self.topic_word_prior = topic_word_prior
        self.max_iter = max_iter
        self.max_restarts = max_restarts
        self.max_decomposition_iter = max_decomposition_iter
        self.tol = tol
        self.sample_bytes = sample_bytes
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> "LDA":
        """Learn the topics of documents X, (n_samples, n_features) of word counts, dense or sparse; y is ignored."""
        self._validate_params()
        X = self._checked(X, reset=True)
        if not X.nnz:
            raise ValueError("No document has a word: all counts are 0.")
        self._random = np.random.default_rng(check_random_state(self.random_state).randint(2**31 - 1))

        def read() -> Iterator[Any]:
            return slices(X)

        settings = Settings(
            self.n_components,
            alpha0=self.alpha0,
            eta=self.topic_word_prior,
            restarts=self.max_restarts,
            iterations=self.max_decomposition_iter,
            tol=self.tol,
            sweeps=self.max_iter,
        )
        learning = Learning(Documents(read, self._random, self.sample_bytes), settings, self._random, Quiet())
        self.alpha_, self.components_ = learning.run()
        self.reconstruction_err_, self.n_iter_ = learning.error, learning.sweeps
        self._counts = learning.counts
        self._seen = X.shape[0]
        return self

    def partial_fit(self, X: Any, y: Any = None) -> "LDA":
        """Take a batch of documents in: the first is fitted, a further one is sampled beside the words of all before.

        The order of the topics stays. The first batch should be large enough to know the topics by.
        """
        if not hasattr(self, "components_"):
            return self.fit(X)
        X = self._checked(X)
        if not X.nnz:
            return self
        sampler = Sampler(X, self.alpha_, self.topic_word_prior, base=self._counts)
        sampler.begin(self.components_, self._random)
        alpha, self._counts = self.alpha_, self._batch(sampler)
        share = self._seen / (self._seen + X.shape[0])
        self._seen += X.shape[0]
        self.alpha_ = share * alpha + (1 - share) * sampler.alpha
        self.alpha_, self.components_ = model(self._counts.T, self.alpha_, self.topic_word_prior)
        return self

    def _batch(self, sampler: Sampler) -> np.ndarray:
        total = np.zeros(sampler.n.shape)
        for number in range(BATCH_SWEEPS):
            sampler.sweep(self._random)
            if number >= BATCH_SWEEPS // 2:
                total += sampler.n
        return (total / (BATCH_SWEEPS - BATCH_SWEEPS // 2)).astype(np.float32)

    def transform(self, X: Any) -> np.ndarray:
        """The expected mixture of topics of every document, (n_samples, n_components) float64; rows sum to 1."""
        check_is_fitted(self)
        found = [posterior(block, self.alpha_, self.components_) for block in slices(self._checked(X))]
        joined = np.concatenate(found)
        return joined / joined.sum(axis=1, keepdims=True)

    def score(self, X: Any, y: Any = None) -> float:
        """A lower bound of the log-likelihood of all documents, in nats."""
        check_is_fitted(self)
        return float(sum(log_bound(block, self.alpha_, self.components_).sum() for block in slices(self._checked(X))))

    def perplexity(self, X: Any) -> float:
        """exp(-score / words); lower is better."""
        words = float(self._checked(X).sum(dtype=np.float64))
        return float(np.exp(-self.score(X) / words))

    def _checked(self, X: Any, *, reset: bool = False) -> Any:
        X = validate_data(self, X, accept_sparse="csr", dtype=[np.float32, np.float64], reset=reset)
        check_non_negative(X, "LDA")
        return counts(X)

    @property
    def _n_features_out(self) -> int:
        return len(self.components_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.positive_only = True
        return tags
