"""Serve a trained linear model: score, and for classifiers predicted_label."""

from collections.abc import Mapping
from pathlib import Path

from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.linear_learner import artifact
from lakemill.algorithms.linear_learner.model import REGRESSOR, LinearModel
from lakemill.algorithms.linear_learner.spec import SPEC
from lakemill.algorithms.serving import Outputs, RecordPredictor
from lakemill.formats.block import Block


class LinearPredictor(RecordPredictor):
    """Answers /invocations."""

    request_types = SPEC.request_types
    response_types = SPEC.response_types

    def __init__(self, model: LinearModel, environment: Mapping[str, str] | None = None) -> None:
        super().__init__(environment)
        self.model = model
        self.feature_dim = model.dim

    def outputs(self, block: Block, options: Mapping[str, str]) -> Outputs:
        scores = self.model.scores(block.features)
        if self.model.predictor_type == REGRESSOR:
            return {"score": scores}
        return {"score": scores, "predicted_label": self.model.labels(scores)}


def serve(model_dir: Path, environment: Mapping[str, str]) -> LinearPredictor:
    """The predictor of the artifact in model_dir. Raises CustomerError when there is none."""
    found = sorted(path for path in Path(model_dir).glob("model_*") if path.is_file())
    if not found:
        raise CustomerError("The model folder holds no model_algo-1; is model.tar.gz an artifact of linear-learner?")
    return LinearPredictor(artifact.load(found[0]), environment)
