"""A K-Means training without a container: arrays as channels, the log as a list of lines."""

import gzip
import io
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from lakemill.algorithms.contract import TrainingContext
from lakemill.algorithms.kmeans.spec import SPEC
from lakemill.algorithms.kmeans.train import train
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
    """run_training({"train": features}, **hyperparameters) -> (.lines, .text, .centers, .folder)."""

    def run(channels, stopping=None, **hyperparameters):
        out = io.StringIO()
        folder = tmp_path / "model"
        folder.mkdir(exist_ok=True)
        features = channels["train"]
        given = {"feature_dim": features.shape[1], **hyperparameters}
        context = TrainingContext(
            hyperparameters=SPEC.validate({name: str(value) for name, value in given.items()}),
            channels={name: ArrayDataset(array) for name, array in channels.items()},
            model_dir=folder,
            output_dir=tmp_path / "output",
            log=StandardTrainingLog("AWS/KMeansWebscale", out=out),
            stopping=stopping,
        )
        train(context)
        text = out.getvalue()
        (centers,) = mxnet.read(context.model_file())
        return SimpleNamespace(lines=text.splitlines(), text=text, centers=centers, folder=folder)

    return run


@pytest.fixture
def blobs():
    """600 points in 4 dimensions around three far centres."""
    random = np.random.default_rng(1)
    middles = np.float32([[0, 0, 0, 0], [10, 0, 0, 0], [0, 10, 0, 10]])
    return (middles[random.integers(0, 3, 600)] + random.normal(size=(600, 4))).astype(np.float32)


@pytest.fixture(scope="session")
def fashion():
    """Fashion-MNIST's first 8,000 training and 2,000 test images, pixels in 0..1."""

    def read(name):
        with gzip.open(MINI / f"{name}-images-idx3-ubyte.gz") as file:
            return np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 784).astype(np.float32) / 255

    return read("train"), read("t10k")
