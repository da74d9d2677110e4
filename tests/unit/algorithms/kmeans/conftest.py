"""A K-Means training on arrays, and points to cluster."""

import numpy as np
import pytest

from lakemill.algorithms.kmeans.spec import SPEC
from lakemill.formats import mxnet
from tests.unit.algorithms import trainings


@pytest.fixture
def run_training(tmp_path):
    """run_training({"train": features}, **hyperparameters) -> (.text, .model, .centers, .folder)."""

    def run(channels, **options):
        given = {"feature_dim": trainings.width(channels["train"]), **options}
        done = trainings.run(SPEC, tmp_path / "model", channels, **given)
        if done.model.exists():
            (done.centers,) = mxnet.read(done.model)
        return done

    return run


@pytest.fixture
def blobs():
    """600 points in 4 dimensions around three far centres."""
    random = np.random.default_rng(1)
    middles = np.float32([[0, 0, 0, 0], [10, 0, 0, 0], [0, 10, 0, 10]])
    return (middles[random.integers(0, 3, 600)] + random.normal(size=(600, 4))).astype(np.float32)
