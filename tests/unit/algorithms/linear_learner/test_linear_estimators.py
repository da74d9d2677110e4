"""The estimators as scikit-learn's own checks see them, and what is ours beside."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from lakemill.algorithms.linear_learner import LinearLearnerClassifier, LinearLearnerRegressor


def test_sample_weights_count_like_repetitions():
    rng = np.random.default_rng(0)
    x, y, times = rng.normal(size=(60, 3)), rng.integers(0, 3, 60), rng.integers(1, 4, 60)
    weighted = LinearLearnerClassifier(wd=0.01).fit(x, y, sample_weight=times)
    repeated = LinearLearnerClassifier(wd=0.01).fit(np.repeat(x, times, axis=0), np.repeat(y, times))
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, atol=1e-4)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1500, 8))
    return x, x @ rng.normal(size=8) + 0.5 * rng.normal(size=1500)


@pytest.mark.parametrize("optimizer", ["auto", "sgd", "adam", "rmsprop"])
def test_every_optimizer_learns(data, optimizer):
    x, y = data
    rate = "auto" if optimizer == "auto" else 0.02
    model = LinearLearnerRegressor(optimizer=optimizer, learning_rate=rate, mini_batch_size=50).fit(x, y)
    assert model.score(x, y) > 0.9


def test_partial_fit_streams_to_the_same_place(data):
    x, y = data
    model = LinearLearnerRegressor(optimizer="adam", learning_rate=0.05, lr_scheduler_step=5, mini_batch_size=50)
    for _ in range(20):
        for start in range(0, 1500, 300):
            model.partial_fit(x[start : start + 300], y[start : start + 300])
    np.testing.assert_allclose(model.coef_, LinearLearnerRegressor().fit(x, y).coef_, atol=0.06)


def test_partial_fit_goes_on_from_a_fitted_model(data):
    x, y = data
    model = LinearLearnerRegressor(learning_rate=1e-6, optimizer="sgd")
    model.fit(x, y)
    before = model.coef_.copy()
    model.partial_fit(x[:100], y[:100])
    np.testing.assert_allclose(model.coef_, before, atol=1e-3)


def test_partial_fit_of_a_classifier_needs_its_classes_once(data):
    x, y = data
    model = LinearLearnerClassifier(learning_rate=0.05, mini_batch_size=50)
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        model.partial_fit(x, y > 0)
    for _ in range(10):
        model.partial_fit(x, np.where(y > 0, "up", "down"), classes=["down", "up"])
    assert model.score(x, np.where(y > 0, "up", "down")) > 0.85
    with pytest.raises(ValueError, match="not among the classes"):
        model.partial_fit(x[:2], ["up", "sideways"])


@pytest.mark.parametrize("given", [{"positive_example_weight_mult": "balanced"}, {"positive_example_weight_mult": 9.0}])
def test_partial_fit_weighs_the_positives(data, given):
    x, y = data
    labels, recalls = y > 2.5, []
    for one in ({}, given):
        model = LinearLearnerClassifier(learning_rate=0.05, mini_batch_size=50, **one)
        for _ in range(10):
            model.partial_fit(x, labels, classes=[False, True])
        recalls.append(model.predict(x)[labels].mean())
    assert recalls[1] > recalls[0]


def test_sparse_and_dense_input_agree(data):
    x, y = data
    x = np.where(np.abs(x) > 1, x, 0)
    dense, sparse = LinearLearnerRegressor().fit(x, y), LinearLearnerRegressor().fit(sp.csr_matrix(x), y)
    np.testing.assert_allclose(dense.coef_, sparse.coef_, atol=1e-4)


def test_single_precision_stays_near_double(data):
    x, y = data
    single = LinearLearnerRegressor().fit(x.astype(np.float32), y.astype(np.float32))
    np.testing.assert_allclose(single.coef_, LinearLearnerRegressor().fit(x, y).coef_, atol=1e-3)


def test_of_many_models_one_that_generalises_is_kept():
    rng = np.random.default_rng(1)
    x, w = rng.normal(size=(120, 100)), np.zeros(100)
    w[:5] = 1
    y, held = x @ w + rng.normal(size=120), rng.normal(size=(2000, 100))
    one, many = (
        LinearLearnerRegressor().fit(x, y),
        LinearLearnerRegressor(num_models=16, validation_fraction=0.25).fit(x, y),
    )
    assert many.score(held, held @ w) > one.score(held, held @ w) + 0.1
    assert many.best_params_["wd"] > 1e-3


def test_a_seed_decides_everything(data):
    x, y = data
    given = {"num_models": 6, "optimizer": "adam", "epochs": 3}
    fits = [LinearLearnerClassifier(**given, random_state=5).fit(x, y > 0).coef_ for _ in range(2)]
    np.testing.assert_array_equal(*fits)


def test_a_threshold_for_recall_reaches_it(data):
    x, y = data
    labels = y > 1.5
    model = LinearLearnerClassifier(
        binary_classifier_model_selection_criteria="precision_at_target_recall", target_recall=0.95
    ).fit(x, labels, eval_set=(x, labels))
    assert np.mean(model.predict(x)[labels]) >= 0.95
    assert model.threshold_ < 0.5
    np.testing.assert_array_equal(model.predict(x), model.decision_function(x) >= 0)


def test_a_threshold_for_precision_reaches_it_and_keeps_the_trained_weights(data):
    x, y = data
    labels = y > 1.5
    given = {"binary_classifier_model_selection_criteria": "recall_at_target_precision", "target_precision": 0.99}
    model = LinearLearnerClassifier(**given).fit(x, labels, eval_set=(x, labels))
    assert labels[model.predict(x)].mean() >= 0.99
    # At the start every record has the same score: all are called, which is full recall at a precision far below.
    assert roc_auc_score(labels, model.decision_function(x)) > 0.95


def test_positive_weights_raise_recall(data):
    x, y = data
    labels = y > 2.5
    plain, balanced = (
        LinearLearnerClassifier(positive_example_weight_mult=w).fit(x, labels) for w in (1.0, "balanced")
    )
    assert balanced.predict(x)[labels].mean() > plain.predict(x)[labels].mean()
    assert (
        LinearLearnerClassifier(positive_example_weight_mult="auto", num_models=6).fit(x, labels).score(x, labels) > 0.9
    )


def test_balanced_classes_raise_the_least_recall(data):
    x, y = data
    labels = np.digitize(y, [-4.5, 4.5])
    recalls = []
    for flag in (False, True):
        called = LinearLearnerClassifier(balance_multiclass_weights=flag, wd=0.05).fit(x, labels).predict(x)
        recalls.append(min(np.mean(called[labels == k] == k) for k in range(3)))
    assert recalls[1] > recalls[0]


def test_hinge_has_no_probabilities(data):
    x, y = data
    model = LinearLearnerClassifier(loss="hinge_loss").fit(x, y > 0)
    assert not hasattr(model, "predict_proba")
    assert model.score(x, y > 0) > 0.9


def test_a_wrong_setting_is_named(data):
    x, y = data
    with pytest.raises(Exception, match="hyperparameter wd must be a number >= 0 or auto"):
        LinearLearnerRegressor(wd=-1).fit(x, y)


def test_a_pipeline_takes_it():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 5, size=(400, 3))
    y = (x[:, 0] > 2).astype(int)
    assert cross_val_score(make_pipeline(OneHotEncoder(), LinearLearnerClassifier(wd=1e-3)), x, y, cv=3).mean() > 0.99
