"""The built-in face: hyperparameters in, log lines and artifact out."""

import re
import threading

import numpy as np
import pytest
import scipy.sparse as sp

from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.kmeans.spec import SPEC


def figures(spec_metric, text):
    regex = next(metric.regex for metric in SPEC.metrics if metric.name == spec_metric)
    return [float(found) for found in re.findall(regex, text)]


def distances(points, centers):
    return np.square(points[:, None].astype(float) - centers[None]).sum(axis=2).min(axis=1)


def test_the_log_tells_what_the_built_in_tells(run_training, blobs):
    done = run_training({"train": blobs}, k=3)
    for line in (
        "'extra_center_factor' was set to 'auto', evaluated to 10.",
        "number of center slices 1",
        "Batch size 5000 is bigger than the first batch data. Effective batch size used to initialize is 600",
        "processed a total of 600 examples",
        "shrinking 30 centers into 3",
        "Test data is not provided.",
    ):
        assert line in done.text
    assert len(re.findall(r"local kmeans attempt #\d\. Current mean square distance \d+\.\d{6}", done.text)) == 10
    assert re.search(r"finished shrinking process. Mean Square Distance = \d+\s", done.text)
    assert "completed 100.0 % of epochs" in done.text


def test_reported_losses_are_those_of_the_centres(run_training, blobs):
    done = run_training({"train": blobs[:500], "test": blobs[500:]}, k=3, eval_metrics='["msd","ssd"]')
    train, test = distances(blobs[:500], done.centers), distances(blobs[500:], done.centers)
    assert figures("train:msd", done.text) == pytest.approx([train.mean()], rel=1e-4)
    assert figures("train:ssd", done.text) == pytest.approx([train.sum()], rel=1e-4)
    assert figures("test:msd", done.text) == pytest.approx([test.mean()], rel=1e-4)
    assert figures("test:ssd", done.text) == pytest.approx([test.sum()], rel=1e-4)
    assert "#test_score (algo-1) : ('msd'," in done.text


def test_only_the_metrics_asked_for_are_reported(run_training, blobs):
    done = run_training({"train": blobs, "test": blobs}, k=3, eval_metrics="['ssd']")
    assert figures("test:ssd", done.text) and not figures("test:msd", done.text)


def test_the_artifact_is_one_float32_array_of_k_rows(run_training, blobs):
    centers = run_training({"train": blobs}, k=7).centers
    assert centers.shape == (7, 4)
    assert centers.dtype == np.float32


