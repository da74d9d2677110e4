"""Boosting rounds over DMatrix objects: what the xgboost library's `train` does, with AWS's evaluation, stopping and
checkpoints around each round. No files but checkpoints, no SageMaker. On several hosts all call it together.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lakemill.algorithms.contract import Collective, SingleHost
from lakemill.algorithms.xgboost import checkpoints as saved
from lakemill.algorithms.xgboost import metrics, scores
from lakemill.algorithms.xgboost.library import xgboost

_ALONE = SingleHost()


@dataclasses.dataclass
class Booster:
    """A trained booster and how its training ended. evaluation: of the last round that was kept."""

    booster: Any
    rounds: int
    best_iteration: int | None = None
    best_score: float | None = None
    stopped_early: bool = False
    interrupted: bool = False
    evaluation: dict[str, dict[str, float]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class EarlyStopping:
    """Stop when `metric` on the watched data named `data` has not improved for `rounds` rounds."""

    rounds: int
    metric: str
    data: str = "validation"
    best_iteration: int | None = None
    best_score: float | None = None
    best_evaluation: dict[str, dict[str, float]] = dataclasses.field(default_factory=dict)

    def resume(self, booster: Any) -> None:
        """Go on from what `keep` left in the booster of a checkpoint."""
        if booster.attr("best_iteration") is not None:
            self.best_iteration = int(booster.attr("best_iteration"))
            self.best_score = float(booster.attr("best_score"))

    def keep(self, booster: Any) -> None:
        """The best round and its score as attributes of the booster, where the library keeps them, too."""
        booster.set_attr(best_iteration=str(self.best_iteration), best_score=str(self.best_score))

    def exhausted(self, iteration: int) -> bool:
        """Whether no round should follow this one."""
        return self.best_iteration is not None and iteration - self.best_iteration >= self.rounds

    def update(self, iteration: int, evaluation: dict[str, dict[str, float]]) -> bool:
        """True when training should stop after this round."""
        value = _value(evaluation[self.data], self.metric)
        better = self.best_score is None or (
            value > self.best_score if metrics.maximised(self.metric) else value < self.best_score
        )
        if better or self.best_iteration is None:
            self.best_iteration, self.best_score, self.best_evaluation = iteration, value, evaluation
        return self.exhausted(iteration)


def _value(evaluation: dict[str, float], metric: str) -> float:
    """A metric's value; the library may add or drop an argument: `tweedie-nloglik@1.5`, `error@0.5`."""
    if metric in evaluation:
        return evaluation[metric]
    return next(value for name, value in evaluation.items() if metrics.base(name) == metrics.base(metric))


def boost(
    parameters: dict[str, Any],
    rounds: int,
    watched: Sequence[tuple[Any, str]],
    own_metrics: Sequence[str] = (),
    early_stopping: EarlyStopping | None = None,
    checkpoints: saved.Checkpoints | None = None,
    stop_requested: Callable[[], bool] = lambda: False,
    report: Callable[[str], None] = lambda line: None,
    inform: Callable[[str], None] = lambda line: None,
    collective: Collective = _ALONE,
) -> Booster:
    """Train on the first watched DMatrix.

    Parameters
    ----------
    parameters : of the xgboost library; `eval_metric` may be a list
    rounds : at least 1; rounds a checkpoint holds already are not done again
    watched : (DMatrix, name) pairs; the first is trained on, all are evaluated each round
    own_metrics : names of `metrics.CONTAINER`, evaluated after the library's
    checkpoints : read and written on the first host only
    inform : receives the sentence that a checkpoint is taken up
    report : receives one line per round, `[0]\\ttrain-rmse:0.10000\\tvalidation-rmse:0.20000`

    Returns
    -------
    The booster; after early stopping only its rounds up to the best one (a linear model cannot be cut).
    """
    own = _own_metrics(own_metrics, parameters, watched, collective)
    parameters = parameters | own.for_library | (saved.SETTINGS if checkpoints else {})
    booster, first = _start(parameters, watched, checkpoints, inform, collective)
    trained = Booster(booster, first)
    if early_stopping and first:
        early_stopping.resume(booster)
        trained.stopped_early = early_stopping.exhausted(first - 1)
    for iteration in range(rounds if trained.stopped_early else first, rounds):
        if collective.sum(np.array([stop_requested()], np.int64))[0]:
            trained.interrupted = True
            break
        if checkpoints:
            saved.prepare(booster, parameters)
        booster.update(watched[0][0], iteration)
        trained.evaluation = parse_evaluation(booster.eval_set(watched, iteration))
        own.add(booster, watched, trained.evaluation)
        report(format_evaluation(iteration, trained.evaluation))
        trained.rounds = iteration + 1
        trained.stopped_early = bool(early_stopping and early_stopping.update(iteration, trained.evaluation))
        if checkpoints and collective.rank == 0:
            if early_stopping:
                early_stopping.keep(booster)
            checkpoints.save(booster, iteration)
        if trained.stopped_early:
            break
    if early_stopping:
        _keep_best(trained, early_stopping, cut=parameters.get("booster") != "gblinear")
    trained.booster.reset()
    return trained


