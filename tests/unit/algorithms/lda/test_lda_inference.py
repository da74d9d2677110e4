"""What a model says about documents, beside what can be worked out in other ways."""

import itertools

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import minimize

from lakemill.algorithms.lda import inference, kernels
from lakemill.algorithms.lda.inference import Likelihood, expected_counts, log_bound, mixtures, posterior, simplex

BETA = np.array([[0.5, 0.3, 0.1, 0.1, 0.0], [0.1, 0.1, 0.2, 0.2, 0.4], [0.2, 0.2, 0.2, 0.2, 0.2]])
ALPHA = np.array([0.5, 0.3, 0.2])


@pytest.fixture
def documents():
    random = np.random.default_rng(0)
    return sp.csr_matrix(random.poisson(2, (30, 5)).astype(np.float32))


def log_likelihood(counts, mixture):
    return float(counts @ np.log(mixture @ BETA))


def test_a_mixture_is_the_most_likely_one(documents):
    found = mixtures(documents, ALPHA, BETA)
    for row, mixture in zip(documents.toarray(), found, strict=True):
        best = minimize(
            lambda x, row=row: -log_likelihood(row, np.abs(x) / np.abs(x).sum()), np.full(3, 1 / 3),
            method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 5000},
        )  # fmt: skip
        assert log_likelihood(row, mixture) >= -best.fun - 1e-6


def test_mixtures_sum_to_one_and_have_exact_zeros(documents):
    found = mixtures(documents, ALPHA, BETA)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-12)
    assert found.min() == 0
    assert (found == 0).mean() > 0.2


def test_mixtures_of_many_random_models_meet_the_conditions_of_an_optimum():
    random = np.random.default_rng(3)
    for topics, words in ((2, 5), (10, 30), (40, 200)):
        beta = random.dirichlet(np.full(words, 0.1), topics)
        rows = sp.csr_matrix(random.poisson(random.gamma(0.2, 5, (40, words))).astype(np.float32))
        rows = rows[np.diff(rows.indptr) > 0]
        found = mixtures(rows, np.ones(topics), beta)
        gradient = Likelihood(rows, beta).gains(found) / np.asarray(rows.sum(axis=1))
        assert np.abs(simplex(found + gradient) - found).max() < 1e-4


def test_documents_without_words_get_the_mean_of_the_prior():
    rows = sp.csr_matrix(np.float32([[0, 0, 0, 0, 0], [1, 0, 0, 0, 0], [0, 0, 0, 0, 0]]))
    found = mixtures(rows, ALPHA, BETA)
    np.testing.assert_allclose(found[[0, 2]], [ALPHA, ALPHA])
    np.testing.assert_allclose(found[1], [1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(log_bound(rows, ALPHA, BETA)[[0, 2]], 0, atol=1e-9)


def test_words_that_no_topic_has_say_nothing():
    beta = np.array([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]])
    with_, without = (sp.csr_matrix(np.float32([[2, 1, more]])) for more in (4, 0))
    for one in (mixtures, posterior):
        assert np.isfinite(one(with_, np.ones(2), beta)).all()
    np.testing.assert_allclose(mixtures(with_, np.ones(2), beta), mixtures(without, np.ones(2), beta), atol=1e-4)


def test_large_and_small_documents_go_through_the_same_mathematics(documents, monkeypatch):
    results = {}
    for name, module in (("numpy", None), ("compiled", kernels)):
        monkeypatch.setattr(inference, "kernels", lambda *_, module=module: module)
        results[name] = [mixtures(documents, ALPHA, BETA), posterior(documents, ALPHA, BETA),
                         log_bound(documents, ALPHA, BETA), expected_counts(documents, ALPHA, BETA)[0]]  # fmt: skip
    for ours, theirs in zip(results["numpy"], results["compiled"], strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_the_bound_lies_below_the_exact_likelihood_and_near_it():
    """Exact: the sum over all assignments of topics to words, each a ratio of gamma functions."""
    from scipy.special import gammaln

    for tokens in ([0], [0, 4], [0, 0, 4, 2], [1, 1, 1, 1, 4]):
        terms = []
        for topics in itertools.product(range(3), repeat=len(tokens)):
            counts = np.bincount(topics, minlength=3)
            prior = gammaln(ALPHA.sum()) - gammaln(ALPHA.sum() + len(tokens))
            prior += (gammaln(ALPHA + counts) - gammaln(ALPHA)).sum()
            terms.append(prior + sum(np.log(max(BETA[k, w], 1e-300)) for k, w in zip(topics, tokens, strict=True)))
        exact = np.logaddexp.reduce(terms)
        row = sp.csr_matrix(np.bincount(tokens, minlength=5).astype(np.float32)[None])
        bound = log_bound(row, ALPHA, BETA)[0]
        assert exact - 1.5 < bound <= exact + 1e-9  # The gap of the method, in nats of the whole document.


def test_expected_counts_hold_every_word_once(documents):
    counts, share = expected_counts(documents, ALPHA, BETA)
    np.testing.assert_allclose(counts.sum(axis=0), np.asarray(documents.sum(axis=0)).ravel(), rtol=1e-9)
    assert share.sum() == pytest.approx(30)


def test_the_simplex_projection_is_the_nearest_mixture():
    random = np.random.default_rng(0)
    points = random.normal(size=(20, 3))
    found = simplex(points)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    others = random.dirichlet(np.ones(3), 2000)
    for point, near in zip(points, found, strict=True):
        assert np.linalg.norm(point - near) <= np.linalg.norm(point - others, axis=1).min() + 1e-9
