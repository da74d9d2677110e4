"""From documents to topics: moments, a tensor, its decomposition, then Gibbs sampling begun at what that found.

The decomposition is of ceil(1.25 K) topics; all take part in the sampling, and every few sweeps the one that is missed
least is dropped, until K are left. The topics are the mean over the second half of the sweeps that follow.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from lakemill.algorithms.lda.documents import Documents
from lakemill.algorithms.lda.inference import Topics, expected_counts
from lakemill.algorithms.lda.moments import OVERSAMPLING, Moments, subspace
from lakemill.algorithms.lda.sampler import Sampler
from lakemill.algorithms.lda.tensor import Decomposition, decompose

EXTRA = 1.25
"""Topics that are begun with, for each that is asked for."""
SPECTRAL_TOPICS_MAX = 128
"""Topics that the moments are asked for; those beyond begin at random. An iteration costs the fourth power of it."""
SMOOTHING = 0.1
"""The part of the words' overall distribution in topics that sampling begins with."""
DROPPING_SWEEPS = 40
"""Sweeps while topics are dropped, at least one for each."""
SWEEPS = 100
ETA = 0.1


@dataclasses.dataclass(frozen=True)
class Settings:
    """topics, alpha0 and eta: of the model. restarts, iterations, tol: of the decomposition. sweeps: of sampling."""

    topics: int
    alpha0: float = 1.0
    eta: float = ETA
    restarts: int = 10
    iterations: int = 1000
    tol: float = 1e-8
    sweeps: int = SWEEPS


class Quiet:
    """A watch that says nothing, never stops, and keeps nothing."""

    def info(self, text: str) -> None:
        pass

    def stop(self) -> bool:
        return False

    def swept(self, learning: "Learning") -> None:
        pass


