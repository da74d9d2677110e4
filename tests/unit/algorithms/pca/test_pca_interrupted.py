"""Trainings that are killed and go on, and trainings on several hosts."""

import re

import numpy as np
import pytest
import scipy.sparse as sp

from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.pca import train
from lakemill.algorithms.pca.spec import SPEC
from lakemill.formats import mxnet
from tests.unit.algorithms import trainings
from tests.unit.algorithms.trainings import Fragile, Killed, on_hosts

MODES = pytest.mark.parametrize("mode", ["regular", "randomized"])
FORMS = pytest.mark.parametrize("form", [np.asarray, sp.csr_matrix], ids=["dense", "sparse"])


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(train, "READ_BYTES", 1)


@MODES
@FORMS
@pytest.mark.parametrize("offset", [0, 1000])
def test_a_killed_training_goes_on_to_the_very_same_model(run_training, table, tmp_path, mode, form, offset):
    points, settings = form(table + np.float32(offset)), {"num_components": 3, "algorithm_mode": mode}
    whole = run_training({"train": points}, **settings).model.read_bytes()
    with pytest.raises(Killed):
        run_training({"train": Fragile(points, 3)}, checkpoints=tmp_path / "kept", **settings)
    done = run_training({"train": Fragile(points, 5)}, checkpoints=tmp_path / "kept", **settings)
    assert "Resuming from the checkpoint of step 3" in done.text
    assert done.model.read_bytes() == whole


def trained_on_hosts(folder, shards, test=None, **settings):
    """Every host's finished training."""

    def work(collective):
        channels = {"train": shards[collective.rank], **({} if test is None else {"test": test[collective.rank]})}
        given = {"feature_dim": shards[0].shape[1], "mini_batch_size": 100, "num_components": 3, **settings}
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
