"""Boosting rounds held against the xgboost library's own `train`, to the last bit."""

from pathlib import Path

import numpy as np
import pytest
import xgboost

from lakemill.algorithms.xgboost.checkpoints import Checkpoints
from lakemill.algorithms.xgboost.model import EarlyStopping, boost, format_evaluation, parse_evaluation

RANDOM = np.random.default_rng(1)
FEATURES = RANDOM.normal(size=(300, 6)).astype(np.float32)
FEATURES[RANDOM.random(FEATURES.shape) < 0.05] = np.nan
LABELS = (np.nan_to_num(FEATURES[:, 0]) + RANDOM.normal(size=300) > 0).astype(np.float32)


def matrices() -> list[tuple[xgboost.DMatrix, str]]:
    return [
        (xgboost.DMatrix(FEATURES[:200], LABELS[:200]), "train"),
        (xgboost.DMatrix(FEATURES[200:], LABELS[200:]), "validation"),
    ]


PARAMETERS = {"objective": "binary:logistic", "subsample": 0.7, "colsample_bytree": 0.8, "seed": 5, "max_depth": 3}


@pytest.mark.parametrize("more", [{}, {"booster": "dart", "rate_drop": 0.3}, {"booster": "gblinear"}], ids=str)
def test_the_model_equals_the_librarys_byte_for_byte(more: dict) -> None:
    parameters = PARAMETERS | more
    if more.get("booster") == "gblinear":
        parameters = {"objective": "binary:logistic", "updater": "coord_descent", **more}
    ours = boost(dict(parameters), 7, matrices()).booster
    theirs = xgboost.train(dict(parameters), matrices()[0][0], 7, evals=matrices(), verbose_eval=False)
    assert ours.save_raw() == theirs.save_raw()


def test_early_stopping_keeps_the_same_best_rounds_as_the_library() -> None:
    parameters = PARAMETERS | {"eta": 1.0, "eval_metric": ["error", "auc"]}
    trained = boost(dict(parameters), 40, matrices(), early_stopping=EarlyStopping(3, "auc"))
    stop = xgboost.callback.EarlyStopping(
        rounds=3, metric_name="auc", data_name="validation", maximize=True, save_best=True
    )
    theirs = xgboost.train(
        dict(parameters), matrices()[0][0], 40, evals=matrices(), verbose_eval=False, callbacks=[stop]
    )
    assert trained.stopped_early
    assert trained.best_iteration == theirs.best_iteration
    assert trained.booster.num_boosted_rounds() == theirs.num_boosted_rounds() == trained.best_iteration + 1
    held_out = matrices()[1][0]
    assert np.array_equal(trained.booster.predict(held_out), theirs.predict(held_out))


def test_a_line_is_reported_for_every_round() -> None:
    lines: list[str] = []
    boost(PARAMETERS | {"eval_metric": ["logloss"]}, 2, matrices(), ["f1", "accuracy"], report=lines.append)
    assert len(lines) == 2
    names = [part.split(":")[0] for part in lines[1].split("\t")]
    assert names == [
        "[1]", "train-logloss", "train-f1", "train-accuracy", "validation-logloss", "validation-f1",
        "validation-accuracy",
    ]  # fmt: skip


def test_an_evaluation_survives_being_printed() -> None:
    line = "[3]\ttrain-ndcg@5-:0.25000\tvalidation-ndcg@5-:0.50000"
    assert format_evaluation(3, parse_evaluation(line)) == line


def test_stopping_keeps_the_rounds_done() -> None:
    asked = iter([False, False, True])
    trained = boost(dict(PARAMETERS), 9, matrices(), stop_requested=lambda: next(asked))
    assert trained.interrupted
    assert trained.booster.num_boosted_rounds() == trained.rounds == 2


def test_training_resumes_from_a_checkpoint_and_ends_with_the_same_model(tmp_path: Path) -> None:
    parameters = {"objective": "binary:logistic", "max_depth": 3}
    asked = iter([False] * 4 + [True])
    first = boost(
        dict(parameters), 9, matrices(), checkpoints=Checkpoints(tmp_path), stop_requested=lambda: next(asked)
    )
    assert first.rounds == 4
    lines: list[str] = []
    second = boost(dict(parameters), 9, matrices(), checkpoints=Checkpoints(tmp_path), report=lines.append)
    assert lines[0].startswith("[4]\t")
    whole = boost(dict(parameters), 9, matrices()).booster
    held_out = matrices()[1][0]
    assert np.allclose(second.booster.predict(held_out), whole.predict(held_out), atol=1e-6)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"xgboost-checkpoint.{n}" for n in range(4, 9)]


def test_checkpoints_of_a_finished_training_leave_nothing_to_do(tmp_path: Path) -> None:
    done = boost(dict(PARAMETERS), 3, matrices(), checkpoints=Checkpoints(tmp_path)).booster
    again = boost(dict(PARAMETERS), 3, matrices(), checkpoints=Checkpoints(tmp_path)).booster
    assert np.array_equal(done.predict(matrices()[1][0]), again.predict(matrices()[1][0]))
