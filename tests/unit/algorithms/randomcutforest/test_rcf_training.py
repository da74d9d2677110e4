"""The built-in face: hyperparameters in, log lines and artifact out."""

import re
import threading

import numpy as np
import pytest
import scipy.sparse as sp

from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.randomcutforest import artifact
from lakemill.algorithms.randomcutforest.spec import SPEC
from lakemill.algorithms.randomcutforest.train import evaluated
from tests.unit.algorithms.trainings import ArrayDataset, Fragile, Killed, on_hosts


def figure(name, text):
    regex = next(metric.regex for metric in SPEC.metrics if metric.name == name)
    (found,) = re.findall(regex, text)
    return float(found)


def held(model):
    """The points of all trees of an artifact, one row each, sorted."""
    forest = artifact.read(model)
    tree, leaf = np.nonzero(forest.trees.masses[:, forest.tree_size :])
    return np.unique(forest.trees.rows[tree, 2 * forest.tree_size + leaf, : forest.dimensions], axis=0)


def test_the_log_tells_what_the_built_in_tells(run_training, cloud):
    text = run_training({"train": cloud}).text
    for line in (
        "Master node: building Random Cut Forest...",
        "Gathering samples...",
        "600 samples gathered",
        "Building Random Cut Forest...",
        "Test data is not provided.",
    ):
        assert line in text
    info = re.search(r"Random Cut Forest built: \n\nForestInfo\{(.*)\}\n", text).group(1)
    assert info.startswith(
        "num_trees: 50, num_samples_in_forest: 600, num_samples_per_tree: 12, sample_dim: 3, shingle_size: 1, "
        "trees_num_nodes: [23, 23, "
    )
    depths = [int(depth) for depth in re.search(r"trees_depth: \[(.*?), \]", info).group(1).split(", ")]
    assert len(depths) == 50 and min(depths) >= 4 and max(depths) <= 11
    assert f"max_tree_depth: {max(depths)}, min_tree_depth: {min(depths)}" in info
    assert figure("train:progress", text) == 100
    assert figure("train:throughput", text) > 0


def test_equal_records_share_leaves(run_training):
    text = run_training({"train": np.repeat(np.eye(3, dtype=np.float32), 200, axis=0)}).text
    assert "max_num_nodes: 5," in text


def test_trees_share_no_record_and_take_no_more_than_asked_for(run_training, cloud):
    done = run_training({"train": cloud}, num_samples_per_tree=10)
    points = held(done.model)
    assert len(points) == 500
    assert {tuple(row) for row in points} <= {tuple(row) for row in cloud}


def test_the_sample_is_even(run_training):
    series = np.arange(20_000, dtype=np.float32)[:, None]
    points = held(run_training({"train": series}, feature_dim=1).model)
    assert len(points) == 1600
    assert np.quantile(points, [0.25, 0.5, 0.75]) == pytest.approx([5000, 10_000, 15_000], rel=0.08)


def test_test_scores_are_cut_off_above_three_deviations(run_training, cloud):
    labels = (np.arange(600) >= 594).astype(np.float32)
    text = run_training({"train": cloud, "test": ArrayDataset(cloud, labels)}, num_samples_per_tree=10).text
    assert figure("test:recall", text) == 1
    assert figure("test:precision", text) > 0.5
    assert figure("test:accuracy", text) > 0.99
    precision, recall = figure("test:precision", text), figure("test:recall", text)
    assert figure("test:f1", text) == pytest.approx(2 * precision * recall / (precision + recall))
    assert "#test_score (algo-1) : ('f1'," in text


def test_only_the_metrics_asked_for_are_reported(run_training, cloud):
    channels = {"train": cloud, "test": ArrayDataset(cloud, np.zeros(600, np.float32))}
    text = run_training(channels, eval_metrics='["accuracy"]').text
    assert figure("test:accuracy", text) > 0.9
    assert "test f1" not in text
    text = run_training(channels, eval_metrics="['precision_recall_fscore']").text
    assert (figure("test:precision", text), figure("test:recall", text), figure("test:f1", text)) == (0, 0, 0)
    assert "test accuracy" not in text


def test_equal_scores_call_nothing_anomalous():
    found = evaluated(np.ones(10, np.float32), np.arange(10) == 3)
    assert found == {"accuracy": 0.9, "precision": 0, "recall": 0, "f1": 0}


