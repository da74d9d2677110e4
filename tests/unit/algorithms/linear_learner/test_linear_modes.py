"""Streams, several hosts, kills: the model is the same, or as good."""

import re
import threading

import numpy as np
import pytest
import scipy.sparse as sp

from lakemill.algorithms.checkpoints import Checkpoints
from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.linear_learner import data, reading
from tests.unit.algorithms.linear_learner.conftest import LABELS, Piped, binary, found, multi, thirds, trained
from tests.unit.algorithms.trainings import ArrayDataset, Killed, on_hosts

ADAM = {"optimizer": "adam", "learning_rate": 0.05, "mini_batch_size": 50}
OPTIMIZERS = pytest.mark.parametrize("given", [{}, ADAM], ids=["quasi-newton", "adam"])


@pytest.fixture
def small_memory(monkeypatch):
    """Streams are longer than what is kept of them, and have many pieces."""
    monkeypatch.setattr(reading, "STREAM_BYTES", 12_000)
    monkeypatch.setattr(reading, "OPENING_ROWS", 100)
    monkeypatch.setattr(data, "DENSE_CHUNK_VALUES", 400)


def test_a_short_stream_gives_the_bytes_that_files_give(run_training, numbers):
    by_file = run_training(thirds(*numbers), predictor_type="regressor").path.read_bytes()
    assert run_training(thirds(*numbers), form=Piped, predictor_type="regressor").path.read_bytes() == by_file


@OPTIMIZERS
@pytest.mark.parametrize("kind", LABELS)
def test_a_long_stream_is_read_anew_for_every_epoch(run_training, numbers, small_memory, kind, given):
    x, y = numbers
    channels = thirds(x, LABELS[kind](y))
    given = {**given, "predictor_type": kind, "num_classes": 4, "num_models": 4}
    whole = run_training(channels, **given)
    result = run_training(channels, form=Piped, **given)
    assert any("streamed: the channel is read again for every epoch" in line for line in result.lines)
    for split in ("validation", "test"):
        losses = [found(one.lines, f"{split}:objective_loss")[-1] for one in (whole, result)]
        # The scaler sees fewer records, epochs make one pass, mini batches are not shuffled.
        assert losses[1] <= losses[0] * 1.1 + 0.02


def test_files_beyond_memory_are_read_anew_too(run_training, numbers, monkeypatch):
    x, y = numbers
    monkeypatch.setattr(reading.Channel, "_limit", lambda self: 1000)
    result = run_training({"train": (x, multi(y))}, predictor_type="multiclass_classifier", num_classes=4,
                          balance_multiclass_weights=True, **ADAM)  # fmt: skip
    assert any("too large for memory: the channel is read again" in line for line in result.lines)
    assert found(result.lines, "train:multiclass_accuracy")[-1] > 0.6


class Dying(Checkpoints):
    """Counts saves, and kills its training after some of them."""

    saves, last = 0, None

    def save(self, *state):
        super().save(*state)
        Dying.saves += 1
        if Dying.saves == Dying.last:
            raise Killed


@pytest.fixture
def dying(monkeypatch):
    monkeypatch.setattr("tests.unit.algorithms.trainings.Checkpoints", Dying)
    monkeypatch.setattr(Dying, "saves", 0)
    monkeypatch.setattr(Dying, "last", None)
    return Dying


@OPTIMIZERS
@pytest.mark.parametrize("form", [ArrayDataset, Piped])
@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize("part", [0.0, 0.5, 0.97], ids=["first", "middle", "late"])
def test_after_a_kill_the_model_is_the_same(tmp_path, numbers, monkeypatch, request, dying, kind, given, form, part):
    x, y = numbers
    if form is Piped:
        request.getfixturevalue("small_memory")
    monkeypatch.setattr(data, "DENSE_CHUNK_VALUES", 400)
    given = {**given, "predictor_type": kind, "num_classes": 4, "num_models": 4, "epochs": 3, "form": form}
    channels = {"train": (x[:700], LABELS[kind](y)[:700])}
    whole = trained(tmp_path / "whole", channels, checkpoints=tmp_path / "counted", **given)
    dying.saves, dying.last = 0, 1 + int(part * (dying.saves - 1))
    with pytest.raises(Killed):
        trained(tmp_path / "killed", channels, checkpoints=tmp_path / "kept", **given)
    again = trained(tmp_path / "again", channels, checkpoints=tmp_path / "kept", **given)
    assert any("Resuming from the checkpoint of step" in line for line in again.lines)
    assert again.path.read_bytes() == whole.path.read_bytes()
    if part == 0.97 and form is ArrayDataset and not given.get("optimizer"):
        assert not found(again.lines, "train:objective_loss"), "the winner's own passes were not killed"


def test_a_resumed_job_runs_only_the_epochs_that_are_left(run_training, numbers, tmp_path):
    given = {"predictor_type": "regressor", "early_stopping_patience": 9, "checkpoints": tmp_path / "kept", **ADAM}
    run_training(thirds(*numbers), epochs=4, **given)
    again = run_training(thirds(*numbers), epochs=4, **given)
    assert not found(again.lines, "train:objective_loss")
    with pytest.raises(CustomerError, match="epochs was '4' and is '6' now"):
        run_training(thirds(*numbers), epochs=6, **given)


def test_a_stop_keeps_the_last_whole_state(run_training, numbers, tmp_path):
    given = {"predictor_type": "regressor", "epochs": 6, "early_stopping_patience": 9}
    whole = run_training(thirds(*numbers), **given).path.read_bytes()
    stopping = threading.Event()
    stopping.set()
    run_training(thirds(*numbers), stopping=stopping, checkpoints=tmp_path / "kept", **given)
    assert run_training(thirds(*numbers), checkpoints=tmp_path / "kept", **given).path.read_bytes() == whole


