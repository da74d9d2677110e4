"""The built-in face: hyperparameters in, log lines and artifact out."""

import re
import threading

import numpy as np
import pytest
import scipy.sparse as sp

from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.lda import train as train_module
from lakemill.algorithms.lda.documents import counts
from lakemill.algorithms.lda.inference import log_bound
from lakemill.algorithms.lda.spec import SPEC
from tests.unit.algorithms.lda.conftest import distances
from tests.unit.algorithms.trainings import ArrayDataset, Killed


def figures(name, text):
    regex = next(metric.regex for metric in SPEC.metrics if metric.name == name)
    return [float(found) for found in re.findall(regex, text)]


def test_the_log_tells_what_the_built_in_tells(run_training, simple):
    done = run_training({"train": simple[0]}, num_topics=3)
    for line in (
        "Running LDA for 4 topics (3 requested)",
        "Loaded all data into matrix with shape: (300, 12)",
        "Krylov method iteration: 6.",
        "Covariance matrix min value: ",
        "Restart 10/10",
        "[CPDecomp] Using svd initialization.",
        "[CPDecomp] Using random initialization.",
        "Best reconstruction error: 0.",
        "completed 100.0 % of epochs",
        "Serializing LDA model to ",
        "Test data is not provided.",
        "alpha0=1: from 1 on",
    ):
        assert line in done.text
    assert re.search(r"Converged to local minimum in \d+ iterations\.", done.text)
    assert "alpha0=" not in run_training({"train": simple[0]}, num_topics=3, alpha0=0.5).text.split("configuration")[-1]


def test_the_artifact_is_alpha_and_beta_in_float32(run_training, simple):
    done = run_training({"train": simple[0]}, num_topics=3, alpha0=0.6)
    assert (done.alpha.shape, done.beta.shape) == ((3,), (3, 12))
    assert done.alpha.dtype == done.beta.dtype == np.float32
    assert done.alpha.sum() == pytest.approx(0.6, rel=1e-5)
    assert distances(done.beta, simple[1])[0].max() < 0.1


def test_pwll_is_the_bound_of_the_test_documents_per_word(run_training, simple):
    documents = counts(simple[0])
    done = run_training({"train": documents[:200], "test": documents[200:]}, num_topics=3)
    bound = log_bound(documents[200:], done.alpha.astype(float), done.beta.astype(float)).sum()
    assert figures("test:pwll", done.text) == pytest.approx([bound / documents[200:].sum()], rel=1e-4)
    assert "#test_score (algo-1) : ('pwll'," in done.text


def test_more_topics_than_there_are_do_not_look_better(run_training, simple):
    """pwll is the likelihood of the model, not of mixtures fitted to the test documents: tuning needs that."""
    channels = {"train": simple[0][:200], "test": simple[0][200:]}
    scores = [figures("test:pwll", run_training(channels, num_topics=k).text)[0] for k in (1, 3, 8)]
    assert scores[1] == max(scores)


def test_dense_and_sparse_records_in_blocks_of_any_size_give_the_same_topics(run_training, simple):
    dense = run_training({"train": simple[0].toarray()}, num_topics=3).model.read_bytes()
    small = run_training({"train": simple[0]}, num_topics=3, mini_batch_size=7).model.read_bytes()
    assert run_training({"train": simple[0]}, num_topics=3).model.read_bytes() == dense == small


class Counting(ArrayDataset):
    passes = 0

    def blocks(self, rows):
        self.passes += 1
        return super().blocks(rows)


def test_data_that_fit_in_memory_are_read_once_and_larger_ones_three_times(run_training, simple, monkeypatch):
    small = Counting(simple[0])
    run_training({"train": small}, num_topics=3)
    monkeypatch.setattr(train_module, "SAMPLE_BYTES", 9000)
    large = Counting(simple[0])
    done = run_training({"train": large}, num_topics=3)
    assert (small.passes, large.passes) == (1, 3)
    assert "an even sample of 300 documents" in done.text
    assert distances(done.beta, simple[1])[0].max() < 0.15


class Dying:
    """A stop event whose n-th question is the training's last."""

    def __init__(self, questions):
        self.left = questions

    def is_set(self):
        self.left -= 1
        if self.left < 0:
            raise Killed
        return False


@pytest.mark.parametrize("questions", [14, 40, 80])
def test_a_killed_training_goes_on_to_the_very_same_model(run_training, simple, tmp_path, questions):
    whole = run_training({"train": simple[0]}, num_topics=3).model.read_bytes()
    with pytest.raises(Killed):
        run_training({"train": simple[0]}, num_topics=3, checkpoints=tmp_path / "kept", stopping=Dying(questions))
    assert list((tmp_path / "kept").glob("*.npz"))
    done = run_training({"train": simple[0]}, num_topics=3, checkpoints=tmp_path / "kept")
    assert "Resuming from the checkpoint of step" in done.text
    assert "Restart" not in done.text
    assert done.model.read_bytes() == whole


def test_a_stopped_job_finishes_with_what_it_read(run_training, simple):
    stopping = threading.Event()
    stopping.set()
    done = run_training({"train": simple[0]}, num_topics=3, mini_batch_size=100, stopping=stopping)
    assert "matrix with shape: (100, 12)" in done.text
    assert "Restart 2/10" not in done.text
    assert done.text.count("Stopping early") == 1
    assert done.beta.shape == (3, 12)


def test_more_topics_than_words_begin_at_random_and_say_so(run_training, simple):
    done = run_training({"train": simple[0]}, num_topics=15)
    assert "topics apart; the others begin at random" in done.text
    assert done.beta.shape == (15, 12)


@pytest.mark.parametrize(
    ("data", "settings", "words"),
    [
        (np.ones((0, 3), np.float32), {}, "no records"),
        (np.zeros((4, 3), np.float32), {}, "all counts are 0"),
        (np.float32([[1, -1, 2]]), {}, "negative values"),
        (np.float32([[1, np.nan, 2]]), {}, "NaN or infinite"),
        (np.float32([[1, np.inf, 2]]), {}, "NaN or infinite"),
        (np.ones((9, 3), np.float32), {"feature_dim": 4}, r"\(3\) does not match .* \(4\)"),
    ],
    ids=["empty", "no words", "negative", "NaN", "infinite", "width"],
)
def test_data_that_are_no_documents_are_refused(run_training, data, settings, words):
    with pytest.raises(CustomerError, match=words):
        run_training({"train": data}, num_topics=2, **settings)


def test_a_test_channel_without_words_is_refused(run_training, simple):
    with pytest.raises(CustomerError, match="test channel holds no record with a word"):
        run_training({"train": simple[0], "test": sp.csr_matrix((2, 12), dtype=np.float32)}, num_topics=2)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("num_topics", "0"), ("num_topics", "2.5"), ("feature_dim", "0"), ("mini_batch_size", "0"), ("alpha0", "0"),
        ("alpha0", "-1"), ("max_restarts", "0"), ("max_iterations", "0"), ("tol", "0"), ("allow_svd_init", "true"),
    ],
)  # fmt: skip
def test_hyperparameters_out_of_range_are_refused_by_name(name, text):
    with pytest.raises(CustomerError, match=name):
        SPEC.validate({"num_topics": "2", "feature_dim": "4", "mini_batch_size": "10", name: text})
