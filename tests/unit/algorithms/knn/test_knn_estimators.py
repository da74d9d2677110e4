"""The estimators as scikit-learn's own checks see them, and beside scikit-learn's neighbours."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from lakemill.algorithms.knn import KNNClassifier, KNNRegressor


def test_predictions_are_those_of_scikit_learn(fashion):
    (points, labels), (asked, _) = fashion
    ours = KNNClassifier(7).fit(points, labels)
    reference = KNeighborsClassifier(7, algorithm="brute").fit(points, labels)
    assert (ours.predict(asked) == reference.predict(asked)).mean() > 0.998  # Neighbours at equal distances differ.
    np.testing.assert_allclose(ours.kneighbors(asked)[0], reference.kneighbors(asked)[0], rtol=1e-4)
    np.testing.assert_allclose(ours.predict_proba(asked).sum(axis=1), 1)
    means = KNNRegressor(7).fit(points, labels).predict(asked)
    np.testing.assert_allclose(means, KNeighborsRegressor(7).fit(points, labels).predict(asked), atol=0.6)


def test_a_record_is_its_own_neighbour_at_distance_0(fashion):
    (points, labels), _ = fashion
    distances, numbers = KNNClassifier().fit(points, labels).kneighbors(points[:50], 1)
    assert not distances.any()
    assert numbers[:, 0].tolist() == list(range(50))


def test_partial_fit_takes_a_stream_in(groups):
    points, names = groups[0], np.array(["a", "b", "c"])[groups[1].astype(int)]
    stream = KNNClassifier(random_state=0)
    for start in range(0, 600, 100):
        batch = slice(start, start + 100)
        stream.partial_fit(points[batch], names[batch], classes=["a", "b", "c"])
    np.testing.assert_array_equal(stream.predict(points), KNNClassifier().fit(points, names).predict(points))
    with pytest.raises(ValueError, match="not in classes"):
        stream.partial_fit(points[:1], ["d"])


def test_a_sample_and_a_reduction_cost_some_accuracy_only(fashion):
    (points, labels), (asked, truth) = fashion
    whole = KNNClassifier(5).fit(points, labels).score(asked, truth)
    part = KNNClassifier(5, sample_size=1000, random_state=0).fit(points, labels)
    assert part.n_samples_fit_ == 1000
    assert whole - 0.08 < part.score(asked, truth) <= whole
    for kind in ("sign", "fjlt"):
        reduced = KNNClassifier(5, dimension_reduction_type=kind, dimension_reduction_target=100, random_state=0)
        assert reduced.fit(points, labels).score(asked, truth) > whole - 0.04


@pytest.mark.parametrize("metric", ["L2", "COSINE", "INNER_PRODUCT"])
def test_sparse_points_get_the_answers_of_dense_ones(groups, metric):
    points, labels = np.where(groups[0] < 1, 0, groups[0]), groups[1]
    dense = KNNRegressor(metric=metric).fit(points, labels)
    sparse = KNNRegressor(metric=metric).fit(sp.csr_matrix(points), labels)
    np.testing.assert_allclose(dense.predict(points), sparse.predict(sp.csr_matrix(points)))


@pytest.mark.parametrize("index_type", ["faiss.Flat", "faiss.IVFFlat", "faiss.IVFPQ", "faiss.IVFPQFastScan"])
def test_a_pickled_estimator_answers_as_before(groups, index_type):
    points, labels = groups
    model = KNNClassifier(index_type=index_type, pq_m=3, random_state=0).fit(points, labels)
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict(points), model.predict(points))
    assert model.score(points, labels) > 0.98


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"n_neighbors": 5}, "Expected n_neighbors <= n_samples_fit"),
        ({"n_neighbors": 1, "index_type": "faiss.IVFFlat", "n_lists": 7}, "at least 7 records"),
        ({"n_neighbors": 1, "index_type": "faiss.IVFPQ"}, "at least 256 records"),
        ({"n_neighbors": 1, "index_type": "faiss.IVFPQ", "metric": "COSINE"}, "metric must be L2"),
        ({"dimension_reduction_type": "sign", "dimension_reduction_target": 2}, "less than n_features=2"),
        ({"dimension_reduction_type": "sign"}, "less than n_features=2; got None"),
    ],
)
def test_what_cannot_be_is_refused(settings, words):
    points, labels = np.float32([[0, 0], [1, 1], [2, 2]]), [0, 1, 1]
    with pytest.raises(ValueError, match=words):
        KNNClassifier(**settings).fit(points, labels).predict(points)
