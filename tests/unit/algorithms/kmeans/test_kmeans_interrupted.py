"""Trainings that are killed and go on, and trainings on several hosts."""

import numpy as np
import pytest
import scipy.sparse as sp

from lakemill.algorithms.errors import CustomerError
from lakemill.algorithms.kmeans.assignment import nearest
from lakemill.algorithms.kmeans.hosts import merged
from lakemill.algorithms.kmeans.spec import SPEC
from lakemill.algorithms.kmeans.streaming import CenterState
from lakemill.formats import mxnet
from tests.unit.algorithms import trainings
from tests.unit.algorithms.trainings import Fragile, Killed, on_hosts

EPOCHS, BATCHES = 3, 6


@pytest.mark.parametrize("half_life", [0, 1000])
@pytest.mark.parametrize("form", [np.asarray, sp.csr_matrix], ids=["dense", "sparse"])
@pytest.mark.parametrize("killed_after", [1, 4, BATCHES, BATCHES + 1, 2 * BATCHES + 3])
def test_a_killed_training_goes_on_to_the_very_same_model(
    run_training, blobs, tmp_path, monkeypatch, killed_after, half_life, form
):
    settings = {"k": 5, "mini_batch_size": 100, "epochs": EPOCHS, "half_life_time_size": half_life}
    points = form(blobs)
    whole = run_training({"train": points}, **settings).model.read_bytes()
    with pytest.raises(Killed):
        run_training({"train": Fragile(points, killed_after)}, checkpoints=tmp_path / "kept", **settings)
    taken = []
    update = CenterState.update
    monkeypatch.setattr(CenterState, "update", lambda *a, **b: taken.append(1) or update(*a, **b))
    done = run_training({"train": points}, checkpoints=tmp_path / "kept", **settings)
    assert "Resuming from the checkpoint of step" in done.text
    assert len(taken) == EPOCHS * BATCHES - killed_after
    assert done.model.read_bytes() == whole


