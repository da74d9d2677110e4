"""Blocks of points against many trees: compiled loops, one tree at a time so that it stays in the cache.

first, last: the trees to work on. points: (n, w) float32. start: the time of the block's first record. sums: (p, n)
float64, to which scores are added: those of tree t to row t // each. Or, with low and high, (p, n, d) float64, these
get them by dimension and side instead (see `scores.attribute`).
"""

from typing import Any

import numpy as np

from lakemill.algorithms.randomcutforest.reservoir import admit, begin, full
from lakemill.algorithms.randomcutforest.scores import judge, room, scale
from lakemill.algorithms.randomcutforest.tree import HELD, ROOT, add, one_tree, remove
from lakemill.formats.jit import compiled


@compiled
def planted(trees: Any, first: int, last: int, points: Any, each: int) -> None:
    """Tree t takes in the points t * each .. t * each + each - 1."""
    space = room(0, trees.keys.shape[1])
    for t in range(first, last):
        tree = one_tree(trees, t)
        for i in range(t * each, (t + 1) * each):
            add(tree, points[i], space.path, space.chances)


@compiled
def scored(
    trees: Any, first: int, last: int, points: Any, each: int, kind: int, sums: Any, low: Any, high: Any
) -> None:
    space = room(len(points), trees.keys.shape[1])
    for t in range(first, last):
        tree = one_tree(trees, t)
        times = scale(tree.masses[tree.heads[ROOT]], kind)
        judge(tree, points, 0, len(points), kind, times, sums, low, high, t // each, space)


@compiled
def updated(trees: Any, first: int, last: int, points: Any, start: float, decay: float) -> None:
    """Take a block in: the reservoirs first, so that what does not stay never enters a tree."""
    space, order = room(0, trees.keys.shape[1]), np.arange(len(points))
    for t in range(first, last):
        tree = one_tree(trees, t)
        if tree.heads[HELD] == 0 and decay == 0.0 and len(points) > len(tree.keys):
            begin(tree, order, start)
        while tree.due[0] < start + len(points):
            if full(tree) and tree.entries[0] >= 0:
                remove(tree, tree.entries[0])
            admit(tree, int(start - tree.due[0]) - 1, tree.due[0], decay)
        for place in range(tree.heads[HELD]):
            if tree.entries[place] < 0:
                tree.entries[place] = add(tree, points[-1 - tree.entries[place]], space.path, space.chances)


@compiled
def processed(
    trees: Any,
    first: int,
    last: int,
    points: Any,
    each: int,
    kind: int,
    start: float,
    decay: float,
    after: float,
    sums: Any,
    low: Any,
    high: Any,
) -> None:
    """Score each point, from time `after` (1 or later) on, and then take it in."""
    n, space = len(points), room(len(points), trees.keys.shape[1])
    for t in range(first, last):
        tree = one_tree(trees, t)
        done, begin = 0, int(min(max(after - start, 0), n))
        while done < n:
            # The tree stays as it is up to the next point that it takes in, which it scores before.
            taken = int(min(tree.due[0] - start, n))
            end = int(min(taken + 1, n))
            if begin < end:
                times = scale(tree.heads[HELD], kind)
                judge(tree, points, begin, end, kind, times, sums, low, high, t // each, space)
                begin = end
            if taken < n:
                leaf = add(tree, points[taken], space.path, space.chances)
                if full(tree):
                    remove(tree, tree.entries[0])
                admit(tree, leaf, start + taken, decay)
            done = end
