"""Training: channels in, `model_algo-1` (an NDArray list with the centres) out, with the log lines of the built-in."""

import numpy as np

from lakemill.algorithms import training
from lakemill.algorithms.contract import Dataset, TrainingContext
from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.kmeans.assignment import nearest
from lakemill.algorithms.kmeans.hosts import merged
from lakemill.algorithms.kmeans.passes import Passes
from lakemill.algorithms.kmeans.streaming import TRIALS, CenterState, auto_factor
from lakemill.formats import mxnet

SEED = 0


def train(context: TrainingContext) -> None:
    """Fit and write the artifact. Raises CustomerError."""
    settings, log, hosts = context.hyperparameters, context.log, context.collective
    k = settings["k"]
    factor = training.auto(context, "extra_center_factor", auto_factor(k, settings["feature_dim"]))
    if settings["mini_batch_size"] < k:
        given = settings["mini_batch_size"]
        log.warning(f"mini_batch_size {given} is smaller than k={k}; batches of {k} records are read")
    random = np.random.default_rng(SEED)
    passes = Passes(context, k * factor, random.spawn(hosts.size)[hosts.rank])
    passes.run()
    records = int(hosts.sum(np.array([passes.place.records]))[0])
    _enough(records, k)
    state = merged(passes.state, hosts)
    found = _shrunk(context, state, random) if hosts.rank == 0 and state else None
    centers, loss = hosts.broadcast(found)
    for metric, value in (("msd", loss), ("ssd", loss * records)):
        if metric in settings["eval_metrics"]:
            log.quality(f"train {metric}", value)
    _test(context, centers)
    if hosts.rank == 0:
        mxnet.write(context.model_file(), [np.ascontiguousarray(centers, np.float32)])


def _enough(records: int, k: int) -> None:
    if not records:
        raise CustomerError("The train channel holds no records")
    if records < k:
        raise CustomerError(f"The train channel has {records} records, fewer than k={k}; give more data or a smaller k")


def _shrunk(context: TrainingContext, state: CenterState, random: np.random.Generator) -> tuple[np.ndarray, float]:
    """k centres and their mean squared distance."""
    settings, log = context.hyperparameters, context.log
    log.info(f"shrinking {len(state.centers)} centers into {settings['k']}")
    centers, loss = state.reduce(
        settings["k"],
        method=settings["local_lloyd_init_method"],
        trials=training.auto(context, "local_lloyd_num_trials", TRIALS),
        max_iter=settings["local_lloyd_max_iter"],
        tol=settings["local_lloyd_tol"],
        random=random,
        told=lambda trial, found: log.info(f"local kmeans attempt #{trial}. Current mean square distance {found:.6f}"),
    )
    log.info(f"finished shrinking process. Mean Square Distance = {loss:.0f}")
    different = len({row.tobytes() for row in centers})
    if different < settings["k"]:
        log.warning(f"Only {different} of {settings['k']} centers differ: the data hold few different records")
    return centers, loss


def _test(context: TrainingContext, centers: np.ndarray) -> None:
    channel: Dataset | None = context.channels.get("test")
    if channel is None:
        context.log.info("Test data is not provided.")
        return
    total, count = 0.0, 0
    for block in channel.blocks(context.hyperparameters["mini_batch_size"]):
        _, squared = nearest(training.features(block, centers.shape[1], "k-means"), centers)
        total += float(squared.sum(dtype=np.float64))
        count += len(block)
    total, count = training.totals(context.collective, [total, count])
    if not count:
        raise CustomerError("The test channel holds no records")
    for metric, value in (("msd", total / count), ("ssd", total)):
        if metric in context.hyperparameters["eval_metrics"]:
            context.log.quality(f"test {metric}", value)
            context.log.score("test", metric, value)
