"""Trees against their definition, written down again without arrays or speed."""

import numpy as np
import pytest

from lakemill.algorithms.randomcutforest import blocks
from lakemill.algorithms.randomcutforest.forest import Forest
from lakemill.algorithms.randomcutforest.tree import HELD, LEAVES, NODES, ROOT, one_tree, remove


def below(tree, node):
    """The leaves below a node; asserts what a tree promises on the way."""
    inner = len(tree.sides)
    if node >= inner:
        assert tree.masses[node] >= 1
        return [node]
    left, right = (below(tree, child) for child in tree.children[node])
    assert all(tree.parents[child] == node for child in tree.children[node])
    assert tree.masses[node] == sum(tree.masses[child] for child in tree.children[node])
    points = tree.rows[np.array(left + right) + inner]
    np.testing.assert_array_equal(points.min(axis=0), tree.rows[2 * node])
    np.testing.assert_array_equal(points.max(axis=0), tree.rows[2 * node + 1])
    assert tree.sides[node] == pytest.approx(np.ptp(points.astype(float), axis=0).sum(), rel=1e-5)
    cut, value = tree.cuts[node], tree.values[node]
    assert (tree.rows[np.array(left) + inner, cut] <= value).all()
    assert (tree.rows[np.array(right) + inner, cut] > value).all()
    return left + right


def check(forest):
    for t in range(forest.n_trees):
        tree = one_tree(forest.trees, t)
        leaves, held = below(tree, tree.heads[ROOT]), tree.heads[HELD]
        assert tree.parents[tree.heads[ROOT]] == -1
        assert sorted(set(tree.entries[:held])) == sorted(leaves)
        assert [int(np.sum(tree.entries[:held] == leaf)) for leaf in leaves] == tree.masses[leaves].tolist()
        assert tree.heads[LEAVES] == forest.tree_size + 1 - len(leaves)
        assert tree.heads[NODES] == forest.tree_size - (len(leaves) - 1)


def leaf_of(tree, x):
    inner = len(tree.sides)
    (found,) = np.flatnonzero(
        (tree.rows[2 * inner :, : len(x)] == np.float32(x)).all(axis=1) & (tree.masses[inner:] > 0)
    )
    return found + inner


def definition(tree, x, node, depth=0):
    """The anomaly score as the recursion over a tree that the companion library of AWS computes, unscaled."""
    inner, mass = len(tree.sides), tree.masses[tree.heads[ROOT]]
    low, high = (tree.rows[2 * node], tree.rows[2 * node + 1]) if node < inner else [tree.rows[node + inner]] * 2
    if node >= inner and (low == x).all():
        return (1 - tree.masses[node] / (2 * mass)) / (depth + np.log2(tree.masses[node] + 1))
    larger = np.maximum(high, x).astype(float) - np.minimum(low, x)
    chance = (larger.sum() - (high.astype(float) - low).sum()) / larger.sum()
    if node >= inner:
        return 1 / (depth + 1)
    child = tree.children[node, int(x[tree.cuts[node]] > tree.values[node])]
    return chance / (depth + 1) + (1 - chance) * definition(tree, x, child, depth + 1)


@pytest.mark.parametrize("size", [1, 2, 7, 64])
@pytest.mark.parametrize("kind", ["few values", "normal", "tiny beside large"])
def test_trees_keep_their_promises_while_points_come_and_go(size, kind):
    random = np.random.default_rng(size)
    points = random.integers(0, 4, (2000, 3)) if kind == "few values" else random.normal(size=(2000, 3))
    if kind == "tiny beside large":
        points[:, 0] = 1e6
        points[:, 1] *= 1e-16
    forest = Forest(4, size, 3, decay=0.002)
    forest.process(points[:1000])
    check(forest)
    forest.update(points[1000:])
    check(forest)
    assert np.isfinite(forest.score(points)).all()


def test_the_last_point_can_be_taken_away():
    forest = Forest(1, 4, 2)
    forest.update(np.ones((1, 2)))
    tree = one_tree(forest.trees, 0)
    remove(tree, tree.entries[0])
    assert (tree.heads[ROOT], tree.heads[LEAVES], tree.masses.sum()) == (-1, 5, 0)


