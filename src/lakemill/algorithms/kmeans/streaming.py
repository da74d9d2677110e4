"""The state of web-scale K-Means: K centres with counts, and a bounded sample of the points.

The state can be updated by a batch, merged with another worker's, kept and resumed, and reduced to k centres. Centres
follow Sculley's mini-batch rule with extra centres as AWS describes it; the sample lets the last step finish with
Lloyd's iteration over real points, which brings the result to what a batch method reaches.

Sources: Sculley, "Web-scale k-means clustering", WWW 2010; AWS, "How K-Means clustering works"; Newling and Fleuret,
"Nested mini-batch K-means", NeurIPS 2016 (Lloyd over a growing part of the points).
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from lakemill.algorithms.kmeans.assignment import nearest, sums
from lakemill.algorithms.kmeans.lloyd import Seeding, lloyd, plus_plus_centers, random_centers
from lakemill.algorithms.kmeans.sample import SAMPLE_BYTES_MAX, Sample

FIRST_PART, PER_CENTER, GROWTH = 2000, 50, 3
"""Lloyd begins with a part of the sample, PER_CENTER points a centre, and then with one GROWTH times as large."""
FINALISTS = 2
"""Trials that are carried on to the first part: the loss on the weighted centres orders them only roughly."""
SPARSE = 100
"""Points a centre below which a sample of the points knows less of them than the K centres do."""
STARTS, FEW = 4, 30
"""k-means++ starts on the first part: up to four where centres are few, as there a bad start costs most and another
little; one from 30 centres on."""
ENOUGH = 1500
"""Points a centre in a part from which on the whole sample is read once more, and not until nothing moves: the mean of
m points is off by a share of 1/m of the loss."""
LOOSE_TOL = 1e-3
"""Lloyd's tolerance on a part: what it could still gain there is less than the part's own error."""
LAST_TOL = 3
"""Times tol, Lloyd's tolerance on the whole sample: the parts have brought the centres close, and what is left to gain
costs as many readings of the sample as all before."""
STATE_BYTES_MAX = 256 << 20
"""Size of the K centres from which an extra_center_factor of auto no longer grows."""
EXTRA_CENTERS, FEW_EXTRA_CENTERS, TRIALS = 10, 3, 10
"""What auto means for extra_center_factor (few where the points will be there to finish on) and for the trials."""


Kept = tuple[dict[str, np.ndarray], dict[str, Any]]
"""Arrays, and facts that JSON can hold."""


def auto_factor(k: int, features: int, kept: float = 0) -> int:
    """Extra centres per centre: 10, or as many as keep the state within STATE_BYTES_MAX; at least 1.

    kept: how many points the sample is known to hold at the end. Where these are enough for the centres to be found
    among them, the extra ones are only their start, and 3 do.

    >>> auto_factor(10, 784), auto_factor(1000, 50_000), auto_factor(10, 784, kept=60_000)
    (10, 1, 3)
    """
    most = FEW_EXTRA_CENTERS if kept >= SPARSE * k else EXTRA_CENTERS
    return max(1, min(most, STATE_BYTES_MAX // (4 * k * features)))


class CenterState:
    """K centres (K, d) float32, their counts (K,) float64, and a sample of the points.

    Without decay each centre is the mean of the points it was given, and `scatter` is the sum of their squared
    distances to it; so the loss of any centres made of these is known without the points.
    """

    def __init__(
        self,
        centers: np.ndarray,
        *,
        half_life: int = 0,
        random: np.random.Generator | None = None,
        sample_bytes: int = SAMPLE_BYTES_MAX,
    ) -> None:
        self.centers = centers
        self.counts = np.zeros(len(centers))
        self.scatter = 0.0
        self.seen = 0
        self._half_life = half_life
        # Keys of its own, so that a resumed training can draw the same sample again.
        self.sample = Sample((random or np.random.default_rng(0)).spawn(1)[0], sample_bytes)

    @classmethod
    def begin(
        cls,
        points: Any,
        n_centers: int,
        method: str,
        *,
        half_life: int,
        random: np.random.Generator,
        sample_bytes: int = SAMPLE_BYTES_MAX,
    ) -> "CenterState":
        """Initial centres from the first batch: distinct points of it, or D^2 sampling in it."""
        pick = plus_plus_centers if method == "kmeans++" else random_centers
        return cls(pick(points, n_centers, random), half_life=half_life, random=random, sample_bytes=sample_bytes)

    @classmethod
    def settled(cls, centers: np.ndarray, counts: np.ndarray, scatter: float) -> "CenterState":
        """The state of points that were reduced to centers (k, d): it can be updated, and keeps no points."""
        made = cls(centers.copy(), sample_bytes=0)
        made.counts, made.scatter, made.seen = counts.astype(np.float64), scatter, int(counts.sum())
        return made

    @classmethod
    def restored(cls, kept: Kept, **options: Any) -> "CenterState":
        """The state that `kept` gave, without its sample. With the same options that can be drawn again alike."""
        arrays, facts = kept
        made = cls(arrays["centers"], **options)
        made.counts, made.scatter, made.seen = arrays["counts"], facts["scatter"], facts["seen"]
        return made

    def kept(self) -> Kept:
        """All there is of the state but the sample."""
        return {"centers": self.centers, "counts": self.counts}, {"scatter": self.scatter, "seen": self.seen}

    def update(self, points: Any, *, keep: bool = True, copy: bool = True) -> float:
        """Take a batch in; the mean squared distance to the centres it met.

        keep: points may enter the sample. copy: as a copy.

        A centre c of count n that m points of mean x are nearest to becomes (n c + m x) / (n + m). O(n K d).
        """
        labels, squared = nearest(points, self.centers)
        summed, mass = sums(points, labels, len(self.centers))
        loss = float(squared.sum(dtype=np.float64))
        if self._half_life:
            decay = 2.0 ** (-points.shape[0] / self._half_life)
            self.counts *= decay
            self.scatter *= decay
        touched = np.flatnonzero(mass)
        self.counts += mass
        share = mass[touched] / self.counts[touched]
        moves = summed[touched]
        moves /= mass[touched, None].astype(np.float32)
        moves -= self.centers[touched]
        # What the move to the mean takes off the batch's loss.
        gained = float((mass[touched] * share) @ np.einsum("kd,kd->k", moves, moves))
        self.scatter = max(self.scatter + loss - gained, 0.0)
        moves *= share[:, None].astype(np.float32)
        self.centers[touched] += moves
        self.seen += points.shape[0]
        if keep:
            self.keep(points, copy=copy)
        return loss / points.shape[0]

    def keep(self, points: Any, *, copy: bool = True) -> None:
        """Let the points of a batch enter the sample. With decay old points should fade, so none of them is kept."""
        if not self._half_life and self.sample.bytes_max:
            self.sample.add(points, copy=copy)

    def merge(self, other: "CenterState") -> None:
        """Take another worker's state in: its centres weigh as its counts say."""
        self.centers = np.concatenate([self.centers, other.centers])
        self.counts = np.concatenate([self.counts, other.counts])
        self.scatter += other.scatter
        self.seen += other.seen
        self.sample.merge(other.sample)

    def reduce(
        self,
        k: int,
        *,
        method: str,
        trials: int,
        max_iter: int,
        tol: float,
        random: np.random.Generator,
        told: Callable[[int, float], None] | None = None,
    ) -> tuple[np.ndarray, float]:
        """k centres (k, d) float32 and their mean squared distance to the points.

        Trials run on the weighted centres; the best go on to the sample, if there is one. Should there be fewer
        different points than k, some centres are equal. told is called with number and loss of each trial.
        """
        used = self.counts > 0
        centers, counts = self.centers[used], self.counts[used]
        seeding = Seeding(centers, counts) if method == "kmeans++" else None
        within = self.scatter / counts.sum()
        results = []
        for trial in range(trials):
            start = seeding.draw(k, random) if seeding else random_centers(centers, k, random)
            found, loss = lloyd(centers, start, weights=counts, max_iter=max_iter, tol=tol)
            if told:
                told(trial, loss + within)
            results.append((found, loss + within))
        results.sort(key=lambda result: result[1])
        best = results[0]
        if len(self.sample) >= (k if self.sample.whole else SPARSE * k):
            best = self._refine(k, [found for found, _ in results[:FINALISTS]], max_iter, tol, random)
        return _filled(best[0], k), best[1]

    def _refine(
        self, k: int, starts: list[np.ndarray], max_iter: int, tol: float, random: np.random.Generator
    ) -> tuple[np.ndarray, float]:
        """Lloyd over a growing part of the sample, from the best of several starts."""
        size = max(FIRST_PART, PER_CENTER * k)
        part, loose = self.sample.draw(size), max(tol, LOOSE_TOL)
        # Starts that do not depend on what the first batch was like.
        seeding = Seeding(part)
        drawn = [seeding.draw(k, random) for _ in range(min(STARTS, 1 + FEW // k))]
        results = [
            lloyd(part, start, max_iter=max_iter, tol=loose)
            for start in (*(start for start in starts if len(start) == k), *drawn)
        ]
        centers, _ = min(results, key=lambda found: found[1])
        while GROWTH**2 * size <= 2 * len(self.sample):  # The whole comes next; parts near it do not pay.
            size *= GROWTH
            centers, _ = lloyd(self.sample.draw(size), centers, max_iter=max_iter, tol=loose)
        steps = 1 if size >= ENOUGH * k else max_iter
        return lloyd(self.sample.parts(), centers, max_iter=steps, tol=LAST_TOL * tol)


def _filled(centers: np.ndarray, k: int) -> np.ndarray:
    """k rows: the last is repeated, where there are too few; being equal to an earlier one it attracts nothing."""
    return np.concatenate([centers, np.repeat(centers[-1:], k - len(centers), axis=0)])
