"""One random cut tree as arrays: walk, add, remove. Compiled; nothing here allocates.

A tree holds S points, and for a moment one more: it has N = S inner nodes, numbered from 0, and S + 1 leaves, numbered
from N. Equal points share a leaf, which counts them. An inner node is a cut: points with x[cut dimension] <= cut value
are below its left child. Its box is the smallest that holds its points; boxes and points are rows of one array, so that
the box of a leaf, which is its point twice, needs no case of its own.

Inserting and removing keep the tree distributed as if it had been cut afresh (Guha et al., ICML 2016, theorems 2, 3):
the cut of the enlarged box is drawn anew only where it falls between the box and the new point.
"""

from typing import Any, NamedTuple

import numpy as np

from lakemill.formats.jit import compiled, inlined, summing

ROOT, HELD, NODES, LEAVES = range(4)
"""Places in `heads`: the root or -1, entries in the reservoir, free inner nodes, free leaves."""


class Trees(NamedTuple):
    """T trees of S points of d dimensions; w is d, rounded up for vector registers and filled with zeros.

    One tree is the same tuple without the leading axis.
    """

    rows: Any  # (T, 3 S + 1, w) float32: lower and upper corner of each inner node; the leaves' points.
    sides: Any  # (T, S) float32: the sum of the box's sides.
    cuts: Any  # (T, S) int32: the cut's dimension.
    values: Any  # (T, S) float32: the cut's value.
    children: Any  # (T, S, 2) int32
    parents: Any  # (T, 2 S + 1) int32; -1 above the root.
    masses: Any  # (T, 2 S + 1) int32: points at or below a node; 0 for a free one.
    free: Any  # (T, 2 S + 1) int32: stacks of the free inner nodes and, from S on, of the free leaves.
    heads: Any  # (T, 4) int64: see ROOT.
    keys: Any  # (T, S) float64: a heap of the reservoir's keys, the largest first.
    entries: Any  # (T, S) int64: the leaf of each key.
    due: Any  # (T,) or, of one tree, (1,) float64: the time of the next record that the reservoir takes.
    seeds: Any  # (T, 2) uint64: states of the generators of the reservoir and of the cuts.


@compiled
def one_tree(trees: Any, t: int) -> Any:
    return Trees(
        trees.rows[t],
        trees.sides[t],
        trees.cuts[t],
        trees.values[t],
        trees.children[t],
        trees.parents[t],
        trees.masses[t],
        trees.free[t],
        trees.heads[t],
        trees.keys[t],
        trees.entries[t],
        trees.due[t : t + 1],
        trees.seeds[t],
    )


@inlined
def draw(seeds: Any, which: int) -> float:
    """A uniform number in [0, 1). Steele et al., "Fast splittable pseudorandom number generators" (SplitMix64)."""
    seeds[which] += np.uint64(0x9E3779B97F4A7C15)
    z = seeds[which]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return np.float64(z >> np.uint64(11)) * 1.1102230246251565e-16  # 2^-53


@inlined
def lower(inner: int, node: int) -> int:
    """The row of a node's lower corner; inner: N."""
    return 2 * node if node < inner else node + inner


@inlined
def upper(inner: int, node: int) -> int:
    return 2 * node + 1 if node < inner else node + inner


# Each difference below goes through max, which is not for its value: sums may be taken in another order, and without
# it a sum of differences would become a difference of sums, in which small ones drown.


@summing
def outside(low: Any, high: Any, x: Any) -> Any:
    """How far x lies outside a box: the sum over dimensions of what the box would have to grow."""
    total = np.float32(0)
    for j in range(x.shape[0]):
        total += max(max(low[j] - x[j], x[j] - high[j]), np.float32(0))
    return total


@summing
def enclose(low: Any, high: Any, x: Any) -> Any:
    """Let a box grow to hold x; returns the sum of its sides."""
    total = np.float32(0)
    for j in range(x.shape[0]):
        low[j] = min(low[j], x[j])
        high[j] = max(high[j], x[j])
        total += max(high[j] - low[j], np.float32(0))
    return total


@summing
def join(low: Any, high: Any, low_a: Any, high_a: Any, low_b: Any, high_b: Any) -> Any:
    """Make a box the smallest around two others; returns by how much its corners moved, and the sum of its sides."""
    moved, total = np.float32(0), np.float32(0)
    for j in range(low.shape[0]):
        bottom, top = min(low_a[j], low_b[j]), max(high_a[j], high_b[j])
        moved += max(bottom - low[j], np.float32(0)) + max(high[j] - top, np.float32(0))
        total += max(top - bottom, np.float32(0))
        low[j] = bottom
        high[j] = top
    return moved, total


