"""Boosting rounds over DMatrix objects: what the xgboost library's `train` does, with AWS's evaluation, stopping and
checkpoints around each round. No files but checkpoints, no SageMaker.
"""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lakemill.algorithms.xgboost import metrics, scores
from lakemill.algorithms.xgboost.library import xgboost

_CHECKPOINT = "xgboost-checkpoint"
_CHECKPOINTS_KEPT = 5


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

    def update(self, iteration: int, evaluation: dict[str, dict[str, float]]) -> bool:
        """True when training should stop after this round."""
        value = _value(evaluation[self.data], self.metric)
        better = self.best_score is None or (
            value > self.best_score if metrics.maximised(self.metric) else value < self.best_score
        )
        if better or self.best_iteration is None:
            self.best_iteration, self.best_score, self.best_evaluation = iteration, value, evaluation
        return iteration - self.best_iteration >= self.rounds


def _value(evaluation: dict[str, float], metric: str) -> float:
    """A metric's value; the library may add or drop an argument: `tweedie-nloglik@1.5`, `error@0.5`."""
    if metric in evaluation:
        return evaluation[metric]
    return next(value for name, value in evaluation.items() if metrics.base(name) == metrics.base(metric))


@dataclasses.dataclass
class Checkpoints:
    """One model file per round, the last five of them, named after the number of finished rounds less one."""

    folder: Path

    def latest(self) -> tuple[Path, int] | None:
        """The newest file and the iteration it holds."""
        found = [(int(path.suffix[1:]), path) for path in self._files()]
        return (max(found)[1], max(found)[0]) if found else None

    def save(self, booster: Any, iteration: int) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        # Renamed into place: the platform uploads whatever it finds.
        scratch = self.folder / f".{_CHECKPOINT}.part"
        scratch.write_bytes(booster.save_raw())
        scratch.rename(self.folder / f"{_CHECKPOINT}.{iteration}")
        (self.folder / f"{_CHECKPOINT}.{iteration - _CHECKPOINTS_KEPT}").unlink(missing_ok=True)

    def _files(self) -> list[Path]:
        return [path for path in self.folder.glob(f"{_CHECKPOINT}.*") if path.suffix[1:].isdigit()]


def boost(
    parameters: dict[str, Any],
    rounds: int,
    watched: Sequence[tuple[Any, str]],
    own_metrics: Sequence[str] = (),
    early_stopping: EarlyStopping | None = None,
    checkpoints: Checkpoints | None = None,
    stop_requested: Callable[[], bool] = lambda: False,
    report: Callable[[str], None] = lambda line: None,
) -> Booster:
    """Train on the first watched DMatrix.

    Parameters
    ----------
    parameters : of the xgboost library; `eval_metric` may be a list
    rounds : at least 1; rounds a checkpoint holds already are not done again
    watched : (DMatrix, name) pairs; the first is trained on, all are evaluated each round
    own_metrics : names of `metrics.CONTAINER`, evaluated after the library's
    report : receives one line per round, `[0]\\ttrain-rmse:0.10000\\tvalidation-rmse:0.20000`

    Returns
    -------
    The booster; after early stopping only its rounds up to the best one (a linear model cannot be cut).
    """
    booster, first = _start(parameters, watched, checkpoints)
    objective = parameters.get("objective", "reg:squarederror")
    own = _own_metrics(own_metrics, objective) if own_metrics else None
    train = watched[0][0]
    trained = Booster(booster, first)
    for iteration in range(first, rounds):
        if stop_requested():
            trained.interrupted = True
            break
        booster.update(train, iteration)
        line = booster.eval_set(watched, iteration, feval=own, output_margin=False)
        evaluation = trained.evaluation = parse_evaluation(line)
        report(format_evaluation(iteration, evaluation))
        trained.rounds = iteration + 1
        if checkpoints:
            checkpoints.save(booster, iteration)
        if early_stopping and early_stopping.update(iteration, evaluation):
            trained.stopped_early = True
            break
    if early_stopping:
        _keep_best(trained, early_stopping, cut=parameters.get("booster") != "gblinear")
    trained.booster.reset()
    return trained


def _start(parameters: dict[str, Any], watched: Sequence[tuple[Any, str]], checkpoints: Checkpoints | None) -> tuple:
    found = checkpoints.latest() if checkpoints else None
    matrices = [matrix for matrix, _ in watched]
    if found is None:
        return xgboost.Booster(parameters, matrices), 0
    path, iteration = found
    return xgboost.Booster(parameters, matrices, model_file=bytearray(path.read_bytes())), iteration + 1


def _keep_best(trained: Booster, stopping: EarlyStopping, cut: bool) -> None:
    if stopping.best_iteration is None:
        return
    trained.best_iteration, trained.best_score = stopping.best_iteration, stopping.best_score
    if cut:
        trained.booster = trained.booster[: stopping.best_iteration + 1]
        trained.evaluation = stopping.best_evaluation
    trained.booster.set_attr(best_iteration=str(stopping.best_iteration), best_score=str(stopping.best_score))


def _own_metrics(names: Sequence[str], objective: str) -> Callable[[np.ndarray, Any], list[tuple[str, float]]]:
    def evaluate(predictions: np.ndarray, matrix: Any) -> list[tuple[str, float]]:
        labels = matrix.get_label()
        return [(name, scores.score(name, labels, predictions, objective)) for name in names]

    return evaluate


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
