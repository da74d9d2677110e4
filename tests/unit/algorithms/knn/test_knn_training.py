"""The built-in face: hyperparameters in, log lines and artifact out."""

import json
import re
import threading

import faiss
import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.knn.spec import SPEC
from tests.unit.algorithms import trainings
from tests.unit.algorithms.knn.conftest import prepared
from tests.unit.algorithms.trainings import ArrayDataset, Killed, on_hosts


def figure(name, text):
    regex = next(metric.regex for metric in SPEC.metrics if metric.name == name)
    (found,) = re.findall(regex, text)
    return float(found)


def labels_of(done):
    return np.fromfile(done.model.with_name("model_algo-1.labels"), np.float32)


def metadata_of(done):
    return json.loads(done.model.with_name("model_algo-1.json").read_text())


def test_the_log_tells_what_the_built_in_tells(run_training, groups):
    text = run_training({"train": groups}, sample_size=200).text
    lines = (
        "Using per-worker sample size = 200 (Available virtual memory = ",
        "push reservoir to kv... 1 num_workers 0 rank",
        "...done (200)",
        "#progress_metric: host=algo-1, completed 100.0 % of epochs",
        "pulled row count... worker 0 rows 200",
        "pulled... worker 0 data (200, 6) labels (200, 1) nans 0",
        "calling index.train...",
        "...done calling index.train",
        "calling index.add...",
        "...done calling index.add",
        "Test data is not provided.",
    )
    places = [text.index(line) for line in lines]
    assert places == sorted(places)


@pytest.mark.parametrize("kind", ["classifier", "regressor"])
def test_the_test_score_is_that_of_scikit_learn(run_training, fashion, kind):
    train, test = fashion
    done = run_training({"train": train, "test": test}, k=5, predictor_type=kind)
    reference = {"classifier": KNeighborsClassifier, "regressor": KNeighborsRegressor}[kind](5).fit(*train)
    found = reference.predict(test[0])
    if kind == "classifier":
        assert figure("test:accuracy", done.text) == pytest.approx((found == test[1]).mean(), abs=0.002)
        assert "#test_score (algo-1) : ('accuracy', " in done.text
    else:
        assert figure("test:mse", done.text) == pytest.approx(np.square(found - test[1]).mean(), rel=0.01)
        assert "#test_score (algo-1) : ('mse', " in done.text


def test_the_artifact_is_laid_out_as_aws_does(run_training, groups):
    done = run_training({"train": groups}, k=4)
    assert sorted(path.name for path in done.folder.iterdir()) == [
        "model_algo-1",
        "model_algo-1.json",
        "model_algo-1.labels",
    ]
    index = faiss.read_index(str(done.model))
    np.testing.assert_array_equal(index.reconstruct_n(0, 600), groups[0])
    np.testing.assert_array_equal(labels_of(done), groups[1])
    assert metadata_of(done) == {
        "k": 4,
        "predictor_type": "classifier",
        "dimension_reduction": None,
        "normalize": False,
        "version": "1.0",
    }


@pytest.mark.parametrize("index_type", ["faiss.Flat", "faiss.IVFFlat", "faiss.IVFPQ"])
@pytest.mark.parametrize("metric", ["L2", "INNER_PRODUCT", "COSINE"])
@pytest.mark.parametrize("reduction", [None, "sign", "fjlt"])
def test_every_index_metric_and_reduction_tells_the_groups_apart(run_training, groups, index_type, metric, reduction):
    settings = {"index_type": index_type, "index_metric": metric}
    if reduction:
        settings |= {"dimension_reduction_type": reduction, "dimension_reduction_target": 5}
    if index_type == "faiss.IVFPQ":
        if metric != "L2":
            return
        settings |= {"faiss_index_pq_m": 4}
    done = run_training({"train": groups, "test": groups}, **settings)
    assert figure("test:accuracy", done.text) > 0.95
    assert metadata_of(done)["normalize"] == (metric == "COSINE")
    index = faiss.read_index(str(done.model))
    assert index.d == {None: 6, "sign": 5, "fjlt": 5}[reduction] if index_type != "faiss.IVFPQ" else 8


