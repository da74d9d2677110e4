"""Serving: the anomaly score of each record."""

from collections.abc import Mapping
from pathlib import Path

from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.randomcutforest import artifact
from lakemill.algorithms.randomcutforest.forest import Forest
from lakemill.algorithms.serving import Outputs, RecordPredictor
from lakemill.formats.block import Block


class RandomCutForestPredictor(RecordPredictor):
    """`score`: higher is more anomalous."""

    wrapper = "scores"

    def __init__(self, forest: Forest, environment: Mapping[str, str] | None = None) -> None:
        super().__init__(environment)
        self._forest = forest
        self.feature_dim = forest.dimensions

    def outputs(self, block: Block, options: Mapping[str, str]) -> Outputs:
        return {"score": self._forest.score(block.dense())}


def serve(model_dir: Path, environment: Mapping[str, str]) -> RandomCutForestPredictor:
    """Load the model of a folder, and what scores it. Raises CustomerError."""
    files = sorted(path for path in model_dir.iterdir() if path.is_file() and not path.name.startswith("."))
    named = [path for path in files if path.name.startswith("model")] or files
    if not named:
        raise CustomerError("the model folder holds no file; a Random Cut Forest model is one file, model_algo-1")
    forest = artifact.read(named[0])
    forest.score(forest.trees.rows[:1, -1, : forest.dimensions])  # So that the first request waits for no compiler.
    return RandomCutForestPredictor(forest, environment)
