"""The library face: the xgboost library's own estimators, and AWS's artifacts as Boosters."""

import doctest

import numpy as np
import pytest
import xgboost
from sklearn.utils.estimator_checks import parametrize_with_checks

import lakemill.algorithms.xgboost as face
from lakemill.algorithms.xgboost import artifact
from lakemill.algorithms.xgboost.fitting import library_parameters
from lakemill.algorithms.xgboost.spec import SPEC

BOTH = {
    "check_no_attributes_set_in_init": "the library keeps unknown keywords as kwargs",
    "check_all_zero_sample_weights_error": "the library says it in other words",
}
CODES = "the library takes classes as the numbers 0, 1, ..., k-1"
REASONS = {
    "XGBClassifier": {
        **BOTH,
        "check_estimators_overwrite_params": "the library sets the objective by the number of classes",
        "check_dont_overwrite_parameters": "the library sets the objective by the number of classes",
        "check_classifiers_multilabel_output_format_predict": "the library answers with floats",
        **dict.fromkeys(
            (
                "check_estimators_dtypes",
                "check_sample_weights_pandas_series",
                "check_sample_weights_not_an_array",
                "check_sample_weights_shape",
                "check_sample_weights_not_overwritten",
                "check_classifier_data_not_an_array",
                "check_classifiers_classes",
                "check_fit2d_1sample",
                "check_fit2d_1feature",
            ),
            CODES,
        ),
    },
    "XGBRegressor": {**BOTH, "check_regressor_multioutput": "the library answers in float32"},
}


def expected(estimator) -> dict[str, str]:
    return REASONS[type(estimator).__name__]


@pytest.mark.filterwarnings("ignore:Unknown data type")
@parametrize_with_checks(
    [face.XGBClassifier(n_estimators=3, nthread=1), face.XGBRegressor(n_estimators=3, nthread=1)],
    expected_failed_checks=expected,
)
def test_estimator(estimator, check) -> None:
    check(estimator)


def test_the_estimators_are_the_librarys_and_have_awss_defaults() -> None:
    assert face.XGBRegressor is xgboost.XGBRegressor and face.XGBRanker is xgboost.XGBRanker
    random = np.random.default_rng(3)
    features, labels = random.normal(size=(200, 3)), random.normal(size=200)
    ours = face.XGBRegressor(n_estimators=7).fit(features, labels)
    given = library_parameters(SPEC.validate({"num_round": "7"}), [])
    job = xgboost.train(given, xgboost.DMatrix(features, labels), 7)
    assert np.array_equal(ours.predict(features), job.predict(xgboost.DMatrix(features)))


def test_the_example_of_the_artifact_reader_runs() -> None:
    assert doctest.testmod(artifact).attempted and not doctest.testmod(artifact).failed
