"""States: merging, the sample, the loss known without the points."""

import numpy as np
import pytest
import scipy.sparse as sp

from lakemill.algorithms.kmeans.assignment import exact_distances, gather, nearest
from lakemill.algorithms.kmeans.lloyd import Seeding, lloyd
from lakemill.algorithms.kmeans.sample import Sample
from lakemill.algorithms.kmeans.streaming import CenterState, auto_factor

REDUCTION = {"method": "kmeans++", "trials": 5, "max_iter": 100, "tol": 1e-4}


def state(points, seed=0, batch=100, **options):
    made = CenterState.begin(points[:batch], 30, "random", half_life=0, random=np.random.default_rng(seed), **options)
    for start in range(0, len(points), batch):
        made.update(points[start : start + batch])
    return made


def reduced(of, k=3):
    return of.reduce(k, random=np.random.default_rng(5), **REDUCTION)


def test_merged_states_reduce_to_the_centres_of_one_pass(blobs):
    merged = state(blobs[:300], 1)
    merged.merge(state(blobs[300:], 2))
    (ours, loss), (whole, one_pass) = reduced(merged), reduced(state(blobs))
    assert merged.seen == 600
    assert loss == pytest.approx(one_pass, rel=1e-4)
    assert np.abs(ours[np.argsort(ours[:, 0])] - whole[np.argsort(whole[:, 0])]).max() < 0.01


def test_scatter_and_counts_know_the_loss_without_the_points(blobs):
    made = state(blobs, batch=600)
    labels, _ = nearest(blobs, made.centers)
    assert made.counts.sum() == 600
    mean = blobs.mean(axis=0, dtype=float)
    about = made.scatter + made.counts @ np.square(made.centers - mean).sum(axis=1)
    assert about == pytest.approx(np.square(blobs - mean).sum(), rel=1e-5)
    assert len(np.unique(labels)) > 3


def test_without_a_sample_the_loss_told_is_near_that_of_the_points(blobs):
    made = state(blobs, sample_bytes=0)
    centers, loss = reduced(made)
    assert loss == pytest.approx(nearest(blobs, centers)[1].mean(), rel=0.05)


def test_a_sample_stays_within_its_bytes_and_even():
    sample = Sample(np.random.default_rng(0), 40_000)
    for start in range(0, 50_000, 1000):
        sample.add(np.arange(start, start + 1000, dtype=np.float32)[:, None])
    kept = np.concatenate(sample.parts())
    assert sum(part.nbytes for part in sample.parts()) <= 40_000
    assert not sample.whole
    assert len(sample) > 4000
    assert kept.mean() == pytest.approx(25_000, rel=0.03)
    assert len(sample.draw(500)) == 500


def test_merged_samples_hold_both_sides_in_proportion():
    left, right = (Sample(np.random.default_rng(seed), 8000) for seed in (0, 1))
    for _ in range(20):
        left.add(np.zeros((1000, 1), np.float32))
    right.add(np.ones((1000, 1), np.float32))
    left.merge(right)
    kept = np.concatenate(left.parts())
    assert kept.nbytes <= 8000
    assert kept.mean() == pytest.approx(1 / 21, abs=0.02)


def test_the_state_of_huge_centres_is_bounded():
    assert auto_factor(10, 784) == 10
    assert auto_factor(100, 100_000) == 6
    assert auto_factor(1000, 1_000_000) == 1


@pytest.mark.parametrize("offset", [0, 1e4])
def test_nearest_is_what_brute_force_finds(blobs, offset):
    points, centers = blobs + np.float32(offset), blobs[:7] + np.float32(offset)
    pairs = np.square(points[:, None].astype(float) - centers).sum(axis=2)
    labels, squared = nearest(points, centers)
    np.testing.assert_allclose(squared, pairs.min(axis=1), atol=2e-2 if offset else 1e-4)
    np.testing.assert_allclose(pairs[np.arange(600), labels], pairs.min(axis=1), atol=2e-2)
    np.testing.assert_allclose(exact_distances(points, centers, labels) ** 2, pairs[np.arange(600), labels], rtol=1e-4)


def test_parts_and_sparse_points_gather_the_same(blobs):
    whole = gather([blobs], blobs[:5])
    for parts in ([blobs[:100], blobs[100:]], [sp.csr_matrix(blobs)]):
        found = gather(parts, blobs[:5])
        np.testing.assert_allclose(found.sums, whole.sums, rtol=1e-4)
        np.testing.assert_array_equal(found.weights, whole.weights)
        assert found.loss == pytest.approx(whole.loss, rel=1e-4)


def test_an_empty_cluster_takes_the_farthest_point():
    points = np.float32([[0], [1], [2], [100]])
    centers, loss = lloyd([points[:2], points[2:]], np.float32([[1], [-500]]))
    assert sorted(centers.ravel().tolist()) == [1, 100]
    assert loss == pytest.approx(0.5)


def test_weights_count_like_repetitions(blobs):
    times = np.random.default_rng(0).integers(1, 4, 600)
    weighted, loss = lloyd(blobs, blobs[:3].copy(), weights=times)
    repeated, same = lloyd(np.repeat(blobs, times, axis=0), blobs[:3].copy())
    np.testing.assert_allclose(weighted, repeated, atol=1e-3)
    assert loss == pytest.approx(same, rel=1e-4)


def test_seeding_draws_different_points_and_fills_up_with_equal_ones():
    points = np.float32([[0], [0], [5], [9]])
    assert sorted(Seeding(points).draw(3, np.random.default_rng(0)).ravel().tolist()) == [0, 5, 9]
    assert len(Seeding(points).draw(4, np.random.default_rng(0))) == 4
