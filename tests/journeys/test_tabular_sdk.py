"""The tabular algorithms by the SageMaker SDK 2.x: estimator classes and images, Pipe mode, two instances, endpoints in
every content type, batch transform."""

from pathlib import Path

import pytest
from tests.journeys.test_examples import PYTHONS, run

pytestmark = pytest.mark.long

PROGRAM = Path(__file__).with_name("tabular_sdk2.py")


EVERY_DAY = ["linear-learner"]
SLOW = ["xgboost", "knn", "kmeans", "pca", "randomcutforest", "factorization-machines", "lda"]
"""By the same program: each has its own example program every day, and the suite of all algorithms."""


@pytest.mark.parametrize("algorithm", [*EVERY_DAY, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)])
def test_the_whole_way(lakemill, algorithm):
    said = run(lakemill, [PYTHONS["sdk2"], PROGRAM, algorithm])
    ways = ["every content type: done", "batch transform: done"]
    if algorithm != "xgboost":  # Which has no estimator class.
        ways.append("by class: done")
    assert [way for way in ways if way not in said] == []


@pytest.mark.slow
def test_ip_insights_by_its_image(lakemill):
    said = run(lakemill, [PYTHONS["sdk2"], PROGRAM.with_name("ipinsights_sdk2.py")])
    assert "every content type: done" in said
    assert "batch transform: done" in said
