"""From prepared records to the best linear model: what the estimators and the built-in image both do."""

import dataclasses
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.sparse as sp

from lakemill.algorithms.contract import Collective
from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.linear_learner import training
from lakemill.algorithms.linear_learner.candidates import Candidate, make_candidates, uses_quasi_newton
from lakemill.algorithms.linear_learner.hosts import ALONE
from lakemill.algorithms.linear_learner.losses import make_loss
from lakemill.algorithms.linear_learner.model import BINARY, MULTICLASS, REGRESSOR, LinearModel
from lakemill.algorithms.linear_learner.scaler import Scaler
from lakemill.algorithms.linear_learner.selection import Criterion
from lakemill.algorithms.linear_learner.smoothing import QuasiNewtonPopulation
from lakemill.algorithms.linear_learner.standing import part
from lakemill.algorithms.linear_learner.training import Fitted, Watch

UNSEEN_CLASS_WEIGHT = 1e6
NOBODY = Watch()
HEAD_EPOCHS_MAX = 25
HELD_OUT_MIN = 20
"""Fewer records than this are not split."""
QUASI_NEWTON_WEIGHTS_MAX, MINI_BATCH_WEIGHTS_MAX = 1 << 22, 1 << 25
"""Weights of all models together that `num_models=auto` stays below: quasi-Newton keeps twenty copies, Adam five."""


@dataclasses.dataclass
class Outcome:
    """The model and how it came about; `fitted` are the weights of all models for scaled features."""

    model: LinearModel
    candidate: Candidate
    fitted: Fitted
    criterion: Criterion
    scaler: Scaler

    def weights(self) -> np.ndarray:
        """(p, 1, k), the winner alone, for scaled features."""
        return self.fitted.weights[:, self.fitted.best : self.fitted.best + 1]


def make_scaler(
    settings: Mapping[str, Any],
    features: Any,
    targets: np.ndarray,
    weights: np.ndarray | None = None,
    hosts: Collective = ALONE,
) -> Scaler:
    """The scaler of the first records, with every `auto` decided. A collective call. Raises CustomerError."""
    regression, bias, sparse = settings["predictor_type"] == REGRESSOR, settings["use_bias"], sp.issparse(features)

    def decided(name: str, auto: bool) -> bool:
        return auto if settings[name] == "auto" else settings[name]

    if sparse and not bias and settings["unbias_data"] is True:
        raise CustomerError("unbias_data=true with use_bias=false needs dense data: a shift would fill the zeros")
    return Scaler.fit(
        features,
        targets,
        weights,
        normalize_data=decided("normalize_data", True),
        # With a bias a shift of sparse data moves nothing but the bias.
        unbias_data=not sparse and decided("unbias_data", bias),
        normalize_label=regression and decided("normalize_label", True),
        unbias_label=regression and decided("unbias_label", bias),
        hosts=hosts,
    )


def settled(settings: Mapping[str, Any], dim: int) -> dict[str, Any]:
    """The settings, with mini batches instead of quasi-Newton where one model has too many weights for its history."""
    outputs = settings["num_classes"] if settings["predictor_type"] == MULTICLASS else 1
    if uses_quasi_newton(settings) and (dim + 1) * outputs > QUASI_NEWTON_WEIGHTS_MAX:
        return {**settings, "optimizer": "adam"}
    return dict(settings)


