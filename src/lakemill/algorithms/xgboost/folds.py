"""Repeated cross validation (`_kfold`, `_num_cv_round`): a model per fold and every record's held-out prediction.

`predictions.csv` in the output data folder has a row per record, in the order of the train and then the validation
channel (host by host), and no header: for classifiers the label, the mean probability of the predicted class and the
most frequent predicted class; otherwise the label and the mean prediction.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lakemill.algorithms.contract import TrainingContext
from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.xgboost import matrices, scores
from lakemill.algorithms.xgboost.data import Table
from lakemill.algorithms.xgboost.fitting import fit
from lakemill.algorithms.xgboost.model import format_evaluation


def cross_validate(context: TrainingContext, tables: Mapping[str, Table], model_name: str) -> None:
    """Train `_kfold` x `_num_cv_round` models on all channels together and write models and predictions.

    Several hosts split their own records each, and train every fold together.
    """
    values, first = context.hyperparameters, context.collective.rank == 0
    table = _together(list(tables.values()))
    folds, repeats = values["_kfold"], values["_num_cv_round"] or 1
    if 0 < len(table) < folds:
        raise CustomerError(f"_kfold {folds} needs at least as many records; got {len(table)}")
    record = _Predictions(table.labels, values["objective"], repeats)
    ends = []
    for number, (repeat, train, held_out) in enumerate(_splits(table.labels, values["objective"], folds, repeats,
                                                               values["seed"])):  # fmt: skip
        if context.collective.sum(np.array([context.stop_requested()], np.int64))[0]:
            context.log.warning(f"The job was stopped after {number} of {folds * repeats} folds")
            return
        context.log.info(f"Train cross validation fold {number % folds + 1} of round {repeat + 1}")
        watched = [
            (matrices.plain(table.rows(rows), values), name)
            for rows, name in ((train, "train"), (held_out, "validation"))
        ]
        trained = fit(context, watched)
        if table.libsvm_base is not None:
            trained.booster.set_attr(lakemill_libsvm_base=str(table.libsvm_base))
        if first:
            (context.model_dir / f"{model_name}-{number}").write_bytes(trained.booster.save_raw())
        record.add(repeat, held_out, trained.booster.predict(watched[1][0]))
        ends.append(trained.evaluation)
    predictions = context.collective.gather(record.table())
    if first:
        _report(context, ends, values["num_round"])
        np.savetxt(context.output_dir / "predictions.csv", np.concatenate(predictions), delimiter=",", fmt="%f")


def _together(tables: list[Table]) -> Table:
    weights = None
    if any(table.weights is not None for table in tables):
        weights = np.concatenate([np.ones(len(one), np.float32) if one.weights is None else one.weights
                                  for one in tables])  # fmt: skip
    labels = np.concatenate([table.labels for table in tables])
    parts = [part for table in tables for part in table.parts]
    return Table(parts, tables[0].width, labels, weights, libsvm_base=tables[0].libsvm_base)


def _classifies(objective: str) -> bool:
    return objective.startswith(("binary:", "multi:"))


def _splits(labels: np.ndarray, objective: str, folds: int, repeats: int, seed: int) -> Any:
    """(repeat, training rows, held-out rows) for every fold; stratified by class for classifiers."""
    if not len(labels):  # This host has no records; it takes part with nothing.
        yield from ((number // folds, [], []) for number in range(folds * repeats))
        return
    # Only this path needs scikit-learn, which takes a second to import.
    from sklearn.model_selection import RepeatedKFold, RepeatedStratifiedKFold

    kind = RepeatedStratifiedKFold if _classifies(objective) else RepeatedKFold
    splitter = kind(n_splits=folds, n_repeats=repeats, random_state=abs(seed))
    try:
        for number, (train, held_out) in enumerate(splitter.split(np.zeros(len(labels)), labels)):
            yield number // folds, train, held_out
    except ValueError as wrong:
        raise CustomerError(f"The records cannot be split into {folds} folds: {wrong}") from None


class _Predictions:
    """Held-out predictions of every record in every repetition."""

    def __init__(self, labels: np.ndarray, objective: str, repeats: int) -> None:
        self._labels = labels
        self._objective = objective
        self._values = np.zeros((len(labels), repeats))
        self._classes = np.zeros((len(labels), repeats), np.int64)

    def add(self, repeat: int, rows: np.ndarray, predictions: np.ndarray) -> None:
        if _classifies(self._objective):
            self._classes[rows, repeat] = scores.classes(predictions, self._objective)
        self._values[rows, repeat] = predictions.max(axis=1) if predictions.ndim == 2 else predictions

    def table(self) -> np.ndarray:
        columns = [self._labels, self._values.mean(axis=1)]
        if _classifies(self._objective):
            columns.append(np.array([np.bincount(row).argmax() for row in self._classes], np.float64))
        return np.column_stack(columns)


def _report(context: TrainingContext, ends: list[dict[str, dict[str, float]]], rounds: int) -> None:
    """One line with the mean of every metric over the folds, in the form of an evaluation line."""
    mean = {
        data: {name: sum(end[data][name] for end in ends) / len(ends) for name in values}
        for data, values in ends[0].items()
    }
    context.log.raw(format_evaluation(rounds, mean))
