"""Training: channels in, `model_algo-1` (an NDArray list of alpha and beta) out, with the log lines of the built-in."""

import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from lakemill.algorithms import training
from lakemill.algorithms.contract import TrainingContext
from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.lda.documents import SAMPLE_BYTES, Documents, counts
from lakemill.algorithms.lda.inference import Topics, log_bound
from lakemill.algorithms.lda.learning import Learning, Settings
from lakemill.formats import mxnet

SEED = 0
READ_BYTES, READ_ROWS = 16 << 20, 256
"""As many records are read at a time as take so many bytes when dense, but so many at least."""
LOG_EVERY, SAVE_EVERY = 10, 10
"""Sweeps."""


def train(context: TrainingContext) -> None:
    """Fit and write the artifact. Raises CustomerError."""
    settings, log = context.hyperparameters, context.log
    began = time.perf_counter()
    random = np.random.default_rng(SEED)
    documents = Documents(lambda: _blocks(context, "train"), random, SAMPLE_BYTES)
    if not documents.seen:
        raise CustomerError("The train channel holds no records")
    if documents.sample is None:
        raise CustomerError("No record of the train channel has a word: all counts are 0")
    learning = Learning(documents, _settings(settings), random, _Progress(context))
    if saved := training.resumed(context):
        learning.restore(saved.arrays, saved.facts)
    topics = learning.run()
    log.progress(1.0)
    log.metrics({"Total Records Seen": documents.seen})
    log.throughput(documents.seen / max(time.perf_counter() - began, 1e-9))
    _test(context, topics)
    log.info(f"Serializing LDA model to {context.model_file()}")
    mxnet.write(context.model_file(), [np.ascontiguousarray(array, np.float32) for array in topics])


def _settings(given: dict[str, Any]) -> Settings:
    return Settings(
        given["num_topics"],
        alpha0=given["alpha0"],
        restarts=given["max_restarts"],
        iterations=given["max_iterations"],
        tol=given["tol"],
    )


class _Progress:
    """Tells the log how far the learning is, and keeps its state."""

    def __init__(self, context: TrainingContext) -> None:
        self._context = context
        self._stopping = False
        if context.hyperparameters["alpha0"] >= 1:
            context.log.warning(
                f"alpha0={context.hyperparameters['alpha0']:g}: from 1 on, documents are taken to mix many topics"
            )

    def info(self, text: str) -> None:
        self._context.log.info(text)

    def stop(self) -> bool:
        if self._context.stop_requested() and not self._stopping:
            self._stopping = True
            self._context.log.info("Stopping early, with the topics found so far")
        return self._stopping

    def swept(self, learning: Learning) -> None:
        if learning.sweeps % LOG_EVERY == 0:
            self.info(f"Sweep {learning.sweeps}: {learning.alive} topics")
        if learning.sweeps % SAVE_EVERY == 1 or self._context.checkpoints.due():
            training.save(self._context, learning.sweeps, *learning.state())


def _blocks(context: TrainingContext, channel: str) -> Iterator[Any]:
    """One pass over a channel's documents, given up when the job is stopped."""
    settings = context.hyperparameters
    width = settings["feature_dim"]
    rows = min(settings["mini_batch_size"], max(READ_ROWS, READ_BYTES // (4 * width)))
    for block in context.channels[channel].blocks(rows):
        yield counts(training.features(block, width, "LDA"))
        if channel == "train" and context.stop_requested():
            break


def _test(context: TrainingContext, topics: Topics) -> None:
    """Report the per-word log-likelihood of the test documents under the model, as a lower bound of it."""
    if "test" not in context.channels:
        context.log.info("Test data is not provided.")
        return
    total = words = 0.0
    for block in _blocks(context, "test"):
        total += float(log_bound(block, *topics).sum())
        words += float(block.sum(dtype=np.float64))
    if not words:
        raise CustomerError("The test channel holds no record with a word")
    context.log.quality("test pwll", total / words, kind="score")
    context.log.score("test", "pwll", total / words)