def test_cells_and_probes_are_those_that_were_asked_for(run_training, groups):
    done = run_training({"train": groups}, index_type="faiss.IVFFlat", faiss_index_ivf_nlists=9, _faiss_index_nprobe=3)
    index = faiss.read_index(str(done.model))
    assert (index.nlist, index.nprobe) == (9, 3)
    index = faiss.read_index(str(run_training({"train": groups}, index_type="faiss.IVFFlat", sample_size=100).model))
    assert (index.nlist, index.nprobe) == (10, 5)


def test_sparse_records_give_the_model_of_dense_ones(run_training, groups):
    points = np.where(groups[0] < 1, 0, groups[0])
    dense = run_training({"train": (points, groups[1])}, folder="dense", sample_size=100)
    sparse = run_training({"train": (sp.csr_matrix(points), groups[1])}, folder="sparse", sample_size=100)
    assert dense.model.read_bytes() == sparse.model.read_bytes()


def test_small_batches_give_the_model_of_large_ones(run_training, groups):
    bodies = [
        run_training({"train": groups}, folder=str(size), sample_size=50, mini_batch_size=size).model.read_bytes()
        for size in (1, 70, 5000)
    ]
    assert bodies[0] == bodies[1] == bodies[2]


@pytest.mark.parametrize(
    ("data", "settings", "words"),
    [
        ((np.ones((3, 2)), np.ones(3)), {"k": 5}, "3 records are sampled, fewer than k=5"),
        ((np.ones((0, 2)), np.ones(0)), {}, "no records"),
        ((np.ones((3, 2)), None), {}, "no labels"),
        ((np.ones((3, 2)), np.ones((3, 2))), {}, "one label; got 2"),
        ((np.ones((3, 2)), np.float32([1, np.nan, 1])), {}, "labels of the train channel hold NaN"),
        ((np.float32([[1, np.inf]]), np.ones(1)), {}, "NaN or infinite"),
        ((np.ones((30, 2)), np.ones(30)), {"feature_dim": 3}, r"\(2\) does not match the hyperparameter feature_dim"),
        ((np.ones((30, 2)), np.ones(30)), {"index_type": "faiss.IVFFlat", "faiss_index_ivf_nlists": 40}, "at least 40"),
        ((np.ones((30, 2)), np.ones(30)), {"index_type": "faiss.IVFPQ", "faiss_index_pq_m": 1}, "at least 256"),
    ],
)
def test_what_a_user_can_mend_is_said(run_training, data, settings, words):
    with pytest.raises(CustomerError, match=words):
        run_training({"train": data}, **settings)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"dimension_reduction_type": "sign"}, "'dimension_reduction_target' is a required property"),
        ({"dimension_reduction_target": "2"}, "needs dimension_reduction_type"),
        ({"dimension_reduction_type": "fjlt", "dimension_reduction_target": "6"}, "less than feature_dim=6; got 6"),
        ({"k": "50"}, "k must be at most sample_size=20; got 50"),
        ({"index_type": "faiss.IVFPQ"}, "'faiss_index_pq_m' is a required property"),
        ({"index_type": "faiss.IVFPQ", "faiss_index_pq_m": "2", "index_metric": "COSINE"}, "must be L2"),
        ({"faiss_index_pq_m": "5"}, "must be one of 1, 2, 3, 4, 8"),
    ],
)
def test_hyperparameters_that_do_not_go_together_are_refused(settings, words):
    given = {"feature_dim": "6", "k": "5", "sample_size": "20", "predictor_type": "classifier"}
    with pytest.raises(CustomerError, match=words):
        SPEC.validate({**given, **settings})


def test_equal_and_constant_records_are_no_trouble(run_training):
    points = np.ones((300, 4), np.float32)
    labels = np.repeat(np.float32([2, 7]), 150)
    for index_type in ("faiss.Flat", "faiss.IVFFlat", "faiss.IVFPQ"):
        settings = {"index_type": index_type, "faiss_index_pq_m": 2, "k": 300}
        assert (
            figure(
                "test:accuracy", run_training({"train": (points, labels), "test": (points, labels)}, **settings).text
            )
            == 0.5
        )