def test_two_trainings_agree_to_the_last_bit(run_training, blobs):
    first, second = (run_training({"train": blobs}, k=5, mini_batch_size=100).centers for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_sparse_records_give_the_centres_of_dense_ones(run_training, blobs):
    blobs = np.where(blobs < 1, 0, blobs).astype(np.float32)
    dense = run_training({"train": blobs}, k=3).centers
    sparse = run_training({"train": sp.csr_matrix(blobs), "test": sp.csr_matrix(blobs)}, k=3)
    np.testing.assert_allclose(sparse.centers, dense, atol=1e-3)
    assert figures("test:msd", sparse.text) == pytest.approx([distances(blobs, sparse.centers).mean()], rel=1e-3)


def test_a_wide_sparse_channel_is_never_made_dense(run_training, monkeypatch):
    columns = np.random.default_rng(0).integers(0, 20_000, 60_000)
    wide = sp.csr_matrix((np.ones(60_000, np.float32), columns, np.arange(0, 60_001, 20)), shape=(3000, 20_000))
    largest = 0
    real = sp.csr_matrix.toarray

    def watched(self, *args, **kwargs):
        nonlocal largest
        largest = max(largest, self.shape[0])
        return real(self, *args, **kwargs)

    monkeypatch.setattr(sp.csr_matrix, "toarray", watched)
    assert run_training({"train": wide}, k=2, extra_center_factor=2, local_lloyd_num_trials=1).centers.shape == (
        2,
        20_000,
    )
    assert largest < 100


@pytest.mark.parametrize("init", ["random", "kmeans++"])
@pytest.mark.parametrize("local", ["random", "kmeans++"])
def test_every_way_to_begin_finds_the_three_groups(run_training, blobs, init, local):
    done = run_training({"train": blobs}, k=3, init_method=init, local_lloyd_init_method=local, mini_batch_size=100)
    assert distances(blobs, done.centers).mean() < 4.3  # Four dimensions of variance 1 each.


def test_epochs_pass_over_the_data_again(run_training, blobs):
    done = run_training({"train": blobs}, k=3, epochs=3, mini_batch_size=200, eval_metrics='["ssd"]')
    assert "processed a total of 1800 examples" in done.text
    assert done.text.count("#progress_metric") == 3
    assert figures("train:ssd", done.text) == pytest.approx([distances(blobs, done.centers).sum()], rel=1e-4)


def test_old_records_fade_with_a_half_life(run_training):
    random = np.random.default_rng(0)
    old, new = random.normal(size=(5000, 2)), random.normal(size=(1000, 2)) + 50
    data = np.concatenate([old, new]).astype(np.float32)
    faded = run_training({"train": data}, k=1, mini_batch_size=500, half_life_time_size=100)
    kept = run_training({"train": data}, k=1, mini_batch_size=500)
    assert faded.centers[0, 0] > 48
    assert kept.centers[0, 0] == pytest.approx(data[:, 0].mean(), abs=0.1)


def test_small_batches_grow_to_k_with_a_warning(run_training, blobs):
    done = run_training({"train": blobs}, k=20, mini_batch_size=5)
    assert "mini_batch_size 5 is smaller than k=20; batches of 20 records are read" in done.text
    assert len(np.unique(done.centers, axis=0)) == 20


def test_as_many_records_as_centres_become_the_centres(run_training):
    points = np.float32([[0, 0], [5, 5], [9, 0]])
    done = run_training({"train": points}, k=3)
    assert sorted(done.centers.tolist()) == sorted(points.tolist())
    assert figures("train:msd", done.text) == [pytest.approx(0, abs=1e-5)]


def test_one_record_is_its_own_centre_and_constant_columns_do_no_harm(run_training, blobs):
    assert run_training({"train": np.float32([[1, 2]])}, k=1).centers.tolist() == [[1, 2]]
    constant = np.column_stack([blobs, np.full(len(blobs), 7)]).astype(np.float32)
    done = run_training({"train": constant}, k=3)
    np.testing.assert_allclose(done.centers[:, 4], 7)
    assert distances(constant, done.centers).mean() < 4.3


def test_equal_records_give_equal_centres_and_a_warning(run_training):
    done = run_training({"train": np.ones((50, 3), np.float32)}, k=4)
    np.testing.assert_array_equal(done.centers, np.ones((4, 3)))
    assert "Only 1 of 4 centers differ" in done.text


@pytest.mark.parametrize(
    ("data", "settings", "words"),
    [
        (np.ones((2, 3), np.float32), {"k": 5}, "2 records, fewer than k=5"),
        (np.ones((0, 3), np.float32), {"k": 5}, "no records"),
        (np.float32([[1, np.nan], [1, 2]]), {"k": 1}, "NaN or infinite"),
        (np.float32([[1, np.inf], [1, 2]]), {"k": 1}, "NaN or infinite"),
        (np.ones((9, 3), np.float32), {"k": 2, "feature_dim": 4}, r"\(3\) does not match .* \(4\)"),
    ],
    ids=["fewer than k", "empty", "NaN", "infinite", "width"],
)
def test_data_that_cannot_be_clustered_is_refused(run_training, data, settings, words):
    with pytest.raises(CustomerError, match=words):
        run_training({"train": data}, **settings)


def test_a_stopped_job_finishes_with_what_it_read(run_training, blobs):
    stopping = threading.Event()
    stopping.set()
    done = run_training({"train": blobs}, stopping=stopping, k=3, mini_batch_size=100, epochs=5)
    assert "processed a total of 100 examples" in done.text
    assert done.centers.shape == (3, 4)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("k", "0"), ("k", "two"), ("epochs", "0"), ("eval_metrics", '["mse"]'), ("extra_center_factor", "0"),
        ("half_life_time_size", "-1"), ("init_method", "kmeans"), ("local_lloyd_init_method", "best"),
        ("local_lloyd_max_iter", "0"), ("local_lloyd_num_trials", "0"), ("local_lloyd_tol", "1.5"),
        ("mini_batch_size", "0"),
    ],
)  # fmt: skip
def test_hyperparameters_out_of_range_are_refused_by_name(name, text):
    with pytest.raises(CustomerError, match=name):
        SPEC.validate({"feature_dim": "4", "k": "2", name: text})


def test_what_the_sdk_sends_is_accepted():
    values = SPEC.validate(
        {"feature_dim": "4", "k": "2", "force_dense": "True", "_tuning_objective_metric": "test:msd"}
    )
    assert values["local_lloyd_tol"] == 0.0001
    assert values["mini_batch_size"] == 5000
