"""Serve a trained machine: score, and for a classifier predicted_label, both as floats."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from lakemill.algorithms.contract import InferenceError
from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.factorization_machines import artifact
from lakemill.algorithms.factorization_machines.model import FactorizationModel
from lakemill.algorithms.factorization_machines.spec import REGRESSOR, SPEC
from lakemill.algorithms.serving import JSONLINES, Outputs, RecordPredictor
from lakemill.formats.block import Block


class FactorizationPredictor(RecordPredictor):
    """Answers /invocations."""

    request_types = SPEC.request_types
    response_types = SPEC.response_types
    batch_default_accept = JSONLINES

    def __init__(self, model: FactorizationModel, environment: Mapping[str, str] | None = None) -> None:
        super().__init__(environment)
        self.model = model
        self.feature_dim = model.dim

    def outputs(self, block: Block, options: Mapping[str, str]) -> Outputs:
        if block.sparse and not block.features.has_canonical_format:
            block.features.sum_duplicates()
        with np.errstate(over="ignore", invalid="ignore"):
            scores = self.model.scores(block.features)
        if not np.isfinite(scores).all():
            raise InferenceError(400, "The features are too large for 32-bit numbers")
        if self.model.predictor_type == REGRESSOR:
            return {"score": scores}
        return {"score": scores, "predicted_label": (scores >= 0.5).astype(np.float32)}


def serve(model_dir: Path, environment: Mapping[str, str]) -> FactorizationPredictor:
    """The predictor of the artifact in model_dir. Raises CustomerError when there is none."""
    found = sorted(path for path in Path(model_dir).glob("model_*") if path.is_file())
    if not found:
        raise CustomerError("The model folder holds no model_algo-1; is model.tar.gz one of factorization-machines?")
    return FactorizationPredictor(artifact.load(found[0]), environment)
