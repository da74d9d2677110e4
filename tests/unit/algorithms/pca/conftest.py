"""A PCA training on arrays, and points to analyse."""

import numpy as np
import pytest

from lakemill.algorithms.pca.spec import SPEC
from lakemill.formats import mxnet
from tests.unit.algorithms import trainings


@pytest.fixture
def run_training(tmp_path):
    """run_training({"train": features}, **hyperparameters) -> (.text, .model, .mean, .v, .s, .folder)."""

    def run(channels, **options):
        given = {"feature_dim": trainings.width(channels["train"]), "mini_batch_size": 100, **options}
        done = trainings.run(SPEC, tmp_path / "model", channels, **given)
        if done.model.exists():
            vars(done).update(mxnet.read(done.model))
        return done

    return run


@pytest.fixture
def table():
    """500 points in 8 dimensions, of variances 64, 49, ..., 1 along random directions, about a mean of 3."""
    random = np.random.default_rng(1)
    turn = np.linalg.qr(random.normal(size=(8, 8)))[0]
    return (random.normal(size=(500, 8)) * np.arange(8, 0, -1) @ turn + 3).astype(np.float32)