def test_a_sample_that_had_to_shrink_is_drawn_again_after_a_kill(run_training, blobs, tmp_path, monkeypatch):
    monkeypatch.setattr("lakemill.algorithms.kmeans.passes.SAMPLE_BYTES_MAX", blobs.nbytes // 3)
    settings = {"k": 3, "mini_batch_size": 50, "epochs": 2}
    whole = run_training({"train": blobs}, **settings).model.read_bytes()
    with pytest.raises(Killed):
        run_training({"train": Fragile(blobs, 15)}, checkpoints=tmp_path / "kept", **settings)
    assert run_training({"train": blobs}, checkpoints=tmp_path / "kept", **settings).model.read_bytes() == whole


def test_a_checkpoint_of_other_data_is_noticed(run_training, blobs, tmp_path):
    with pytest.raises(Killed):
        run_training({"train": Fragile(blobs, 5)}, checkpoints=tmp_path / "kept", k=3, mini_batch_size=100)
    with pytest.raises(CustomerError, match="fewer records than the checkpoint"):
        run_training({"train": blobs[:200]}, checkpoints=tmp_path / "kept", k=3, mini_batch_size=100)


def trained_on_hosts(folder, shards, test=None, **settings):
    """Every host's finished training."""

    def work(collective):
        channels = {"train": shards[collective.rank], **({} if test is None else {"test": test[collective.rank]})}
        given = {"feature_dim": shards[0].shape[1], **settings}
        where = folder / f"host{collective.rank}"
        return trainings.run(SPEC, where, channels, collective=collective, **given)

    return on_hosts(len(shards), work)


def test_sorted_shards_on_three_hosts_are_clustered_as_well_as_by_one(run_training, fashion, tmp_path):
    points, held = fashion[0][:3000], fashion[1][:1000]
    alone = run_training({"train": points}, k=10, mini_batch_size=500).centers
    shards = np.array_split(points[np.argsort(points.mean(axis=1))], 3)
    first, *others = trained_on_hosts(tmp_path, shards, k=10, mini_batch_size=500)
    (centers,) = mxnet.read(first.model)
    assert not any(other.model.exists() for other in others)
    assert "shrinking 300 centers into 10" in first.text
    assert nearest(held, centers)[1].mean() <= 1.01 * nearest(held, alone)[1].mean()


def test_a_host_without_records_changes_nothing_and_all_without_fail(blobs, tmp_path):
    nothing = blobs[:0]
    done = trained_on_hosts(tmp_path, [nothing, blobs, nothing], k=3, epochs=2)
    (centers,) = mxnet.read(done[0].model)
    assert nearest(blobs, centers)[1].mean() < 4.3
    with pytest.raises(CustomerError, match="holds no records"):
        trained_on_hosts(tmp_path, [nothing, nothing], k=3)


def test_k_may_be_more_than_one_hosts_records_but_not_more_than_all(blobs, tmp_path):
    done = trained_on_hosts(tmp_path, [blobs[:4], blobs[4:8]], k=8)
    (centers,) = mxnet.read(done[0].model)
    assert sorted(centers.tolist()) == sorted(blobs[:8].tolist())
    with pytest.raises(CustomerError, match="8 records, fewer than k=9"):
        trained_on_hosts(tmp_path, [blobs[:4], blobs[4:8]], k=9)


@pytest.mark.parametrize("copies", [False, True], ids=["sharded", "replicated"])
def test_every_host_reports_the_scores_of_all_test_records(blobs, tmp_path, copies):
    test = [blobs, blobs] if copies else [blobs[:100], blobs[100:]]
    done = trained_on_hosts(tmp_path, [blobs[:300], blobs[300:]], test, k=3, eval_metrics='["msd","ssd"]')
    (centers,) = mxnet.read(done[0].model)
    expected = nearest(blobs, centers)[1]
    for one in done:
        found = dict(line.split("('")[1].rstrip(")").split("', ") for line in one.text.splitlines() if "_score" in line)
        assert float(found["msd"]) == pytest.approx(expected.mean(), rel=1e-4)
        assert float(found["ssd"]) == pytest.approx(expected.sum(), rel=1e-4)


def test_hosts_go_on_from_the_last_epoch_that_all_have(blobs, tmp_path):
    shards = [blobs[:300], blobs[300:]]
    settings = {"feature_dim": 4, "k": 3, "mini_batch_size": 100, "epochs": EPOCHS}

    def work(collective, killed_after=1000):
        train = Fragile(shards[collective.rank], killed_after + collective.rank)
        where, kept = tmp_path / f"host{collective.rank}", tmp_path / "kept"
        return trainings.run(SPEC, where, {"train": train}, collective=collective, checkpoints=kept, **settings)

    whole = trained_on_hosts(tmp_path / "whole", shards, k=3, mini_batch_size=100, epochs=EPOCHS)[0]
    with pytest.raises(Killed):
        on_hosts(2, lambda collective: work(collective, killed_after=5))  # One has finished two epochs, one has not.
    resumed = on_hosts(2, work)
    assert all("Resuming from the checkpoint of step 1" in one.text for one in resumed)
    assert resumed[0].model.read_bytes() == whole.model.read_bytes()


@pytest.mark.parametrize("form", [np.asarray, sp.csr_matrix], ids=["dense", "sparse"])
def test_the_joined_sample_takes_no_more_room_than_one(blobs, form):
    most = 4 * blobs.nbytes

    def work(collective):
        random = np.random.default_rng(collective.rank)
        state = None
        for _ in range(40):
            points = form(blobs + np.float32(100 * collective.rank))
            state = state or CenterState.begin(points, 5, "random", half_life=0, random=random, sample_bytes=most)
            state.update(points)
        joined = merged(state, collective)
        return joined.seen, joined.sample

    (seen, sample), (_, left) = on_hosts(2, work)
    assert seen == 2 * 40 * len(blobs)
    assert 0.7 * most < sample.bytes <= most
    # A host's points are half of the sample, as they are of what was read.
    share = np.mean(np.concatenate([part.mean(axis=1) for part in map(np.asarray, map(_dense, sample.parts()))]) > 50)
    assert share == pytest.approx(0.5, abs=0.05)
    assert len(left) < len(sample)


def _dense(points):
    return points if isinstance(points, np.ndarray) else points.toarray()
