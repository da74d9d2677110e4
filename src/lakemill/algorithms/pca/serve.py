"""Serving: an NDArray dict with mean, v and s, ours or one made on AWS."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.pca.states import project
from lakemill.algorithms.serving import Outputs, RecordPredictor
from lakemill.formats import mxnet
from lakemill.formats.block import Block
from lakemill.formats.errors import FormatError


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
    files = sorted(path for path in model_dir.iterdir() if path.is_file() and not path.name.startswith("."))
    named = [path for path in files if path.name.startswith("model")] or files
    if not named:
        raise CustomerError("the model folder holds no file; a PCA model is one NDArray file, model_algo-1")
    try:
        arrays = mxnet.read(named[0])
    except FormatError as error:
        raise CustomerError(f"{named[0].name} is no PCA model: {error}") from None
    if not isinstance(arrays, dict) or not {"mean", "v"} <= arrays.keys():
        raise CustomerError(f"{named[0].name} must hold the arrays mean, v and s")
    mean, vectors = arrays["mean"].ravel(), arrays["v"]
    if vectors.ndim != 2 or vectors.shape[0] != len(mean):
        raise CustomerError(f"v must be ({len(mean)}, components) like mean; its shape is {vectors.shape}")
    return PCAPredictor(mean, vectors, environment)
