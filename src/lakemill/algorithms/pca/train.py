"""Training: one pass over the channel, `model_algo-1` (an NDArray dict of mean, v, s) out."""

import time
from typing import Any

import numpy as np

from lakemill.algorithms.contract import TrainingContext
from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.pca.states import Components, Moments, Sketch, project
from lakemill.formats import mxnet
from lakemill.formats.block import Block

SEED = 0
READ_BYTES = 16 << 20
"""Records are read so many bytes at a time at least: small mini-batches make the same state, only slower."""


def train(context: TrainingContext) -> None:
    """Fit and write the artifact. Raises CustomerError."""
    settings, log = context.hyperparameters, context.log
    state = _state(settings)
    began = time.perf_counter()
    for block in context.channels["train"].blocks(_rows(settings)):
        state.update(checked(block, settings["feature_dim"]))
        if context.stop_requested():
            log.info(f"Stopping early; {state.count} records were read")
            break
    if not state.count:
        raise CustomerError("The train channel holds no records")
    components = state.finalise(settings["num_components"], settings["subtract_mean"])
    seconds = max(time.perf_counter() - began, 1e-9)
    log.progress(1.0)
    log.metrics({"Total Records Seen": state.count})
    log.throughput(state.count / seconds)
    _test(context, components)
    arrays = {
        "mean": components.mean[None, :],
        "v": components.vectors,
        "s": components.values,
    }
    mxnet.write(context.model_file(), {name: np.ascontiguousarray(a, np.float32) for name, a in arrays.items()})


def _state(settings: dict[str, Any]) -> Moments | Sketch:
    try:
        if settings["algorithm_mode"] == "regular":
            return Moments(settings["feature_dim"])
        return Sketch(settings["feature_dim"], settings["num_components"], settings["extra_components"], SEED)
    except MemoryError as error:
        raise CustomerError(str(error)) from None


def _rows(settings: dict[str, Any]) -> int:
    return max(settings["mini_batch_size"], READ_BYTES // (4 * settings["feature_dim"]))


def checked(block: Block, feature_dim: int) -> Any:
    """The features of a block, refused when their width or values make no sense."""
    width = block.features.shape[1]
    if width != feature_dim:
        raise CustomerError(
            f"The feature dimension of the data ({width}) does not match the hyperparameter feature_dim "
            f"({feature_dim}). For text/csv without a label column say text/csv;label_size=0 as the content type"
        )
    values = block.features if isinstance(block.features, np.ndarray) else block.features.data
    if not np.isfinite(values).all():
        raise CustomerError("The data holds NaN or infinite values; PCA needs finite numbers")
    return block.features


def _test(context: TrainingContext, components: Components) -> None:
    """Report what share of the test records' variance the components leave out."""
    channel = context.channels.get("test")
    if channel is None:
        context.log.info("Test data is not provided.")
        return
    mean, vectors = components.mean.astype(np.float32), components.vectors.astype(np.float32)
    total = kept = 0.0
    count = 0
    for block in channel.blocks(_rows(context.hyperparameters)):
        features = checked(block, len(mean))
        total += square_about(features, components.mean)
        kept += float(np.square(project(features, mean, vectors), dtype=np.float64).sum())
        count += len(block)
    if not count:
        raise CustomerError("The test channel holds no records")
    context.log.score("test", "reconstruction_error", 1 - kept / total if total else 0.0)


def square_about(features: Any, mean: np.ndarray) -> float:
    """Sum of squared distances of (n, d) records to mean (d,); sparse ones stay sparse."""
    if isinstance(features, np.ndarray):
        return float(np.square(features - mean).sum())
    own = float(np.square(features.data, dtype=np.float64).sum())
    return own - 2 * float((features @ mean).sum()) + features.shape[0] * float(mean @ mean)
