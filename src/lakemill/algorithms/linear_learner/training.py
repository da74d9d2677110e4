"""Train a population and keep its best model: the loops that both faces share."""

import dataclasses
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.linear_learner import thresholds
from lakemill.algorithms.linear_learner.candidates import QUASI_NEWTON, Candidate
from lakemill.algorithms.linear_learner.losses import Loss
from lakemill.algorithms.linear_learner.objective import Penalty
from lakemill.algorithms.linear_learner.optimizer import MiniBatchPopulation
from lakemill.algorithms.linear_learner.scaler import Scaler
from lakemill.algorithms.linear_learner.selection import Criterion, Verdict
from lakemill.algorithms.linear_learner.smoothing import QuasiNewtonPopulation
from lakemill.algorithms.linear_learner.standing import Keeper, named, part

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


@dataclasses.dataclass(frozen=True)
class Watch:
    """Who is told, and who may interrupt.

    stop_requested: on this host, asked within passes; stop_together: the same for all hosts, a collective call, asked
    between epochs.
    """

    report: Callable[[EpochReport], None] = lambda _: None
    stop_requested: Callable[[], bool] = lambda: False
    stop_together: Callable[[], bool] = lambda: False
    keeper: Keeper = dataclasses.field(default_factory=Keeper)

    def after(self, keep: Callable[[], None]) -> Callable[[], bool]:
        """What is done after every piece of a pass: keep the state when that is due, and end the pass on a stop."""

        def ended() -> bool:
            if self.keeper.due():
                keep()
            return self.stop_requested()

        return ended


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

    def arrays(self) -> dict[str, np.ndarray]:
        """For a checkpoint."""
        return {"weights": self.weights, "counts": np.array([self.best, self.epochs]), **vars(self.verdict)}

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray]) -> "Fitted":
        """The inverse of `arrays`."""
        best, epochs = (int(count) for count in arrays["counts"])
        return cls(arrays["weights"], best, Verdict(arrays["losses"], arrays["values"], arrays["cuts"]), epochs)


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
    penalty: Penalty, seed: int | None = None,
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
        seed=seed,
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

    def state(self) -> np.ndarray:
        return np.array([self.best, self._mark, self._waited])

    def restore(self, state: np.ndarray) -> None:
        self.best, self._mark, self._waited = float(state[0]), float(state[1]), int(state[2])


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
    models are compared on the training data; of a stream, on its first records.
    """
    patience = Patience(settings["early_stopping_patience"], settings["early_stopping_tolerance"])
    held_out = data.sample(sys.maxsize) if validation is None else validation
    weights, done, over = population.weights.copy(), 0, False

    def keep() -> None:
        flags = {"epochs": np.array([done, over]), "patience": patience.state(), "weights": weights}
        watch.keeper.save("models", {**flags, **named("population", population.state())})

    if (saved := watch.keeper.saved("models")) is not None:
        population.restore(part(saved, "population"))
        patience.restore(saved["patience"])
        weights, done, over = saved["weights"], int(saved["epochs"][0]), bool(saved["epochs"][1])
    while done < settings["epochs"] and not over:
        train_losses = population.epoch(data, watch.after(keep))
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
        stopped = watch.stop_together()
        over = patience.exhausted or population.finished or stopped
        watch.report(EpochReport(done, float(train_losses[0]), validation_loss, value, improved, over))
        done += 1
        if not stopped:  # A training that is begun again after a stop has its epochs still to run.
            keep()
    samples = settings["num_calibration_samples"]
    verdict = criterion.judge(held_out, weights, 10_000_000 if samples == "auto" else samples)
    if not np.isfinite(verdict.losses[verdict.best]):
        raise CustomerError("Training diverged in every model: lower learning_rate, normalize the data or shuffle it")
    return Fitted(weights, verdict.best, verdict, done)


def go_on(
    settings: Mapping[str, Any],
    population: QuasiNewtonPopulation | MiniBatchPopulation,
    data: Any,
    fitted: Fitted,
    watch: Watch,
) -> np.ndarray:
    """Bring the winner to its optimum over all of `data`; its weights (p, 1, k)."""
    done = 0

    def keep() -> None:
        watch.keeper.save("winner", {"epochs": np.array([done]), **named("population", population.state()),
                                     **named("fitted", fitted.arrays())})  # fmt: skip

    if (saved := watch.keeper.saved("winner")) is not None:
        population.restore(part(saved, "population"))
        done = int(saved["epochs"][0])
    stopped = watch.stop_together()
    while done < settings["epochs"] and not population.finished and not stopped:
        population.epoch(data, watch.after(keep))
        done += 1
        stopped = watch.stop_together()
        if not stopped:
            keep()
    return population.weights


def _least(values: np.ndarray) -> float:
    """The best of the models that have not diverged; infinity if all have."""
    return float(np.nan_to_num(values, nan=np.inf, posinf=np.inf).min())
