"""The built-in face: hyperparameters in, log lines and artifact out."""

import re
import threading

import numpy as np
import pytest
import scipy.sparse as sp

from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.factorization_machines import records
from lakemill.algorithms.factorization_machines.spec import OPTIMIZER, SPEC
from tests.unit.algorithms.trainings import ArrayDataset, Killed, on_hosts

REQUIRED = {"feature_dim": "3", "num_factors": "2", "predictor_type": "regressor"}


def figures(name, text):
    regex = next(metric.regex for metric in SPEC.metrics if metric.name == name)
    return [float(found) for found in re.findall(regex, text)]


# ---- hyperparameters -----------------------------------------------------------------------------------------------


def test_defaults_are_awss():
    found = SPEC.validate(REQUIRED)
    assert (found["epochs"], found["mini_batch_size"]) == (1, 1000)
    assert [found[f"{group}_lr"] for group in ("bias", "linear", "factors")] == [0.1, 0.001, 0.0001]
    assert [found[f"{group}_wd"] for group in ("bias", "linear", "factors")] == [0.01, 0.001, 0.00001]
    assert [found[f"{group}_init_sigma"] for group in ("bias", "linear", "factors")] == [0.01, 0.01, 0.001]
    assert [found[name] for name in ("clip_gradient", "rescale_grad", "eps")] == [None, None, None]


@pytest.mark.parametrize(("method", "needs"), [("uniform", "scale"), ("constant", "value")])
def test_an_initialisation_needs_its_number(method, needs):
    with pytest.raises(CustomerError, match=f"linear_init_method={method} needs linear_init_{needs}"):
        SPEC.validate({**REQUIRED, "linear_init_method": method})


@pytest.mark.parametrize("name", OPTIMIZER)
def test_each_hyperparameter_of_adam_calls_for_adam_also_at_its_default(run_training, ratings, name):
    features, score, _ = ratings
    default = next(one.default for one in SPEC.hyperparameters if one.name == name)
    assert (
        f"Solver: Adam, because {name} is given"
        in run_training({"train": (features, score)}, **{name: default or 1}).text
    )
    assert "Solver: diagonal extended Kalman filter" in run_training({"train": (features[:9], score[:9])}).text


STARTS = {
    "bias_init_method": "constant", "bias_init_value": 0.75,
    "linear_init_method": "uniform", "linear_init_scale": 0.5,
    "factors_init_method": "normal", "factors_init_sigma": 0.3,
}  # fmt: skip


def test_without_learning_the_model_is_its_start(run_training, ratings):
    still = {f"{group}_lr": 0 for group in ("bias", "linear", "factors")}
    machine = run_training({"train": ratings[:2]}, **STARTS, **still).machine
    assert machine.bias == 0.75
    assert 0.4 < np.abs(machine.linear).max() <= 0.5
    assert machine.factors.std() == pytest.approx(0.3, rel=0.15)


def test_given_starts_hold_for_the_kalman_solver_too(run_training, ratings):
    """Features that never occur stay where they start, in the data's units."""
    features, score, _ = ratings
    wide = sp.hstack([features, sp.csr_matrix((features.shape[0], 500))], format="csr", dtype=np.float32)
    machine = run_training({"train": (wide, 10 * score)}, **STARTS).machine
    unseen = slice(features.shape[1], None)
    assert 0.45 < np.abs(machine.linear[unseen]).max() <= 0.5
    assert machine.factors[unseen].std() == pytest.approx(0.3, rel=0.1)
    plain = run_training({"train": (wide, 10 * score)}).machine
    assert not plain.linear[unseen].any() and not plain.factors[unseen].any()


@pytest.mark.parametrize("adam", [{}, {"linear_lr": 0.1}], ids=["kalman", "adam"])
def test_a_machine_may_do_without_bias_or_linear_weights(run_training, ratings, adam):
    machine = run_training({"train": ratings[:2]}, use_bias="False", use_linear="False", epochs=3, **adam).machine
    assert machine.bias == 0 and not machine.linear.any() and machine.factors.any()


def test_mini_batch_size_is_adams_batch(run_training, ratings):
    one, other = (
        run_training({"train": ratings[:2]}, linear_lr=0.01, mini_batch_size=size).machine for size in (100, 1000)
    )
    assert np.abs(one.linear).max() > 2 * np.abs(other.linear).max()


# ---- log -----------------------------------------------------------------------------------------------------------


