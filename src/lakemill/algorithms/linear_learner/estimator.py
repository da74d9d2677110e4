"""What the two estimators share: parameters, the way to `fitting.fit`, streaming steps."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from lakemill.algorithms.linear_learner import fitting, training
from lakemill.algorithms.linear_learner.candidates import make_candidates, uses_quasi_newton
from lakemill.algorithms.linear_learner.data import MemoryData
from lakemill.algorithms.linear_learner.losses import make_loss
from lakemill.algorithms.linear_learner.model import BINARY, MULTICLASS, LinearModel
from lakemill.algorithms.linear_learner.optimizer import MiniBatchPopulation
from lakemill.algorithms.linear_learner.spec import SPEC
from lakemill.algorithms.linear_learner.thresholds import BY_LOSS

FLOATS = (np.float32, np.float64)


@dataclasses.dataclass(kw_only=True, eq=False, repr=False)
class LinearLearnerBase(BaseEstimator):
    """What regressor and classifier share. Parameters carry the built-in algorithm's names."""

    loss: str = "auto"
    num_models: int | str = 1
    optimizer: str = "auto"
    wd: float | str = "auto"
    l1: float | str = "auto"
    learning_rate: float | str = "auto"
    epochs: int = 200
    mini_batch_size: int = 1000
    momentum: float | str = "auto"
    beta_1: float | str = "auto"
    beta_2: float | str = "auto"
    lr_scheduler_step: int | str = "auto"
    lr_scheduler_factor: float | str = "auto"
    lr_scheduler_minimum_lr: float | str = "auto"
    use_lr_scheduler: bool = True
    use_bias: bool = True
    bias_lr_mult: float | str = "auto"
    bias_wd_mult: float | str = "auto"
    normalize_data: bool | str = True
    early_stopping_patience: int = 5
    early_stopping_tolerance: float = 1e-4
    validation_fraction: float = 0.1
    tol: float | None = None
    random_state: Any = 0
    verbose: int = 0

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _settings(self, predictor_type: str, classes: int) -> dict[str, Any]:
        """The built-in algorithm's hyperparameters, checked by its own table."""
        own = self.get_params()
        names = {one.name for one in SPEC.hyperparameters}
        given = {name: str(value) for name, value in own.items() if name in names and value is not None}
        given["predictor_type"] = predictor_type
        if predictor_type == MULTICLASS:
            given["num_classes"], given["accuracy_top_k"] = str(max(classes, 3)), "1"
        settings = SPEC.validate(given)
        settings["num_classes"] = classes
        settings["tolerance"] = self.tol
        settings["passes"] = 1
        settings["init_scale"] = 0.0  # From zero, so that undetermined weights stay small.
        return settings

    def _chooses(self, settings: Mapping[str, Any]) -> bool:
        """Whether there is something to choose: among models, or a binary threshold."""
        name = settings["binary_classifier_model_selection_criteria"]
        return settings["num_models"] != 1 or (settings["predictor_type"] == BINARY and name not in BY_LOSS)

    def _seed(self) -> int:
        return int(check_random_state(self.random_state).randint(2**31))

    def _forget(self) -> None:
        """A new fit starts anew."""
        self._population: MiniBatchPopulation | None = None

    def _report(self, one: training.EpochReport) -> None:
        if self.verbose:
            held = "" if one.validation_loss is None else f", validation loss {one.validation_loss:.6g}"
            print(f"epoch {one.epoch}: train loss {one.train_loss:.6g}{held}")

    def _fit(
        self, predictor_type: str, classes: int, x: Any, targets: np.ndarray, sample_weight: Any, eval_set: Any
    ) -> Self:
        settings = self._settings(predictor_type, classes)
        weights = None
        if sample_weight is not None:
            weights = _check_sample_weight(sample_weight, x, dtype=x.dtype)
            kept = weights != 0
            if not kept.all():
                x, targets, weights = x[kept], targets[kept], weights[kept]
        settings = fitting.settled(settings, x.shape[1])
        seed = self._seed()
        held: MemoryData | None = None
        scaler = fitting.make_scaler(settings, x, targets, weights)
        if eval_set is not None:
            held = MemoryData(scaler.features(eval_set[0]), scaler.targets(eval_set[1]))
        elif not self._chooses(settings) and uses_quasi_newton(settings):
            settings["early_stopping_patience"] = self.epochs + 1  # Its own tolerance says when it is done.
        data = MemoryData(scaler.features(x), scaler.targets(targets), weights)
        fraction = self.validation_fraction
        outcome = fitting.fit(
            settings, data, held, scaler, seed=seed, held_out_fraction=fraction, watch=training.Watch(self._report)
        )
        self._take(outcome.model)
        self.best_params_ = outcome.candidate.described()
        self.n_iter_ = outcome.fitted.epochs
        return self

    def _take(self, model: LinearModel) -> None:
        self.model_ = model
        self.coef_ = model.weights
        self.intercept_ = model.bias

    def _partial(self, predictor_type: str, classes: int, x: Any, targets: np.ndarray, sample_weight: Any) -> Self:
        """Mini-batch steps over these records; the scaler comes from the first call."""
        settings = self._settings(predictor_type, classes)
        population = getattr(self, "_population", None) or self._streaming(settings, x, targets, classes)
        self._population = population
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, x, dtype=x.dtype)
        features = self._scaler.features(x.astype(population.weights.dtype, copy=False))
        data = MemoryData(features, self._scaler.targets(targets), weights)
        population.epoch(data if self._class_weights is None else data.with_class_weights(self._class_weights))
        raw, bias = self._scaler.fold(population.weights[:, 0].astype(np.float64))
        self._take(LinearModel(raw.T, bias, predictor_type, 0.5, self.loss))
        return self

    def _streaming(self, settings: dict[str, Any], x: Any, targets: np.ndarray, classes: int) -> MiniBatchPopulation:
        """Mini-batch steps from the fitted model, if there is one, else from zero; class weights of these records."""
        if settings["optimizer"] == "auto":
            settings["optimizer"] = "adam"
        seed = self._seed()
        self._scaler = fitting.make_scaler(settings, x, targets)
        candidates = make_candidates(settings, 1, [1.0], seed=seed)
        kind = settings["predictor_type"]
        rng = np.random.default_rng(seed)
        start = training.initial_weights(settings, x.shape[1], 1, classes if kind == MULTICLASS else 1, rng)
        if hasattr(self, "model_"):
            start = self._scaler.unfold(self.model_.weights.T, self.model_.bias)[:, None, :]
        penalty = training.make_penalty(candidates, self._scaler)
        first = MemoryData(x, targets)
        positive = np.array(fitting.positive_weights(settings, first)[:1])
        balances = kind == MULTICLASS and settings["balance_multiclass_weights"]
        self._class_weights = fitting.class_weights(first.class_counts(classes)) if balances else None
        return MiniBatchPopulation(
            make_loss(kind, settings), start, penalty, positive, candidates,
            batch_size=settings["mini_batch_size"], use_bias=settings["use_bias"],
            use_scheduler=settings["use_lr_scheduler"], dtype=x.dtype,
        )  # fmt: skip

    def _features(self, x: Any) -> Any:
        check_is_fitted(self, "model_")
        return validate_data(self, x, accept_sparse="csr", dtype=FLOATS, reset=False)
