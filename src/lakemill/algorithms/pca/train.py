"""Training: channels in, `model_algo-1` (an NDArray dict of mean, v, s) out."""

from typing import Any

import numpy as np

from lakemill.algorithms import training
from lakemill.algorithms.contract import TrainingContext
from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.pca.readings import Readings, rows
from lakemill.algorithms.pca.states import Components, project
from lakemill.formats import mxnet


def train(context: TrainingContext) -> None:
    """Fit and write the artifact. Raises CustomerError."""
    components = Readings(context).run()
    _test(context, components)
    arrays = {
        "mean": components.mean[None, :],
        "v": components.vectors,
        "s": components.values,
    }
    if context.collective.rank == 0:
        mxnet.write(context.model_file(), {name: np.ascontiguousarray(a, np.float32) for name, a in arrays.items()})


def _test(context: TrainingContext, components: Components) -> None:
    """Report what share of the test records' variance the components leave out."""
    channel = context.channels.get("test")
    if channel is None:
        context.log.info("Test data is not provided.")
        return
    mean, vectors = components.mean.astype(np.float32), components.vectors.astype(np.float32)
    total = kept = 0.0
    count = 0
    for block in channel.blocks(rows(context.hyperparameters)):
        features = training.features(block, len(mean), "PCA")
        total += square_about(features, components.mean)
        kept += float(np.square(project(features, mean, vectors), dtype=np.float64).sum())
        count += len(block)
    total, kept, count = training.totals(context.collective, [total, kept, count])
    if not count:
        raise CustomerError("The test channel holds no records")
    context.log.score("test", "reconstruction_error", 1 - kept / total if total else 0.0)


def square_about(features: Any, mean: np.ndarray) -> float:
    """Sum of squared distances of (n, d) records to mean (d,); sparse ones stay sparse."""
    if isinstance(features, np.ndarray):
        return float(np.square(features - mean).sum())
    own = float(np.square(features.data, dtype=np.float64).sum())
    return own - 2 * float((features @ mean).sum()) + features.shape[0] * float(mean @ mean)
