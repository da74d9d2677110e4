"""A PCA training without a container: arrays as channels, the log as a list of lines."""

import gzip
import io
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from lakemill.algorithms.contract import TrainingContext
from lakemill.algorithms.pca.spec import SPEC
from lakemill.algorithms.pca.train import train
from lakemill.container.trainlog import StandardTrainingLog
from lakemill.formats import mxnet
from lakemill.formats.block import Block

MINI = Path(__file__).parents[4] / "examples" / "data" / "fashion-mnist-mini"


class ArrayDataset:
    """A channel that is arrays already."""

    content_type, parameters = "application/x-recordio-protobuf", {}

    def __init__(self, features):
        self.block = Block(features)
        self.files: list[Path] = []

    def read(self):
        return self.block

    def blocks(self, rows):
        for start in range(0, len(self.block), rows):
            yield self.block.take(slice(start, start + rows))


@pytest.fixture
def run_training(tmp_path):
    """run_training({"train": features}, **hyperparameters) -> (.text, .mean, .v, .s, .folder)."""

    def run(channels, stopping=None, **hyperparameters):
        out = io.StringIO()
        folder = tmp_path / "model"
        folder.mkdir(exist_ok=True)
        given = {"feature_dim": channels["train"].shape[1], "mini_batch_size": 100, **hyperparameters}
        context = TrainingContext(
            hyperparameters=SPEC.validate({name: str(value) for name, value in given.items()}),
            channels={name: ArrayDataset(array) for name, array in channels.items()},
            model_dir=folder,
            output_dir=tmp_path / "output",
            log=StandardTrainingLog("PCA", out=out),
            stopping=stopping,
        )
        train(context)
        return SimpleNamespace(text=out.getvalue(), folder=folder, **mxnet.read(context.model_file()))

    return run


@pytest.fixture
def table():
    """500 points in 8 dimensions, of variances 64, 49, ..., 1 along random directions, about a mean of 3."""
    random = np.random.default_rng(1)
    turn = np.linalg.qr(random.normal(size=(8, 8)))[0]
    return (random.normal(size=(500, 8)) * np.arange(8, 0, -1) @ turn + 3).astype(np.float32)


@pytest.fixture(scope="session")
def fashion():
    """Fashion-MNIST's first 8,000 training and 2,000 test images, pixels in 0..1."""

    def read(name):
        with gzip.open(MINI / f"{name}-images-idx3-ubyte.gz") as file:
            return np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 784).astype(np.float32) / 255

    return read("train"), read("t10k")
