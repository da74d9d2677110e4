"""Train a population and keep its best model: the loop that both faces share."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.linear_learner import thresholds
from lakemill.algorithms.linear_learner.candidates import QUASI_NEWTON, Candidate
from lakemill.algorithms.linear_learner.losses import Loss
from lakemill.algorithms.linear_learner.optimizer import MiniBatchPopulation
from lakemill.algorithms.linear_learner.quasinewton import Penalty, QuasiNewtonPopulation
from lakemill.algorithms.linear_learner.scaler import Scaler
from lakemill.algorithms.linear_learner.selection import Criterion, Verdict

PASSES_IN_MEMORY = 4
"""Evaluations that one epoch of quasi-Newton makes of data held in memory; of a stream it makes one."""


@dataclasses.dataclass
class EpochReport:
    """One epoch, for the log. Losses are model 0's, in training units; value is the best model's."""

    epoch: int
    train_loss: float
    validation_loss: float | None
    value: float
    improved: bool
    stop: bool


@dataclasses.dataclass
class Checkpoint:
    """Where a training stands: weights (p, m, k) of all models after `epoch`. Moments and history are built anew."""

    weights: np.ndarray
    epoch: int


@dataclasses.dataclass(frozen=True)
class Watch:
    """Who is told, and who may interrupt.

    resume: where an interrupted training stood; keep: called with that after every epoch.
    """

    report: Callable[[EpochReport], None] = lambda _: None
    stop_requested: Callable[[], bool] = lambda: False
    resume: Checkpoint | None = None
    keep: Callable[[Checkpoint], None] | None = None


@dataclasses.dataclass
class Fitted:
    """weights: (p, m, k) of the best epoch, for scaled features; best: the chosen model; epochs: how many were run."""

    weights: np.ndarray
    best: int
    verdict: Verdict
    epochs: int

    @property
    def threshold(self) -> float:
        return float(self.verdict.cuts[self.best])


def initial_weights(settings: Mapping[str, Any], dim: int, models: int, outputs: int, rng: Any) -> np.ndarray:
    """(dim + 1, models, outputs): as init_method says, the same for every model; the bias starts at init_bias."""
    shape = (dim + 1, 1, outputs)
    if settings["init_method"] == "normal":
        start = rng.normal(0, settings["init_sigma"], shape)
    else:
        start = rng.uniform(-settings["init_scale"], settings["init_scale"], shape)
    start[-1] = settings["init_bias"] if settings["use_bias"] else 0.0
    return np.repeat(start, models, axis=1)


def make_penalty(candidates: Sequence[Candidate], scaler: Scaler) -> Penalty:
    """The candidates' wd and l1 as curvature per weight."""
    wd = np.array([one.wd for one in candidates])
    ridge = np.tile(wd, (len(scaler.scale) + 1, 1))
    raw = np.array([one.raw_penalty for one in candidates])
    if raw.any():
        ridge[:-1, raw] /= scaler.scale[:, None] ** 2  # w' = w * scale, so w^2 = w'^2 / scale^2.
    ridge[-1] = wd * [one.bias_wd_mult for one in candidates]
    return Penalty(ridge, np.array([one.l1 for one in candidates]))


def make_population(
    settings: Mapping[str, Any], data: Any, loss: Loss, candidates: Sequence[Candidate], weights: np.ndarray,
    penalty: Penalty, rng: np.random.Generator,
) -> QuasiNewtonPopulation | MiniBatchPopulation:  # fmt: skip
    """The models at their start, with the optimiser their candidates name."""
    positive = np.array([one.positive_weight for one in candidates])
    if candidates[0].optimizer == QUASI_NEWTON:
        return QuasiNewtonPopulation(
            data, loss, weights, penalty, positive,
            use_bias=settings["use_bias"],
            passes=settings.get("passes", PASSES_IN_MEMORY if data.in_memory else 1),
            tolerance=settings.get("tolerance"),
        )  # fmt: skip
    return MiniBatchPopulation(
        loss, weights, penalty, positive, candidates,
        batch_size=settings["mini_batch_size"],
        use_bias=settings["use_bias"],
        use_scheduler=settings["use_lr_scheduler"],
        dtype=data.dtype,
        rng=rng,
    )  # fmt: skip


def make_criterion(settings: Mapping[str, Any], loss: Loss) -> Criterion:
    """By the loss, but for binary classifiers by binary_classifier_model_selection_criteria."""
    if settings["predictor_type"] != "binary_classifier":
        return Criterion(loss)
    name = settings["binary_classifier_model_selection_criteria"]
    targets = (settings["target_recall"], settings["target_precision"])
    return Criterion(loss, thresholds.Goal(name, settings["f_beta"], *targets))


class Patience:
    """When to stop: no relative improvement of `tolerance` over `patience` epochs."""

    def __init__(self, patience: int, tolerance: float) -> None:
        self._patience, self._tolerance = patience, tolerance
        self.best, self._mark, self._waited = np.inf, np.inf, 0

    def improved(self, value: float) -> bool:
        """Take an epoch's value (lower is better); True if none before was better."""
        better = value <= self.best  # Of equals the later one: its models have come further.
        self.best = min(self.best, value)
        if np.isinf(self._mark) or self._mark - value > self._tolerance * abs(self._mark):
            self._mark, self._waited = min(value, self._mark), 0
        else:
            self._waited += 1
        return better

    @property
    def exhausted(self) -> bool:
        return self._waited >= self._patience


def train(
    settings: Mapping[str, Any],
    population: QuasiNewtonPopulation | MiniBatchPopulation,
    criterion: Criterion,
    data: Any,
    validation: Any | None,
    watch: Watch,
) -> Fitted:
    """Epochs until the last, until nothing improves, or until every model has converged; then the choice.

    settings: epochs, early_stopping_patience, early_stopping_tolerance, num_calibration_samples. validation None: the
    models are compared on the training data. A resumed training starts after the epoch that was kept.
    """
    patience = Patience(settings["early_stopping_patience"], settings["early_stopping_tolerance"])
    held_out = data if validation is None else validation
    weights, done = population.weights.copy(), 0 if watch.resume is None else watch.resume.epoch + 1
    for epoch in range(done, settings["epochs"]):
        done = epoch + 1
        train_losses = population.epoch(data)
        if criterion.by_loss and validation is None:
            value, validation_loss = _least(train_losses), None
        else:
            verdict = criterion.judge(held_out, population.weights)
            value = _least(verdict.values)
            validation_loss = None if validation is None else float(verdict.losses[0])
        improved = patience.improved(value)
        # Quasi-Newton descends the penalised objective in every epoch; the plain training loss may rise at the end.
        if improved or (validation is None and criterion.by_loss and population.descends):
            weights = population.weights.copy()
        stop = patience.exhausted or population.finished or watch.stop_requested()
        watch.report(EpochReport(epoch, float(train_losses[0]), validation_loss, value, improved, stop))
        if watch.keep is not None:
            watch.keep(Checkpoint(population.weights, epoch))
        if stop:
            break
    samples = settings["num_calibration_samples"]
    verdict = criterion.judge(held_out, weights, 10_000_000 if samples == "auto" else samples)
    if not np.isfinite(verdict.losses[verdict.best]):
        raise CustomerError("Training diverged in every model: lower learning_rate, normalize the data or shuffle it")
    return Fitted(weights, verdict.best, verdict, done)


def _least(values: np.ndarray) -> float:
    """The best of the models that have not diverged; infinity if all have."""
    return float(np.nan_to_num(values, nan=np.inf, posinf=np.inf).min())