def _start(
    parameters: dict[str, Any],
    watched: Sequence[tuple[Any, str]],
    checkpoints: saved.Checkpoints | None,
    inform: Callable[[str], None],
    collective: Collective,
) -> tuple[Any, int]:
    """A booster, and the first round it has not done."""
    matrices = [matrix for matrix, _ in watched]
    found = collective.broadcast(checkpoints.latest() if collective.rank == 0 else None) if checkpoints else None
    if found is None:
        return xgboost.Booster(parameters, matrices), 0
    name, raw, iteration = found
    inform(f"Resuming from checkpoint {name}: {iteration + 1} rounds are done")
    return saved.restored(parameters, matrices, name, raw), iteration + 1


def _keep_best(trained: Booster, stopping: EarlyStopping, cut: bool) -> None:
    if stopping.best_iteration is None:
        return
    trained.best_iteration, trained.best_score = stopping.best_iteration, stopping.best_score
    if cut:
        trained.booster = trained.booster[: stopping.best_iteration + 1]
        trained.evaluation = stopping.best_evaluation
    stopping.keep(trained.booster)


@dataclasses.dataclass
class _OwnMetrics:
    """What is evaluated here and not by the library, which is told so in `for_library`."""

    names: list[str]
    labels: list[np.ndarray]
    objective: str
    collective: Collective
    for_library: dict[str, Any] = dataclasses.field(default_factory=dict)

    def add(self, booster: Any, watched: Sequence[tuple[Any, str]], evaluation: dict[str, dict[str, float]]) -> None:
        if not self.names:
            return
        for (matrix, data), labels in zip(watched, self.labels, strict=True):
            predictions = booster.predict(matrix)
            found = {
                name: scores.score(name, labels, predictions, self.objective, self.collective) for name in self.names
            }
            evaluation.setdefault(data, {}).update(found)


def _own_metrics(
    names: Sequence[str], parameters: dict[str, Any], watched: Sequence[tuple[Any, str]], collective: Collective
) -> _OwnMetrics:
    """The container's metrics, and auc where ours is the library's: that takes the library as long as a tree."""
    labels = [matrix.get_label() for matrix, _ in watched]
    objective = parameters.get("objective", "reg:squarederror")
    asked = parameters.get("eval_metric", [])
    ours = "auc" in asked and objective == "binary:logistic" and collective.size == 1
    if not ours or any(len(matrix.get_weight()) for matrix, _ in watched) or not all(map(scores.has_auc, labels)):
        return _OwnMetrics([*names], labels, objective, collective)
    rest = [name for name in asked if name != "auc"]
    for_library = {"eval_metric": rest, "disable_default_eval_metric": int(not rest)}
    return _OwnMetrics(["auc", *names], labels, objective, collective, for_library)


def parse_evaluation(line: str) -> dict[str, dict[str, float]]:
    """The library's evaluation text as data name -> metric -> value.

    >>> parse_evaluation("[0]\\ttrain-rmse:0.5\\tvalidation-ndcg@2-:0.25")
    {'train': {'rmse': 0.5}, 'validation': {'ndcg@2-': 0.25}}
    """
    found: dict[str, dict[str, float]] = {}
    for part in line.split("\t")[1:]:
        name, _, value = part.rpartition(":")
        data, _, metric = name.partition("-")
        found.setdefault(data, {})[metric] = float(value)
    return found


def format_evaluation(iteration: int, evaluation: dict[str, dict[str, float]]) -> str:
    """The line of one round, as the library's own monitor prints it."""
    parts = [f"{data}-{name}:{value:.5f}" for data, values in evaluation.items() for name, value in values.items()]
    return "\t".join([f"[{iteration}]", *parts])
