"""The built-in image: what it says, what it chooses, what it refuses."""

import re
import threading

import numpy as np
import pytest
import scipy.sparse as sp

from lakemill.algorithms.errors import CustomerError
from tests.unit.algorithms.linear_learner.conftest import LABELS, binary, found, thirds

OF_KIND = {
    "regressor": ["absolute_loss", "mse", "objective_loss"],
    "binary_classifier": ["binary_classification_accuracy", "binary_f_beta", "precision", "recall", "roc_auc_score"],
    "multiclass_classifier": ["multiclass_accuracy", "multiclass_top_k_accuracy", "macro_precision", "macro_recall",
                              "macro_f_beta", "dcg"],
}  # fmt: skip


@pytest.mark.parametrize("kind", LABELS)
def test_every_metric_of_the_kind_is_found_by_its_regex(run_training, numbers, kind):
    x, y = numbers
    lines = run_training(thirds(x, LABELS[kind](y)), predictor_type=kind, num_classes=4).lines
    for split in ("validation", "test"):
        for name in OF_KIND[kind]:
            assert found(lines, f"{split}:{name}"), (split, name)
    assert len(found(lines, "train:objective_loss")) == len(found(lines, "validation:objective_loss"))
    for name in ("train:progress", "train:throughput", "validation:objective_loss:final"):
        assert found(lines, name)
    assert found(lines, "train:progress")[-1] == 100.0


def test_the_lines_have_awss_form(run_training, numbers):
    lines = run_training(thirds(*numbers), predictor_type="regressor").lines
    text = "\n".join(lines)
    for wanted in (
        r"\] #quality_metric: host=algo-1, epoch=0, train mse_objective <loss>=[\d.e-]+$",
        r"\] #quality_metric: host=algo-1, epoch=0, validation mse_objective <loss>=[\d.e-]+$",
        r"\] #early_stopping_criteria_metric: host=algo-1, epoch=0, criteria=mse_objective, value=[\d.e-]+$",
        r"\] Epoch 0: Loss improved. Updating best model$",
        r"\] #validation_score \(algo-1\) : \('mse_objective', [\d.e-]+\)$",
        r"\] #validation_score \(algo-1\) : \('rmse', [\d.e-]+\)$",
        r"\] #quality_metric: host=algo-1, validation mse <loss>=[\d.e-]+$",
        r'\] Best model found for hyperparameters: \{"optimizer": "quasi-newton", ',
        r"\] #test_score \(algo-1\) : \('mse', [\d.e-]+\)$",
    ):
        assert re.search(wanted, text, re.MULTILINE), wanted
    assert "#train_score" not in text


def test_without_validation_and_test_the_train_scores_are_printed(run_training, numbers):
    x, y = numbers
    text = "\n".join(run_training({"train": (x, y)}, predictor_type="regressor").lines)
    assert "#train_score (algo-1) : ('mse_objective'" in text
    assert "Test data is not provided." in text
    assert "validation" not in text


def test_validation_loss_is_in_the_labels_unit_and_train_loss_in_the_scaled_ones(run_training, numbers):
    x, y = numbers
    result = run_training(thirds(x, y), predictor_type="regressor", num_models=1)
    mse = np.mean((result.model.scores(x[800:1000]) - y[800:1000]) ** 2)
    assert found(result.lines, "validation:objective_loss")[-1] == pytest.approx(mse, rel=1e-3)
    assert found(result.lines, "validation:mse")[-1] == pytest.approx(mse, rel=1e-3)
    assert found(result.lines, "train:objective_loss")[-1] == pytest.approx(1 / y[:800].var(), rel=0.1)


@pytest.mark.parametrize("optimizer", ["auto", "sgd", "adam", "rmsprop"])
def test_the_artifact_predicts(run_training, numbers, optimizer):
    x, y = numbers
    model = run_training(
        thirds(x, y), predictor_type="regressor", optimizer=optimizer, mini_batch_size=40, num_models=8
    ).model
    assert np.mean((model.scores(x[1000:]) - y[1000:]) ** 2) < 0.2 * y.var()


def test_a_binary_models_threshold_is_stored_and_used(run_training, numbers):
    x, y = numbers
    labels = binary(y)
    result = run_training(
        thirds(x, labels),
        predictor_type="binary_classifier",
        binary_classifier_model_selection_criteria="recall_at_target_precision",
        target_precision=0.99,
    )
    called = result.model.labels(result.model.scores(x[800:1000]))
    assert called[labels[800:1000] == 0].sum() <= 1
    assert any("criteria=sampled_recall_at_target_precision" in line for line in result.lines)
    assert found(result.lines, "validation:precision")[-1] >= 0.99


def test_a_tuning_job_trains_one_model(run_training, numbers):
    result = run_training(
        thirds(*numbers), predictor_type="regressor", wd=0.5, num_models=9, _tuning_objective_metric="validation:mse"
    )
    assert any('"wd": 0.5' in line for line in result.lines if "Best model found" in line)


