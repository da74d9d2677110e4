"""The moments beside their definitions, and topics out of them alone."""

import itertools

import numpy as np
import pytest
import scipy.sparse as sp

from lakemill.algorithms.lda.learning import Quiet, recovered
from lakemill.algorithms.lda.moments import Moments, subspace
from lakemill.algorithms.lda.tensor import decompose
from tests.unit.algorithms.lda.conftest import distances, written

ALPHA0 = 0.8


def by_definition(documents):
    """M2 (V, V) and M3 (V, V, V) from every ordered pair and triple of different places in each document."""
    words = documents.shape[1]
    one, two, three = np.zeros(words), np.zeros((words, words)), np.zeros((words, words, words))
    for row in documents:
        tokens = np.repeat(np.arange(words), row.astype(int))
        np.add.at(one, tokens, 1 / len(tokens))
        pairs, triples = (list(itertools.permutations(tokens, size)) for size in (2, 3))
        for pair in pairs:
            two[pair] += 1 / len(pairs)
        for triple in triples:
            three[triple] += 1 / len(triples)
    one, two, three = one / len(documents), two / len(documents), three / len(documents)
    crossed = np.einsum("ij,k->ijk", two, one)
    crossed = crossed + crossed.transpose(0, 2, 1) + crossed.transpose(2, 1, 0)
    cube = np.einsum("i,j,k->ijk", one, one, one)
    second = two - ALPHA0 / (ALPHA0 + 1) * np.outer(one, one)
    return second, three - ALPHA0 / (ALPHA0 + 2) * crossed + 2 * ALPHA0**2 / ((ALPHA0 + 1) * (ALPHA0 + 2)) * cube


def test_moments_are_those_of_all_pairs_and_triples_of_words():
    random = np.random.default_rng(0)
    documents = random.multinomial(random.integers(3, 9, 12), np.full(4, 0.25)).astype(np.float32)
    moments = Moments(np.eye(4))
    for part in (documents[:5], documents[5:]):
        moments.update(sp.csr_matrix(part))
    second, third = moments._centred(ALPHA0)
    expected = by_definition(documents)
    np.testing.assert_allclose(second, expected[0], atol=1e-8)
    np.testing.assert_allclose(third, expected[1], atol=1e-8)


def test_documents_too_short_for_a_third_moment_are_left_out():
    documents = np.float32([[2, 1, 1], [1, 1, 0], [0, 2, 0], [0, 3, 1]])
    some, all_ = Moments(np.eye(3)), Moments(np.eye(3))
    some.update(sp.csr_matrix(documents[[0, 3]]))
    all_.update(sp.csr_matrix(documents))
    assert all_.count == 2
    for ours, theirs in zip(all_._centred(1.0), some._centred(1.0), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_the_subspace_is_that_of_the_strongest_eigenvectors(simple):
    documents, _ = simple
    moments = Moments(np.eye(12))
    moments.update(documents)
    values, vectors = np.linalg.eigh(moments._centred(ALPHA0)[0])
    strongest = vectors[:, np.argsort(-np.abs(values))[:3]]
    heard = []
    basis = subspace(documents, 3, ALPHA0, np.random.default_rng(0), heard.append)
    np.testing.assert_allclose(np.linalg.svd(strongest.T @ basis)[1], 1, atol=1e-4)
    assert heard == list(range(7))


def test_whitening_turns_the_second_moment_into_the_identity(simple):
    moments = Moments(np.eye(12))
    moments.update(simple[0])
    whitened = moments.whitened(0.6, 3)
    back = whitened.back
    second = moments._centred(0.6)[0]
    inverse = np.linalg.pinv(back)
    np.testing.assert_allclose(inverse @ second @ inverse.T, np.eye(3), atol=1e-8)
    assert whitened.smallest == second.min()


def test_the_moments_alone_recover_planted_topics_and_their_prior():
    """The method as published, without any refinement; errors of the moments fall with the root of the documents."""
    random = np.random.default_rng(2)
    topics = random.dirichlet(np.full(40, 0.2), 4)
    alpha = np.array([0.1, 0.2, 0.3, 0.4])
    documents = written(topics, alpha, 20_000, 60, seed=3)
    moments = Moments(subspace(documents, 14, 1.0, random, lambda number: None))
    moments.update(documents)
    whitened = moments.whitened(1.0, 4)
    found = decompose(whitened.tensor, restarts=3, max_iterations=500, tol=1e-10, random=random, watch=Quiet())
    model = recovered(found, whitened.back, 1.0)
    apart, order = distances(model.beta, topics)
    assert apart.max() < 0.1
    np.testing.assert_allclose(model.alpha[order], alpha, rtol=0.25)


def test_documents_without_structure_have_no_directions():
    same = sp.csr_matrix(np.ones((5, 1), np.float32) * 4)
    moments = Moments(np.eye(1))
    moments.update(same)
    assert moments.whitened(1.0, 3).tensor.shape == (1, 1, 1)
    moments = Moments(np.eye(2))
    assert moments.whitened(1.0, 3).tensor.size == 0


@pytest.mark.parametrize("alpha0", [0.1, 1.0, 10.0])
def test_the_tensor_is_symmetric(simple, alpha0):
    moments = Moments(np.eye(12))
    moments.update(simple[0])
    tensor = moments.whitened(alpha0, 3).tensor
    np.testing.assert_allclose(tensor, tensor.transpose(1, 0, 2), atol=1e-9)
    np.testing.assert_allclose(tensor, tensor.transpose(2, 1, 0), atol=1e-9)
