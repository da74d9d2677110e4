"""The table against the facts of AWS's guide."""

import pytest

from lakemill.algorithms import registry
from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.linear_learner.spec import SPEC

NAMES = """predictor_type num_classes accuracy_top_k balance_multiclass_weights beta_1 beta_2 bias_lr_mult bias_wd_mult
binary_classifier_model_selection_criteria early_stopping_patience early_stopping_tolerance epochs f_beta feature_dim
huber_delta init_bias init_method init_scale init_sigma l1 learning_rate loss loss_insensitivity lr_scheduler_factor
lr_scheduler_minimum_lr lr_scheduler_step margin mini_batch_size momentum normalize_data normalize_label
num_calibration_samples num_models num_point_for_scaler optimizer positive_example_weight_mult quantile target_precision
target_recall unbias_data unbias_label use_bias use_lr_scheduler wd"""


def test_every_hyperparameter_of_the_guide_is_there_and_no_other():
    assert {one.name for one in SPEC.hyperparameters if not one.name.startswith("_")} == set(NAMES.split())


def test_the_registry_finds_it_by_image():
    assert registry.for_image("382416733822.dkr.ecr.us-east-1.amazonaws.com/linear-learner:1") is SPEC


def test_defaults_are_the_guides():
    values = SPEC.validate({"predictor_type": "regressor"})
    assert {name: values[name] for name in ("epochs", "mini_batch_size", "num_models", "wd", "normalize_data")} == {
        "epochs": 15, "mini_batch_size": 1000, "num_models": "auto", "wd": "auto", "normalize_data": True}  # fmt: skip


@pytest.mark.parametrize("given", [
    {"predictor_type": "binary_classifier", "positive_example_weight_mult": "balanced"},
    {"predictor_type": "binary_classifier", "positive_example_weight_mult": "0.5", "loss": "hinge_loss"},
    {"predictor_type": "regressor", "normalize_label": "True", "unbias_data": "auto", "feature_dim": "auto"},
    {"predictor_type": "multiclass_classifier", "num_classes": "1000000", "epochs": "3.0"},
    {"predictor_type": "regressor", "num_classes": "1", "_num_gpus": "auto", "init_bias": "-2"},
])  # fmt: skip
def test_valid_settings_pass(given):
    SPEC.validate(given)


@pytest.mark.parametrize(("given", "message"), [
    ({}, "'predictor_type' is a required property"),
    ({"predictor_type": "ranker"}, "must be one of binary_classifier, multiclass_classifier, regressor"),
    ({"predictor_type": "multiclass_classifier"}, "num_classes is required"),
    ({"predictor_type": "multiclass_classifier", "num_classes": "2"}, "must be an integer >= 3; got 2"),
    ({"predictor_type": "regressor", "loss": "logistic"}, "loss of a regressor must be auto or one of squared_loss"),
    ({"predictor_type": "regressor", "epochs": "0"}, "epochs must be an integer >= 1"),
    ({"predictor_type": "regressor", "wd": "-1"}, "wd must be a number >= 0 or auto"),
    ({"predictor_type": "regressor", "learning_rate": "0"}, "learning_rate must be a number > 0 or auto"),
    ({"predictor_type": "regressor", "positive_example_weight_mult": "0"}, "must be balanced, auto or a number > 0"),
    ({"predictor_type": "regressor", "speed": "1"}, "Additional properties are not allowed"),
])  # fmt: skip
def test_wrong_settings_are_refused_in_words(given, message):
    with pytest.raises(CustomerError, match=message):
        SPEC.validate(given)


def test_tunable_ranges_are_the_guides():
    ranges = {one.name: one.tunable for one in SPEC.hyperparameters if one.tunable}
    assert set(ranges) == {"wd", "l1", "learning_rate", "mini_batch_size", "use_bias", "positive_example_weight_mult"}
    assert (ranges["wd"].low, ranges["wd"].high) == (1e-7, 1)
    assert (ranges["mini_batch_size"].low, ranges["mini_batch_size"].high) == (100, 5000)


def test_objectives_point_the_right_way():
    goals = {one.name: one.goal for one in SPEC.metrics}
    assert goals["validation:objective_loss"] == goals["test:mse"] == goals["validation:rmse"] == "Minimize"
    assert goals["validation:binary_f_beta"] == goals["test:dcg"] == "Maximize"
    assert "test:rmse" not in goals
