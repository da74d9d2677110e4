"""A forest in the words of the built-in's log."""

import numpy as np

from lakemill.algorithms.randomcutforest.forest import Forest
from lakemill.algorithms.randomcutforest.tree import ROOT


def described(forest: Forest) -> str:
    """`ForestInfo{num_trees: 50, ...}`: sizes and depths of all trees."""
    nodes = (forest.trees.masses > 0).sum(axis=1)
    depths = _depths(forest)
    facts = {
        "num_trees": forest.n_trees,
        "num_samples_in_forest": forest.n_trees * forest.tree_size,
        "num_samples_per_tree": forest.tree_size,
        "sample_dim": forest.dimensions,
        "shingle_size": 1,
        "trees_num_nodes": f"[{''.join(f'{count}, ' for count in nodes)}]",
        "trees_depth": f"[{''.join(f'{depth}, ' for depth in depths)}]",
        "max_num_nodes": nodes.max(),
        "min_num_nodes": nodes.min(),
        "avg_num_nodes": int(nodes.mean()),
        "max_tree_depth": depths.max(),
        "min_tree_depth": depths.min(),
        "avg_tree_depth": int(depths.mean()),
        "mem_size": sum(array.nbytes for array in forest.trees),
    }
    return f"ForestInfo{{{', '.join(f'{name}: {value}' for name, value in facts.items())}}}"


def _depths(forest: Forest) -> np.ndarray:
    """Cuts above the deepest leaf of each tree, (n_trees,)."""
    tree, node, depths, depth = np.arange(forest.n_trees), forest.trees.heads[:, ROOT], np.zeros(forest.n_trees, int), 0
    while len(node):
        depths[tree] = depth
        depth += 1
        below = node < forest.tree_size
        children = forest.trees.children[tree[below], node[below]]
        tree, node = np.repeat(tree[below], 2), children.ravel()
    return depths
