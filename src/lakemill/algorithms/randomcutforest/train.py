"""Training: channels in, the forest in `model_algo-1` out, with the log lines of the built-in."""

import time

import numpy as np

from lakemill.algorithms.contract import Dataset, TrainingContext
from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.randomcutforest import artifact
from lakemill.algorithms.randomcutforest.describe import described
from lakemill.algorithms.randomcutforest.forest import Forest
from lakemill.algorithms.randomcutforest.sample import Sample
from lakemill.algorithms.training import features, rest, resumed, save, stop_together

SEED = 0
DEVIATIONS = 3
"""A test record is called anomalous whose score is above the mean by so many standard deviations."""
ALGORITHM = "Random Cut Forest"


def train(context: TrainingContext) -> None:
    """Sample, build, write the artifact, and score the test channel. Raises CustomerError."""
    log, settings = context.log, context.hyperparameters
    sample = _sampled(context)
    if context.collective.rank:
        return
    log.info("Master node: building Random Cut Forest...")
    log.info("Gathering samples...")
    points = sample.points()
    log.info(f"{len(points)} samples gathered")
    log.info("Building Random Cut Forest...")
    forest = _built(points, settings["num_trees"])
    log.info(f"Random Cut Forest built: \n\n{described(forest)}\n")
    artifact.write(context.model_file(), forest)
    _test(context, forest)


def _sampled(context: TrainingContext) -> Sample:
    """The sample of all hosts' records; of those read so far when the job is stopped."""
    settings, collective, log = context.hyperparameters, context.collective, context.log
    size = settings["num_trees"] * settings["num_samples_per_tree"]
    sample = Sample(size, settings["feature_dim"], [SEED, collective.rank])
    taken, before = 0, 0
    if saved := resumed(context):
        sample.restore(saved.arrays, saved.facts)
        taken, before = saved.facts["blocks"], saved.facts["seen"]
    began = time.perf_counter()
    for block in rest(context.channels["train"].blocks(settings["mini_batch_size"]), taken):
        sample.update(features(block, settings["feature_dim"], ALGORITHM))
        taken += 1
        if context.checkpoints.due():
            arrays, facts = sample.state()
            save(context, taken, arrays, {**facts, "blocks": taken})
        if context.stop_requested():
            break
    seconds = max(time.perf_counter() - began, 1e-9)
    log.throughput((sample.seen - before) / seconds)
    sample.merge(collective)
    if not sample.seen:
        raise CustomerError("The train channel holds no records")
    if stop_together(context):
        log.info("Stopping early, with the sample of what was read")
    log.metrics({"Total Records Seen": sample.seen})
    log.progress(1.0)
    return sample


def _built(points: np.ndarray, n_trees: int) -> Forest:
    """Trees of equal numbers of the points, no point in two of them."""
    each = len(points) // n_trees
    if not each:
        raise CustomerError(
            f"The train channel has {len(points)} records, fewer than num_trees={n_trees}, "
            "and no two trees share one; give more data or a smaller num_trees"
        )
    try:
        forest = Forest(n_trees, each, points.shape[1], seed=SEED)
    except MemoryError as wrong:
        raise CustomerError(f"{wrong}; give a smaller num_trees or num_samples_per_tree") from None
    forest.plant(points[: each * n_trees])
    return forest


def _test(context: TrainingContext, forest: Forest) -> None:
    channel: Dataset | None = context.channels.get("test")
    if channel is None:
        context.log.info("Test data is not provided.")
        return
    scores, labels = [], []
    for block in channel.blocks(context.hyperparameters["mini_batch_size"]):
        labels.append(_labels(block.labels))
        features(block, forest.dimensions, ALGORITHM)
        scores.append(forest.score(block.dense()).astype(np.float32))
    if not scores:
        raise CustomerError("The test channel holds no records")
    found = evaluated(np.concatenate(scores), np.concatenate(labels))
    wanted = context.hyperparameters["eval_metrics"]
    for name, value in found.items():
        if ("accuracy" if name == "accuracy" else "precision_recall_fscore") in wanted:
            context.log.quality(f"test {name}", value, kind="score")
            context.log.score("test", name, value)


def evaluated(scores: np.ndarray, anomalous: np.ndarray) -> dict[str, float]:
    """Accuracy, precision, recall and f1 of the cut-off at the mean and three standard deviations.

    scores: (n,). anomalous: (n,) bool. What would be 0 / 0 is 0.

    >>> evaluated(np.float32([0.5] * 20 + [3.5]), np.arange(21) == 20)["f1"]
    1.0
    """
    cutoff = scores.mean(dtype=np.float64) + DEVIATIONS * scores.std(dtype=np.float64)
    called = scores > cutoff
    right = float((called & anomalous).sum())
    precision, recall = right / max(float(called.sum()), 1), right / max(float(anomalous.sum()), 1)
    return {
        "accuracy": float((called == anomalous).mean()),
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / (precision + recall) if right else 0.0,
    }


def _labels(labels: np.ndarray | None) -> np.ndarray:
    if labels is None:
        raise CustomerError(
            "The records of the test channel need a label, 1 for an anomaly and 0 for none; "
            "in CSV it comes first, with text/csv;label_size=1 as the content type"
        )
    labels = labels.reshape(len(labels), -1)[:, 0]
    wrong = labels[(labels != 0) & (labels != 1)]
    if len(wrong):
        raise CustomerError(f"A label of the test channel is {wrong[0]:g}; it must be 1 for an anomaly or 0 for none")
    return labels == 1
