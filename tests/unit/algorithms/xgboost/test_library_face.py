"""The library face: the xgboost library's own estimators, and AWS's artifacts as Boosters."""

import doctest

import numpy as np
import xgboost

import lakemill.algorithms.xgboost as face
from lakemill.algorithms.xgboost import artifact
from lakemill.algorithms.xgboost.fitting import library_parameters
from lakemill.algorithms.xgboost.spec import SPEC


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
