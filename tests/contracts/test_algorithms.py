"""Every built-in algorithm of the registry against the algorithm"""

from collections.abc import Iterator

import pytest

from lakemill.algorithms import registry
from lakemill.algorithms.spec import AlgorithmSpec
from tests.contracts.algorithm import CHECKS
from tests.contracts.algorithm.workbench import Check, Subject, Workbench, serving
from tests.contracts.recipes import recipe


@pytest.fixture(scope="module", params=registry.specs(), ids=lambda spec: spec.name)
def subject(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    spec: AlgorithmSpec = request.param
    bench = Workbench(spec, tmp_path_factory.mktemp(spec.name))
    with serving(spec.name, bench.ordinary().base) as server:
        yield Subject(spec, recipe(spec), bench, server)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_algorithm(subject: Subject, check: Check) -> None:
    check(subject)
