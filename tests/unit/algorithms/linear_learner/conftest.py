"""A training without a container: arrays as channels, the log as a list of lines."""

import re
from types import SimpleNamespace

import numpy as np
import pytest

from lakemill.algorithms.linear_learner import artifact
from lakemill.algorithms.linear_learner.spec import SPEC
from tests.unit.algorithms import trainings
from tests.unit.algorithms.trainings import ArrayDataset


class Piped(ArrayDataset):
    """A channel in Pipe mode."""

    streamed = True

    def read(self):
        raise AssertionError("a stream was read as a whole")


def channel(features, labels, form=ArrayDataset):
    return form(features, None if labels is None else np.asarray(labels, np.float32))


def trained(folder, channels, form=ArrayDataset, **given):
    """(.lines, .model, .path) of a training on arrays (features, labels) by channel."""
    made = {name: channel(*arrays, form) for name, arrays in channels.items()}
    done = trainings.run(SPEC, folder, made, **given)
    model = artifact.load(done.model) if done.model.exists() else None
    return SimpleNamespace(lines=done.text.splitlines(), model=model, path=done.model)


@pytest.fixture
def run_training(tmp_path):
    """run_training(channels, **hyperparameters) -> (.lines, .model, .path)."""
    return lambda channels, **given: trained(tmp_path / "model", channels, **given)


@pytest.fixture(scope="module")
def numbers():
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(1200, 6)) * [1, 10, 100, 1, 1, 1] + 5).astype(np.float32)
    y = x @ np.array([3, 0.2, -0.05, 1, 0, 2]) + 100 + rng.normal(size=1200)
    return x, y.astype(np.float32)


def thirds(x, y):
    return {"train": (x[:800], y[:800]), "validation": (x[800:1000], y[800:1000]), "test": (x[1000:], y[1000:])}


def binary(y):
    return (y > np.quantile(y, 0.7)).astype(np.float32)


def multi(y):
    return np.digitize(y, np.quantile(y, [0.25, 0.5, 0.75])).astype(np.float32)


LABELS = {"regressor": lambda y: y, "binary_classifier": binary, "multiclass_classifier": multi}


def found(lines, metric):
    """The values that a metric's regex finds in a log."""
    pattern = next(one.regex for one in SPEC.metrics if one.name == metric)
    return [float(match.group(1)) for match in (re.search(pattern, line) for line in lines) if match]
