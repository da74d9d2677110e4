"""What a tree says about points. Compiled.

points: (n, w) float32, of which rows begin .. end - 1 are meant.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from lakemill.algorithms.randomcutforest.tree import ROOT, lower, outside, upper, walk
from lakemill.formats.jit import compiled, summing

ANOMALY, CODISP = 0, 1


class Room(NamedTuple):
    """Working space."""

    order: Any  # (n,) int64: points, sorted by leaf.
    found: Any  # (n,) float64
    stack: Any  # (S + 1, 4) int64: parts of the order that wait: node, first, last, depth.
    path: Any  # (S + 2,) int64
    chances: Any  # (S + 2,) float64


@compiled
def room(points: int, tree_size: int) -> Any:
    return Room(
        np.empty(points, np.int64),
        np.empty(points),
        np.empty((tree_size + 1, 4), np.int64),
        np.empty(tree_size + 2, np.int64),
        np.empty(tree_size + 2),
    )


@compiled
def judge(
    tree: Any,
    points: Any,
    begin: int,
    end: int,
    kind: int,
    times: float,
    sums: Any,
    low: Any,
    high: Any,
    part: int,
    space: Any,
) -> None:
    """Add the points' scores, `times` over, to sums[part]; or, with low and high, their parts to these."""
    if low is not None:
        for i in range(begin, end):
            attribute(tree, points[i], times, low[part, i], high[part, i], space.path, space.chances)
    elif kind == ANOMALY:
        anomalies(tree, points, begin, end, space)
        for i in range(begin, end):
            sums[part, i] += times * space.found[i]
    else:
        for i in range(begin, end):
            sums[part, i] += times * codisp(tree, points[i], space.path, space.chances)


@compiled
def scale(mass: int, kind: int) -> float:
    """What scores of a tree of so many points are multiplied by, so that sizes of trees do not matter much."""
    return math.log2(mass + 1.0) if kind == ANOMALY else 1.0


@summing
def anomalies(tree: Any, points: Any, begin: int, end: int, space: Any) -> None:
    """Write the expected 1 / (depth + 1) at which each point would be cut off to space.found; unscaled.

    A point that equals a leaf counts as 1 / (depth + log2(leaf's mass + 1)), the less the more such points there are.
    As the public random-cut-forest-by-aws library defines it.

    The points are sorted down the tree as by quicksort, so that all that share a leaf go up its path together. Every
    inner loop runs over points, without a branch that the processor would have to guess: five times as fast as one
    point after the other.
    """
    cuts, values, children, inner = tree.cuts, tree.values, tree.children, tree.sides.shape[0]
    order, stack, path = space.order, space.stack, space.path
    for i in range(begin, end):
        order[i - begin] = i
    stack[0, 0], stack[0, 1], stack[0, 2], stack[0, 3] = tree.heads[ROOT], 0, end - begin, 0
    waiting = 1
    while waiting > 0:
        waiting -= 1
        node, a, b, depth = stack[waiting, 0], stack[waiting, 1], stack[waiting, 2], stack[waiting, 3]
        while node < inner:
            path[depth] = node
            depth += 1
            cut, value, middle = int(cuts[node]), values[node], a
            for j in range(a, b):
                point = order[j]
                order[j] = order[middle]
                order[middle] = point
                middle += int(points[point, cut] <= value)
            if middle == a:
                node = int(children[node, 1])
                continue
            if middle < b:
                stack[waiting, 0], stack[waiting, 1] = children[node, 1], middle
                stack[waiting, 2], stack[waiting, 3] = b, depth
                waiting += 1
            node, b = int(children[node, 0]), middle
        _rise(tree, points, node, a, b, depth, space)


@compiled
def _rise(tree: Any, points: Any, leaf: int, a: int, b: int, depth: int, space: Any) -> None:
    """Score the points a .. b - 1 of the order, which belong to one leaf, from there up to the boxes that hold them."""
    rows, order, found, row = tree.rows, space.order, space.found, leaf + tree.sides.shape[0]
    share, left = 1.0 / (depth + 1.0), a
    for j in range(a, b):
        point = order[j]
        beyond = outside(rows[row], rows[row], points[point])
        found[point] = share
        order[j] = order[left]
        order[left] = point
        left += int(beyond > 0)
    for j in range(left, b):
        found[order[j]] = seen(tree.masses, leaf, tree.heads[ROOT], depth)
    while left > a and depth > 0:
        depth -= 1
        node, b, left, share = space.path[depth], left, a, 1.0 / (depth + 1.0)
        side = np.float64(tree.sides[node])
        for j in range(a, b):
            point = order[j]
            beyond = np.float64(outside(rows[2 * node], rows[2 * node + 1], points[point]))
            found[point] += beyond / (side + beyond) * (share - found[point])
            order[j] = order[left]
            order[left] = point
            left += int(beyond > 0)


@compiled
def seen(masses: Any, leaf: int, root: int, depth: int) -> float:
    """What a point counts that equals a leaf."""
    share = np.float64(masses[leaf]) / np.float64(masses[root])
    return (1.0 - 0.5 * share) / (depth + math.log2(masses[leaf] + 1.0))


@compiled
def codisp(tree: Any, x: Any, path: Any, chances: Any) -> float:
    """The expected collusive displacement (Guha et al., ICML 2016, definition 4), were the point inserted.

    That is the largest number of points, over the groups the point would belong to, that rise in the tree when a
    group is taken away, per point of the group.
    """
    depth, first = walk(tree, x, path, chances)
    found, left, largest = 0.0, 1.0, 0.0
    for k in range(depth + 1):
        mass = np.float64(tree.masses[path[k]])
        if k >= first:  # The point becomes the sibling of this node, which would be displaced.
            found += left * chances[k] * max(mass, largest)
            left *= 1.0 - chances[k]
        if k < depth:
            below = np.float64(tree.masses[path[k + 1]])
            largest = max(largest, (mass - below) / (below + 1.0))
    return found + left * largest


@summing
def attribute(tree: Any, x: Any, times: float, low: Any, high: Any, path: Any, chances: Any) -> None:
    """Add the point's anomaly score, `times` over, to low and high, (d,) float64, by dimension and side.

    A cut that parts the point from a box falls where the point is below or above the box, in some dimension: that is
    what its share of the score goes to. The score of a point that equals a leaf goes to all alike.
    """
    depth, first = walk(tree, x, path, chances)
    width, inner = low.shape[0], tree.sides.shape[0]
    if chances[depth] == 0:
        share = times * seen(tree.masses, path[depth], path[0], depth) / (2 * width)
        for j in range(width):
            low[j] += share
            high[j] += share
        return
    for k in range(first, depth + 1):
        bottom, top = tree.rows[lower(inner, path[k])], tree.rows[upper(inner, path[k])]
        share = times * chances[k] / ((k + 1.0) * outside(bottom, top, x))
        for j in range(width):
            low[j] += share * max(bottom[j] - x[j], np.float32(0))
            high[j] += share * max(x[j] - top[j], np.float32(0))
        times *= 1.0 - chances[k]
