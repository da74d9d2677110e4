"""The estimator as scikit-learn's own checks see it, and its quality beside scikit-learn's isolation forest."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lakemill.algorithms.randomcutforest import RandomCutForest


@pytest.fixture(scope="module")
def ring():
    """3,000 points on a noisy ring in 5 dimensions; 60 in its middle and around are outliers."""
    random = np.random.default_rng(0)
    angle = random.uniform(0, 2 * np.pi, 3000)
    points = random.normal(0, 0.1, (3000, 5))
    points[:, 0] += np.cos(angle) * 3
    points[:, 1] += np.sin(angle) * 3
    outlier = np.arange(3000) < 60
    points[outlier] = random.uniform(-1.5, 1.5, (60, 5))
    return points, outlier


@pytest.mark.parametrize("kind", ["anomaly", "codisp"])
def test_outliers_are_found_at_least_as_well_as_by_an_isolation_forest(ring, kind):
    points, outlier = ring
    peer = roc_auc_score(outlier, -IsolationForest(random_state=0).fit(points).score_samples(points))
    ours = roc_auc_score(outlier, -RandomCutForest(random_state=0, kind=kind).fit(points).score_samples(points))
    assert ours > max(peer, 0.97)


def test_contamination_sets_the_share_of_outliers(ring):
    points, outlier = ring
    found = RandomCutForest(contamination=0.02, random_state=0).fit_predict(points) == -1
    assert found.sum() == 60
    assert (found & outlier).sum() > 40


def test_scores_depend_on_the_seed_only(ring):
    points = ring[0][:500]
    first, same, threads = (RandomCutForest(random_state=3, n_jobs=jobs).fit(points) for jobs in (None, 1, 2))
    np.testing.assert_array_equal(first.score_samples(points), same.score_samples(points))
    np.testing.assert_array_equal(first.score_samples(points), threads.score_samples(points))
    other = RandomCutForest(random_state=4).fit(points)
    assert not np.array_equal(first.score_samples(points), other.score_samples(points))


def test_sparse_and_dense_agree(ring):
    points = np.where(ring[0] < 0, 0, ring[0])[:400]
    dense = RandomCutForest(random_state=0).fit(points).score_samples(points)
    sparse = RandomCutForest(random_state=0).fit(sp.csr_matrix(points)).score_samples(sp.csr_matrix(points))
    np.testing.assert_array_equal(dense, sparse)


def test_partial_fit_streams_with_a_threshold_that_follows():
    random = np.random.default_rng(0)
    model = RandomCutForest(random_state=0, shingle_size=4, time_decay=1000)
    for _ in range(5):
        model.partial_fit(random.normal(size=(300, 2)))
    test = random.normal(size=(100, 2))
    test[50] = 15
    assert sorted(model.score_samples(test).argsort()[:4]) == [50, 51, 52, 53]
    assert (model.predict(test)[50:54] == -1).all()
    assert (model.predict(test) == -1).sum() < 15
    assert model.score_samples(test)[:3].tolist() == [0, 0, 0]


def test_attribution_names_the_feature(ring):
    points = ring[0]
    model = RandomCutForest(random_state=0).fit(points)
    probe = points[100:101].copy()
    probe[0, 3] = -4
    told = model.attribution(probe)
    np.testing.assert_allclose(told.scores, -model.score_samples(probe))
    assert told.low[0].argmax() == 3


def test_a_series_shorter_than_a_shingle_is_refused():
    with pytest.raises(ValueError, match="n_samples=3 should be >= shingle_size=4"):
        RandomCutForest(shingle_size=4).fit(np.zeros((3, 1)))


def test_it_works_in_a_pipeline(ring):
    pipeline = make_pipeline(StandardScaler(), RandomCutForest(random_state=0))
    assert set(pipeline.fit_predict(ring[0][:300])) <= {-1, 1}