class Learning:
    """One training. `run` returns the topics; `state` and `restore` carry it over an interruption between sweeps.

    Parameters
    ----------
    documents : Documents
        At least one document with a word.
    settings : Settings
    random : numpy.random.Generator
    watch : Watch with swept(learning), called after each sweep
    """

    def __init__(self, documents: Documents, settings: Settings, random: np.random.Generator, watch: Any) -> None:
        self.documents, self.settings, self.random, self.watch = documents, settings, random, watch
        self.sweeps = 0
        self._settled = 0  # Sweeps with no more topics than asked for.
        self._kept = 0  # Those of them in the sum.
        self._sum = np.zeros((0, 0))
        self._sampler: Sampler | None = None
        self.error = 0.0
        """Relative, of the tensor's decomposition."""
        self.counts: np.ndarray = np.zeros((0, 0), np.float32)
        """(V, K) words by topic that the model rests on, after `run`."""

    @property
    def alive(self) -> int:
        """Topics that take part at present."""
        assert self._sampler is not None
        return len(self._sampler.alpha)

    def run(self) -> Topics:
        """Learn, or go on where the restored state was."""
        if self._sampler is None:
            begun = self._candidates()
            alpha = np.full(len(begun), self.settings.alpha0 / len(begun))
            self._sampler = Sampler(self.documents.sample, alpha, self.settings.eta)
            self._sampler.begin(begun, self.random)
        while self._sweep(self._sampler):
            self.sweeps += 1
            self.watch.swept(self)
        alpha = self._sampler.alpha.astype(np.float64)
        order = np.argsort(-alpha, kind="stable")
        self.counts = (self._sum[:, order] / self._kept).astype(np.float32)
        learned = model(self.counts.T, alpha[order], self.settings.eta)
        return learned if self.documents.whole else self._seen_by_all(learned)

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Arrays and facts for `restore`."""
        assert self._sampler is not None
        facts = {"sweeps": self.sweeps, "settled": self._settled, "kept": self._kept, "error": self.error}
        return {**self._sampler.state(), "sum": self._sum}, {**facts, "random": self.random.bit_generator.state}

    def restore(self, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> None:
        """Take over a `state` of a training with the same documents and settings."""
        self._sampler = Sampler(self.documents.sample, arrays["alpha"], self.settings.eta)
        self._sampler.restore(arrays)
        self._sum, self._kept, self._settled = arrays["sum"], facts["kept"], facts["settled"]
        self.sweeps, self.error = facts["sweeps"], facts["error"]
        self.random.bit_generator.state = facts["random"]

    def _candidates(self) -> np.ndarray:
        """Topics to begin with, (k, V), all words possible in each."""
        wanted = math.ceil(EXTRA * self.settings.topics)
        self.watch.info(f"Running LDA for {wanted} topics ({self.settings.topics} requested)")
        found = self._spectral(wanted)
        overall = np.asarray(self.documents.sample.sum(axis=0, dtype=np.float64)).ravel()
        overall /= overall.sum()
        if len(found) < wanted:
            self.watch.info(f"The moments of the documents tell {len(found)} topics apart; the others begin at random")
            drawn = overall * self.random.standard_gamma(1, (wanted - len(found), len(overall))) + 1e-300
            found = np.concatenate([found, drawn / drawn.sum(axis=1, keepdims=True)])
        return (1 - SMOOTHING) * found + SMOOTHING * overall

    def _spectral(self, wanted: int) -> np.ndarray:
        """At most `wanted` topics out of the moments, (k, V), largest Dirichlet weight first."""
        settings, watch = self.settings, self.watch
        sample = self.documents.sample
        watch.info(f"Loaded all data into matrix with shape: ({sample.shape[0]}, {sample.shape[1]})")
        if not self.documents.whole:
            watch.info(f"These are an even sample of {self.documents.seen} documents, which are read again")
        most = min(wanted, SPECTRAL_TOPICS_MAX)
        basis = subspace(sample, min(most + OVERSAMPLING, sample.shape[1]), settings.alpha0, self.random,
                         lambda number: watch.info(f"Krylov method iteration: {number}."))  # fmt: skip
        moments = Moments(basis)
        for block in self.documents.blocks():
            moments.update(block)
        watch.info("Starting SVD...")
        whitened = moments.whitened(settings.alpha0, most)
        watch.info(f"Covariance matrix min value: {whitened.smallest:f}")
        watch.info("Finished SVD.")
        if not len(whitened.tensor):
            return np.empty((0, sample.shape[1]))
        found = decompose(whitened.tensor, restarts=settings.restarts, max_iterations=settings.iterations,
                          tol=settings.tol, random=self.random, watch=watch)  # fmt: skip
        self.error = found.error
        return recovered(found, whitened.back, settings.alpha0).beta

    def _sweep(self, sampler: Sampler) -> bool:
        """Draw all topics once more; False when it is enough."""
        topics, stop = self.settings.topics, self.watch.stop()
        extra = len(sampler.alpha) - topics
        if extra:
            self._drop(sampler, topics if stop else topics + extra - 1, now=stop)
            return True
        if self._settled == self.settings.sweeps or (stop and self._kept):
            return False
        sampler.sweep(self.random)
        self._settled += 1
        if stop or self._settled > self.settings.sweeps // 2:
            self._sum = self._sum + sampler.n if self._kept else sampler.n.astype(np.float64)
            self._kept += 1
        return True

    def _drop(self, sampler: Sampler, keep: int, *, now: bool) -> None:
        """A sweep with too many topics; every few of them, and now if that is asked for, only `keep` are left."""
        topics = self.settings.topics
        every = max(1, DROPPING_SWEEPS // (math.ceil(EXTRA * topics) - topics + 1))
        dropping = now or (self.sweeps + 1) % every == 0
        if dropping:
            sampler.drop(keep)
        sampler.sweep(self.random)
        if dropping:
            sampler.tighten()

    def _seen_by_all(self, learned: Topics) -> Topics:
        """The topics after one more look at every document, of which the sample was a part."""
        counts, share = np.zeros(learned.beta.shape), np.zeros(len(learned.alpha))
        for block in self.documents.blocks():
            if self.watch.stop():
                self.watch.info("Stopping early, with the topics of the sample")
                return learned
            more, shares = expected_counts(block, *learned)
            counts += more
            share += shares
        self.counts = counts.T.astype(np.float32)
        return model(counts, share / share.sum() * learned.alpha.sum(), self.settings.eta)


def recovered(found: Decomposition, back: np.ndarray, alpha0: float) -> Topics:
    """Topics from the terms of the whitened tensor: clipped at 0 and normalised, largest Dirichlet weight first."""
    weights = np.maximum(found.weights, 1e-12)
    alpha = 4 * alpha0 * (alpha0 + 1) / ((alpha0 + 2) * weights) ** 2
    beta = np.maximum((back @ found.vectors).T, 0)
    total = beta.sum(axis=1)
    order = [place for place in np.argsort(-alpha, kind="stable") if total[place] > 0]
    return Topics(alpha[order], beta[order] / total[order, None])


def model(counts: np.ndarray, alpha: np.ndarray, eta: float) -> Topics:
    """The model of words by topic, (K, V) counts."""
    beta = counts + eta
    return Topics(alpha, beta / beta.sum(axis=1, keepdims=True))
