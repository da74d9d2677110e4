"""Serving: any NDArray list whose first array holds (k, d) centres, ours or one made elsewhere."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from lakemill.algorithms.artifact import read_arrays
from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.kmeans.assignment import exact_distances, nearest
from lakemill.algorithms.serving import CSV, JSON, JSONLINES, RECORDIO, Outputs, RecordPredictor
from lakemill.formats.block import Block


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
    name, arrays = read_arrays(model_dir, "K-Means")
    centers = next(iter(arrays.values() if isinstance(arrays, dict) else arrays), np.empty(0))
    if centers.ndim != 2 or not centers.size:
        raise CustomerError(f"{name} must hold an array (k, features); its first has shape {centers.shape}")
    if not np.isfinite(centers).all():
        raise CustomerError(f"{name} holds centres that are not finite numbers")
    return KMeansPredictor(centers, environment)