def test_sparse_records_give_the_same_model(run_training, cloud):
    cloud = np.where(cloud < 0, 0, cloud)
    dense, sparse = (run_training({"train": x}, folder=str(n)) for n, x in enumerate((cloud, sp.csr_matrix(cloud))))
    assert dense.model.read_bytes() == sparse.model.read_bytes()


@pytest.mark.parametrize(
    ("data", "labels", "settings", "words"),
    [
        (np.ones((0, 3)), None, {}, "The train channel holds no records"),
        (np.ones((49, 3)), None, {}, "49 records, fewer than num_trees=50"),
        (np.full((90, 3), np.nan), None, {}, "NaN or infinite values; Random Cut Forest needs finite numbers"),
        (np.ones((90, 2)), None, {}, r"\(2\) does not match the hyperparameter feature_dim \(3\)"),
        (np.ones((90, 3)), np.full(90, 2.0), {}, "A label of the test channel is 2; it must be 1"),
    ],
    ids=["empty", "fewer than trees", "NaN", "width", "label"],
)
def test_data_that_make_no_sense_are_refused(run_training, data, labels, settings, words):
    data = data.astype(np.float32)
    with pytest.raises(CustomerError, match=words):
        run_training({"train": data, "test": ArrayDataset(data, labels)}, **settings)


def test_a_test_channel_without_labels_or_records_is_refused(run_training, cloud):
    with pytest.raises(CustomerError, match=r"need a label, 1 for an anomaly .* text/csv;label_size=1"):
        run_training({"train": cloud, "test": cloud})
    with pytest.raises(CustomerError, match="The test channel holds no records"):
        run_training({"train": cloud, "test": cloud[:0]})


def test_a_stopped_job_builds_of_what_it_read(run_training, cloud):
    stopping = threading.Event()
    stopping.set()
    done = run_training({"train": np.tile(cloud, (5, 1))}, stopping=stopping)
    assert "Stopping early" in done.text
    assert "1000 samples gathered" in done.text


def test_a_killed_training_goes_on_to_the_same_model(run_training, tmp_path):
    data = np.random.default_rng(0).normal(size=(9500, 3)).astype(np.float32)
    whole = run_training({"train": data})
    kept = tmp_path / "checkpoints"
    with pytest.raises(Killed):
        run_training({"train": Fragile(data, 6)}, folder="killed", checkpoints=kept)
    again = run_training({"train": data}, folder="again", checkpoints=kept)
    assert "Resuming from the checkpoint of step 6" in again.text
    assert again.model.read_bytes() == whole.model.read_bytes()


def test_several_hosts_sample_all_records_evenly(run_training):
    series = np.arange(30_000, dtype=np.float32)[:, None]
    shards = [series[:20_000], series[20_000:], series[:0]]

    def work(collective):
        folder = f"host-{collective.rank}"
        return run_training({"train": shards[collective.rank]}, folder, collective=collective, feature_dim=1)

    first, *others = on_hosts(3, work)
    points = held(first.model)
    assert len(points) == 1600
    assert np.quantile(points, [0.25, 0.5, 0.75]) == pytest.approx([7500, 15_000, 22_500], rel=0.08)
    assert not any(other.model.exists() for other in others)
    assert "Master node" in first.text and "Master node" not in others[0].text


def test_hosts_without_any_record_fail_together(run_training, cloud):
    with pytest.raises(CustomerError, match="holds no records"):
        on_hosts(2, lambda one: run_training({"train": cloud[:0]}, str(one.rank), collective=one))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("feature_dim", "0"), ("feature_dim", "10001"), ("num_trees", "49"), ("num_trees", "1001"),
        ("num_samples_per_tree", "0"), ("num_samples_per_tree", "2049"), ("eval_metrics", '["auc"]'),
        ("mini_batch_size", "500"), ("epochs", "2"),
    ],
)  # fmt: skip
def test_hyperparameters_out_of_range_are_refused_by_name(name, text):
    with pytest.raises(CustomerError, match=name):
        SPEC.validate({"feature_dim": "4", name: text})


def test_what_the_sdk_sends_is_accepted():
    values = SPEC.validate({"feature_dim": "4", "mini_batch_size": "1000", "force_dense": "True"})
    assert (values["num_trees"], values["num_samples_per_tree"]) == (100, 256)
