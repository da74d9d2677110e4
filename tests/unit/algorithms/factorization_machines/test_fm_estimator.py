"""The estimators as scikit-learn's own checks see them."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

from lakemill.algorithms.factorization_machines import FactorizationMachineClassifier, FactorizationMachineRegressor


def test_partial_fit_over_a_stream_comes_close_to_one_pass(ratings):
    features, _, likes = ratings
    stream = FactorizationMachineClassifier(4, random_state=0)
    for start in range(0, 5000, 1000):
        stream.partial_fit(features[start : start + 1000], likes[start : start + 1000], classes=[0, 1])
    whole = FactorizationMachineClassifier(4, max_iter=1, random_state=0).fit(features[:5000], likes[:5000])
    ours, once = (roc_auc_score(likes[5000:], one.decision_function(features[5000:])) for one in (stream, whole))
    assert ours > once - 0.03


def test_an_unpickled_model_goes_on_learning(ratings):
    features, score, _ = ratings
    model = FactorizationMachineRegressor(4, random_state=0).partial_fit(features[:3000], score[:3000])
    other = pickle.loads(pickle.dumps(model))
    for one in (model, other):
        one.partial_fit(features[3000:], score[3000:])
    np.testing.assert_array_equal(model.predict(features), other.predict(features))


@pytest.mark.parametrize("solver", ["kalman", "adam"])
def test_sparse_and_dense_give_the_same(ratings, solver):
    features, score, _ = ratings
    model = FactorizationMachineRegressor(4, solver=solver, max_iter=2, random_state=0)
    sparse, dense = clone(model).fit(features, score), clone(model).fit(features.toarray(), score)
    tolerance = 1e-4 if solver == "kalman" else 0.05  # Of a dense batch, Adam moves features that do not occur, too.
    np.testing.assert_allclose(sparse.predict(features), dense.predict(features), atol=tolerance)


def test_a_feature_that_is_given_twice_counts_once_with_the_sum():
    twice = sp.csr_matrix((np.float32([1, 1, 3]), [0, 0, 1], [0, 3]), (1, 2))
    once = sp.csr_matrix(np.float32([[2, 3]]))
    model = FactorizationMachineRegressor(2, random_state=0).fit(np.eye(2, dtype=np.float32), [1.0, 2.0])
    np.testing.assert_allclose(model.predict(twice), model.predict(once), rtol=1e-6)


def test_more_than_two_classes_are_refused():
    with pytest.raises(ValueError, match=r"Only binary classification is supported. Got 3 classes"):
        FactorizationMachineClassifier().fit(np.eye(3), [0, 1, 2])


def test_rates_must_be_three_numbers():
    with pytest.raises(ValueError, match="learning_rates must be three numbers >= 0"):
        FactorizationMachineRegressor(solver="adam", learning_rates=(0.1, -1, 0)).fit(np.eye(3), [0, 1, 2])
