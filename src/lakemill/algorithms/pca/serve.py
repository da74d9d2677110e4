"""Serving: an NDArray dict with mean, v and s, ours or one made on AWS."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from lakemill.algorithms.artifact import read_arrays
from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.pca.states import project
from lakemill.algorithms.serving import Outputs, RecordPredictor
from lakemill.formats.block import Block


class PCAPredictor(RecordPredictor):
    """The projection of each record, strongest component last."""

    wrapper = "projections"

    def __init__(self, mean: np.ndarray, vectors: np.ndarray, environment: Mapping[str, str] | None = None) -> None:
        super().__init__(environment)
        self._mean = np.ascontiguousarray(mean, np.float32)
        self._vectors = np.ascontiguousarray(vectors, np.float32)
        self.feature_dim = len(self._mean)

    def outputs(self, block: Block, options: Mapping[str, str]) -> Outputs:
        return {"projection": project(block.features, self._mean, self._vectors)}


def serve(model_dir: Path, environment: Mapping[str, str]) -> PCAPredictor:
    """Load the model of a folder. Raises CustomerError."""
    name, arrays = read_arrays(model_dir, "PCA")
    if not isinstance(arrays, dict) or not {"mean", "v"} <= arrays.keys():
        raise CustomerError(f"{name} must hold the arrays mean, v and s")
    mean, vectors = arrays["mean"].ravel(), arrays["v"]
    if vectors.ndim != 2 or vectors.shape[0] != len(mean):
        raise CustomerError(f"v must be ({len(mean)}, components) like mean; its shape is {vectors.shape}")
    return PCAPredictor(mean, vectors, environment)
