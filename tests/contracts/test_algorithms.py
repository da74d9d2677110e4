"""Every built-in algorithm of the registry against the algorithm contract."""

from collections.abc import Iterator

import pytest

from lakemill.algorithms import registry
from lakemill.algorithms.spec import AlgorithmSpec
from tests.contracts import algorithm as contract


@pytest.fixture(scope="module", params=registry.specs(), ids=lambda spec: spec.name)
def subject(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[contract.Subject]:
    spec: AlgorithmSpec = request.param
    bench = contract.Workbench(spec, tmp_path_factory.mktemp(spec.name))
    with contract.serving(spec.name, bench.ordinary().base) as server:
        yield contract.Subject(spec, contract.recipe(spec), bench, server)


@pytest.mark.parametrize("check", contract.CHECKS, ids=lambda check: check.__name__)
def test_algorithm(subject: contract.Subject, check: contract.Check) -> None:
    check(subject)
