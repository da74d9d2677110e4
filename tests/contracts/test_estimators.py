"""The library face of every algorithm against scikit-learn's estimator checks."""

import importlib
import inspect

import pytest
from sklearn.base import BaseEstimator
from sklearn.utils.estimator_checks import check_estimator

from lakemill.algorithms import registry
from lakemill.algorithms.spec import AlgorithmSpec
from tests.contracts.recipes import recipe_module

CASES = [
    pytest.param(estimator, reasons, id=f"{spec.name}-{number}-{type(estimator).__name__}")
    for spec in registry.specs()
    for number, (estimator, reasons) in enumerate(recipe_module(spec).estimators())
    if reasons is not None
]


@pytest.mark.filterwarnings("ignore:Unknown data type")
@pytest.mark.parametrize(("estimator", "reasons"), CASES)
def test_scikit_learns_checks_pass(estimator: BaseEstimator, reasons: dict[str, str]) -> None:
    results = check_estimator(estimator, expected_failed_checks=reasons, on_skip=None)
    assert len(results) > 20
    failed = {one["check_name"] for one in results if one["status"] == "xfail"}
    assert failed == set(reasons), "a check that is said to fail passes"


@pytest.mark.parametrize("spec", registry.specs(), ids=lambda spec: spec.name)
def test_every_estimator_that_is_offered_is_checked(spec: AlgorithmSpec) -> None:
    module = importlib.import_module(f"lakemill.algorithms.{spec.name.replace('-', '_')}")
    offered = {getattr(module, name) for name in module.__all__}
    classes = {one for one in offered if inspect.isclass(one) and issubclass(one, BaseEstimator)}
    assert classes, f"{module.__name__} offers no estimator"
    assert classes == {type(estimator) for estimator, _ in recipe_module(spec).estimators()}
