"""A training without a container: arrays as channels, the log as a list of lines."""

import io
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from lakemill.algorithms.contract import TrainingContext
from lakemill.algorithms.linear_learner import artifact
from lakemill.algorithms.linear_learner.spec import SPEC
from lakemill.algorithms.linear_learner.train import train
from lakemill.container.trainlog import StandardTrainingLog
from lakemill.formats.block import Block


class ArrayDataset:
    """A channel that is arrays already."""

    content_type, parameters = "application/x-recordio-protobuf", {}

    def __init__(self, features, labels):
        self.block = Block(features, None if labels is None else np.asarray(labels, np.float32))
        self.files: list[Path] = []

    def read(self):
        return self.block

    def blocks(self, rows):
        for start in range(0, len(self.block), rows):
            yield self.block.take(slice(start, start + rows))


@pytest.fixture
def run_training(tmp_path):
    """run_training(channels, **hyperparameters) -> (.lines, .model, .path)."""

    def run(channels, checkpoint_dir=None, stopping=None, **hyperparameters):
        out = io.StringIO()
        given = {name: str(value) for name, value in hyperparameters.items()}
        context = TrainingContext(
            hyperparameters=SPEC.validate(given),
            channels={name: ArrayDataset(*arrays) for name, arrays in channels.items()},
            model_dir=tmp_path / "model",
            output_dir=tmp_path / "output",
            log=StandardTrainingLog("Linear Learner", out=out),
            checkpoint_dir=checkpoint_dir,
            stopping=stopping,
        )
        train(context)
        return SimpleNamespace(
            lines=out.getvalue().splitlines(), model=artifact.load(context.model_file()), path=context.model_file()
        )

    return run
