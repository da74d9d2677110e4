"""The Kalman solver: against exact answers, and beside scikit-learn."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import roc_auc_score

from lakemill.algorithms.factorization_machines import FactorizationMachineClassifier, FactorizationMachineRegressor
from lakemill.algorithms.factorization_machines.kalman import KalmanState, steps

NOISE = 0.3  # Standard deviation of the ratings around what the hidden tastes say.


def error(model, features, labels):
    return float(np.sqrt(np.square(model.predict(features) - labels).mean()))


def test_one_pass_over_one_weight_is_the_exact_posterior_mean():
    """With a single parameter the filter is Kalman's, which is exact: ridge regression."""
    random = np.random.default_rng(0)
    x, y = np.ones((50, 1), np.float32), random.normal(size=50).astype(np.float32)
    state = KalmanState(1, 1, "regressor", use_bias=False)
    features = sp.csr_matrix(x)
    state.learn_scales(features)
    records = state.scaled(features)
    state.begin(records, y)
    state.take(records, y, np.arange(50), 1.0)
    deviation = np.sqrt(np.mean(y.astype(float) ** 2))
    exact = (y / deviation).sum() / (1 + 50)  # Prior precision 1, noise precision 1, in units of the deviation.
    assert state.linear[0] == pytest.approx(exact, rel=1e-4)


def test_ratings_that_need_pairs_are_predicted_almost_to_their_noise(ratings):
    features, score, _ = ratings
    model = FactorizationMachineRegressor(4, max_iter=20, random_state=0).fit(features[:5000], score[:5000])
    linear = Ridge().fit(features[:5000], score[:5000])
    assert error(linear, features[5000:], score[5000:]) > 4 * NOISE
    # 400 hidden numbers from 5,000 ratings cost about a tenth over the noise.
    assert error(model, features[5000:], score[5000:]) < 1.15 * NOISE


def test_the_classifier_finds_what_a_linear_one_cannot(ratings):
    features, _, likes = ratings
    model = FactorizationMachineClassifier(4, max_iter=20, random_state=0).fit(features[:5000], likes[:5000])
    linear = LogisticRegression().fit(features[:5000], likes[:5000])
    ours = roc_auc_score(likes[5000:], model.decision_function(features[5000:]))
    assert ours > 0.95 > 0.8 > roc_auc_score(likes[5000:], linear.decision_function(features[5000:]))


def test_one_pass_is_a_good_fit_already(ratings):
    features, _, likes = ratings
    model = FactorizationMachineClassifier(4, max_iter=1, random_state=0).fit(features[:5000], likes[:5000])
    assert roc_auc_score(likes[5000:], model.decision_function(features[5000:])) > 0.75


def test_without_pairs_to_find_it_is_as_good_as_a_linear_model():
    random = np.random.default_rng(2)
    x = random.normal(size=(3000, 20)).astype(np.float32)
    y = (x @ random.normal(size=20) + random.normal(size=3000)).astype(np.float32)
    ours = FactorizationMachineRegressor(8, random_state=0).fit(x[:2000], y[:2000])
    assert error(ours, x[2000:], y[2000:]) < 1.02 * error(Ridge().fit(x[:2000], y[:2000]), x[2000:], y[2000:])


def test_scales_and_units_do_not_matter(ratings):
    features, score, _ = ratings
    plain = FactorizationMachineRegressor(4, random_state=0).fit(features, score).predict(features)
    stretch = sp.diags(np.where(np.arange(features.shape[1]) % 2, 1000, 0.01).astype(np.float32))
    scaled = features @ stretch
    other = FactorizationMachineRegressor(4, random_state=0).fit(scaled, 1e6 * score - 5e5)
    np.testing.assert_allclose(other.predict(scaled), 1e6 * plain - 5e5, rtol=0, atol=2e5 * NOISE)


def test_the_order_of_the_records_does_not_matter_much(ratings):
    features, score, _ = ratings
    order = np.argsort(score[:5000])
    model = FactorizationMachineRegressor(4, max_iter=20, random_state=0).fit(
        features[:5000][order], score[:5000][order]
    )
    assert error(model, features[5000:], score[5000:]) < 1.15 * NOISE


def test_features_that_never_occur_have_no_weight():
    x = sp.csr_matrix(np.float32([[1, 0, 1], [1, 0, 0]] * 20))
    model = FactorizationMachineRegressor(2, random_state=0).fit(x, np.float32([1, 2] * 20))
    assert model.coef_[1] == 0 and not model.factors_[1].any()


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_fewer_records_than_factors_are_enough(rows):
    x = np.random.default_rng(0).normal(size=(rows, 3)).astype(np.float32)
    model = FactorizationMachineRegressor(16, random_state=0).fit(x, np.arange(rows, dtype=np.float32))
    assert np.isfinite(model.predict(x)).all()


def test_the_last_passes_take_smaller_steps():
    assert steps(1).tolist() == [1]
    assert steps(2).tolist() == [1, 0.15]
    many = steps(20)
    assert (many[:14] == 1).all() and (np.diff(many[13:]) < 0).all() and many[-1] == pytest.approx(0.15)
