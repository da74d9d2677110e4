"""AWS's own metrics held against scikit-learn's."""

import numpy as np
import pytest
import xgboost
from sklearn import metrics as reference

from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.xgboost import metrics, scores

RANDOM = np.random.default_rng(4)
BINARY = RANDOM.integers(0, 2, 200).astype(np.float32)
CHANCES = np.clip(BINARY * 0.3 + RANDOM.random(200) * 0.7, 0, 1).astype(np.float32)
THREE = RANDOM.integers(0, 3, 200).astype(np.float32)
MATRIX = (RANDOM.random((200, 3)) + np.eye(3)[THREE.astype(int)] * 0.4).astype(np.float32)

BINARY_SCORES = {
    "accuracy": reference.accuracy_score,
    "balanced_accuracy": reference.balanced_accuracy_score,
    "f1": lambda y, p: reference.f1_score(y, p, average="macro"),
    "f1_binary": reference.f1_score,
    "f1_macro": lambda y, p: reference.f1_score(y, p, average="macro"),
    "precision": reference.precision_score,
    "precision_macro": lambda y, p: reference.precision_score(y, p, average="macro"),
    "precision_micro": lambda y, p: reference.precision_score(y, p, average="micro"),
    "recall": reference.recall_score,
    "recall_macro": lambda y, p: reference.recall_score(y, p, average="macro"),
    "recall_micro": lambda y, p: reference.recall_score(y, p, average="micro"),
}


@pytest.mark.parametrize("name", sorted(BINARY_SCORES))
def test_a_binary_score_equals_scikit_learns(name: str) -> None:
    expected = BINARY_SCORES[name](BINARY, CHANCES > 0.5)
    assert scores.score(name, BINARY, CHANCES, "binary:logistic") == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", sorted(set(BINARY_SCORES) - {"f1_binary", "precision", "recall"}))
def test_a_multiclass_score_equals_scikit_learns(name: str) -> None:
    expected = BINARY_SCORES[name](THREE, MATRIX.argmax(axis=1))
    assert scores.score(name, THREE, MATRIX, "multi:softprob") == pytest.approx(expected, abs=1e-12)


def test_mse_and_r2_equal_scikit_learns() -> None:
    assert scores.score("mse", BINARY, CHANCES, "reg:squarederror") == pytest.approx(
        reference.mean_squared_error(BINARY, CHANCES), rel=1e-6
    )
    assert scores.score("r2", BINARY, CHANCES, "reg:squarederror") == pytest.approx(
        reference.r2_score(BINARY, CHANCES), rel=1e-5
    )


@pytest.mark.parametrize("digits", [1, 3, 9])
def test_auc_is_the_librarys_to_the_last_bit(digits: int) -> None:
    chances = np.round(CHANCES, digits).astype(np.float32)
    matrix = xgboost.DMatrix(np.zeros((200, 1)), BINARY, base_margin=chances)
    booster = xgboost.Booster({"eval_metric": "auc"}, [matrix])
    assert scores.auc(BINARY, chances) == float(booster.eval(matrix).split(":")[1])
    assert scores.auc(BINARY, chances) == pytest.approx(reference.roc_auc_score(BINARY, chances), abs=1e-12)


def test_auc_is_for_two_classes_that_both_occur() -> None:
    assert scores.has_auc(BINARY)
    assert not any(scores.has_auc(np.float32(labels)) for labels in ([1, 1], [0, 0], [0, 0.5, 1], [0, 1, 2], []))


def test_margins_are_cut_at_zero_and_class_predictions_taken_as_they_are() -> None:
    assert scores.classes(np.float32([-0.1, 0.1]), "binary:logitraw").tolist() == [0, 1]
    assert scores.classes(np.float32([0.4, 0.6]), "binary:logistic").tolist() == [0, 1]
    assert scores.classes(np.float32([2, 0]), "multi:softmax").tolist() == [2, 0]


def test_a_score_of_two_classes_says_so_for_three() -> None:
    with pytest.raises(CustomerError, match="precision_macro"):
        scores.score("precision", THREE, MATRIX, "multi:softprob")


def test_precision_is_zero_where_class_one_never_occurs() -> None:
    none = np.zeros(5, np.float32)
    assert scores.score("precision", none, none, "binary:logistic") == 0.0


def test_which_metrics_are_maximised() -> None:
    assert all(metrics.maximised(name) for name in ("auc", "map@3", "ndcg@5-", "f1", "r2", "accuracy"))
    assert not any(metrics.maximised(name) for name in ("rmse", "mse", "error@0.7", "mape", "logloss"))


def test_an_unknown_metric_is_named() -> None:
    assert "'foo' is not a metric" in (metrics.wrong_name("rmse,foo") or "")
    assert metrics.wrong_name("error@0.7,ndcg@5-,map@3") is None
    assert metrics.wrong_name("rmse@3") is not None