@compiled
def walk(tree: Any, x: Any, path: Any, chances: Any) -> Any:
    """Follow the cuts from the root to x's leaf.

    path[k]: the node at depth k. chances[k]: the probability that the first cut of that node's box, were it enlarged
    to hold x, would part x from all points below it; 1 at a leaf that is not x, 0 at one that is. Returns the leaf's
    depth and the first depth whose chance is not 0; above it, chances are not written: boxes lie in one another, so a
    box around one that holds x holds it too.
    """
    inner, depth, node = tree.sides.shape[0], 0, tree.heads[ROOT]
    while node < inner:
        path[depth] = node
        depth += 1
        node = tree.children[node, int(x[tree.cuts[node]] > tree.values[node])]
    path[depth] = node
    chances[depth] = 1.0 if outside(tree.rows[node + inner], tree.rows[node + inner], x) > 0 else 0.0
    first = depth
    while chances[first] > 0 and first > 0:
        node = path[first - 1]
        beyond = np.float64(outside(tree.rows[2 * node], tree.rows[2 * node + 1], x))
        if beyond <= 0:
            break
        first -= 1
        chances[first] = beyond / (np.float64(tree.sides[node]) + beyond)
    return depth, first


@compiled
def add(tree: Any, x: Any, path: Any, chances: Any) -> int:
    """Insert a point; path and chances are room for its walk. Returns its leaf."""
    if tree.heads[ROOT] < 0:
        leaf = _new_leaf(tree, x, -1)
        tree.heads[ROOT] = leaf
    else:
        depth, k = walk(tree, x, path, chances)
        where = draw(tree.seeds, 1)
        while where >= chances[k] and k < depth:
            node = path[k]
            tree.sides[node] = enclose(tree.rows[2 * node], tree.rows[2 * node + 1], x)
            k += 1
            where = draw(tree.seeds, 1)
        leaf = path[k]
        if where < chances[k]:
            leaf = _split(tree, path[k], x, where / chances[k])
    _count(tree, leaf, 1)
    return leaf


@compiled
def remove(tree: Any, leaf: int) -> None:
    """Take a point of a leaf away; with the last one goes the leaf and the cut above it."""
    inner = tree.sides.shape[0]
    _count(tree, leaf, -1)
    if tree.masses[leaf] > 0:
        return
    cut = tree.parents[leaf]
    tree.free[inner + tree.heads[LEAVES]] = leaf
    tree.heads[LEAVES] += 1
    if cut < 0:
        tree.heads[ROOT] = -1
        return
    children = tree.children[cut]
    other = children[1] if children[0] == leaf else children[0]
    _replace(tree, cut, other)
    tree.masses[cut] = 0
    tree.free[tree.heads[NODES]] = cut
    tree.heads[NODES] += 1
    node = tree.parents[other]
    while node >= 0 and _shrink(tree, node):
        node = tree.parents[node]


@inlined
def _shrink(tree: Any, node: int) -> bool:
    """Fit a box to its children's again; whether it changed."""
    rows, inner = tree.rows, tree.sides.shape[0]
    a, b = tree.children[node, 0], tree.children[node, 1]
    moved, tree.sides[node] = join(
        rows[2 * node],
        rows[2 * node + 1],
        rows[lower(inner, a)],
        rows[upper(inner, a)],
        rows[lower(inner, b)],
        rows[upper(inner, b)],
    )
    return moved > 0


@inlined
def _split(tree: Any, node: int, x: Any, where: float) -> int:
    """Put a cut above a node, at the share `where` of all by which its box would have to grow. Returns x's new leaf."""
    rows, inner = tree.rows, tree.sides.shape[0]
    low, high = rows[lower(inner, node)], rows[upper(inner, node)]
    where *= outside(low, high, x)
    dimension, value, left = 0, np.float32(0), False
    for j in range(x.shape[0]):
        below, above = low[j] - x[j], x[j] - high[j]
        gap = max(below, above)
        if gap > 0:
            dimension, left = j, below > 0
            begin, end = (x[j], low[j]) if left else (high[j], x[j])
            value = np.float32(begin + min(where, gap))
            if value >= end:  # Rounding must not put the cut beyond the gap.
                value = begin
            if where < gap:
                break
            where -= gap
    tree.heads[NODES] -= 1
    cut = tree.free[tree.heads[NODES]]
    leaf = _new_leaf(tree, x, cut)
    _replace(tree, node, cut)
    tree.parents[node] = cut
    tree.cuts[cut], tree.values[cut] = dimension, value
    tree.children[cut, 0], tree.children[cut, 1] = (leaf, node) if left else (node, leaf)
    tree.masses[cut] = tree.masses[node]
    _, tree.sides[cut] = join(rows[2 * cut], rows[2 * cut + 1], low, high, x, x)
    return leaf


@inlined
def _new_leaf(tree: Any, x: Any, parent: int) -> int:
    inner = tree.sides.shape[0]
    tree.heads[LEAVES] -= 1
    leaf = tree.free[inner + tree.heads[LEAVES]]
    for j in range(x.shape[0]):  # A loop compiles in a tenth of the time of an assignment of arrays.
        tree.rows[leaf + inner, j] = x[j]
    tree.parents[leaf] = parent
    tree.masses[leaf] = 0
    return leaf


@inlined
def _replace(tree: Any, node: int, other: int) -> None:
    """Put another node in the place below a node's parent."""
    parent = tree.parents[node]
    tree.parents[other] = parent
    if parent < 0:
        tree.heads[ROOT] = other
    else:
        tree.children[parent, int(tree.children[parent, 1] == node)] = other


@inlined
def _count(tree: Any, leaf: int, more: int) -> None:
    node = leaf
    while node >= 0:
        tree.masses[node] += more
        node = tree.parents[node]
