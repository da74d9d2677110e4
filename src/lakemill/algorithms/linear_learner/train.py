"""Train Linear Learner as a built-in image: channels in, log lines on the way, `model_algo-1` out."""

import json
import time
from typing import Any

import numpy as np

from lakemill.algorithms import training as shared
from lakemill.algorithms.contract import TrainingContext
from lakemill.algorithms.linear_learner import artifact, fitting, metrics
from lakemill.algorithms.linear_learner.candidates import uses_quasi_newton
from lakemill.algorithms.linear_learner.curvature import predictions
from lakemill.algorithms.linear_learner.hosts import summed
from lakemill.algorithms.linear_learner.losses import Loss
from lakemill.algorithms.linear_learner.model import MULTICLASS, REGRESSOR
from lakemill.algorithms.linear_learner.reading import Channel
from lakemill.algorithms.linear_learner.scaler import Scaler
from lakemill.algorithms.linear_learner.selection import scores_of
from lakemill.algorithms.linear_learner.standing import keeper
from lakemill.algorithms.linear_learner.training import EpochReport, Watch

SEED = 0
HELD_OUT_FRACTION = 0.1
"""Of the training records, to compare models where there is no validation channel."""


def train(context: TrainingContext) -> None:
    """Fit, choose, score and save. Raises CustomerError for data or settings the user has to mend."""
    settings = dict(context.hyperparameters)
    if settings.pop("_tuning_objective_metric", None):
        settings["num_models"] = 1  # A tuning job compares jobs, so each trains the one model it was asked for.
    channel = Channel("train", context.channels["train"], settings, hosts=context.collective)
    data, scaler = channel.train()
    settings = fitting.settled(settings, data.dim)
    _log_scaler(context, scaler)
    validation = _held_out(context, settings, "validation", channel.dim, scaler)
    journal = _Journal(context, settings, scaler, data, validates=validation is not None)
    watch = Watch(journal.epoch, context.stop_requested, lambda: shared.stop_together(context), keeper(context))
    outcome = fitting.fit(
        settings, data, validation, scaler, seed=SEED, held_out_fraction=HELD_OUT_FRACTION, watch=watch
    )
    split = "train" if validation is None else "validation"
    journal.scores(split, outcome, data if validation is None else validation)
    context.log.info(f"Best model found for hyperparameters: {json.dumps(outcome.candidate.described())}")
    if context.collective.rank == 0:
        context.model_dir.mkdir(parents=True, exist_ok=True)
        artifact.save(outcome.model, context.model_file(), {"best_model": outcome.candidate.described()})
    test = _held_out(context, settings, "test", channel.dim, scaler)
    if test is None:
        context.log.info("Test data is not provided.")
    else:
        journal.scores("test", outcome, test)


def _held_out(context: TrainingContext, settings: dict[str, Any], name: str, dim: int | None, scaler: Scaler) -> Any:
    if name not in context.channels:
        return None
    return Channel(name, context.channels[name], settings, dim, context.collective).held_out(scaler)


def _log_scaler(context: TrainingContext, scaler: Scaler) -> None:
    shown = 10  # A line, not a dump: wide data would fill the log.
    means, stds = (np.round(column[:shown], 6).tolist() for column in (scaler.shift, scaler.scale))
    more = " (first 10)" if len(scaler.scale) > shown else ""
    context.log.info(f"Scaler: features mean={means}{more}, std={stds}{more}")
    context.log.info(f"Scaler: label mean={scaler.label_mean:.6g}, std={scaler.label_std:.6g}")


