"""Serving: any NDArray list of alpha (K,) and beta (K, V), ours, one made on AWS, or one edited by hand."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from lakemill.algorithms.artifact import read_arrays
from lakemill.algorithms.contract import InferenceError
from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.lda.documents import counts
from lakemill.algorithms.lda.inference import Topics, mixtures
from lakemill.algorithms.serving import Outputs, RecordPredictor
from lakemill.formats.block import Block


class LDAPredictor(RecordPredictor):
    """The mixture of topics under which each document is most likely."""

    def __init__(self, topics: Topics, environment: Mapping[str, str] | None = None) -> None:
        super().__init__(environment)
        self._topics = topics
        self.feature_dim = topics.beta.shape[1]

    def outputs(self, block: Block, options: Mapping[str, str]) -> Outputs:
        try:
            documents = counts(block.features)
        except CustomerError as wrong:
            raise InferenceError(400, str(wrong)) from None
        return {"topic_mixture": mixtures(documents, *self._topics).astype(np.float32)}


def serve(model_dir: Path, environment: Mapping[str, str]) -> LDAPredictor:
    """Load the model of a folder. Raises CustomerError."""
    name, arrays = read_arrays(model_dir, "LDA")
    return LDAPredictor(_topics(name, list(arrays.values() if isinstance(arrays, dict) else arrays)), environment)


def _topics(name: str, arrays: list[np.ndarray]) -> Topics:
    """The model in an artifact; every topic's row is brought to a sum of 1."""
    if len(arrays) != 2:
        raise CustomerError(f"{name} must hold two arrays, alpha (topics,) and beta (topics, words); got {len(arrays)}")
    alpha, beta = arrays[0].astype(np.float64).ravel(), arrays[1].astype(np.float64)
    if beta.ndim != 2 or not beta.size or len(alpha) != len(beta):
        raise CustomerError(
            f"{name} must hold alpha (topics,) and beta (topics, words); the shapes are "
            f"{arrays[0].shape} and {arrays[1].shape}"
        )
    if not np.isfinite(alpha).all() or not np.isfinite(beta).all() or alpha.min() < 0 or beta.min() < 0:
        raise CustomerError(f"alpha and beta of {name} must be finite numbers, 0 or more")
    total = beta.sum(axis=1, keepdims=True)
    if not total.all() or not alpha.sum():
        empty = f"topic {int(np.argmin(total))} of beta" if not total.all() else "alpha"
        raise CustomerError(f"{empty} in {name} is 0 everywhere; at least one number must be larger")
    return Topics(alpha, beta / total)