def test_the_log_of_a_classifier(run_training, ratings):
    features, _, likes = ratings
    done = run_training(
        {"train": (features[:5000], likes[:5000]), "test": (features[5000:], likes[5000:])},
        predictor_type="binary_classifier", epochs=5, mini_batch_size=500, batch_metrics_publish_interval=4,
    )  # fmt: skip
    for name, kind in (
        ("binary_classification_accuracy", "score"),
        ("binary_classification_cross_entropy", "loss"),
        ("binary_f_1.000", "score"),
    ):
        for place in ("epoch=0, batch=0 train", "epoch=4, batch=8 train", "epoch=4, train", "train", "test"):
            line = rf"#quality_metric: host=algo-1, {place} {re.escape(name)} <{kind}>=[\d.e-]+\n"
            assert re.search(line, done.text), line
        assert f"#test_score (algo-1) : ('{name}', 0." in done.text
    chances = done.machine.scores(features[5000:])
    said, true = chances >= 0.5, likes[5000:] == 1
    assert figures("test:binary_classification_accuracy", done.text) == pytest.approx([(said == true).mean()])
    both = (said & true).sum()
    assert figures("test:binary_f_beta", done.text) == pytest.approx([2 * both / (said.sum() + true.sum())])
    loss = -np.log(np.where(true, chances, 1 - chances)).mean()
    assert figures("test:binary_classification_cross_entropy", done.text) == pytest.approx([loss], rel=1e-4)
    assert figures("train:progress", done.text) == [20, 40, 60, 80, 100]
    assert figures("train:throughput", done.text)[0] > 0


def test_the_log_of_a_regressor(run_training, ratings):
    features, score, _ = ratings
    done = run_training({"train": (features, score), "test": (features[:100], score[:100])}, epochs=2)
    wanted = np.sqrt(np.square(done.machine.scores(features[:100]) - score[:100]).mean())
    assert figures("test:rmse", done.text) == pytest.approx([wanted], rel=1e-5)
    assert "#test_score (algo-1) : ('rmse', " in done.text
    assert "epoch=1, train rmse <loss>=" in done.text
    assert "Test data is not provided." in run_training({"train": (features, score)}).text


# ---- data ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (None, "Every record needs one label"),
        (np.float32([[1, 2]] * 4), "Every record needs one label"),
        (np.float32([0, 1, np.nan, 1]), "labels hold NaN or infinite"),
        (np.float32([0, 1, 2, 1]), "must be 0 or 1; got 2"),
        (np.float32([0, 1, -1, 1]), "must be 0 or 1; got -1"),
    ],
)
@pytest.mark.parametrize("adam", [{}, {"linear_lr": 0.1}], ids=["kalman", "adam"])
def test_labels_are_checked(run_training, labels, says, adam):
    with pytest.raises(CustomerError, match=says):
        run_training({"train": (np.ones((4, 3), np.float32), labels)}, predictor_type="binary_classifier", **adam)


def test_numbers_whose_squares_do_not_fit_are_refused(run_training):
    with pytest.raises(CustomerError, match="features hold values beyond"):
        run_training({"train": (np.full((4, 3), 1e20, np.float32), np.ones(4, np.float32))})


def test_a_training_that_diverges_says_so(run_training, ratings):
    with pytest.raises(CustomerError, match="diverged"):
        run_training({"train": ratings[:2]}, linear_lr=1e30, factors_lr=1e30, epochs=3)


def test_a_channel_without_records_is_refused(run_training):
    with pytest.raises(CustomerError, match="train channel holds no records"):
        run_training({"train": (np.empty((0, 3), np.float32), np.empty(0, np.float32))})


def test_a_wide_sparse_channel_is_never_made_dense(run_training, monkeypatch):
    wide = sp.random(3000, 20_000, density=0.001, format="csr", dtype=np.float32, random_state=0)
    monkeypatch.setattr(sp.csr_matrix, "toarray", lambda *_: pytest.fail("made dense"))
    labels = np.ones(3000, np.float32)
    for adam in ({}, {"linear_lr": 0.1}):
        run_training({"train": (wide, labels), "test": (wide, labels)}, epochs=4, **adam)


def test_a_channel_of_one_chunk_is_read_once_and_a_longer_one_in_every_epoch(run_training, ratings, monkeypatch):
    passes = []

    class Counted(ArrayDataset):
        def blocks(self, rows):
            passes.append(rows)
            return super().blocks(rows)

    run_training({"train": Counted(*ratings[:2])}, epochs=3)
    assert len(passes) == 1
    monkeypatch.setattr(records, "CHUNK_BYTES", 40_000)
    run_training({"train": Counted(*ratings[:2])}, epochs=3)
    assert len(passes) == 4


def test_several_chunks_give_a_model_as_good_as_one(run_training, ratings, monkeypatch):
    features, score, _ = ratings
    channels = {"train": (features[:5000], score[:5000]), "test": (features[5000:], score[5000:])}
    (whole,) = figures("test:rmse", run_training(channels, epochs=20).text)
    monkeypatch.setattr(records, "CHUNK_BYTES", 40_000)
    (parts,) = figures("test:rmse", run_training(channels, epochs=20).text)
    assert parts < 1.1 * whole


