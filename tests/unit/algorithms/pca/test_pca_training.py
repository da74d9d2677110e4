"""The built-in face: hyperparameters in, log lines and artifact out."""

import re
import threading

import numpy as np
import pytest
import scipy.sparse as sp

from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.pca import memory, readings
from lakemill.algorithms.pca.spec import SPEC


def exact(points, subtract_mean=True):
    """Mean, singular values and components by columns, strongest first, in float64."""
    points = points.astype(float)
    mean = points.mean(axis=0) if subtract_mean else np.zeros(points.shape[1])
    _, values, rows = np.linalg.svd(points - mean, full_matrices=False)
    return mean, values, rows.T


@pytest.mark.parametrize("mode", ["regular", "randomized"])
@pytest.mark.parametrize("subtract_mean", ["True", "false"])
def test_the_artifact_holds_components_in_ascending_order(run_training, table, mode, subtract_mean):
    done = run_training({"train": table}, num_components=3, algorithm_mode=mode, subtract_mean=subtract_mean)
    mean, values, vectors = exact(table, subtract_mean == "True")
    assert (done.mean.shape, done.v.shape, done.s.shape) == ((1, 8), (8, 3), (3,))
    assert {done.mean.dtype, done.v.dtype, done.s.dtype} == {np.dtype(np.float32)}
    np.testing.assert_allclose(done.mean[0], mean, rtol=1e-5)
    np.testing.assert_allclose(done.s, values[2::-1], rtol=1e-4)
    np.testing.assert_allclose(np.abs((done.v * vectors[:, 2::-1]).sum(axis=0)), 1, atol=1e-4)


def test_all_components_explain_everything(run_training, table):
    done = run_training({"train": table, "test": table}, num_components=8)
    np.testing.assert_allclose((done.s**2).sum(), np.square(table - table.mean(axis=0)).sum(), rtol=1e-4)
    (error,) = re.findall(r"#test_score \(algo-1\) : \('reconstruction_error', (\S+)\)", done.text)
    assert abs(float(error)) < 1e-5


@pytest.mark.parametrize("form", [np.asarray, sp.csr_matrix], ids=["dense", "sparse"])
def test_the_test_channel_gets_the_share_left_out(run_training, table, form):
    done = run_training({"train": table, "test": form(table)}, num_components=3)
    _, values, _ = exact(table)
    (error,) = re.findall(r"#test_score \(algo-1\) : \('reconstruction_error', (\S+)\)", done.text)
    assert float(error) == pytest.approx(1 - (values[:3] ** 2).sum() / (values**2).sum(), abs=1e-4)


def test_the_log_has_progress_and_throughput(run_training, table):
    done = run_training({"train": table}, num_components=2)
    for metric in SPEC.metrics:
        assert len(re.findall(metric.regex, done.text)) == 1
    assert "completed 100.0 % of epochs" in done.text
    assert "Test data is not provided." in done.text


@pytest.mark.parametrize("mode", ["regular", "randomized"])
def test_sparse_records_give_the_components_of_dense_ones(run_training, table, mode):
    table = np.where(table < 2, 0, table).astype(np.float32)
    dense = run_training({"train": table}, num_components=2, algorithm_mode=mode)
    sparse = run_training({"train": sp.csr_matrix(table)}, num_components=2, algorithm_mode=mode)
    np.testing.assert_allclose(sparse.s, dense.s, rtol=1e-4)
    np.testing.assert_allclose(np.abs((sparse.v * dense.v).sum(axis=0)), 1, atol=1e-4)


@pytest.mark.parametrize("mode", ["regular", "randomized"])
def test_two_trainings_agree_to_the_last_bit(run_training, table, mode):
    first, second = (run_training({"train": table}, num_components=2, algorithm_mode=mode).v for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("mode", ["regular", "randomized"])
def test_constant_columns_and_single_records_have_components_of_strength_0(run_training, mode):
    done = run_training({"train": np.full((50, 4), 7, np.float32)}, num_components=2, algorithm_mode=mode)
    np.testing.assert_allclose(done.s, 0, atol=1e-3)
    single = run_training({"train": np.float32([[1, 2, 3]])}, num_components=2, algorithm_mode=mode)
    np.testing.assert_allclose(single.mean, [[1, 2, 3]])
    assert np.isfinite(single.v).all()


@pytest.mark.parametrize(
    ("data", "settings", "words"),
    [
        (np.ones((0, 3), np.float32), {}, "no records"),
        (np.float32([[1, np.nan], [1, 2]]), {}, "NaN or infinite"),
        (np.ones((9, 3), np.float32), {"feature_dim": 4}, r"\(3\) does not match .* \(4\)"),
        (np.ones((9, 3), np.float32), {"num_components": 4}, "num_components .4. must be at most feature_dim .3."),
        (np.ones((9, 3), np.float32), {"epochs": 2}, "epochs"),
        (np.ones((9, 3), np.float32), {"algorithm_mode": "stable"}, "algorithm_mode"),
        (np.ones((9, 3), np.float32), {"extra_components": -2}, "extra_components"),
    ],
    ids=["empty", "NaN", "width", "components", "epochs", "stable", "extra"],
)
def test_what_cannot_be_analysed_is_refused(run_training, data, settings, words):
    with pytest.raises(CustomerError, match=words):
        run_training({"train": data}, **{"num_components": 1, **settings})


def test_the_containers_own_defaults_are_accepted():
    given = {"feature_dim": "4", "mini_batch_size": "500", "num_components": "2", "epochs": "1", "force_dense": "true"}
    assert SPEC.validate(given)["epochs"] == 1


def test_a_covariance_without_room_is_refused_and_points_to_randomized(run_training, monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: 1 << 30)
    with pytest.raises(CustomerError, match=r"20,000 features need 12\.8 GB .* randomized mode needs less"):
        run_training({"train": sp.csr_matrix((5, 20_000), dtype=np.float32)}, num_components=2)


def test_a_sketch_without_room_is_refused_too(run_training, monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: 1 << 20)
    with pytest.raises(CustomerError, match=r"seen through 20 directions need .* fewer components need less"):
        data = sp.csr_matrix((5, 20_000), dtype=np.float32)
        run_training({"train": data}, num_components=10, algorithm_mode="randomized")


def test_wide_records_are_sketched_with_little_memory(run_training):
    random = np.random.default_rng(0)
    wide = random.normal(size=(60, 3)) @ random.normal(size=(3, 20_000)) + 0.01 * random.normal(size=(60, 20_000))
    done = run_training({"train": wide.astype(np.float32)}, num_components=3, algorithm_mode="randomized")
    _, values, _ = exact(wide)
    np.testing.assert_allclose(done.s[::-1], values[:3], rtol=1e-3)


def test_wide_blocks_are_read_a_few_records_at_a_time():
    assert readings.rows({"mini_batch_size": 1, "feature_dim": 1_000_000}) == 4
    assert readings.rows({"mini_batch_size": 200, "feature_dim": 50_000}) == 200
    assert readings.rows({"mini_batch_size": 10, "feature_dim": 784}) > 4000


def test_a_stopped_job_finishes_with_what_it_read(run_training, table):
    stopping = threading.Event()
    stopping.set()
    data = np.tile(table, (2, 1))
    done = run_training({"train": data}, stopping=stopping, num_components=2, mini_batch_size=2_000_000)
    assert "Stopping early; 1000 records were read" in done.text
    assert done.v.shape == (8, 2)
