"""Dense regions of a sliding window, held against scikit-learn's DBSCAN."""

import numpy as np
import pytest
from sklearn.cluster import DBSCAN

from lakemill.algorithms.hotspots import HotspotStream

CENTRES = np.array([[2.0, 2.0], [5.0, 8.0], [8.0, 4.0]])


def spotted(n, seed=0, dimensions=2):
    """Uniform noise and three spots of a fifth of the records each."""
    random = np.random.default_rng(seed)
    records, which = random.uniform(0, 10, (n, dimensions)), random.integers(0, 5, n)
    for spot, centre in enumerate(CENTRES):
        chosen = which == spot
        records[chosen, :2] = centre + random.normal(0, 0.25, (chosen.sum(), 2))
    return records


def reference(records, radius, least):
    """DBSCAN's core points by cluster, and whatever is near one of them."""
    found = DBSCAN(eps=radius, min_samples=least).fit(records)
    core, groups = found.core_sample_indices_, []
    for label in set(found.labels_[core]):
        members = records[core[found.labels_[core] == label]]
        near = np.linalg.norm(records[:, None] - members[None], axis=2).min(axis=1) <= radius
        groups.append((int(near.sum()), *records[near].min(axis=0), *records[near].max(axis=0)))
    return sorted(groups)


@pytest.mark.parametrize(
    ("dimensions", "window", "radius", "least"), [(2, 300, 0.4, 12), (1, 130, 0.05, 5), (4, 200, 2.0, 4)]
)
def test_hotspots_are_the_clusters_of_dbscan(dimensions, window, radius, least):
    records = spotted(900, dimensions=max(dimensions, 2))[:, :dimensions]
    found = HotspotStream(dimensions, window, radius, least).process(records)
    for i in range(20, 900, 37):
        expected = reference(records[max(0, i + 1 - window) : i + 1], radius, least)
        ours = sorted((spot.points, *spot.low, *spot.high) for spot in found[i])
        assert ours == expected


def test_the_window_forgets():
    stream = HotspotStream(2, 50, 0.5, 5)
    assert len(stream.process(np.full((10, 2), 3.0))[-1]) == 1
    found = stream.process(np.random.default_rng(0).uniform(100, 10_000, (50, 2)))
    assert [len(spots) for spots in found[-2:]] == [0, 0]
    assert len(found[45 - 1]) == 1  # Five of the ten are still there.
    assert len(found[46 - 1]) == 0


def test_results_do_not_depend_on_blocks_and_a_restored_stream_goes_on():
    records = spotted(700)
    whole = HotspotStream(2, 200, 0.4, 9).process(records)
    stream = HotspotStream(2, 200, 0.4, 9)
    parts = stream.process(records[:1]) + stream.process(records[1:333])
    other = HotspotStream(2, 200, 0.4, 9).restore(stream.arrays())
    assert sets(parts + other.process(records[333:])) == sets(whole)


def sets(found):
    return [frozenset(spots) for spots in found]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((2, 100, 0.0, 5), "radius must be a positive number"),
        ((2, 100, float("inf"), 5), "radius must be a positive number"),
        ((2, 100, 0.1, 1), "min_points must be at least 2"),
        ((2, 100, 0.1, 101), "min_points must be at most window"),
        ((0, 100, 0.1, 5), "columns must be at least 1"),
    ],
)
def test_parameters_are_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        HotspotStream(*arguments)


def test_records_are_checked():
    stream = HotspotStream(2, 100, 0.1, 5)
    with pytest.raises(ValueError, match=r"shape \(n, 2\)"):
        stream.process([[1.0]])
    with pytest.raises(ValueError, match="finite"):
        stream.process([[1.0, float("nan")]])