def test_scores_are_those_of_the_definition(cloud):
    forest = Forest(5, 50, 3, seed=2)
    forest.update(np.concatenate([cloud, cloud[:40]]))
    some = np.concatenate([cloud[:60], cloud[-6:], [[100, 0, 0]]]).astype(np.float32)
    some = np.pad(some, ((0, 0), (0, 5)))
    trees = [one_tree(forest.trees, t) for t in range(5)]
    expected = [np.mean([definition(tree, x, tree.heads[ROOT]) for tree in trees]) * np.log2(51) for x in some]
    np.testing.assert_allclose(forest.score(some[:, :3]), expected, rtol=1e-5)


def test_codisp_is_the_mean_over_real_insertions(cloud):
    """The displacement of rrcf, which inserts the point: the largest sibling-to-own ratio on the way up."""

    def inserted(tree, leaf):
        found, node = 0.0, leaf
        while tree.parents[node] >= 0:
            above = tree.parents[node]
            found = max(found, tree.masses[above] / tree.masses[node] - 1)
            node = above
        return found

    one = Forest(1, 30, 3, seed=3)
    one.update(cloud[:20])
    for x in (cloud[30], cloud[-1]):
        many = Forest(400, 30, 3, seed=4)
        for mine, copied in zip(many.trees[:9], one.trees[:9], strict=True):
            mine[:] = copied
        blocks.planted(many.trees, 0, 400, np.tile(many._padded(x[None]), (400, 1)), 1)
        trees = [one_tree(many.trees, t) for t in range(400)]
        real = [inserted(tree, leaf_of(tree, x)) for tree in trees]
        assert one.score(x[None], "codisp")[0] == pytest.approx(np.mean(real), abs=4 * np.std(real) / 20 + 1e-9)


def test_cuts_fall_in_a_dimension_as_often_as_its_side_is_long():
    points = np.float32([[0, 0], [3, 0], [0, 1], [3, 1]])
    forest = Forest(4000, 4, 2)
    forest.update(points)
    roots = forest.trees.cuts[np.arange(4000), forest.trees.heads[:, ROOT]]
    assert np.mean(roots == 0) == pytest.approx(0.75, abs=0.03)


def test_a_tree_is_the_same_in_distribution_whatever_was_removed_before():
    """Robust random cut trees: inserting and removing is as if never inserted (theorem 3)."""
    points = np.random.default_rng(0).normal(size=(8, 2))
    plain, worn = Forest(4000, 8, 2, seed=1), Forest(4000, 8, 2, seed=2)
    plain.plant(np.tile(points, (4000, 1)))
    worn.plant(np.tile(np.concatenate([points[:4] + 5, points[:4]]), (4000, 1)))
    for t in range(4000):
        tree = one_tree(worn.trees, t)
        for x in points[:4]:
            remove(tree, leaf_of(tree, x + 5))
    blocks.planted(worn.trees, 0, 4000, worn._padded(np.tile(points[4:], (4000, 1))), 4)
    query = np.array([[0.0, 0.0], [2.0, -1.0], [4.0, 4.0]])
    np.testing.assert_allclose(plain.score(query), worn.score(query), rtol=0.03)


def ages(decay, first=0, trees=300, size=32, seen=5000):
    forest, records = Forest(trees, size, 1, decay=decay), np.arange(seen, dtype=np.float32)[:, None]
    forest.update(records[:first])
    forest.update(records[first:])
    check(forest)
    held = np.take_along_axis(forest.trees.rows[:, :, 0], forest.trees.entries + size, axis=1)
    return seen - 1 - held.ravel()


@pytest.mark.parametrize("first", [0, 10, 1000])
def test_without_decay_samples_are_even(first):
    assert np.quantile(ages(0.0, first), [0.25, 0.5, 0.75]) == pytest.approx([1250, 2500, 3750], rel=0.06)


def test_with_decay_samples_are_weighted_by_age():
    random, records = np.random.default_rng(0), np.arange(5000)
    keys = np.log(random.exponential(size=(300, 5000))) - records / 500
    expected = 4999 - np.argsort(keys, axis=1)[:, :32].ravel()
    quantiles = [0.1, 0.5, 0.9]
    assert np.quantile(ages(1 / 500), quantiles) == pytest.approx(np.quantile(expected, quantiles), rel=0.08)


def test_a_forest_beyond_the_machine_is_refused():
    with pytest.raises(MemoryError, match="1000 trees of 2048 points of 10000000 dimensions take"):
        Forest(1000, 2048, 10_000_000)
