"""The tree of prefixes and the address encoder."""

import numpy as np
import pytest

from lakemill.algorithms.ipinsights import encoder, kernels
from lakemill.algorithms.ipinsights.prefixes import LENGTHS, PrefixCounts, PrefixTree


@pytest.fixture
def addresses():
    random = np.random.default_rng(0)
    near = np.uint32(10 << 24) + random.integers(0, 1 << 12, 800, np.uint32)
    return np.concatenate(
        [near, near[:200], random.integers(0, 1 << 32, 500, np.uint32), np.uint32([0, 0, 0xFFFFFFFF, 0xFFFFFFFF])]
    )


def counted(addresses, **options):
    counts = PrefixCounts(**options)
    counts.add(addresses)
    return counts


def longest(addresses, one):
    """The longest prefix of an address that two others have, or it twice, by looking at all: value and length."""
    for length in reversed(LENGTHS):
        if (addresses >> np.uint32(32 - length) == one >> np.uint32(32 - length)).sum() >= 2:
            return int(one) >> (32 - length) << (32 - length), length
    return 0, 0


def test_an_address_belongs_to_its_longest_known_prefix(addresses):
    tree = counted(addresses).tree(1 << 20)
    asked = np.concatenate(
        [addresses, addresses[:300] ^ np.uint32(5), np.random.default_rng(1).integers(0, 1 << 32, 300, np.uint32)]
    )
    nodes = tree.nodes(asked)
    found = [(int(tree.prefixes[node]), int(tree.lengths[node])) for node in nodes]
    assert found == [longest(addresses, one) for one in asked]
    quick = np.empty(len(asked), np.int32)
    kernels.lookup(asked, tree.starts, tree.owners, tree.halves(), quick)
    np.testing.assert_array_equal(quick, nodes)


def test_parents_are_the_next_shorter_known_prefixes(addresses):
    tree = counted(addresses).tree(1 << 20)
    assert tree.parents[0] == -1 and tree.counts[0] == len(addresses)
    prefixes, lengths = tree.prefixes.tolist(), tree.lengths.tolist()
    for node in range(1, len(tree)):
        shorter = [other for other in range(len(tree)) if lengths[other] < lengths[node]]
        inside = [n for n in shorter if prefixes[node] >> (32 - lengths[n]) == prefixes[n] >> (32 - lengths[n])]
        assert tree.parents[node] == max(inside, key=lambda other: tree.lengths[other])
        assert tree.counts[tree.parents[node]] >= tree.counts[node] >= 2


def test_counts_by_the_piece_and_of_several_hosts_are_those_of_all(addresses):
    whole, parts, other = counted(addresses), counted(addresses[:500]), counted(addresses[900:])
    parts.add(addresses[500:900])
    parts.merge(other)
    np.testing.assert_array_equal(parts.prefixes, whole.prefixes)
    np.testing.assert_array_equal(parts.counts, whole.counts)


def test_memory_is_bounded_by_giving_up_the_longest_prefixes(addresses):
    counts = counted(addresses, distinct_max=600)
    assert len(counts.prefixes) <= 600 and counts.length < 32
    assert counts.counts.sum() == len(addresses)
    other = counted(addresses)
    other.merge(counts)
    assert other.length == counts.length and other.counts.sum() == 2 * len(addresses)


def test_a_tree_too_large_keeps_the_most_frequent_prefixes(addresses):
    whole, small = counted(addresses).tree(1 << 20), counted(addresses).tree(50)
    assert len(small) - 1 <= 50 < len(whole)
    left = set(zip(whole.prefixes.tolist(), whole.lengths.tolist(), strict=True)) - set(
        zip(small.prefixes.tolist(), small.lengths.tolist(), strict=True)
    )
    rare = [
        count
        for count, *key in zip(whole.counts, whole.prefixes.tolist(), whole.lengths.tolist(), strict=True)
        if tuple(key) in left
    ]
    assert max(rare) <= small.counts.min()


def test_no_address_is_a_tree_of_its_root():
    tree = PrefixCounts().tree(100)
    assert len(tree) == 1 and tree.nodes(np.uint32([5])).tolist() == [0]


def test_an_event_forgets_its_prefix_with_the_chance_of_one_in_its_count():
    tree = PrefixTree(np.uint32([0, 10 << 24, 10 << 24]), np.int32([0, 8, 16]), np.int64([1000, 100, 4]))
    nodes = np.full(200_000, 2, np.int32)
    kernels.forget(nodes, tree.parents, tree.counts, np.random.default_rng(0).random(len(nodes)))
    shares = np.bincount(nodes, minlength=3) / len(nodes)
    np.testing.assert_allclose(shares, [1 / 400, 1 / 4 - 1 / 400, 3 / 4], atol=0.005)


def test_path_sums_and_their_gradients_are_those_of_the_incidence_matrix(addresses):
    tree = counted(addresses).tree(1 << 20)
    nodes = np.unique(tree.nodes(addresses[::7]))
    table = np.random.default_rng(2).normal(size=(len(tree), 5)).astype(np.float32)
    matrix = np.zeros((len(nodes), len(tree)), np.float32)
    for at, there in tree.paths(nodes):
        matrix[at, there] = 1
    sums = np.empty((len(nodes), 5), np.float32)
    kernels.path_sums(nodes, tree.parents, table, sums)
    np.testing.assert_allclose(sums, matrix @ table, rtol=1e-5, atol=1e-5)
    gradients = np.random.default_rng(3).normal(size=sums.shape).astype(np.float32)
    numbers, touched, back = np.full(len(tree), -1, np.int32), np.empty(len(tree), np.int32), np.zeros_like(table)
    count = kernels.path_gradients(nodes, tree.parents, gradients, numbers, touched, back)
    expected = matrix.T @ gradients
    np.testing.assert_allclose(back[:count], expected[touched[:count]], rtol=1e-4, atol=1e-5)
    assert set(touched[:count]) == set(np.flatnonzero(matrix.any(axis=0))) and (numbers == -1).all()


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_the_encoder_goes_back_as_torch_does(depth, monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(encoder, "SLICE", 7)
    random = np.random.default_rng(0)
    layers = [
        (random.normal(size=(6, 6)).astype(np.float32), random.normal(size=(1, 6)).astype(np.float32))
        for _ in range(depth)
    ]
    h, gradients = (random.normal(size=(20, 6)).astype(np.float32) for _ in range(2))
    tensors = [(torch.tensor(one, requires_grad=True), torch.tensor(two, requires_grad=True)) for one, two in layers]
    first = torch.tensor(h, requires_grad=True)
    current = first
    for weights, bias in tensors:
        current = current + (torch.relu(current) @ weights + bias) / 6**0.5
    current.backward(torch.tensor(gradients))
    np.testing.assert_allclose(encoder.forward(h, layers), current.detach().numpy(), rtol=1e-4, atol=1e-5)
    back, of_layers = encoder.backward(h, gradients, layers)
    np.testing.assert_allclose(back, first.grad.numpy(), rtol=1e-4, atol=1e-4)
    for ours, theirs in zip(of_layers, tensors, strict=True):
        for one, two in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(one, two.grad.numpy(), rtol=1e-3, atol=1e-4)