class _Journal:
    """Says in the log what happens, in the form AWS's metric regexes expect."""

    def __init__(
        self, context: TrainingContext, settings: dict[str, Any], scaler: Scaler, data: Any, *, validates: bool
    ) -> None:
        self._log, self._host, self._settings, self._scaler = context.log, context.host, settings, scaler
        self._loss: Loss = fitting.make_loss(settings["predictor_type"], settings)
        self._name = f"{self._loss.objective}_objective"
        # Training losses are in units of the scaled label; validation and final ones in the label's own.
        self._unit = scaler.label_std**self._loss.degree
        # Records held out of the training data get no line of their own; those of a validation channel do.
        self._validates = validates
        self._in_memory, self._records = data.in_memory, data.records()
        self._since = time.monotonic()
        if not data.in_memory:
            kept = "streamed" if context.channels["train"].streamed else "too large for memory"
            self._log.info(f"The training data are {kept}: the channel is read again for every epoch")
        if uses_quasi_newton(settings):
            self._log.info("Training by quasi-Newton: mini_batch_size and use_lr_scheduler do not apply")
        else:
            self._log.info("Training by mini batches")

    def epoch(self, one: EpochReport) -> None:
        self._log.quality(f"train {self._name}", one.train_loss, epoch=one.epoch)
        value = one.value
        if one.validation_loss is not None and self._validates:
            self._log.quality(f"validation {self._name}", one.validation_loss * self._unit, epoch=one.epoch)
        criterion = self._criterion()
        if criterion != self._name:
            value = -value  # Criteria that are maximised are compared by their negative.
        elif one.validation_loss is not None:
            value *= self._unit
        place = f"host={self._host}, epoch={one.epoch}"
        self._log.info(f"#early_stopping_criteria_metric: {place}, criteria={criterion}, value={float(value)!r}")
        if one.improved:
            self._log.info(f"Epoch {one.epoch}: Loss improved. Updating best model")
        else:
            self._log.info(f"Epoch {one.epoch}: Loss has not improved for this epoch")
        self._log.progress(1.0 if one.stop else (one.epoch + 1) / self._settings["epochs"])
        elapsed, self._since = time.monotonic() - self._since, time.monotonic()
        if self._in_memory:
            self._log.throughput(self._records / max(elapsed, 1e-9))
        if one.stop and one.epoch + 1 < self._settings["epochs"]:
            self._log.info("Early stop condition met. Stopping training.")

    def _criterion(self) -> str:
        if self._settings["predictor_type"] != "binary_classifier":
            return self._name
        name = self._settings["binary_classifier_model_selection_criteria"]
        return self._name if name in ("loss_function", "cross_entropy_loss") else f"sampled_{name}"

    def scores(self, split: str, outcome: fitting.Outcome, data: Any) -> None:
        """The best model's figures on a split: `#..._score` lines, then the metric lines."""
        found = self._figures(split, outcome, data)
        for name, value in found.items():
            self._log.score(split, name, value)
        for name, value in found.items():
            self._log.quality(f"{split} {name}", value, kind=metrics.kind(name))

    def _figures(self, split: str, outcome: fitting.Outcome, data: Any) -> dict[str, float]:
        loss, single = outcome.criterion.loss, outcome.weights().astype(data.dtype)
        found = metrics.figures(self._settings, outcome.model.threshold, with_rmse=split == "validation")
        total, count = 0.0, 0
        for chunk in data.chunks():
            f = predictions(chunk.features, single)
            found.add(*self._in_units(loss, f[:, 0], chunk.targets))
            total += float(loss.value(f if f.shape[2] > 1 else f[:, :, 0], chunk.targets).sum(dtype=np.float64))
            count += len(chunk)
        mean, records = summed(data.hosts, total, count)
        return {self._name: float(mean / records) * self._unit, **found.found(data.hosts)}

    def _in_units(self, loss: Loss, f: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Predictions f (b, k) and targets (b,) as the figures take them: numbers in the label's unit, or scores."""
        kind = self._settings["predictor_type"]
        if kind == REGRESSOR:
            std, mean = self._scaler.label_std, self._scaler.label_mean
            return f[:, 0] * std + mean, targets * std + mean
        if kind == MULTICLASS:
            f = np.exp(f - f.max(axis=1, keepdims=True))
            return f / f.sum(axis=1, keepdims=True), targets
        return scores_of(loss, f[:, 0]), targets
