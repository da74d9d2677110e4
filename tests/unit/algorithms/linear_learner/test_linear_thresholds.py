"""Thresholds against trying every one of them."""

import numpy as np
import pytest
from sklearn import metrics as reference

from lakemill.algorithms.linear_learner import metrics, thresholds
from lakemill.algorithms.linear_learner.thresholds import Goal


def scored(n=60, seed=0, ties=False):
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < 0.3).astype(float)
    scores = np.clip(0.3 * labels + 0.5 * rng.random(n), 0, 1)
    return (np.round(scores, 1) if ties else scores), labels


def tried(scores, labels, goal):
    """The best value by brute force."""
    found = []
    for cut in np.r_[np.unique(scores), 2.0]:
        called, true = scores >= cut, labels > 0
        tp, fp, fn = np.sum(called & true), np.sum(called & ~true), np.sum(~called & true)
        precision, recall = tp / max(tp + fp, 1), tp / (tp + fn)
        if goal.criterion == "accuracy":
            found.append(np.mean(called == true))
        elif goal.criterion in ("f_beta", "f1"):
            weight = goal.beta**2 if goal.criterion == "f_beta" else 1
            found.append((1 + weight) * tp / ((1 + weight) * tp + weight * fn + fp))
        elif goal.criterion == "precision_at_target_recall" and recall >= goal.target_recall:
            found.append(precision)
        elif goal.criterion == "recall_at_target_precision" and precision >= goal.target_precision:
            found.append(recall)
    return max(found)


@pytest.mark.parametrize("ties", [False, True], ids=["distinct", "ties"])
@pytest.mark.parametrize("goal", [
    Goal("accuracy"), Goal("f1"), Goal("f_beta", beta=2.0), Goal("f_beta", beta=0.5),
    Goal("precision_at_target_recall", target_recall=0.9), Goal("recall_at_target_precision", target_precision=0.7),
], ids=lambda one: f"{one.criterion}-{one.beta}")  # fmt: skip
def test_the_threshold_is_the_best_of_all(goal, ties):
    for seed in range(3):
        scores, labels = scored(seed=seed, ties=ties)
        threshold, value = thresholds.calibrate(scores, labels, goal)
        assert value == pytest.approx(tried(scores, labels, goal))
        at = thresholds.cuts(scores, labels)
        # The value holds when the threshold is applied as serving applies it.
        called = scores >= threshold
        place = int(np.argmin(np.abs(at.thresholds - threshold)))
        assert at.tp[place] == np.sum(called & (labels > 0))


def test_a_target_out_of_reach_is_approached():
    scores, labels = np.array([0.9, 0.8, 0.2, 0.1]), np.array([0.0, 1, 0, 0])
    threshold, lack = thresholds.calibrate(scores, labels, Goal("recall_at_target_precision", target_precision=0.9))
    assert (scores >= threshold).tolist() == [True, True, False, False]
    assert lack == pytest.approx(0.5 - 0.9)


def test_of_equally_good_thresholds_the_one_nearest_to_a_half_is_taken():
    scores, labels = np.array([0.1, 0.2, 0.9, 1.0]), np.array([0.0, 0, 1, 1])
    threshold, value = thresholds.calibrate(scores, labels, Goal())
    assert value == 1.0
    assert threshold == pytest.approx(0.55)


def test_one_class_only_gives_a_threshold_all_the_same():
    scores = np.array([0.2, 0.7])
    for label in (0.0, 1.0):
        threshold, value = thresholds.calibrate(scores, np.full(2, label), Goal())
        assert value == 1.0
        assert ((scores >= threshold) == bool(label)).all()


def figures(state, predicted, labels):
    """Taken in by two blocks."""
    for rows in (slice(1), slice(1, None)):
        state.add(predicted[rows], labels[rows])
    return state.found()


@pytest.mark.parametrize("ties", [False, True], ids=["distinct", "ties"])
def test_binary_figures_are_scikit_learns(ties):
    scores, labels = scored(ties=ties)
    found, called = figures(metrics.Binary(0.45, 2.0), scores, labels), scores >= 0.45
    assert found["binary_classification_accuracy"] == pytest.approx(reference.accuracy_score(labels, called))
    assert found["binary_f_2.000"] == pytest.approx(reference.fbeta_score(labels, called, beta=2))
    assert found["precision"] == pytest.approx(reference.precision_score(labels, called))
    assert found["recall"] == pytest.approx(reference.recall_score(labels, called))
    assert found["roc_auc_score"] == pytest.approx(reference.roc_auc_score(labels, scores))


def test_multiclass_figures_are_scikit_learns():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 5, 400)
    scores = rng.dirichlet(np.ones(5), 400) + 0.3 * np.eye(5)[labels]
    scores /= scores.sum(axis=1, keepdims=True)
    found, called = figures(metrics.Multiclass(5, 2, 1.0), scores, labels), scores.argmax(axis=1)
    macro = {"average": "macro"}
    assert found["multiclass_accuracy"] == pytest.approx(reference.accuracy_score(labels, called))
    assert found["multiclass_top_k_accuracy_2"] == pytest.approx(reference.top_k_accuracy_score(labels, scores, k=2))
    assert found["macro_recall"] == pytest.approx(reference.recall_score(labels, called, **macro))
    assert found["macro_precision"] == pytest.approx(reference.precision_score(labels, called, **macro))
    assert found["macro_f_1.000"] == pytest.approx(reference.f1_score(labels, called, **macro))
    assert found["multiclass_balanced_accuracy"] == pytest.approx(reference.balanced_accuracy_score(labels, called))
    assert found["multiclass_log_loss"] == pytest.approx(reference.log_loss(labels, scores))
    assert found["dcg"] == pytest.approx(reference.dcg_score(np.eye(5)[labels], scores))


def test_regression_figures():
    found = figures(metrics.Regression(with_rmse=True), np.array([1.0, 2.0]), np.array([1.0, 4.0]))
    assert found == {"mse": 2.0, "absolute_loss": 1.0, "rmse": pytest.approx(2**0.5)}