def model_count(settings: Mapping[str, Any], dim: int, outputs: int) -> int:
    """num_models; `auto` is 32 mini-batch models, 16 (8 for several classes) where only penalties are free."""
    if settings["num_models"] != "auto":
        return settings["num_models"]
    if uses_quasi_newton(settings):
        wished, most = 16 if outputs == 1 else 8, QUASI_NEWTON_WEIGHTS_MAX
    else:
        wished, most = 32, MINI_BATCH_WEIGHTS_MAX
    return max(1, min(wished, most // ((dim + 1) * outputs)))


def positive_weights(settings: Mapping[str, Any], data: Any) -> list[float]:
    """The weights of label 1 to train with: one, or for `auto` several between none and balanced."""
    given = str(settings["positive_example_weight_mult"])
    if settings["predictor_type"] != BINARY:
        return [1.0]
    if given not in ("balanced", "auto"):
        return [float(given)]
    negatives, positives = data.class_counts(2).tolist()
    balance = negatives / positives if positives and negatives else 1.0
    return [balance] if given == "balanced" else [1.0, balance, balance**0.5]


def class_weights(counts: np.ndarray) -> np.ndarray:
    """(classes,) inverse frequencies; a class that does not occur weighs 1,000,000."""
    return np.where(counts > 0, counts.sum() / np.maximum(counts, 1), UNSEEN_CLASS_WEIGHT)


def _holds_out(
    settings: Mapping[str, Any], data: Any, validation: Any | None, criterion: Criterion, models: int, fraction: float
) -> bool:
    """Whether part of the training data is to stand in for validation data."""
    chooses = models > 1 or not criterion.by_loss
    possible = data.in_memory and data.records() >= HELD_OUT_MIN and uses_quasi_newton(settings)
    return validation is None and fraction > 0 and chooses and possible


def _near(population: QuasiNewtonPopulation, data: Any, watch: Watch) -> np.ndarray:
    """Weights to begin a stream with: the optimum of its first records. A pass over them costs next to nothing."""
    first = data.sample(sys.maxsize)
    for _ in range(HEAD_EPOCHS_MAX):
        if population.finished or watch.stop_together():
            break
        population.epoch(first)
    return population.weights


def fit(
    settings: Mapping[str, Any],
    data: Any,
    validation: Any | None,
    scaler: Scaler,
    *,
    seed: int = 0,
    held_out_fraction: float = 0.0,
    watch: Watch = NOBODY,
) -> Outcome:
    """Train all candidates on `data`, keep the best on `validation`.

    Without validation data the models are compared on the training data, or, where held_out_fraction is given and the
    optimiser is quasi-Newton, on that part of them; the winner then goes on over all records. With quasi-Newton a
    stream's passes begin at the optimum of its first records.

    data, validation: MemoryData or StreamData, scaled by `scaler`. settings: the hyperparameters, typed and complete.
    Raises CustomerError when every model diverges. A collective call.
    """
    rng = np.random.default_rng(seed)
    loss = make_loss(settings["predictor_type"], settings)
    outputs = settings["num_classes"] if settings["predictor_type"] == MULTICLASS else 1
    if settings["predictor_type"] == MULTICLASS and settings["balance_multiclass_weights"]:
        data = data.with_class_weights(class_weights(data.class_counts(outputs)))
    count = model_count(settings, data.dim, outputs)
    candidates = make_candidates(settings, count, positive_weights(settings, data), seed=seed)
    start = training.initial_weights(settings, data.dim, count, outputs, rng)
    criterion = training.make_criterion(settings, loss)
    whole, holds_out = data, _holds_out(settings, data, validation, criterion, count, held_out_fraction)
    if holds_out:
        data, validation = data.split(held_out_fraction, seed)

    def population(of: Any, members: list[Candidate], weights: np.ndarray) -> Any:
        penalty = training.make_penalty(members, scaler)
        return training.make_population(settings, of, loss, members, weights, penalty, seed)

    if (chosen := watch.keeper.saved("winner")) is not None:
        fitted = Fitted.of(part(chosen, "fitted"))
    else:
        if not data.in_memory and uses_quasi_newton(settings) and watch.keeper.saved("models") is None:
            start = _near(population(data.sample(sys.maxsize), candidates, start), data, watch)
        models = population(data, candidates, start)
        fitted = training.train(settings, models, criterion, data, validation, watch)
    best, only = candidates[fitted.best], slice(fitted.best, fitted.best + 1)
    if holds_out:
        last = population(whole, [best], fitted.weights[:, only])
        fitted.weights[:, only] = training.go_on(settings, last, whole, fitted, watch)
    weights, bias = scaler.fold(fitted.weights[:, fitted.best].astype(np.float64))
    name = "hinge_loss" if settings["loss"] == "hinge_loss" else "auto"
    model = LinearModel(weights.T, bias, settings["predictor_type"], fitted.threshold, name)
    return Outcome(model, best, fitted, criterion, scaler)
