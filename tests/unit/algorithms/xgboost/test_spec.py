"""XGBoost's hyperparameters: what is accepted, what is refused and how it is said."""

import pytest

from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.xgboost.fitting import library_parameters, wanted_metrics
from lakemill.algorithms.xgboost.spec import OBJECTIVES, SPEC


def validated(**given: str) -> dict:
    return SPEC.validate({"num_round": "3", **given})


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_objective_is_accepted(objective: str) -> None:
    more = {"num_class": "3"} if objective.startswith("multi:") else {}
    assert validated(objective=objective, **more)["objective"] == objective


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"eta": "1.5"}, "eta must be a number >= 0 and <= 1"),
        ({"subsample": "0"}, "subsample must be a number > 0 and <= 1"),
        ({"max_depth": "-1"}, "max_depth must be an integer >= 0"),
        ({"max_depth": "2.5"}, "max_depth must be an integer"),
        ({"num_round": "0"}, "num_round must be an integer >= 1"),
        ({"colour": "red"}, r"Additional properties are not allowed \('colour' was unexpected\)"),
        ({"objective": "reg:quantileerror"}, "objective must be one of"),
        ({"objective": "aft_loss_distribution"}, "objective must be one of"),
        ({"objective": "multi:softmax"}, "num_class is required"),
        ({"num_class": "3"}, "num_class belongs to the multi: objectives"),
        ({"eval_metric": "rmse,foo"}, "'foo' is not a metric"),
        ({"eval_metric": "auc"}, "'auc' can only be applied to binary and ranking"),
        ({"_tuning_objective_metric": "validation:auc"}, "'auc' can only be applied to binary and ranking"),
        ({"eval_metric": "aft-nloglik"}, "survival:aft"),
        ({"monotone_constraints": "(1,2)"}, "tuple of -1, 0 and 1"),
        ({"monotone_constraints": "(1,-1)", "tree_method": "approx"}, "monotone_constraints needs tree_method"),
        ({"interaction_constraints": "[1,2]"}, "lists of column numbers"),
        ({"interaction_constraints": "[[1,2],[3]]", "tree_method": "gpu_hist"}, "gpu_hist needs a GPU"),
        ({"updater": "grow_colmaker,grow_histmaker"}, "at most one of the updaters"),
        ({"updater": "distcol"}, "no updater distcol any more"),
        ({"updater": "shotgun"}, "does not belong to booster gbtree"),
        ({"process_type": "update", "updater": "refresh"}, "process_type update needs trees"),
        ({"tree_method": "gpu_hist"}, "gpu_hist needs a GPU"),
        ({"predictor": "gpu_predictor"}, "gpu_predictor needs a GPU"),
        ({"use_dask_gpu_training": "true"}, "Dask training needs a GPU"),
        ({"sketch_eps": "0.1", "tree_method": "approx"}, "use max_bin 10 in place of it"),
        ({"sketch_eps": "0.1", "updater": "grow_histmaker,prune"}, "no sketch_eps any more"),
        ({"sketch_eps": "1"}, "sketch_eps must be a number > 0 and < 1"),
        ({"lambda_bias": "0.5", "booster": "gblinear"}, "lambda_bias any more; it must be 0; got 0.5"),
        ({"prob_buffer_row": "0.5"}, "prob_buffer_row must be a number >= 1"),
        ({"updater": "sync"}, "sync alone grows no trees"),
        ({"_kfold": "2", "objective": "rank:ndcg"}, "tear the queries"),
        ({"_num_cv_round": "2"}, "_num_cv_round needs _kfold"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(given: dict[str, str], said: str) -> None:
    with pytest.raises(CustomerError, match=said):
        validated(**given)


def test_the_number_of_rounds_is_required() -> None:
    with pytest.raises(CustomerError, match="'num_round' is a required property"):
        SPEC.validate({})


def test_names_that_cannot_matter_do_not_reach_the_library() -> None:
    given = {"dsplit": "col", "predictor": "cpu_predictor", "sketch_eps": "0.2", "single_precision_histogram": "true",
             "deterministic_histogram": "false", "prob_buffer_row": "2", "lambda_bias": "0.5"}  # fmt: skip
    assert library_parameters(validated(**given), []) == {}


def test_only_what_was_said_reaches_the_library() -> None:
    values = validated(eta="0.3", reg_lambda="1", max_depth="6", one_drop="1", booster="dart")
    assert library_parameters(values, ["rmse"]) == {
        "eta": 0.3, "lambda": 1.0, "one_drop": 1, "booster": "dart", "eval_metric": ["rmse"],
    }  # fmt: skip


def test_the_tuning_metric_joins_the_others_and_own_metrics_are_set_apart() -> None:
    values = validated(
        objective="binary:logistic", eval_metric="error, f1,logloss", _tuning_objective_metric="validation:auc"
    )
    assert wanted_metrics(values) == (["error", "logloss", "auc"], ["f1"])


def test_both_repositories_mean_this_algorithm() -> None:
    assert set(SPEC.repositories) == {"sagemaker-xgboost", "xgboost"}