# ---- going on, several hosts ---------------------------------------------------------------------------------------


class Cut(ArrayDataset):
    """Killed before the n-th block, counted over all passes."""

    def __init__(self, features, labels, blocks):
        super().__init__(features, labels)
        self._left = blocks

    def blocks(self, rows):
        for block in super().blocks(rows):
            if not self._left:
                raise Killed
            self._left -= 1
            yield block


@pytest.mark.parametrize("adam", [{}, {"linear_lr": 0.01}], ids=["kalman", "adam"])
@pytest.mark.parametrize("blocks", [3, 8, 13])
def test_a_killed_training_goes_on_to_the_same_model(run_training, ratings, tmp_path, monkeypatch, adam, blocks):
    monkeypatch.setattr(records, "CHUNK_BYTES", 20_000)  # A chunk is a block.
    monkeypatch.setattr("lakemill.algorithms.factorization_machines.fitting.BLOCK_ROWS", 1000)
    options = {"epochs": 4, "mini_batch_size": 1000, **adam}
    whole = run_training({"train": ratings[:2]}, **options)
    kept = tmp_path / "checkpoints"
    with pytest.raises(Killed):
        run_training({"train": Cut(*ratings[:2], blocks)}, checkpoints=kept, **options)
    again = run_training({"train": ratings[:2]}, checkpoints=kept, **options)
    assert "Resuming from the checkpoint" in again.text
    assert again.model.read_bytes() == whole.model.read_bytes()


def test_a_checkpoint_of_the_other_solver_is_refused(run_training, ratings, tmp_path, monkeypatch):
    """The hyperparameters' values may be the same: the solver hangs on which of them are given."""
    run_training({"train": ratings[:2]}, checkpoints=tmp_path / "kept", epochs=2)
    monkeypatch.setattr("lakemill.algorithms.factorization_machines.train.OPTIMIZER", ("epochs",))
    with pytest.raises(CustomerError, match="training by the other solver"):
        run_training({"train": ratings[:2]}, checkpoints=tmp_path / "kept", epochs=2)


@pytest.mark.parametrize("adam", [{}, {"linear_lr": 0.05, "factors_lr": 0.05}], ids=["kalman", "adam"])
@pytest.mark.parametrize("hosts", [2, 3])
def test_hosts_together_are_as_good_as_one(run_training, ratings, hosts, adam):
    features, score, _ = ratings
    test = (features[5000:], score[5000:])
    options = {"epochs": 20, "mini_batch_size": 60, "factors_init_sigma": 0.1, **adam}
    (alone,) = figures(
        "test:rmse", run_training({"train": (features[:5000], score[:5000]), "test": test}, **options).text
    )

    def work(collective):
        rows = np.arange(collective.rank, 5000, collective.size)
        shard = (features[rows], score[rows])
        return run_training({"train": shard, "test": test}, collective=collective, **options)

    done = on_hosts(hosts, work)
    found = [figures("test:rmse", one.text)[0] for one in done]
    assert len(set(found)) == 1
    assert found[0] < 1.1 * alone
    assert done[0].model.exists() and not done[1].model.exists()


@pytest.mark.parametrize("adam", [{}, {"linear_lr": 0.05}], ids=["kalman", "adam"])
def test_a_host_may_have_no_records(run_training, ratings, adam):
    features, score, _ = ratings

    def work(collective):
        rows = slice(0, 5000) if collective.rank else slice(0, 0)
        return run_training({"train": (features[rows], score[rows])}, collective=collective, epochs=3, **adam)

    assert np.isfinite(on_hosts(2, work)[0].machine.linear).all()


def test_hosts_that_read_the_same_records_learn_what_one_learns(run_training, ratings):
    alone = run_training({"train": ratings[:2]}, epochs=3)
    done = on_hosts(2, lambda host: run_training({"train": ratings[:2]}, collective=host, epochs=3))
    first, second = alone.machine, done[0].machine
    assert np.abs(first.scores(ratings[0]) - second.scores(ratings[0])).mean() < 0.05


@pytest.mark.parametrize("adam", [{}, {"linear_lr": 0.05}], ids=["kalman", "adam"])
def test_a_stopped_training_leaves_what_it_has_learned(run_training, ratings, adam):
    stopping = threading.Event()
    stopping.set()
    done = run_training({"train": ratings[:2]}, epochs=50, stopping=stopping, **adam)
    assert "Stopping early" in done.text and "completed" not in done.text
    assert np.abs(done.machine.linear).max() > 0