def test_early_stopping_ends_and_patience_beyond_the_epochs_disables_it(run_training, numbers):
    given = {
        "predictor_type": "regressor",
        "optimizer": "adam",
        "learning_rate": 0.1,
        "num_models": 1,
        "mini_batch_size": 20,
    }
    short = run_training(thirds(*numbers), **given, epochs=60, early_stopping_patience=2).lines
    assert any("Early stop condition met. Stopping training." in line for line in short)
    assert len(found(short, "train:objective_loss")) < 60
    whole = run_training(thirds(*numbers), **given, epochs=12, early_stopping_patience=13).lines
    assert len(found(whole, "train:objective_loss")) == 12


def test_the_same_job_twice_writes_the_same_bytes(run_training, numbers):
    x, y = numbers
    files = [run_training(thirds(x, binary(y)), predictor_type="binary_classifier").path.read_bytes() for _ in range(2)]
    assert files[0] == files[1]


def test_sparse_records_are_learned(run_training):
    rng = np.random.default_rng(0)
    x = sp.random(600, 2000, density=0.01, format="csr", random_state=1, dtype=np.float32)
    y = (x @ rng.normal(size=2000) > 0).astype(np.float32)
    model = run_training({"train": (x, y), "validation": (x, y)}, predictor_type="binary_classifier").model
    assert np.mean(model.labels(model.scores(x)) == y) > 0.95


def test_a_stop_ends_after_the_epoch_with_what_there_is(run_training, numbers):
    stopping = threading.Event()
    stopping.set()
    result = run_training(thirds(*numbers), stopping=stopping, predictor_type="regressor")
    assert len(found(result.lines, "train:objective_loss")) == 1
    assert np.isfinite(result.model.weights).all()


@pytest.mark.parametrize("optimizer", ["auto", "adam"])
@pytest.mark.parametrize("kind", LABELS)
def test_odd_data_work(run_training, kind, optimizer):
    given = {"predictor_type": kind, "num_classes": 4, "optimizer": optimizer}
    one = {"train": (np.float32([[1, 2]]), [1.0])}
    assert np.isfinite(run_training(one, **given).model.weights).all()
    constant = np.ones((50, 3), np.float32)
    labels = np.arange(50) % 2
    assert np.isfinite(run_training({"train": (constant, labels)}, **given).model.weights).all()
    same = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    assert np.isfinite(run_training({"train": (same, np.ones(50))}, **given).model.weights).all()


@pytest.mark.parametrize(("labels", "kind", "message"), [
    ([1, np.nan, 0], "regressor", "every label must be a finite number"),
    ([1, 2, 0], "binary_classifier", "a label of a binary_classifier must be 0 or 1; got 2"),
    ([1, -1, 1], "binary_classifier", "must be 0 or 1; got -1"),
    ([1, 4, 0], "multiclass_classifier", "must be a whole number from 0 to 3; got 4"),
    ([1, 1.5, 0], "multiclass_classifier", "must be a whole number from 0 to 3; got 1.5"),
    (None, "regressor", "the records have no label"),
    ([[1, 2], [1, 2], [3, 4]], "regressor", "every record must have one label; got 2"),
])  # fmt: skip
def test_wrong_labels_are_refused(run_training, labels, kind, message):
    with pytest.raises(CustomerError, match=re.escape(message)):
        run_training({"train": (np.ones((3, 2), np.float32), labels)}, predictor_type=kind, num_classes=4)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("form", [np.asarray, sp.csr_matrix], ids=["dense", "sparse"])
def test_features_that_are_not_finite_are_refused(run_training, value, form):
    x = np.float32([[1, 2], [3, value]])
    with pytest.raises(CustomerError, match="Channel train: every feature must be a finite number"):
        run_training({"train": (form(x), [1.0, 2.0])}, predictor_type="regressor")


def test_a_wrong_feature_dim_is_refused(run_training, numbers):
    x, y = numbers
    with pytest.raises(CustomerError, match="records have 6 features but feature_dim is 5"):
        run_training({"train": (x, y)}, predictor_type="regressor", feature_dim=5)
    with pytest.raises(CustomerError, match="Channel validation: records have 5 features but feature_dim is 6"):
        run_training({"train": (x, y), "validation": (x[:, :5], y)}, predictor_type="regressor")


def test_a_diverged_training_says_so(run_training, numbers):
    x, y = numbers
    with pytest.raises(CustomerError, match="Training diverged in every model"), np.errstate(all="ignore"):
        run_training({"train": (x * 1e4, y)}, predictor_type="regressor", optimizer="sgd", learning_rate=1e6,
                     normalize_data=False, num_models=1, mini_batch_size=10)  # fmt: skip
