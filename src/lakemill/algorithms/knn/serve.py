"""Serving: the three files of a model, ours or made on AWS."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from lakemill.algorithms.contract import InferenceRequest
from lakemill.algorithms.knn import artifact
from lakemill.algorithms.knn.model import NeighborModel
from lakemill.algorithms.serving import Outputs, RecordPredictor, check_features, decode_body
from lakemill.formats.block import Block


class NeighborPredictor(RecordPredictor):
    """The predicted label; with `verbose=true` in Accept also distances, ascending, and labels of the neighbours."""

    def __init__(self, model: NeighborModel, widths: range, environment: Mapping[str, str] | None = None) -> None:
        super().__init__(environment)
        self._model, self._widths = model, widths
        self.feature_dim = widths[-1]

    def decode(self, request: InferenceRequest) -> Block:
        # AWS's page calls the charset of CSV its encoding.
        named = request.content_type.replace("encoding=", "charset=")
        block = decode_body(InferenceRequest(request.body, named, request.accept), self.request_types)
        width = block.features.shape[1]
        check_features(block, width if width in self._widths else self.feature_dim)
        return block

    def outputs(self, block: Block, options: Mapping[str, str]) -> Outputs:
        model = self._model
        if options.get("verbose", "").lower() not in ("true", "1"):
            return {"predicted_label": model.answer(model.nearest(block.features))}
        distances, numbers = model.neighbors(block.features)
        labels = model.labels[numbers].astype(np.float32)
        return {"predicted_label": model.answer(numbers), "distances": distances, "labels": labels}


def serve(model_dir: Path, environment: Mapping[str, str]) -> NeighborPredictor:
    """Load the model of a folder. Raises CustomerError."""
    return NeighborPredictor(*artifact.read(model_dir), environment)
