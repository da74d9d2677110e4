"""Trainings that are killed and go on, and trainings on several hosts."""

import re
import threading

import numpy as np
import pytest
import scipy.sparse as sp

from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.pca import readings
from lakemill.algorithms.pca.spec import SPEC
from lakemill.formats import mxnet
from tests.unit.algorithms import trainings
from tests.unit.algorithms.trainings import ArrayDataset, Fragile, Killed, on_hosts

MODES = pytest.mark.parametrize("mode", ["regular", "randomized"])
FORMS = pytest.mark.parametrize("form", [np.asarray, sp.csr_matrix], ids=["dense", "sparse"])


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(readings, "READ_BYTES", 1)


@FORMS
@pytest.mark.parametrize("offset", [0, 1000])
@pytest.mark.parametrize(
    ("mode", "killed_after"),
    [("regular", 3), ("randomized", 3), ("randomized", 5), ("randomized", 6), ("randomized", 14)],
)
def test_a_killed_training_goes_on_to_the_very_same_model(
    run_training, table, tmp_path, mode, killed_after, form, offset
):
    points, settings = form(table + np.float32(offset)), {"num_components": 3, "algorithm_mode": mode}
    whole = run_training({"train": points}, **settings).model.read_bytes()
    with pytest.raises(Killed):
        run_training({"train": Fragile(points, killed_after)}, checkpoints=tmp_path / "kept", **settings)
    again = []
    monitored = Watched(points, again)
    done = run_training({"train": monitored}, checkpoints=tmp_path / "kept", **settings)
    assert f"Resuming from the checkpoint of step {killed_after + killed_after // 5}" in done.text
    assert len(again) == (5 if mode == "regular" else 15) - killed_after // 5 * 5
    assert done.model.read_bytes() == whole


class Watched(ArrayDataset):
    """A channel that notes every block it gives."""

    def __init__(self, features, noted):
        super().__init__(features)
        self._noted = noted

    def blocks(self, rows):
        for block in super().blocks(rows):
            self._noted.append(len(block))
            yield block


class Streamed(Fragile):
    streamed = True


def test_a_streamed_channel_is_read_once(run_training, table):
    done = run_training({"train": Streamed(table, 5)}, num_components=3, algorithm_mode="randomized")
    exact = np.linalg.svd(table - table.mean(axis=0), compute_uv=False)[2::-1]
    np.testing.assert_allclose(done.s, exact, rtol=1e-4)


@pytest.mark.parametrize("stopped_after", [2, 7])
def test_a_stopped_training_gives_what_the_last_whole_reading_found(run_training, table, tmp_path, stopped_after):
    stopping = threading.Event()

    class Stopping(ArrayDataset):
        count = 0

        def blocks(self, rows):
            for block in super().blocks(rows):
                Stopping.count += 1
                if Stopping.count == stopped_after:
                    stopping.set()
                yield block

    wide = np.random.default_rng(0).normal(size=(500, 60)).astype(np.float32) + 1
    settings = {"num_components": 2, "algorithm_mode": "randomized", "mini_batch_size": 100}
    done = run_training({"train": Stopping(wide)}, stopping=stopping, **settings)
    assert f"Stopping early; {stopped_after % 5 * 100} records were read" in done.text
    seen = wide if stopped_after > 5 else wide[:200]
    np.testing.assert_allclose(done.mean[0], seen.mean(axis=0), rtol=1e-4)
    assert done.v.shape == (60, 2)


def test_hosts_go_on_from_the_last_reading_that_all_have(table, tmp_path):
    shards, mode = [table[:300], table[300:]], {"algorithm_mode": "randomized"}
    whole = trained_on_hosts(tmp_path, shards, **mode)[0].model.read_bytes()
    kept = tmp_path / "kept"
    with pytest.raises(Killed):
        trained_on_hosts(tmp_path, [Fragile(shard, 5) for shard in shards], checkpoints=kept, **mode)
    resumed = trained_on_hosts(tmp_path, shards, checkpoints=kept, **mode)
    assert all("Resuming from the checkpoint of step 1" in one.text for one in resumed)
    assert resumed[0].model.read_bytes() == whole


def trained_on_hosts(folder, shards, test=None, **settings):
    """Every host's finished training."""

    def work(collective):
        channels = {"train": shards[collective.rank], **({} if test is None else {"test": test[collective.rank]})}
        given = {"feature_dim": trainings.width(shards[0]), "mini_batch_size": 100, "num_components": 3, **settings}
        return trainings.run(SPEC, folder / f"host{collective.rank}", channels, collective=collective, **given)

    return on_hosts(len(shards), work)


@MODES
@pytest.mark.parametrize("subtract_mean", [True, False])
@pytest.mark.parametrize("offset", [0, 1e5])
def test_three_hosts_find_what_one_does(run_training, table, tmp_path, mode, subtract_mean, offset):
    points = table + np.float32(offset)
    settings = {"algorithm_mode": mode, "subtract_mean": subtract_mean}
    alone = run_training({"train": points}, num_components=3, **settings)
    first, *others = trained_on_hosts(tmp_path, [points[:90], points[:0], points[90:]], **settings)
    found = mxnet.read(first.model)
    assert not any(other.model.exists() for other in others)
    np.testing.assert_allclose(found["mean"], alone.mean, rtol=1e-6)
    np.testing.assert_allclose(found["s"], alone.s, rtol=2e-3 if offset and not subtract_mean else 1e-4)
    strongest = found["v"][:, -1] @ alone.v[:, -1]
    assert abs(strongest) == pytest.approx(1, abs=1e-4)


@MODES
def test_dense_shards_and_sparse_ones_go_together(run_training, table, tmp_path, mode):
    alone = run_training({"train": table}, num_components=3, algorithm_mode=mode)
    first, _ = trained_on_hosts(tmp_path, [table[:200], sp.csr_matrix(table[200:])], algorithm_mode=mode)
    np.testing.assert_allclose(mxnet.read(first.model)["s"], alone.s, rtol=1e-4)


def test_every_host_reports_the_error_of_all_test_records(run_training, table, tmp_path):
    alone = run_training({"train": table, "test": table}, num_components=3).text
    done = trained_on_hosts(tmp_path, [table[:90], table[90:]], test=[table[:400], table[400:]])
    errors = [
        float(re.search(r"'reconstruction_error', (\S+)\)", text)[1]) for text in (alone, *(d.text for d in done))
    ]
    np.testing.assert_allclose(errors, errors[0], rtol=1e-4)


def test_no_host_has_a_record(table, tmp_path):
    with pytest.raises(CustomerError, match="holds no records"):
        trained_on_hosts(tmp_path, [table[:0], table[:0]])
