"""A forest of random cut trees: points in, scores out."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import numpy as np

from lakemill.algorithms.randomcutforest.tree import Trees

LANES = 8
"""Points are padded to a multiple of so many float32: a register of AVX2."""
LIMIT = 1e33
"""Values beyond count as this: they could not lie further out, and sums of sides stay finite."""
BLOCK_BYTES = 256 << 10
"""Size of a block of points that a tree works on: with it, the tree still fits in a core's cache."""
TASKS = 8
"""Parts that the trees are worked on in, whatever n_jobs is: sums are the same to the last bit."""
KINDS = {"anomaly": 0, "codisp": 1}

Kind = Literal["anomaly", "codisp"]


class Forest:
    """Random cut trees over samples of a stream, or over given points.

    Parameters
    ----------
    n_trees : int
    tree_size : int
        Points of a tree.
    dimensions : int
        d
    decay : float, default=0.0
        A record's weight in the samples falls by the factor exp(-decay) with each later record.
    seed : int, default=0
    n_jobs : int, default=1
        Threads; -1: one for every processor.

    Raises
    ------
    MemoryError
        If the trees would take more than the machine's memory.

    Notes
    -----
    Memory: 12 n_trees tree_size d bytes and some 60 n_trees tree_size. Scoring costs O(n_trees (h + b d)) a point,
    with trees of depth h, about 1.5 log2(tree_size), in which the b lowest boxes on the way do not hold the point; an
    update the same for those trees that take the point in. Source: Guha, Mishra, Roy, Schrijvers, "Robust random cut
    forest based anomaly detection on streams", ICML 2016.

    Examples
    --------
    >>> points = np.random.default_rng(0).normal(size=(1000, 2))
    >>> forest = Forest(50, 64, 2)
    >>> forest.update(points)
    >>> usual, unusual = forest.score(np.array([[0.0, 0.0], [6.0, 6.0]]))
    >>> bool(unusual > 2 * usual)
    True
    """

    def __init__(
        self, n_trees: int, tree_size: int, dimensions: int, *, decay: float = 0.0, seed: int = 0, n_jobs: int = 1
    ) -> None:
        self.n_trees, self.tree_size, self.dimensions = n_trees, tree_size, dimensions
        self.decay, self.n_jobs = float(decay), n_jobs
        self.seen = 0
        self.trees = empty_trees(n_trees, tree_size, dimensions, seed)

    def plant(self, points: np.ndarray) -> None:
        """Fill an empty forest with points (n_trees * m, d), m <= tree_size: m for each tree, in order."""
        from lakemill.algorithms.randomcutforest import blocks

        each, padded = len(points) // self.n_trees, self._padded(points)
        self._each(lambda first, last: blocks.planted(self.trees, first, last, padded, each))
        self.seen = len(points)

    def score(self, points: np.ndarray, kind: Kind = "anomaly") -> np.ndarray:
        """The mean of the trees' scores, (n,) float64, for points (n, d); at least one point must be in.

        kind: "anomaly" is the score of AWS's forest, from nearly 0 to about log2(tree_size), below 1 for most usual
        points; "codisp" the expected collusive displacement, in points, were the point inserted.
        """
        return self._judge("scored", points, kind, False)

    def attribution(self, points: np.ndarray) -> Any:
        """The anomaly score's parts for being too low and too high in each dimension, two arrays (n, d) float64.

        The sum of both over dimensions is the score.
        """
        return self._judge("scored", points, "anomaly", True)

    def update(self, points: np.ndarray) -> None:
        """Take the next points of the stream, (n, d), in."""
        from lakemill.algorithms.randomcutforest import blocks

        padded, start = self._padded(points), float(self.seen)
        self._each(lambda first, last: blocks.updated(self.trees, first, last, padded, start, self.decay))
        self.seen += len(points)

    def process(self, points: np.ndarray, after: int = 1, kind: Kind = "anomaly", explain: bool = False) -> Any:
        """Score each of the stream's next points, and then take it in.

        The first `after` points (one or more) of the stream get 0. Returns scores, (n,), or, with explain, what
        `attribution` does.
        """
        return self._judge("processed", points, kind, explain, after)

    def _judge(self, kernel: str, points: np.ndarray, kind: Kind, explain: bool, after: int = 0) -> Any:
        """Scores or attributions of all points, block by block."""
        from lakemill.algorithms.randomcutforest import blocks

        run, shape = getattr(blocks, kernel), (self.dimensions,) if explain else ()
        step = max(LANES, BLOCK_BYTES // self.trees.rows.strides[1])
        found = np.zeros((1 + explain, len(points), *shape))
        for begin in range(0, len(points), step):
            block = self._padded(points[begin : begin + step])
            parts = np.zeros((1 + explain, TASKS, len(block), *shape))
            sums, *sides = (np.zeros((TASKS, 0)), *parts) if explain else (parts[0], None, None)
            settings: tuple = (self._share, KINDS[kind])
            if kernel == "processed":
                settings += (float(self.seen), self.decay, float(max(after, 1)))
                self.seen += len(block)

            def work(first: int, last: int, given: tuple = (block, *settings, sums, *sides)) -> None:
                run(self.trees, first, last, *given)

            self._each(work)
            found[:, begin : begin + len(block)] = parts.sum(axis=1)
        found /= self.n_trees
        return tuple(found) if explain else found[0]

    @property
    def _share(self) -> int:
        """Trees of a part."""
        return -(-self.n_trees // TASKS)

    def _each(self, work: Callable[[int, int], None]) -> None:
        """Do work(first, last) for all trees, in one go or by parts in threads."""
        firsts = range(0, self.n_trees, self._share)
        threads = min(self.n_jobs if self.n_jobs > 0 else os.cpu_count() or 1, len(firsts))
        if threads == 1:
            return work(0, self.n_trees)
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda first: work(first, min(first + self._share, self.n_trees)), firsts))

    def _padded(self, points: np.ndarray) -> np.ndarray:
        padded = np.zeros((len(points), self.trees.rows.shape[2]), np.float32)
        np.clip(points, -LIMIT, LIMIT, out=padded[:, : self.dimensions], casting="same_kind")
        return padded


def empty_trees(n_trees: int, tree_size: int, dimensions: int, seed: int) -> Trees:
    t, s, w = n_trees, tree_size, -(-dimensions // LANES) * LANES
    need, there = 4 * t * (3 * s + 1) * w, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if need > there:
        raise MemoryError(
            f"{t} trees of {s} points of {dimensions} dimensions take {need / 2**30:.1f} GiB, "
            f"and the machine has {there / 2**30:.1f} GiB"
        )
    free = np.concatenate([np.arange(s)[::-1], np.arange(s, 2 * s + 1)[::-1]]).astype(np.int32)
    return Trees(
        rows=np.zeros((t, 3 * s + 1, w), np.float32),
        sides=np.zeros((t, s), np.float32),
        cuts=np.zeros((t, s), np.int32),
        values=np.zeros((t, s), np.float32),
        children=np.zeros((t, s, 2), np.int32),
        parents=np.full((t, 2 * s + 1), -1, np.int32),
        masses=np.zeros((t, 2 * s + 1), np.int32),
        free=np.tile(free, (t, 1)),
        heads=np.tile(np.array([-1, 0, s, s + 1]), (t, 1)),
        keys=np.zeros((t, s)),
        entries=np.zeros((t, s), np.int64),
        due=np.zeros(t),
        seeds=np.random.SeedSequence(seed).generate_state(2 * t, np.uint64).reshape(t, 2),
    )
