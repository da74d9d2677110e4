"""Small data for random cut forests, and the training without a container."""

import numpy as np
import pytest

from lakemill.algorithms.randomcutforest.spec import SPEC
from tests.unit.algorithms import trainings


@pytest.fixture
def cloud():
    """600 normal points in 3 dimensions, the last 6 of them far out."""
    points = np.random.default_rng(1).normal(size=(600, 3)).astype(np.float32)
    points[-6:] += 7
    return points


@pytest.fixture
def run_training(tmp_path):
    """run_training({"train": features}, **hyperparameters) -> trainings.Finished, of a forest of 50 trees of 32."""

    def run(channels, folder="model", **settings):
        given = {"feature_dim": 3, "num_trees": 50, "num_samples_per_tree": 32, **settings}
        return trainings.run(SPEC, tmp_path / folder, channels, **given)

    return run
