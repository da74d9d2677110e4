"""What trainings over blocks share."""

import io

import numpy as np
import pytest
import scipy.sparse as sp

from lakemill.algorithms import training
from lakemill.algorithms.checkpoints import Checkpoints
from lakemill.algorithms.contract import SingleHost, TrainingContext
from lakemill.algorithms.errors import CustomerError
from lakemill.container.trainlog import StandardTrainingLog
from lakemill.formats.block import Block
from tests.unit.algorithms.trainings import on_hosts


@pytest.mark.parametrize("form", [np.asarray, sp.csr_matrix], ids=["dense", "sparse"])
def test_features_are_checked_for_width_and_finite_numbers(form):
    block = Block(form(np.float32([[1, 0], [0, np.nan]])))
    with pytest.raises(CustomerError, match=r"data \(2\) does not match the hyperparameter feature_dim \(3\)"):
        training.features(block, 3, "k-means")
    with pytest.raises(CustomerError, match="NaN or infinite values; k-means needs finite numbers"):
        training.features(block, 2, "k-means")
    good = block.take(slice(0, 1))
    assert training.features(good, 2, "k-means") is good.features


def context(folder, collective=None, out=None):
    log = StandardTrainingLog("any", out=out or io.StringIO())
    collective = collective or SingleHost()
    checkpoints = Checkpoints(folder, f"algo-{collective.rank + 1}", gather=collective.gather)
    return TrainingContext({"n": "auto", "m": 3}, {}, folder, folder, log, collective=collective,
                           checkpoints=checkpoints)  # fmt: skip


def test_auto_is_told_and_a_given_value_is_not(tmp_path):
    out = io.StringIO()
    made = context(tmp_path, out=out)
    assert (training.auto(made, "n", 10), training.auto(made, "m", 10)) == (10, 3)
    assert out.getvalue().endswith("'n' was set to 'auto', evaluated to 10.\n")
    assert "'m'" not in out.getvalue()


def test_a_checkpoint_is_found_again_and_told(tmp_path):
    assert training.resumed(context(tmp_path)) is None
    training.save(context(tmp_path), 4, {"a": np.arange(3)}, {"blocks": 7})
    out = io.StringIO()
    saved = training.resumed(context(tmp_path, out=out))
    assert (saved.facts["blocks"], saved.arrays["a"].tolist()) == (7, [0, 1, 2])
    assert "Resuming from the checkpoint of step 4" in out.getvalue()


def test_a_checkpoint_of_several_hosts_is_refused_by_one(tmp_path):
    on_hosts(2, lambda collective: training.save(context(tmp_path, collective), 1, {}, {}))
    with pytest.raises(CustomerError, match="on 2 instances, and this one has 1"):
        training.resumed(context(tmp_path))


def test_a_pass_goes_on_behind_the_blocks_taken_in():
    blocks = [Block(np.full((2, 1), number)) for number in range(4)]
    assert [block.features[0, 0] for block in training.rest(blocks, 3)] == [3]
    assert list(training.rest(blocks, 4)) == []
    again = []
    assert [block.features[0, 0] for block in training.rest(blocks, 2, again.append)] == [2, 3]
    assert [block.features[0, 0] for block in again] == [0, 1]
    with pytest.raises(CustomerError, match="fewer records than the checkpoint"):
        training.rest(blocks, 5)


def test_hosts_add_up_what_they_read_and_count_copies_once():
    assert on_hosts(2, lambda host: training.totals(host, [host.rank, 5]).tolist()) == [[1, 10]] * 2
    assert on_hosts(2, lambda host: training.totals(host, [2.5, 5]).tolist()) == [[2.5, 5]] * 2


def test_one_host_is_enough_for_all_to_stop():
    assert on_hosts(3, lambda host: training.any_host(host, host.rank == 1)) == [True] * 3
    assert on_hosts(3, lambda host: training.any_host(host, False)) == [False] * 3
