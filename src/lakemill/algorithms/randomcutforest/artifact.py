"""The model file: a NumPy archive with the forest's cuts and points. Boxes follow from them and are not stored.

cuts, values, children, masses, heads: see `tree.Trees`. points: (T, S + 1, d) float32, the leaves' points.
"""

import zipfile
from pathlib import Path

import numpy as np

from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.randomcutforest.forest import Forest
from lakemill.algorithms.randomcutforest.tree import ROOT

NAMES = ("cuts", "values", "children", "masses", "heads")


def write(path: Path, forest: Forest) -> None:
    """Write a forest that scores; its samplers are left out."""
    arrays = {name: getattr(forest.trees, name) for name in NAMES}
    points = forest.trees.rows[:, 2 * forest.tree_size :, : forest.dimensions]
    with open(path, "wb") as file:
        np.savez(file, allow_pickle=False, points=points, **arrays)


def read(path: Path) -> Forest:
    """Read what `write` has written. Raises CustomerError."""
    try:
        with np.load(path, allow_pickle=False) as found:
            arrays = {name: found[name] for name in (*NAMES, "points")}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as wrong:
        raise CustomerError(f"{path.name} is no Random Cut Forest model: {wrong}") from None
    points = arrays.pop("points")
    if points.ndim != 3 or not np.isfinite(points).all():
        raise CustomerError(f"{path.name} must hold points (trees, points, features) that are finite numbers")
    try:
        forest = Forest(len(points), points.shape[1] - 1, points.shape[2])
        for name, array in arrays.items():
            getattr(forest.trees, name)[:] = array
        forest.trees.rows[:, 2 * forest.tree_size :, : forest.dimensions] = points
        enclose(forest)
    except (ValueError, IndexError) as wrong:
        raise CustomerError(f"{path.name} is a damaged Random Cut Forest model: {wrong}") from None
    except MemoryError as wrong:
        raise CustomerError(f"{path.name} is too large: {wrong}") from None
    return forest


def enclose(forest: Forest) -> None:
    """Compute boxes from the points, the lowest level of all trees first. Raises ValueError for what is no tree."""
    trees, inner = forest.trees, forest.tree_size
    for tree, node, left, right in reversed(_levels(forest)):
        lows = [trees.rows[tree, np.where(child < inner, 2 * child, child + inner)] for child in (left, right)]
        highs = [trees.rows[tree, np.where(child < inner, 2 * child + 1, child + inner)] for child in (left, right)]
        trees.rows[tree, 2 * node], trees.rows[tree, 2 * node + 1] = np.minimum(*lows), np.maximum(*highs)
        trees.sides[tree, node] = (trees.rows[tree, 2 * node + 1] - trees.rows[tree, 2 * node]).sum(axis=1)


def _levels(forest: Forest) -> list[tuple[np.ndarray, ...]]:
    """For each depth: trees, inner nodes, and the nodes' children."""
    trees, inner = forest.trees, forest.tree_size
    tree, node = np.arange(forest.n_trees), trees.heads[:, ROOT]
    levels: list[tuple[np.ndarray, ...]] = []
    if ((trees.cuts < 0) | (trees.cuts >= forest.dimensions)).any():
        raise ValueError("a cut is in a dimension that there is not")
    while len(node):
        if ((node < 0) | (node > 2 * inner)).any() or len(levels) > inner:
            raise ValueError("its nodes are not those of a tree")
        if (trees.masses[tree, node] < 1).any():
            raise ValueError("a node has no points")
        below = node < inner
        tree, node = tree[below], node[below]
        left, right = trees.children[tree, node].T.astype(np.int64)
        levels.append((tree, node, left, right))
        tree, node = np.concatenate([tree, tree]), np.concatenate([left, right])
    return levels
