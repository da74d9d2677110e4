"""Serving: any NDArray list whose first array holds (k, d) centres, ours or one made elsewhere."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.kmeans.assignment import exact_distances, nearest
from lakemill.algorithms.serving import CSV, JSON, JSONLINES, RECORDIO, Outputs, RecordPredictor
from lakemill.formats import mxnet
from lakemill.formats.block import Block
from lakemill.formats.errors import FormatError


class KMeansPredictor(RecordPredictor):
    """Closest centre and the Euclidean distance to it, both as floats."""

    response_types = (JSON, JSONLINES, CSV, RECORDIO)

    def __init__(self, centers: np.ndarray, environment: Mapping[str, str] | None = None) -> None:
        super().__init__(environment)
        self._centers = np.ascontiguousarray(centers, np.float32)
        self.feature_dim = centers.shape[1]

    def outputs(self, block: Block, options: Mapping[str, str]) -> Outputs:
        labels, _ = nearest(block.features, self._centers)
        distances = exact_distances(block.features, self._centers, labels)
        return {"closest_cluster": labels.astype(np.float32), "distance_to_cluster": distances.astype(np.float32)}


def serve(model_dir: Path, environment: Mapping[str, str]) -> KMeansPredictor:
    """Load the model of a folder. Raises CustomerError."""
    files = sorted(path for path in model_dir.iterdir() if path.is_file() and not path.name.startswith("."))
    named = [path for path in files if path.name.startswith("model")] or files
    if not named:
        raise CustomerError("the model folder holds no file; a K-Means model is one NDArray file, model_algo-1")
    try:
        arrays = mxnet.read(named[0])
    except FormatError as error:
        raise CustomerError(f"{named[0].name} is no K-Means model: {error}") from None
    centers = next(iter(arrays.values() if isinstance(arrays, dict) else arrays), np.empty(0))
    if centers.ndim != 2 or not centers.size:
        raise CustomerError(f"{named[0].name} must hold an array (k, features); its first has shape {centers.shape}")
    if not np.isfinite(centers).all():
        raise CustomerError(f"{named[0].name} holds centres that are not finite numbers")
    return KMeansPredictor(centers, environment)
