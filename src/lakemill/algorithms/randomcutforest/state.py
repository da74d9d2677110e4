"""What a stream's forest remembers, as arrays: to be kept, and to go on from, to the last bit.

Boxes of nodes are left out, because they follow from the points below them; the sums of their sides are not, because
they were summed up in another order.
"""

from typing import TYPE_CHECKING

import numpy as np

from lakemill.algorithms.randomcutforest.artifact import enclose

if TYPE_CHECKING:
    from lakemill.algorithms.randomcutforest.stream import RandomCutStream

KEPT = ("sides", "cuts", "values", "children", "parents", "masses", "free", "heads", "keys", "entries", "due", "seeds")


def arrays(stream: "RandomCutStream") -> dict[str, np.ndarray]:
    """Everything: `points` (n_trees, sample_size + 1, d), `seen` (), `before` (at most shingle_size - 1, columns) and
    the members of `tree.Trees` but for the rows. Some 80 + 4 d bytes for each point that a tree holds.
    """
    forest = stream.forest
    points = forest.trees.rows[:, 2 * forest.tree_size :, : forest.dimensions].copy()
    kept = {name: getattr(forest.trees, name).copy() for name in KEPT}
    return {**kept, "points": points, "seen": np.int64(forest.seen), "before": stream.before.copy()}


def restore(stream: "RandomCutStream", kept: dict[str, np.ndarray]) -> None:
    """Let a new stream, made with the same parameters, go on where the arrays were taken.

    Raises ValueError for arrays of another shape.
    """
    forest = stream.forest
    points = forest.trees.rows[:, 2 * forest.tree_size :, : forest.dimensions]
    for name, held in [("points", points), *((name, getattr(forest.trees, name)) for name in KEPT)]:
        if kept[name].shape != held.shape:
            raise ValueError(f"{name} must have the shape {held.shape} of this forest's; got {kept[name].shape}")
        held[:] = kept[name]
    forest.seen, stream.before = int(kept["seen"]), kept["before"].copy()
    if forest.seen:
        enclose(forest)
    forest.trees.sides[:] = kept["sides"]
