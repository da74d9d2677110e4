"""Data that the tests of several algorithms share."""

import gzip
from pathlib import Path

import numpy as np
import pytest

MINI = Path(__file__).parents[3] / "examples" / "data" / "fashion-mnist-mini"


@pytest.fixture(scope="session")
def fashion():
    """Fashion-MNIST's first 8,000 training and 2,000 test images, pixels in 0..1."""

    def read(name):
        with gzip.open(MINI / f"{name}-images-idx3-ubyte.gz") as file:
            return np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 784).astype(np.float32) / 255

    return read("train"), read("t10k")