def test_a_stopped_job_ends_as_soon_as_it_has_enough(run_training, groups):
    stopping = threading.Event()
    stopping.set()
    done = run_training({"train": groups}, stopping=stopping, mini_batch_size=2, k=5)
    assert "Stopping early; 6 records were read" in done.text
    assert len(labels_of(done)) == 6


class Fragile(ArrayDataset):
    """A channel whose reader is killed behind the n-th block."""

    def __init__(self, features, labels, left):
        super().__init__(features, labels)
        self.left = left

    def blocks(self, rows):
        for block in super().blocks(rows):
            if not self.left:
                raise Killed
            self.left -= 1
            yield block


@pytest.mark.parametrize("killed_after", [1, 5, 11])
def test_a_killed_training_goes_on_to_the_very_same_model(run_training, groups, tmp_path, killed_after):
    settings = {"mini_batch_size": 50, "sample_size": 40}
    whole = run_training({"train": groups}, folder="whole", **settings)
    kept = tmp_path / "kept"
    with pytest.raises(Killed):
        run_training({"train": Fragile(*groups, killed_after)}, checkpoints=kept, **settings)
    again = run_training({"train": groups}, checkpoints=kept, **settings)
    assert f"Resuming from the checkpoint of step {killed_after}" in again.text
    assert again.model.read_bytes() == whole.model.read_bytes()
    np.testing.assert_array_equal(labels_of(again), labels_of(whole))


def test_a_training_that_is_killed_after_its_pass_does_not_read_again(run_training, groups, tmp_path, monkeypatch):
    kept = tmp_path / "kept"

    def killed(*_, **__):
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr("lakemill.algorithms.knn.train.build", killed)
        run_training({"train": groups}, checkpoints=kept)
    again = run_training({"train": Fragile(*groups, 0)}, checkpoints=kept)
    np.testing.assert_array_equal(labels_of(again), groups[1])


def on_several(folder, shards, test=None, **settings):
    def work(collective):
        channels = {"train": shards[collective.rank], **({} if test is None else {"test": test[collective.rank]})}
        made, given = prepared(channels, settings)
        return trainings.run(SPEC, folder / str(collective.rank), made, collective=collective, **given)

    return on_hosts(len(shards), work)


def split(pair, count):
    return list(zip(np.array_split(pair[0], count), np.array_split(pair[1], count), strict=True))


def test_three_hosts_with_sorted_shards_score_as_one_does(run_training, fashion, tmp_path):
    (points, labels), test = fashion
    order = np.argsort(labels)
    alone = run_training({"train": (points, labels), "test": test}, sample_size=1500)
    first, *others = on_several(
        tmp_path, split((points[order], labels[order]), 3), split(test, 3), sample_size=1500, mini_batch_size=100
    )
    assert len(labels_of(first)) == 1500
    np.testing.assert_allclose(np.bincount(labels_of(first).astype(int)), 150, atol=45)
    accuracy = figure("test:accuracy", first.text)
    assert accuracy == pytest.approx(figure("test:accuracy", alone.text), abs=0.03)
    assert [figure("test:accuracy", one.text) for one in others] == [accuracy] * 2
    assert not any(one.model.exists() for one in others)


def test_hosts_that_all_have_everything_give_the_model_of_one(run_training, groups, tmp_path):
    alone = run_training({"train": groups}, folder="alone")
    first, _ = on_several(tmp_path, [groups, groups])
    assert first.model.read_bytes() == alone.model.read_bytes()


def test_a_host_without_records_changes_nothing_and_all_without_fail(groups, tmp_path):
    nothing = (groups[0][:0], groups[1][:0])
    first, _, _ = on_several(tmp_path / "some", [nothing, groups, nothing], mini_batch_size=100)
    np.testing.assert_array_equal(labels_of(first), groups[1])
    with pytest.raises(CustomerError, match="holds no records"):
        on_several(tmp_path / "none", [nothing, nothing])
