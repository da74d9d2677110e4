"""Every hyperparameter does something: another value gives another model, log line or metric."""

import numpy as np
import pytest

from lakemill.algorithms.linear_learner.spec import SPEC
from tests.unit.algorithms.linear_learner.conftest import LABELS, thirds, trained

REGRESSOR = {"predictor_type": "regressor"}
BINARY = {"predictor_type": "binary_classifier"}
MULTI = {"predictor_type": "multiclass_classifier", "num_classes": 4}
ADAM = {"optimizer": "adam", "mini_batch_size": 50, "num_models": 1, "epochs": 3}
SGD = {**ADAM, "optimizer": "sgd", "learning_rate": 0.01}
ONE = {"num_models": 1}

CASES = [
    ("predictor_type", {"num_classes": 4}, "regressor", "binary_classifier"),
    ("num_classes", MULTI, 4, 6),
    ("accuracy_top_k", MULTI, 2, 3),
    ("balance_multiclass_weights", MULTI, False, True),
    ("beta_1", {**BINARY, **ADAM}, "auto", 0.5),
    ("beta_2", {**BINARY, **ADAM}, "auto", 0.9),
    ("bias_lr_mult", {**BINARY, **ADAM}, "auto", 1),
    ("bias_wd_mult", {**BINARY, **ONE, "wd": 0.1}, "auto", 2),
    ("binary_classifier_model_selection_criteria", {**BINARY, **ONE}, "accuracy", "precision_at_target_recall"),
    ("early_stopping_patience", {**REGRESSOR, **SGD, "epochs": 30}, 1, 31),
    ("early_stopping_tolerance", {**REGRESSOR, **SGD, "epochs": 30}, 0.5, 1e-9),
    ("epochs", {**REGRESSOR, **SGD}, 1, 2),
    ("f_beta", {**BINARY, **ONE, "binary_classifier_model_selection_criteria": "f_beta"}, 1, 4),
    ("feature_dim", REGRESSOR, "auto", 6),
    ("huber_delta", {**REGRESSOR, **ONE, "loss": "huber_loss"}, 0.02, 0.5),
    ("init_bias", {**REGRESSOR, **SGD, "epochs": 1}, 0, 5),
    ("init_method", {**REGRESSOR, **SGD, "epochs": 1}, "uniform", "normal"),
    ("init_scale", {**REGRESSOR, **SGD, "epochs": 1}, 0.07, 3),
    ("init_sigma", {**REGRESSOR, **SGD, "epochs": 1, "init_method": "normal"}, 0.01, 3),
    ("l1", {**REGRESSOR, **ONE}, 0, 0.1),
    ("learning_rate", {**REGRESSOR, **SGD}, 0.01, 0.02),
    ("loss", {**REGRESSOR, **ONE}, "squared_loss", "absolute_loss"),
    ("loss_insensitivity", {**REGRESSOR, **ONE, "loss": "eps_insensitive_absolute_loss"}, 0.01, 0.5),
    ("lr_scheduler_factor", {**REGRESSOR, **SGD, "lr_scheduler_step": 5}, 0.9, 0.5),
    ("lr_scheduler_minimum_lr", {**REGRESSOR, **SGD, "lr_scheduler_step": 1, "lr_scheduler_factor": 0.1}, 1e-5, 0.005),
    ("lr_scheduler_step", {**REGRESSOR, **SGD}, 1, 30),
    ("margin", {**BINARY, **ONE, "loss": "hinge_loss"}, 1, 3),
    ("mini_batch_size", {**REGRESSOR, **SGD}, 50, 100),
    ("momentum", {**REGRESSOR, **SGD}, "auto", 0.9),
    ("normalize_data", {**REGRESSOR, **ONE, "wd": 0.1}, True, False),
    ("normalize_label", {**REGRESSOR, **ONE, "wd": 0.1, "loss": "absolute_loss"}, True, False),
    ("num_calibration_samples", {**BINARY, **ONE}, "auto", 20),
    ("num_models", REGRESSOR, 1, 8),
    ("num_point_for_scaler", {**REGRESSOR, **ONE, "wd": 0.1}, 10_000, 20),
    ("optimizer", {**REGRESSOR, "learning_rate": 0.01}, "adam", "rmsprop"),
    ("positive_example_weight_mult", {**BINARY, **ONE}, 1, "balanced"),
    ("quantile", {**REGRESSOR, **ONE, "loss": "quantile_loss"}, 0.5, 0.9),
    ("target_precision",
     {**BINARY, **ONE, "binary_classifier_model_selection_criteria": "recall_at_target_precision"}, 0.8, 0.999),
    ("target_recall",
     {**BINARY, **ONE, "binary_classifier_model_selection_criteria": "precision_at_target_recall"}, 0.8, 0.999),
    ("unbias_data", {**REGRESSOR, **SGD, "learning_rate": 0.001}, True, False),
    ("unbias_label", {**REGRESSOR, **SGD}, True, False),
    ("use_bias", {**REGRESSOR, **ONE}, True, False),
    ("use_lr_scheduler", {**REGRESSOR, **SGD, "lr_scheduler_step": 5}, True, False),
    ("wd", {**REGRESSOR, **ONE}, 0, 0.5),
]  # fmt: skip


def test_no_hyperparameter_is_left_out():
    assert {name for name, *_ in CASES} == {one.name for one in SPEC.hyperparameters if not one.name.startswith("_")}


@pytest.mark.parametrize(("name", "given", "one", "other"), CASES, ids=[name for name, *_ in CASES])
def test_another_value_gives_another_training(tmp_path, numbers, name, given, one, other):
    x, y = numbers
    results = []
    for value in (one, other):
        settings = {**given, name: value}
        labels = np.asarray(LABELS[settings["predictor_type"]](y), np.float32)
        done = trained(tmp_path / str(value), thirds(x, labels), **settings)
        scores = [line.partition("] ")[2] for line in done.lines if "_score (" in line]
        results.append((done.path.read_bytes(), scores))
    if name == "feature_dim":  # A number says what auto finds.
        assert results[0] == results[1]
    elif name == "accuracy_top_k":  # A figure of the log.
        assert results[0][1] != results[1][1]
    else:
        assert results[0][0] != results[1][0]
