"""A stream of records, scored and learned as it goes by."""

from typing import Any, NamedTuple

import numpy as np

from lakemill.algorithms.randomcutforest.forest import Forest, Kind

READY_SHARE = 4
"""Scores begin when the forest has seen a quarter of a sample."""


class Attribution(NamedTuple):
    """Where scores come from: scores (n,), and their parts (n, columns) for values being too low and too high."""

    scores: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @property
    def by_column(self) -> np.ndarray:
        """(n, columns): the part of each column; the parts add up to the score."""
        return self.low + self.high


class RandomCutStream:
    """Anomaly scores of a stream of records.

    Parameters
    ----------
    columns : int
        Numbers in a record.
    n_trees : int, default=100
    sample_size : int, default=256
        Records that a tree holds.
    time_decay : float, default=100000
        Records after which a record's weight in the samples has fallen to 1/e: about how many of the latest are
        considered. None: all alike.
    shingle_size : int, default=1
        Records that are looked at together: each with so many less one before it.
    kind : {"anomaly", "codisp"}, default="anomaly"
        See `Forest.score`.
    output_after : int or None, default=None
        Records, less those that complete the first shingle, after which scores begin; None: a quarter of sample_size.
    seed : int, default=0
    n_jobs : int, default=1
        Threads; scores do not depend on it. -1: one for every processor.

    Notes
    -----
    Blocks may be of any sizes; scores do not depend on them. A block costs one reading of the trees, so a thousand
    records at once are about five times as fast as one by one. Objects can be pickled. As the analytics functions
    RANDOM_CUT_FOREST and RANDOM_CUT_FOREST_WITH_EXPLANATION of AWS define it: numberOfTrees, subSampleSize, timeDecay
    and shingleSize are the parameters 2 to 5, and records without a score have 0.

    Examples
    --------
    >>> hours = np.arange(2000)
    >>> load = np.sin(hours * 2 * np.pi / 24)[:, None]
    >>> load[1500:1503] = 0.9
    >>> stream = RandomCutStream(1, shingle_size=24)
    >>> scores = np.concatenate([stream.process(load[start : start + 500]) for start in range(0, 2000, 500)])
    >>> bool(1500 <= scores.argmax() < 1526)
    True
    """

    def __init__(
        self,
        columns: int,
        n_trees: int = 100,
        sample_size: int = 256,
        time_decay: float | None = 100_000,
        shingle_size: int = 1,
        *,
        kind: Kind = "anomaly",
        output_after: int | None = None,
        seed: int = 0,
        n_jobs: int = 1,
    ) -> None:
        for name, value in {"columns": columns, "n_trees": n_trees, "sample_size": sample_size,
                            "shingle_size": shingle_size}.items():  # fmt: skip
            if value < 1:
                raise ValueError(f"{name} must be at least 1; got {value}")
        if time_decay is not None and not time_decay > 0:
            raise ValueError(f"time_decay must be a positive number of records or None; got {time_decay}")
        self.columns, self.shingle_size, self.kind = columns, shingle_size, kind
        self.output_after = max(1, sample_size // READY_SHARE if output_after is None else output_after)
        decay = 0.0 if time_decay is None else 1.0 / time_decay
        self.forest = Forest(n_trees, sample_size, columns * shingle_size, decay=decay, seed=seed, n_jobs=n_jobs)
        self.before = np.empty((0, columns), np.float32)

    @property
    def ready(self) -> bool:
        """Whether the forest has seen enough to score."""
        return self.forest.seen >= self.output_after

    def process(self, block: Any) -> np.ndarray:
        """Score each record (n, columns) and then learn it; (n,) float64, higher is more anomalous.

        Raises ValueError for another number of columns and for numbers that are not finite.
        """
        shingles, n = self._shingles(block, learn=True)
        return led(n, self.forest.process(shingles, self.output_after, self.kind))

    def explain(self, block: Any) -> Attribution:
        """The same as `process`, with the anomaly score's parts by column, summed over the shingle."""
        shingles, n = self._shingles(block, learn=True)
        return self._attribution(n, self.forest.process(shingles, self.output_after, explain=True))

    def update(self, block: Any) -> "RandomCutStream":
        """Learn records without scoring them, which is several times as fast where time_decay is long."""
        self.forest.update(self._shingles(block, learn=True)[0])
        return self

    def score(self, block: Any) -> np.ndarray:
        """Score records as if they came next, one after the other, and learn nothing."""
        shingles, n = self._shingles(block, learn=False)
        scores = self.forest.score(shingles, self.kind) if self.ready else np.zeros(len(shingles))
        return led(n, scores)

    def attribution(self, block: Any) -> Attribution:
        """The same as `score`, with the anomaly score's parts by column."""
        shingles, n = self._shingles(block, learn=False)
        parts = self.forest.attribution(shingles) if self.ready else (np.zeros_like(shingles, float),) * 2
        return self._attribution(n, parts)

    def arrays(self) -> dict[str, np.ndarray]:
        """All that it remembers, by name; see `state.arrays`."""
        from lakemill.algorithms.randomcutforest import state

        return state.arrays(self)

    def restore(self, arrays: dict[str, np.ndarray]) -> "RandomCutStream":
        """Go on where `arrays` was called; to be called on a new one with the same parameters. Scores are the same to
        the last bit. Raises ValueError for arrays of another shape.
        """
        from lakemill.algorithms.randomcutforest import state

        state.restore(self, arrays)
        return self

    def _shingles(self, block: Any, learn: bool) -> tuple[np.ndarray, int]:
        """The shingles that records complete, (m, shingle_size columns), oldest first; and the number of records."""
        records = np.asarray(block, np.float32)
        if records.ndim == 1 and self.columns == 1:
            records = records[:, None]
        if records.ndim != 2 or records.shape[1] != self.columns:
            raise ValueError(f"Records must have shape (n, {self.columns}); got {records.shape}")
        if not np.isfinite(records).all():
            raise ValueError("Records must be finite numbers; got NaN or infinity")
        series = np.concatenate([self.before, records])
        if learn:
            self.before = series[max(0, len(series) - self.shingle_size + 1) :].copy()
        return shingled(series, self.shingle_size), len(records)

    def _attribution(self, n: int, parts: tuple[np.ndarray, np.ndarray]) -> Attribution:
        low, high = (led(n, part.reshape(len(part), self.shingle_size, self.columns).sum(axis=1)) for part in parts)
        return Attribution((low + high).sum(axis=1), low, high)


def led(n: int, found: np.ndarray) -> np.ndarray:
    """What was found for the last of n records, after zeros for those before, which complete no shingle.

    >>> led(3, np.ones(2)).tolist()
    [0.0, 1.0, 1.0]
    """
    return np.concatenate([np.zeros((n - len(found), *found.shape[1:])), found])


def shingled(series: np.ndarray, size: int) -> np.ndarray:
    """Every `size` consecutive rows as one: (n, c) to (n - size + 1, size c), or none.

    >>> shingled(np.float32([[1], [2], [3]]), 2).tolist()
    [[1.0, 2.0], [2.0, 3.0]]
    """
    n, columns = series.shape
    if n < size:
        return np.empty((0, size * columns), series.dtype)
    windows = np.lib.stride_tricks.sliding_window_view(series, size, axis=0)  # (n - size + 1, c, size)
    return windows.transpose(0, 2, 1).reshape(n - size + 1, size * columns)
