"""Training: channels in, `model_algo-1` (an NDArray list with the centres) out, with the log lines of the built-in."""

import time
from typing import Any

import numpy as np

from lakemill.algorithms.contract import Dataset, TrainingContext
from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.kmeans.assignment import nearest
from lakemill.algorithms.kmeans.streaming import TRIALS, CenterState, auto_factor
from lakemill.formats import mxnet
from lakemill.formats.block import Block

SEED = 0
LOG_EVERY = 10


def train(context: TrainingContext) -> None:
    """Fit and write the artifact. Raises CustomerError."""
    settings, log = context.hyperparameters, context.log
    factor = _auto(context, "extra_center_factor", auto_factor(settings["k"], settings["feature_dim"]))
    random = np.random.default_rng(SEED)
    state, records = _stream(context, settings["k"] * factor, random)
    log.info(f"shrinking {len(state.centers)} centers into {settings['k']}")
    centers, loss = state.reduce(
        settings["k"],
        method=settings["local_lloyd_init_method"],
        trials=_auto(context, "local_lloyd_num_trials", TRIALS),
        max_iter=settings["local_lloyd_max_iter"],
        tol=settings["local_lloyd_tol"],
        random=random,
        told=lambda trial, found: log.info(f"local kmeans attempt #{trial}. Current mean square distance {found:.6f}"),
    )
    log.info(f"finished shrinking process. Mean Square Distance = {loss:.0f}")
    different = len(np.unique(centers, axis=0))
    if different < settings["k"]:
        log.warning(f"Only {different} of {settings['k']} centers differ: the data hold few different records")
    for metric, value in (("msd", loss), ("ssd", loss * records)):
        if metric in settings["eval_metrics"]:
            log.quality(f"train {metric}", value)
    _test(context, centers)
    mxnet.write(context.model_file(), [np.ascontiguousarray(centers, np.float32)])


def _auto(context: TrainingContext, name: str, value: int) -> int:
    """A hyperparameter's value, and a line about what `auto` came to."""
    given = context.hyperparameters[name]
    if given != "auto":
        return given
    context.log.info(f"'{name}' was set to 'auto', evaluated to {value}.")
    return value


def _stream(context: TrainingContext, n_centers: int, random: np.random.Generator) -> tuple[CenterState, int]:
    """The state after all epochs, or after what was read when the job is stopped; and how many records there are."""
    settings, log = context.hyperparameters, context.log
    state: CenterState | None = None
    began, average, number, records = time.perf_counter(), 0.0, 0, 0
    log.info("number of center slices 1")
    for epoch in range(settings["epochs"]):
        for block in context.channels["train"].blocks(_batch(context, warn=epoch == 0)):
            points = checked(block, settings["feature_dim"])
            if state is None:
                state = _begin(context, points, n_centers, random)
            loss = state.update(points, keep=epoch == 0)
            records += len(block) if epoch == 0 else 0
            average += (loss - average) / (number + 1)
            if number % LOG_EVERY == 0:
                log.info(f"Iter {number}: Short term msd {loss:.6f}. Long term msd {average:.6f}")
            number += 1
            if context.stop_requested():
                break
        if context.stop_requested():
            log.info("Stopping early, with the centers of what was read")
            break
        log.progress((epoch + 1) / settings["epochs"])
    if state is None:
        raise CustomerError("The train channel holds no records")
    seconds = max(time.perf_counter() - began, 1e-9)
    log.info(f"processed a total of {state.seen} examples")
    log.metrics({"Total Records Seen": state.seen, "Total Batches Seen": number})
    log.throughput(state.seen / seconds)
    return state, records


def _batch(context: TrainingContext, *, warn: bool) -> int:
    """Records of a batch; the first must hold k, or there would be nothing to begin with."""
    given, k = context.hyperparameters["mini_batch_size"], context.hyperparameters["k"]
    if given < k and warn:
        context.log.warning(f"mini_batch_size {given} is smaller than k={k}; batches of {k} records are read")
    return max(given, k)


def _begin(context: TrainingContext, points: Any, n_centers: int, random: np.random.Generator) -> CenterState:
    settings, count = context.hyperparameters, points.shape[0]
    if count < settings["mini_batch_size"]:
        context.log.warning(
            f"Batch size {settings['mini_batch_size']} is bigger than the first batch data. "
            f"Effective batch size used to initialize is {count}"
        )
    if count < settings["k"]:
        raise CustomerError(
            f"The train channel has {count} records, fewer than k={settings['k']}; give more data or a smaller k"
        )
    method, half_life = settings["init_method"], settings["half_life_time_size"]
    return CenterState.begin(points, n_centers, method, half_life=half_life, random=random)


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
        raise CustomerError("The data holds NaN or infinite values; k-means needs finite numbers")
    return block.features


def _test(context: TrainingContext, centers: np.ndarray) -> None:
    channel: Dataset | None = context.channels.get("test")
    if channel is None:
        context.log.info("Test data is not provided.")
        return
    total, count = 0.0, 0
    for block in channel.blocks(context.hyperparameters["mini_batch_size"]):
        _, squared = nearest(checked(block, centers.shape[1]), centers)
        total += float(squared.sum(dtype=np.float64))
        count += len(block)
    if not count:
        raise CustomerError("The test channel holds no records")
    for metric, value in (("msd", total / count), ("ssd", total)):
        if metric in context.hyperparameters["eval_metrics"]:
            context.log.quality(f"test {metric}", value)
            context.log.score("test", metric, value)