def on_shards(folder, shards, held=None, **given):
    """One training on a host for each shard of the train channel."""

    def work(collective):
        channels = {"train": shards[collective.rank], **(held or {})}
        return trained(folder / str(collective.rank), channels, collective=collective, **given)

    return on_hosts(len(shards), work)


def nothing(x, y):
    return x[:0], y[:0]


@OPTIMIZERS
@pytest.mark.parametrize("kind", LABELS)
def test_sorted_shards_on_three_hosts_train_as_well_as_one(run_training, numbers, tmp_path, kind, given):
    x, y = numbers
    labels = LABELS[kind](y)
    given = {**given, "predictor_type": kind, "num_classes": 4, "num_models": 4}
    held = {name: rows for name, rows in thirds(x, labels).items() if name != "train"}
    alone = run_training(thirds(x, labels), **given)
    order = np.argsort(labels[:800], kind="stable")
    shards = [(x[rows], labels[rows]) for rows in np.split(order, [100, 350])]
    first, *others = on_shards(tmp_path, shards, held, **given)
    assert all(one.model is None for one in others), "only the first host writes the model"
    assert found(first.lines, "test:objective_loss") == found(others[0].lines, "test:objective_loss")
    losses = [found(one.lines, "test:objective_loss")[-1] for one in (alone, first)]
    assert losses[1] <= losses[0] * 1.05 + 0.01  # Mini batches are other ones, and so is the held-out tenth.


def test_one_quasi_newton_model_on_hosts_is_the_model_of_one(run_training, numbers, tmp_path):
    x, y = numbers
    given = {"predictor_type": "regressor", "num_models": 1, "num_point_for_scaler": 1200}
    alone = run_training({"train": (x, y)}, **given).model
    first, *_ = on_shards(tmp_path, [(x[:7], y[:7]), nothing(x, y), (x[7:], y[7:])], **given)
    np.testing.assert_allclose(first.model.weights, alone.weights, rtol=2e-3, atol=1e-4)


def test_figures_are_over_the_records_of_all_hosts(tmp_path, numbers):
    x, y = numbers
    labels, rows = binary(y), np.split(np.arange(1200), [40, 700])
    given = {"predictor_type": "binary_classifier", "num_models": 2}
    first, *_ = on_shards(tmp_path, [(x[part], labels[part]) for part in rows], **given)
    scores = first.model.scores(x)
    called = first.model.labels(scores)
    assert found(first.lines, "train:binary_classification_accuracy")[-1] == pytest.approx(np.mean(called == labels))
    ranks = np.argsort(np.argsort(scores))[labels > 0]
    area = (ranks.sum() - len(ranks) * (len(ranks) - 1) / 2) / (len(ranks) * (1200 - len(ranks)))
    assert found(first.lines, "train:roc_auc_score")[-1] == pytest.approx(area, abs=1e-3)


def test_a_host_with_sparse_records_and_one_without_any(tmp_path):
    x = sp.random(600, 1500, density=0.01, format="csr", random_state=1, dtype=np.float32)
    y = np.asarray(x @ np.random.default_rng(0).normal(size=1500) > 0, np.float32)
    empty = (np.empty((0, 0), np.float32), np.empty(0, np.float32))
    for given in ({}, ADAM):
        _, second, *_ = on_shards(tmp_path, [empty, (x[:300], y[:300]), (x[300:], y[300:])], epochs=4, num_models=3,
                                  predictor_type="binary_classifier", **given)  # fmt: skip
        assert found(second.lines, "train:binary_classification_accuracy")[-1] > 0.9


def test_hosts_of_different_width_and_without_any_records_are_refused(tmp_path, numbers):
    x, y = numbers
    with pytest.raises(CustomerError, match=re.escape("5 features on one instance and 6 on another")):
        on_shards(tmp_path, [(x, y), (x[:, :5], y)], predictor_type="regressor")
    with pytest.raises(CustomerError, match="Channel train holds no records"):
        on_shards(tmp_path, [nothing(x, y)] * 2, predictor_type="regressor")


def test_killed_hosts_go_on_together(tmp_path, numbers, dying):
    x, y = numbers
    shards, given = [(x[:500], y[:500]), (x[500:], y[500:])], {"predictor_type": "regressor", "epochs": 5}
    whole = on_shards(tmp_path / "whole", shards, **given)[0].path.read_bytes()
    dying.saves, dying.last = 0, 3
    with pytest.raises(Killed):
        on_shards(tmp_path / "killed", shards, checkpoints=tmp_path / "kept", **given)
    again = on_shards(tmp_path / "again", shards, checkpoints=tmp_path / "kept", **given)
    assert again[0].path.read_bytes() == whole


@OPTIMIZERS
def test_hosts_with_streams_of_different_length_train_as_well_as_one(
    run_training, numbers, small_memory, tmp_path, given
):
    x, y = numbers
    given = {**given, "predictor_type": "binary_classifier", "num_models": 4}
    labels = binary(y)
    held = {name: rows for name, rows in thirds(x, labels).items() if name != "train"}
    alone = run_training(thirds(x, labels), **given)
    # The last one's shard would fit into memory; the passes are the streams' for all.
    shards = [(x[rows], labels[rows]) for rows in np.split(np.arange(800), [600, 790])]
    first, *_, last = on_shards(tmp_path, shards, held, form=Piped, **given)
    assert all(any("streamed: the channel is read again" in line for line in one.lines) for one in (first, last))
    losses = [found(one.lines, "test:objective_loss")[-1] for one in (alone, first)]
    assert losses[1] <= losses[0] * 1.1 + 0.02
