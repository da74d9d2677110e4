"""Training: one pass over the channel, `model_algo-1` (an NDArray dict of mean, v, s) out."""

import time
from typing import Any

import numpy as np

from lakemill.algorithms import training
from lakemill.algorithms.contract import TrainingContext
from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.pca.hosts import join
from lakemill.algorithms.pca.sketch import Sketch
from lakemill.algorithms.pca.states import Components, Moments, project
from lakemill.formats import mxnet

SEED = 0
READ_BYTES = 16 << 20
"""Records are read so many bytes at a time at least: small mini-batches make the same state, only slower."""


def train(context: TrainingContext) -> None:
    """Fit and write the artifact. Raises CustomerError."""
    settings, log, hosts = context.hyperparameters, context.log, context.collective
    state = _state(settings)
    began = time.perf_counter()
    read = _read(context, state)
    join(state, hosts)
    if not state.count:
        raise CustomerError("The train channel holds no records")
    components = state.finalise(settings["num_components"], settings["subtract_mean"])
    seconds = max(time.perf_counter() - began, 1e-9)
    log.progress(1.0)
    log.metrics({"Total Records Seen": state.count})
    log.throughput(read / seconds)
    _test(context, components)
    arrays = {
        "mean": components.mean[None, :],
        "v": components.vectors,
        "s": components.values,
    }
    if hosts.rank == 0:
        mxnet.write(context.model_file(), {name: np.ascontiguousarray(a, np.float32) for name, a in arrays.items()})


def _read(context: TrainingContext, state: Moments | Sketch) -> int:
    """Take this host's records in; how many were read, those of an interrupted training left out."""
    settings, saved = context.hyperparameters, training.resumed(context)
    taken = 0
    if saved:
        state.restore(saved.arrays, saved.facts["state"])
        taken = saved.facts["blocks"]
    before = state.count
    for block in training.rest(context.channels["train"].blocks(_rows(settings)), taken):
        state.update(training.features(block, settings["feature_dim"], "PCA"))
        taken += 1
        if context.stop_requested():
            context.log.info(f"Stopping early; {state.count} records were read")
            break
        if context.checkpoints.due():
            arrays, facts = state.kept()
            training.save(context, taken, arrays, {"blocks": taken, "state": facts})
    return state.count - before


def _state(settings: dict[str, Any]) -> Moments | Sketch:
    try:
        if settings["algorithm_mode"] == "regular":
            return Moments(settings["feature_dim"])
        return Sketch(settings["feature_dim"], settings["num_components"], settings["extra_components"], SEED)
    except MemoryError as error:
        raise CustomerError(str(error)) from None


def _rows(settings: dict[str, Any]) -> int:
    return max(settings["mini_batch_size"], READ_BYTES // (4 * settings["feature_dim"]))


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
