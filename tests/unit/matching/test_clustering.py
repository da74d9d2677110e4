"""Average linkage keeps its promises on any graph of pairs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from lakemill.matching import clustering


@st.composite
def graphs(draw):
    """n records, and probabilities of some pairs of them; all different, so that no tie decides."""
    n = draw(st.integers(1, 12))
    left, right = np.triu_indices(n, 1)
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kept = random.random(len(left)) < draw(st.sampled_from([0.2, 0.6, 1.0]))
    probability = random.random(len(left)) ** draw(st.sampled_from([0.3, 1, 3]))
    return n, left[kept].astype(np.int32), right[kept].astype(np.int32), probability[kept]


def finer(a, b):
    """Whether each part of a lies in one part of b."""
    return len(set(zip(a.tolist(), b.tolist(), strict=True))) == len(set(a.tolist()))


def test_a_chain_of_doubtful_pairs_is_not_one_entity():
    n = 10
    ids = clustering.cluster(n, np.arange(n - 1), np.arange(1, n), np.full(n - 1, 0.9), 0.5)
    assert np.bincount(ids).max() == 2


def test_parts_are_numbered_by_their_first_records():
    ids = clustering.cluster(5, np.array([1, 2]), np.array([4, 3]), np.array([0.9, 0.9]), 0.5)
    assert ids.tolist() == [0, 1, 2, 2, 1]


@given(graphs(), st.floats(0.05, 0.95))
def test_it_is_average_linkage_of_the_whole_table(graph, threshold):
    n, left, right, probability = graph
    ids = clustering.cluster(n, left, right, probability, threshold)
    if n == 1:
        assert ids.tolist() == [0]
        return
    distances = 1 - np.eye(n)
    distances[left, right] = distances[right, left] = 1 - probability
    tree = linkage(squareform(distances), "average")
    assert np.array_equal(ids, clustering.numbered(fcluster(tree, 1 - threshold + 1e-12, "distance")))


@given(graphs(), st.floats(0.05, 0.95), st.floats(0.05, 0.95))
def test_a_higher_threshold_splits_and_never_moves(graph, one, other):
    n, left, right, probability = graph
    low, high = (clustering.cluster(n, left, right, probability, t) for t in sorted((one, other)))
    assert finer(high, low)


@given(graphs(), st.integers(0, 1000))
def test_the_order_of_records_does_not_matter(graph, seed):
    n, left, right, probability = graph
    order = np.random.default_rng(seed).permutation(n)
    ids = clustering.cluster(n, left, right, probability, 0.5)
    moved = clustering.cluster(n, order[left], order[right], probability, 0.5)
    assert np.array_equal(clustering.numbered(moved[order]), ids)


@given(graphs(), st.integers(0, 1000))
def test_forced_pairs_are_kept(graph, seed):
    n, left, right, probability = graph
    random = np.random.default_rng(seed)
    truth = random.integers(0, 3, n)
    forced = np.where(random.random(len(left)) < 0.3, np.where(truth[left] == truth[right], 1, -1), 0).astype(np.int8)
    ids = clustering.cluster(n, left, right, probability, 0.5, forced)
    assert (ids[left] == ids[right])[forced == 1].all()
    assert not (ids[left] == ids[right])[forced == -1].any()


def test_where_labels_contradict_each_other_apart_wins():
    forced = np.array([1, 1, -1], np.int8)
    ids = clustering.cluster(3, np.array([0, 1, 0]), np.array([1, 2, 2]), np.full(3, 0.5), 0.5, forced)
    assert ids[0] != ids[2]


def test_huge_components_are_cut_at_a_higher_threshold(monkeypatch):
    monkeypatch.setattr(clustering, "LARGEST", 20)
    n = 60
    left, right = np.arange(n - 1), np.arange(1, n)
    probability = np.where(left % 10 == 9, 0.6, 0.99)
    ids = clustering.cluster(n, left, right, probability, 0.5)
    assert (ids[9::10][:-1] != ids[10::10]).all()


def test_pairs_nobody_compared_are_listed_within_components():
    left, right = np.array([0, 1, 3], np.int32), np.array([1, 2, 4], np.int32)
    labels = clustering.components(6, left, right)
    assert labels.tolist() == [0, 0, 0, 1, 1, 2]
    assert [one.tolist() for one in clustering.unscored(labels, left, right, 10, 100)] == [[0], [2]]
    assert [len(one) for one in clustering.unscored(labels, left, right, 2, 100)] == [0, 0]
    assert [len(one) for one in clustering.unscored(labels, left, right, 10, 2)] == [0, 0]


def test_confidence_is_that_of_the_place():
    ids = np.array([0, 0, 1])
    found = clustering.confidence(ids, np.array([0, 0]), np.array([1, 2]), np.array([0.9, 0.3]))
    assert found == pytest.approx([0.9, 0.9, 0.7])
