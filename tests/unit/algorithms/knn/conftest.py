"""k-NN trainings without a container."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from lakemill.algorithms.knn.spec import SPEC
from tests.unit.algorithms import trainings
from tests.unit.algorithms.trainings import ArrayDataset

MINI = Path(__file__).parents[4] / "examples" / "data" / "fashion-mnist-mini"


def prepared(channels, hyperparameters):
    """Channels of (features, labels), and hyperparameters with what they all need."""
    made = {name: one if hasattr(one, "blocks") else ArrayDataset(*one) for name, one in channels.items()}
    given = {
        "feature_dim": made["train"].block.features.shape[1],
        "k": 5,
        "predictor_type": "classifier",
        "sample_size": 10_000,
    }
    return made, {**given, **hyperparameters}


@pytest.fixture
def run_training(tmp_path):
    """run_training({"train": (features, labels)}, **hyperparameters) -> (.text, .model, .folder)."""

    def run(channels, folder="model", collective=None, checkpoints=None, stopping=None, **hyperparameters):
        made, given = prepared(channels, hyperparameters)
        more = {"collective": collective, "checkpoints": checkpoints, "stopping": stopping}
        return trainings.run(SPEC, tmp_path / folder, made, **more, **given)

    return run


@pytest.fixture
def groups():
    """600 labelled points in 6 dimensions around three far centres."""
    random = np.random.default_rng(1)
    labels = random.integers(0, 3, 600)
    points = np.eye(3, 6)[labels] * 12 + random.normal(size=(600, 6))
    return points.astype(np.float32), labels.astype(np.float32)


@pytest.fixture(scope="session")
def fashion():
    """4,000 training and 1,000 test images with their classes."""

    def read(name, rows):
        with gzip.open(MINI / f"{name}-images-idx3-ubyte.gz") as file:
            pixels = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 784)[:rows].astype(np.float32) / 255
        with gzip.open(MINI / f"{name}-labels-idx1-ubyte.gz") as file:
            return pixels, np.frombuffer(file.read(), np.uint8, offset=8)[:rows].astype(np.float32)

    return read("train", 4000), read("t10k", 1000)
