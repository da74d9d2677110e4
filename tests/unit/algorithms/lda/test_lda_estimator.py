"""The estimator as scikit-learn's own checks see it, and its quality beside scikit-learn's."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.decomposition import LatentDirichletAllocation
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from lakemill.algorithms.lda import LDA
from tests.unit.algorithms.lda.conftest import distances, written


def test_held_out_documents_are_likelier_than_under_scikit_learns_topics():
    random = np.random.default_rng(5)
    topics = random.dirichlet(np.full(500, 0.05), 15)
    documents = written(topics, np.full(15, 0.07), 1200, 60, seed=4)
    train, test = documents[:900], documents[900:]
    ours = LDA(15, random_state=0).fit(train)
    peer = LatentDirichletAllocation(15, max_iter=20, random_state=0).fit(train)
    assert ours.perplexity(test) < peer.perplexity(test)
    found = peer.components_ / peer.components_.sum(axis=1, keepdims=True)
    assert distances(ours.components_, topics)[0].mean() < distances(found, topics)[0].mean()


def test_perplexity_is_that_of_the_score_per_word(simple):
    documents, _ = simple
    model = LDA(3, random_state=0).fit(documents)
    assert model.perplexity(documents) == pytest.approx(np.exp(-model.score(documents) / documents.sum()))
    assert 4 < model.perplexity(documents) < 12


def test_mixtures_of_planted_documents_are_found(simple):
    documents, topics = simple
    model = LDA(3, random_state=0).fit(documents)
    _, order = distances(model.components_, topics)
    shares = documents @ (topics.T > 0)
    shares = shares / shares.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.transform(documents)[:, order], shares, atol=0.1)


def test_dense_and_sparse_documents_give_the_same_model(simple):
    documents, _ = simple
    models = [LDA(3, random_state=0).fit(x) for x in (documents, documents.toarray(), documents.astype(np.float64))]
    for model in models[1:]:
        np.testing.assert_array_equal(model.components_, models[0].components_)
    np.testing.assert_allclose(models[0].transform(documents.toarray()), models[0].transform(documents))


def test_a_stream_of_batches_comes_close_to_one_fit(grid):
    documents, topics = grid
    stream = LDA(10, random_state=0)
    first = None
    for start in range(0, 2000, 500):
        stream.partial_fit(documents[start : start + 500])
        first = stream.components_ if first is None else first
    before, after = distances(first, topics)[0].mean(), distances(stream.components_, topics)[0].mean()
    assert after < 0.75 * before
    assert stream._counts.sum() == pytest.approx(documents.sum(), rel=1e-4)
    assert (distances(stream.components_, first)[1] == np.arange(10)).all()


def test_topics_are_features_for_what_follows(simple):
    documents, topics = simple
    labels = np.asarray((documents @ (topics.T > 0)).argmax(axis=1)).ravel()
    pipeline = clone(make_pipeline(LDA(3, random_state=0), LogisticRegression()))
    assert pipeline.fit(documents[:200], labels[:200]).score(documents[200:], labels[200:]) > 0.95
    assert list(pipeline[:-1].get_feature_names_out()) == ["lda0", "lda1", "lda2"]


def test_documents_that_are_none_are_refused():
    with pytest.raises(ValueError, match="all counts are 0"):
        LDA(2).fit(np.zeros((3, 3)))
    with pytest.raises(ValueError, match="Negative"):
        LDA(2).fit(sp.csr_matrix([[1.0, -1.0]]))
