"""The estimator's quality beside scikit-learn's."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.cluster import KMeans as ReferenceKMeans
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline

from lakemill.algorithms.kmeans import KMeans


@pytest.fixture(scope="module")
def few(fashion):
    return fashion[0][:4000]


@pytest.mark.parametrize("k", [10, 50])
def test_inertia_is_not_above_the_median_of_single_runs_of_scikit_learn(few, k):
    peers = [ReferenceKMeans(k, n_init=1, random_state=seed, max_iter=30).fit(few).inertia_ for seed in range(3)]
    ours = KMeans(k, random_state=0).fit(few)
    assert ours.inertia_ <= np.median(peers) * 1.005  # Lloyd ends in local minima half a per cent apart.


def test_a_sample_bounded_in_size_costs_little_quality(few):
    whole = KMeans(10, random_state=0).fit(few)
    part = KMeans(10, random_state=0, sample_bytes=few.nbytes // 3).fit(few)
    none = KMeans(10, random_state=0, sample_bytes=0).fit(few)
    assert part.inertia_ <= whole.inertia_ * 1.02
    assert none.inertia_ <= whole.inertia_ * 1.06


def test_sorted_data_are_clustered_as_well_as_shuffled_ones(few):
    order = np.argsort(few.mean(axis=1))
    shuffled, ordered = (KMeans(10, batch_size=400, random_state=0).fit(x).inertia_ for x in (few, few[order]))
    assert ordered <= shuffled * 1.03


def test_partial_fit_over_a_stream_comes_close_to_one_fit(few):
    stream = KMeans(10, random_state=0)
    for start in range(0, 4000, 1000):
        stream.partial_fit(few[start : start + 1000])
    assert -stream.score(few) <= KMeans(10, batch_size=1000, random_state=0).fit(few).inertia_ * 1.02


def test_a_fitted_model_is_small_and_goes_on_from_its_centres(few):
    model = KMeans(10, random_state=0).fit(few[:3000])
    assert len(pickle.dumps(model)) < 4 * model.cluster_centers_.nbytes
    before = -model.score(few[3000:])
    model.partial_fit(few[3000:])
    assert model.cluster_centers_.shape == (10, 784)
    assert -model.score(few[3000:]) < before
    assert -model.score(few) <= KMeans(10, random_state=0).fit(few).inertia_ * 1.02


def test_fitting_leaves_the_data_alone_and_does_not_hold_on_to_them(few):
    data = few[:500].copy()
    model = KMeans(5, random_state=0).fit(data)
    np.testing.assert_array_equal(data, few[:500])
    centers = model.cluster_centers_.copy()
    data[:] = np.nan
    model.partial_fit(few[500:600])
    assert np.isfinite(model.cluster_centers_).all()
    assert np.abs(model.cluster_centers_[:, None] - centers).mean(axis=2).min(axis=1).max() < 0.1


def test_labels_distances_and_inertia_agree(few):
    model = KMeans(10, random_state=0).fit(few)
    distances = model.transform(few)
    np.testing.assert_array_equal(model.labels_, model.predict(few))
    np.testing.assert_array_equal(model.labels_, distances.argmin(axis=1))
    assert model.inertia_ == pytest.approx(np.square(distances.min(axis=1), dtype=float).sum(), rel=1e-4)


def test_sparse_input_gives_nearly_the_same_clusters(few):
    sparse, dense = KMeans(10, random_state=0).fit(sp.csr_matrix(few)), KMeans(10, random_state=0).fit(few)
    assert sparse.inertia_ == pytest.approx(dense.inertia_, rel=0.01)


def test_it_works_in_a_pipeline_and_clones(few):
    pipeline = clone(make_pipeline(PCA(5, random_state=0), KMeans(4, random_state=0)))
    assert set(pipeline.fit_predict(few[:500])) == {0, 1, 2, 3}
