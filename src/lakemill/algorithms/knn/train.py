"""Training: a sample of the train channel into an index; three files out, with the log lines of the built-in."""

import time
from typing import Any

import numpy as np
import psutil

from lakemill.algorithms import training
from lakemill.algorithms.contract import TrainingContext
from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.knn import artifact
from lakemill.algorithms.knn.hosts import joined
from lakemill.algorithms.knn.index import build, least
from lakemill.algorithms.knn.model import NeighborModel
from lakemill.algorithms.knn.reservoir import Reservoir
from lakemill.algorithms.knn.vectors import Preparation, preparation
from lakemill.formats.block import Block

SEED = 0


def train(context: TrainingContext) -> None:
    """Sample, index and write the artifact. Raises CustomerError."""
    settings, hosts = context.hyperparameters, context.collective
    prepare = _preparation(settings)
    sample = Reservoir(
        settings["sample_size"],
        prepare,
        np.random.default_rng([SEED, hosts.rank]),
        checked=hosts.size > 1,
    )
    _tell_memory(context)
    _read(context, sample)
    pulled = joined(sample, hosts, everywhere="test" in context.channels)
    _enough(context, pulled)
    model = _indexed(context, prepare, *pulled) if pulled else None
    _test(context, model)
    if hosts.rank == 0 and model:
        artifact.write(model, context.model_file(), settings["feature_dim"])


def _preparation(settings: dict[str, Any]) -> Preparation:
    return preparation(
        settings["feature_dim"],
        kind=settings["dimension_reduction_type"],
        target_dim=settings["dimension_reduction_target"],
        seed=SEED,
        normalize=settings["index_metric"] == "COSINE",
        parts=settings["faiss_index_pq_m"] if settings["index_type"] == "faiss.IVFPQ" else None,
    )


def _tell_memory(context: TrainingContext) -> None:
    context.log.info(
        f"Using per-worker sample size = {context.hyperparameters['sample_size']} "
        f"(Available virtual memory = {psutil.virtual_memory().available} bytes, GPU free memory = 0 bytes, "
        f"number of workers = {context.collective.size})."
    )


def _read(context: TrainingContext, sample: Reservoir) -> None:
    """Take the train channel in, from where an interrupted training was."""
    hosts, log = context.collective, context.log
    saved = training.resumed(context)
    if saved:
        sample.restore(saved.arrays, saved.facts["sample"])
    began, before = time.perf_counter(), sample.seen
    if not saved or not saved.facts["done"]:
        _pass(context, sample, saved.facts["blocks"] if saved else 0)
    seconds = max(time.perf_counter() - began, 1e-9)
    log.info(f"push reservoir to kv... {hosts.size} num_workers {hosts.rank} rank")
    log.info(f"...done ({len(sample)})")
    log.progress(1.0)
    log.metrics({"Total Records Seen": sample.seen})
    log.throughput((sample.seen - before) / seconds)


def _pass(context: TrainingContext, sample: Reservoir, taken: int) -> None:
    settings, alone = context.hyperparameters, context.collective.size == 1
    needed, unsaved = max(settings["k"], least(settings["index_type"], _lists(settings))), 0
    for block in training.rest(context.channels["train"].blocks(settings["mini_batch_size"]), taken):
        sample.update(labelled(block, settings["feature_dim"], "train"))
        taken, unsaved = taken + 1, unsaved + len(block)
        if context.stop_requested() and len(sample) >= needed:
            context.log.info(f"Stopping early; {sample.seen} records were read")
            return
        # A checkpoint is as large as the sample: it must not be written more than is read.
        if context.checkpoints.due() and unsaved >= len(sample):
            _save(context, sample, taken, done=False)
            unsaved = 0
    _save(context, sample, taken + 1 if alone else 1, done=True)


def _save(context: TrainingContext, sample: Reservoir, step: int, *, done: bool) -> None:
    arrays, facts = sample.kept()
    training.save(context, step, arrays, {"sample": facts, "blocks": step, "done": done})


def labelled(block: Block, feature_dim: int, channel: str) -> Block:
    """A block that has what k-NN needs. Raises CustomerError."""
    features, labels = training.features(block, feature_dim, "k-NN"), block.labels
    if labels is None:
        raise CustomerError(f"The {channel} channel has no labels; text/csv has them in its first column")
    if labels.ndim > 1:
        if labels.shape[1] != 1:
            raise CustomerError(f"A record of the {channel} channel must have one label; got {labels.shape[1]}")
        labels = labels[:, 0]
    if not np.isfinite(labels).all():
        raise CustomerError(f"The labels of the {channel} channel hold NaN or infinite values")
    return Block(features, labels)


def _enough(context: TrainingContext, pulled: tuple[np.ndarray, np.ndarray] | None) -> None:
    """Refuse too small a sample, on all hosts."""
    settings = context.hyperparameters
    count = context.collective.broadcast(len(pulled[1]) if pulled else 0)
    if not count:
        raise CustomerError("The train channel holds no records")
    if count < (k := settings["k"]):
        raise CustomerError(f"{count} records are sampled, fewer than k={k}; give more data or a smaller k")
    kind = settings["index_type"]
    if count < (needed := least(kind, _lists(settings))):
        raise CustomerError(
            f"index_type {kind} needs a sample of at least {needed} records with these hyperparameters, and there are "
            f"{count}; give more data, or a smaller faiss_index_ivf_nlists, or faiss.Flat"
        )


def _lists(settings: dict[str, Any]) -> int | None:
    given = settings["faiss_index_ivf_nlists"]
    return None if given == "auto" else given


def _indexed(context: TrainingContext, prepare: Preparation, vectors: np.ndarray, labels: np.ndarray) -> NeighborModel:
    settings, log = context.hyperparameters, context.log
    log.info(f"pulled row count... worker {context.collective.rank} rows {len(labels)}")
    log.info(f"pulled... worker {context.collective.rank} data {vectors.shape} labels {(len(labels), 1)} nans 0")
    index = build(
        vectors,
        settings["index_type"],
        settings["index_metric"],
        n_lists=_lists(settings),
        parts=settings["faiss_index_pq_m"],
        n_probe=settings["_faiss_index_nprobe"],
        told=log.info,
    )
    classifier = settings["predictor_type"] == "classifier"
    return NeighborModel(index, labels, prepare, k=settings["k"], classifier=classifier)


def _test(context: TrainingContext, model: NeighborModel | None) -> None:
    """Score the test channel: every host its share."""
    channel, settings, log = context.channels.get("test"), context.hyperparameters, context.log
    if channel is None:
        log.info("Test data is not provided.")
        return
    assert model is not None
    total, count = 0.0, 0
    for block in channel.blocks(settings["mini_batch_size"]):
        block = labelled(block, settings["feature_dim"], "test")
        assert block.labels is not None
        found = model.answer(model.nearest(block.features))
        if model.classifier:
            total += float((found == block.labels).sum())
        else:
            total += float(np.square(found - block.labels, dtype=np.float64).sum())
        count += len(block)
    total, count = training.totals(context.collective, [total, count])
    if not count:
        raise CustomerError("The test channel holds no records")
    name, kind = ("accuracy", "score") if model.classifier else ("mse", "loss")
    log.score("test", name, total / count)
    log.quality(f"test {name}", total / count, kind=kind)
