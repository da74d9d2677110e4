"""The optimum that quasi-Newton reaches, against scikit-learn's solvers of the same objective."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.linear_model import HuberRegressor, Lasso, LinearRegression, LogisticRegression, QuantileRegressor, Ridge
from sklearn.svm import LinearSVC, LinearSVR

from lakemill.algorithms.linear_learner import LinearLearnerClassifier, LinearLearnerRegressor, losses
from lakemill.algorithms.linear_learner.data import MemoryData
from lakemill.algorithms.linear_learner.objective import Penalty
from lakemill.algorithms.linear_learner.smoothing import QuasiNewtonPopulation

ROUNDED = 1 + 2e-5  # What a kink rounded over a thousandth of the median residual costs beside an exact solver.
RAW = {"normalize_data": False, "normalize_label": False}


@pytest.fixture(scope="module")
def regression():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(800, 12)) @ rng.normal(size=(12, 12)) + 1
    noise = rng.standard_t(3, size=800)
    return x, x @ rng.normal(size=12) * (np.arange(12) % 3 > 0).mean() + 4 + noise


@pytest.fixture(scope="module")
def binary():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(900, 10)) * 3
    return x, (x @ rng.normal(size=10) + 5 * rng.logistic(size=900) > 2).astype(int)


def test_squared_loss_without_penalty_is_least_squares(regression):
    x, y = regression
    ours, exact = LinearLearnerRegressor().fit(x, y), LinearRegression().fit(x, y)
    np.testing.assert_allclose(ours.coef_[0], exact.coef_, rtol=1e-5)
    np.testing.assert_allclose(ours.intercept_[0], exact.intercept_, rtol=1e-5)


def test_wd_is_ridge(regression):
    x, y = regression
    # mean(e^2) + wd/2 |w|^2  =  (sum(e^2) + n wd/2 |w|^2) / n
    ours, exact = LinearLearnerRegressor(wd=0.3, **RAW).fit(x, y), Ridge(alpha=0.15 * len(y)).fit(x, y)
    np.testing.assert_allclose(ours.coef_[0], exact.coef_, rtol=1e-4)


def test_l1_is_lasso_with_the_same_zeros(regression):
    x, y = regression
    # mean(e^2) + l1 |w|  =  2 (sum(e^2) / 2n + l1/2 |w|)
    ours, exact = LinearLearnerRegressor(l1=4.0, **RAW).fit(x, y), Lasso(alpha=2.0, tol=1e-8).fit(x, y)

    def objective(model):
        return np.mean((model.predict(x) - y) ** 2) + 4 * np.abs(np.ravel(model.coef_)).sum()

    assert objective(ours) <= objective(exact) * (1 + 1e-9)
    assert set(np.flatnonzero(ours.coef_[0])) == set(np.flatnonzero(exact.coef_))


def test_huber_is_huber_regression_at_its_scale(regression):
    x, y = regression
    exact = HuberRegressor(epsilon=1.5, alpha=0, max_iter=2000, tol=1e-8).fit(x, y)
    # The peer estimates a scale s and cuts at epsilon s; ours takes the cut itself.
    ours = LinearLearnerRegressor(loss="huber_loss", huber_delta=1.5 * exact.scale_, **RAW).fit(x, y)
    np.testing.assert_allclose(ours.coef_[0], exact.coef_, atol=1e-3)


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9])
def test_quantile_loss_reaches_the_linear_programs_optimum(regression, quantile):
    x, y = regression
    ours = LinearLearnerRegressor(loss="quantile_loss", quantile=quantile).fit(x, y)
    exact = QuantileRegressor(quantile=quantile, alpha=0).fit(x, y)
    pinball = losses.QuantileLoss(quantile)
    mean = [float(pinball.value(model.predict(x)[:, None], y).mean()) for model in (ours, exact)]
    assert mean[0] <= mean[1] * ROUNDED
    assert abs(np.mean(y <= ours.predict(x)) - quantile) < 0.02


def test_absolute_loss_is_twice_the_median_pinball(regression):
    x, y = regression
    ours = LinearLearnerRegressor(loss="absolute_loss").fit(x, y)
    exact = QuantileRegressor(quantile=0.5, alpha=0).fit(x, y)
    assert np.abs(ours.predict(x) - y).mean() <= np.abs(exact.predict(x) - y).mean() * ROUNDED


def test_eps_insensitive_absolute_loss_is_support_vector_regression(regression):
    x, y = regression
    eps, wd = 0.5, 1 / len(y)
    given = {"loss": "eps_insensitive_absolute_loss", "loss_insensitivity": eps}
    ours = LinearLearnerRegressor(**given, wd=wd, **RAW).fit(x, y)
    peer = LinearSVR(epsilon=eps, C=1.0, intercept_scaling=10, max_iter=20_000, dual=True, random_state=0).fit(x, y)

    def objective(model):
        excess = np.maximum(0, np.abs(model.predict(x) - y) - eps)
        return excess.mean() + wd / 2 * np.square(model.coef_).sum()

    assert objective(ours) <= objective(peer)


def test_eps_insensitive_squared_loss_is_least_squares_where_eps_is_small(regression):
    x, y = regression
    ours = LinearLearnerRegressor(loss="eps_insensitive_squared_loss", loss_insensitivity=0.01, **RAW).fit(x, y)
    exact = LinearRegression().fit(x, y)
    np.testing.assert_allclose(ours.predict(x), exact.predict(x), atol=0.02)


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
def test_logistic_is_logistic_regression(binary, sparse):
    x, y = binary
    exact = LogisticRegression(C=1 / (0.02 * len(y)), tol=1e-9, max_iter=1000).fit(x, y)
    ours = LinearLearnerClassifier(wd=0.02, normalize_data=False).fit(sp.csr_matrix(x) if sparse else x, y)
    np.testing.assert_allclose(ours.coef_, exact.coef_, atol=1e-4)
    np.testing.assert_allclose(ours.intercept_, exact.intercept_, atol=1e-4)


def test_scaling_does_not_change_the_unpenalised_optimum(binary):
    x, y = binary
    scaled, raw = (LinearLearnerClassifier(normalize_data=flag, wd=0.0).fit(x * 100 + 7, y) for flag in (True, False))
    np.testing.assert_allclose(scaled.coef_, raw.coef_, rtol=1e-3, atol=1e-6)


def test_hinge_is_a_linear_support_vector_machine(binary):
    x, y = binary
    wd, n = 0.01, len(y)
    ours = LinearLearnerClassifier(loss="hinge_loss", wd=wd, normalize_data=False).fit(x, y)
    # With g = 2f - 1 the hinge is max(0, 1 - s g) / 2 and |w_f|^2 = |w_g|^2 / 4: C = 4 / (2 n wd).
    peer = LinearSVC(loss="hinge", C=2 / (n * wd), max_iter=500_000, dual=True, tol=1e-7, random_state=0).fit(x, y)

    def objective(coef, intercept):
        f = x @ coef + intercept
        return losses.HingeLoss(1.0).value(f[:, None], y).mean() + wd / 2 * coef @ coef

    mine = objective(ours.coef_[0], ours.intercept_[0])
    theirs = objective(peer.coef_[0] / 2, (peer.intercept_[0] + 1) / 2)
    assert mine <= theirs * ROUNDED  # The peer also penalises its bias.


def test_softmax_is_multinomial_logistic_regression():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(600, 6))
    y = (x @ rng.normal(size=(6, 4)) + rng.gumbel(size=(600, 4))).argmax(axis=1)
    exact = LogisticRegression(C=1 / (0.01 * 600), tol=1e-9, max_iter=1000).fit(x, y)
    ours = LinearLearnerClassifier(wd=0.01, normalize_data=False).fit(x, y)
    np.testing.assert_allclose(ours.predict_proba(x), exact.predict_proba(x), atol=1e-4)


def test_models_side_by_side_are_the_models_alone(binary):
    x, y = binary
    data = MemoryData(x, y.astype(float))
    wd = np.array([0.001, 0.01, 0.1, 0.01])
    l1 = np.array([0.0, 0.0, 0.0, 0.05])

    def fitted(models):
        ridge = np.tile(wd[models], (11, 1))
        ridge[-1] = 0
        start = np.zeros((11, len(models), 1))
        loss, penalty = losses.LogisticLoss(), Penalty(ridge, l1[models])
        solver = QuasiNewtonPopulation(data, loss, start, penalty, np.ones(len(models)))
        while not solver.finished:
            solver.epoch(data)
        return solver.weights

    together = fitted([0, 1, 2, 3])
    for place in range(4):
        np.testing.assert_allclose(together[:, place], fitted([place])[:, 0], atol=1e-4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_many_features_reach_the_optimum(dtype):
    rng = np.random.default_rng(3)
    x = sp.random(3000, 1500, density=0.01, format="csr", random_state=1, dtype=np.float64)
    y = (x @ rng.normal(size=1500) + 0.3 * rng.normal(size=3000) > 0).astype(int)
    exact = LogisticRegression(C=1 / (1e-4 * 3000), tol=1e-8, max_iter=2000).fit(x, y)
    ours = LinearLearnerClassifier(wd=1e-4, normalize_data=False).fit(x.astype(dtype), y)

    def objective(model):
        f, w = model.decision_function(x), model.coef_[0]
        return (np.logaddexp(0, f) - f * y).mean() + 1e-4 / 2 * w @ w

    # Twice the tolerance of the type.
    assert objective(ours) <= objective(exact) * (1 + (2e-6 if dtype == np.float32 else 2e-10))


def test_separable_classes_end_in_finite_weights():
    x = np.array([[0.0], [1.0], [2.0], [3.0]])
    ours = LinearLearnerClassifier().fit(x, [0, 0, 1, 1])
    assert np.isfinite(ours.coef_).all()
    assert ours.predict(x).tolist() == [0, 0, 1, 1]
